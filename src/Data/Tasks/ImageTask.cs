using System.Runtime.InteropServices;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Data;

/// <summary>The images and labels of a task, in training, validation and test parts; immutable.</summary>
public interface IImageSource
{
    /// <summary>Channels and side of an image.</summary>
    (int Channels, int Side) Shape { get; }

    /// <summary>How many images a part has.</summary>
    int Count(Split split);

    /// <summary>Writes a batch. A source that augments draws from <paramref name="rng"/>, image by image.</summary>
    /// <param name="split">The part.</param>
    /// <param name="indices">B positions in the part.</param>
    /// <param name="images">[B, Channels, Side, Side].</param>
    /// <param name="labels">[B].</param>
    /// <param name="rng">Random numbers for the augmentation.</param>
    void Fill(Split split, ReadOnlySpan<int> indices, Span<float> images, Span<long> labels, Rng rng);
}

/// <summary>Image classification as a task: minibatches, cross-entropy, error rate. The base of image tasks.</summary>
/// <param name="id">Names the task in records.</param>
/// <param name="source">Where images come from.</param>
/// <param name="classes">Number of classes, which is the size of the one head.</param>
public class ImageTask(string id, IImageSource source, int classes) : ITask
{
    /// <summary>Images in a training or validation batch.</summary>
    public int BatchSize { get; init; } = 20;

    /// <summary>
    /// Images in one shuffled training pass, or 0 for each image once. A pass is a permutation of 0 .. length-1, taken
    /// modulo the number of training images. When a pass is used up, the next one is drawn. A batch may contain the end
    /// of one pass and the start of the next.
    /// </summary>
    public int PassLength { get; init; }

    /// <summary>How many validation images a score uses, or 0 for all. It is always the first ones.</summary>
    public int ValidationSubset { get; init; }

    /// <summary>Images in one batch when a score is computed.</summary>
    public int ScoreBatchSize { get; init; } = 500;

    /// <summary>Where images come from.</summary>
    public IImageSource Source => source;

    /// <summary>Whether the head is meta-learned too, which needs one number of classes, or always new.</summary>
    public bool SharedHead { get; init; }

    public TaskInfo Info => _info ??= CreateInfo();

    private TaskInfo? _info;

    private TaskInfo CreateInfo()
    {
        var (channels, side) = source.Shape;
        var passLength = PassLength > 0 ? PassLength : source.Count(Split.Train);
        return new(id, [channels, side, side], [new Head("classes", classes) { Shared = SharedHead }])
        {
            StepsPerEpoch = (passLength + BatchSize - 1) / Math.Max(1, BatchSize),
        };
    }

    public ITaskStream Open(Rng rng, Device device) => new ImageStream(this, rng, device);
}

/// <summary>A minibatch of images and labels. Once a loss was computed from it, it also has the error rate.</summary>
public sealed class ImageBatch(Tensor images, Tensor labels) : ILabelledBatch
{
    private readonly Dictionary<string, double> _metrics = [];

    /// <summary>[B, C, H, W], float, in channels-last memory order (B, H, W, C).</summary>
    public Tensor Images => images;

    public Tensor Inputs => images;

    Tensor? IBatch.Inputs => images;

    /// <summary>[B], int64.</summary>
    public Tensor Labels => labels;

    public long Count { get; } = labels.shape[0];
    public IReadOnlyDictionary<string, double> Metrics => _metrics;
    public void Record(string metric, double value) => _metrics[metric] = value;

    public void Dispose()
    {
        images.Dispose();
        labels.Dispose();
    }
}

/// <summary>The minibatches and scores of one learning process: random streams and positions in passes.</summary>
/// <remarks>
/// Each score draws its augmentation from the same separate random stream. So scores can be compared with each other,
/// and computing one does not change the training batches.
/// </remarks>
internal sealed class ImageStream : ITaskStream
{
    private readonly ImageTask _task;
    private readonly Device _device;
    private readonly Rng _scoreRng;
    private readonly ShuffledPasses[] _passes;
    private Rng _augmentation;

    public ImageStream(ImageTask task, Rng rng, Device device)
    {
        (_task, _device) = (task, device);
        (_scoreRng, _augmentation) = (rng.Split("scores"), rng.Split("augmentation"));
        foreach (var split in Enum.GetValues<Split>())
            if (task.Source.Count(split) < 1)
                throw new RlLeapException($"{task.Info.Id} has no {split.ToString().ToLowerInvariant()} images.");
        if (task.BatchSize < 1)
            throw new RlLeapException(
                $"{task.Info.Id}: a batch has at least one image; {task.BatchSize} are asked for.");
        _passes = [.. Enum.GetValues<Split>().Select(split =>
        {
            var count = task.Source.Count(split);
            var length = split == Split.Train && task.PassLength > 0 ? task.PassLength : count;
            return new ShuffledPasses(rng.Split("order", (long)split), length, count);
        })];
    }

    public IBatch NextBatch(Model model, Split split = Split.Train)
    {
        Span<int> indices = _task.BatchSize <= 512 ? stackalloc int[_task.BatchSize] : new int[_task.BatchSize];
        foreach (ref var index in indices) index = _passes[(int)split].Next();
        return Batch(split, indices, model.DType, _augmentation);
    }

    public Tensor Loss(Model model, IBatch batch)
    {
        var images = (ImageBatch)batch;
        var logits = model.Output(images.Images);
        images.RecordError(logits);
        return F.cross_entropy(logits, images.Labels);
    }

    public IReadOnlyDictionary<string, double> Score(Model model, Split split)
    {
        var count = _task.Source.Count(split);
        if (split == Split.Validation && _task.ValidationSubset > 0) count = Math.Min(count, _task.ValidationSubset);
        var rng = _scoreRng.Split(split.ToString());
        var training = model.Training;
        model.Training = false;
        try
        {
            using var _ = no_grad();
            var (loss, wrong) = (0.0, 0L);
            var indices = Enumerable.Range(0, count).ToArray();
            for (var at = 0; at < count; at += _task.ScoreBatchSize)
            {
                using var scope = NewDisposeScope();
                using var batch = Batch(split, indices.AsSpan(at, Math.Min(_task.ScoreBatchSize, count - at)),
                    model.DType, rng);
                var logits = model.Output(batch.Images);
                loss += F.cross_entropy(logits, batch.Labels).to_type(ScalarType.Float64).item<double>() * batch.Count;
                wrong += logits.argmax(1).ne(batch.Labels).sum().item<long>();
            }
            return new Dictionary<string, double> { ["loss"] = loss / count, ["error"] = wrong / (double)count };
        }
        finally { model.Training = training; }
    }

    public bool CanSave => true;

    public byte[] Save() => [.. _augmentation.SaveState(), .. _passes.SelectMany(passes => passes.Save())];

    public void Restore(ReadOnlySpan<byte> state)
    {
        const int rng = 64;
        var expected = rng + _passes.Length * ShuffledPasses.StateBytes;
        if (state.Length != expected)
            throw new RlLeapException($"{_task.Info.Id}: a saved stream has {expected} bytes, not {state.Length}; " +
                "it was saved by another kind of task.");
        _augmentation = Rng.FromState(state[..rng]);
        for (var i = 0; i < _passes.Length; i++)
            _passes[i].Restore(state.Slice(rng + i * ShuffledPasses.StateBytes, ShuffledPasses.StateBytes));
    }

    public void Dispose() { }

    private ImageBatch Batch(Split split, ReadOnlySpan<int> indices, ScalarType dtype, Rng rng)
    {
        var (channels, side) = _task.Source.Shape;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        // The source writes into the tensors' own memory, so a batch on the CPU is never copied.
        var images = empty([indices.Length, channels, side, side], ScalarType.Float32);
        var labels = empty([indices.Length], ScalarType.Int64);
        _task.Source.Fill(split, indices, MemoryMarshal.Cast<byte, float>(images.bytes),
            MemoryMarshal.Cast<byte, long>(labels.bytes), rng);
        // Convolutions on CPUs are faster with channels-last strides. With one channel only the strides differ.
        images = channels == 1
            ? images.as_strided([indices.Length, 1, side, side], [(long)side * side, 1, side, 1])
            : images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        return new ImageBatch(images.to(_device).to_type(dtype).MoveToOuterDisposeScope(),
            labels.to(_device).MoveToOuterDisposeScope());
    }

    // Shuffled passes over a part. The saved state is the random stream before the current pass and the position in it.
    private sealed class ShuffledPasses(Rng rng, int length, int count)
    {
        public const int StateBytes = 64 + 4;

        private byte[] _before = rng.SaveState();
        private Rng _rng = rng;
        private int[] _pass = [];
        private int _at;

        public int Next()
        {
            if (_at == _pass.Length)
            {
                _before = _rng.SaveState();
                (_pass, _at) = (_rng.Permutation(length), 0);
            }
            return _pass[_at++] % count;
        }

        public byte[] Save() => [.. _before, .. BitConverter.GetBytes(_at)];

        public void Restore(ReadOnlySpan<byte> state)
        {
            (_before, _rng) = (state[..64].ToArray(), Rng.FromState(state[..64]));
            _at = BitConverter.ToInt32(state[64..]);
            if (_at < 0 || _at > length)
                throw new RlLeapException(
                    $"A saved position of {_at} lies outside a pass of {length}; the checkpoint is damaged.");
            _pass = _at == 0 ? [] : _rng.Permutation(length);
        }
    }
}

using static TorchSharp.torch;

namespace RlLeap.Data;

/// <summary>Episodes from classes of images.</summary>
/// <remarks>
/// All images lie in one tensor of bytes, with rotated copies as further classes where asked for. An episode is one
/// selection of rows of it. A class's rotated copies are in the same split as the class.
/// </remarks>
public sealed class EpisodeImages : IClassSource, IDisposable
{
    private readonly Tensor _pixels; // [images x rotations, C, S, S], bytes
    private readonly (int First, int Count)[] _classes;
    private readonly int[][] _splits;
    private readonly int[] _smallest; // the class with the fewest images, for each split; -1 where it has none
    private readonly string[] _names;

    /// <summary>Episodes from a set.</summary>
    /// <param name="set">The images.</param>
    /// <param name="rng">Draws the split, where it is not named.</param>
    /// <param name="split">How the classes are divided; null for the set's own division, or the default.</param>
    /// <param name="rotations">
    /// Whether every class turned by 90, 180 and 270 degrees counts as three more classes, in all splits.
    /// </param>
    /// <exception cref="RlLeapException">The split cannot be made.</exception>
    public EpisodeImages(ImageClasses set, Rng rng, ClassSplitOptions? split = null, bool rotations = false)
    {
        (Name, Rotations) = (set.Name, rotations ? 4 : 1);
        InputShape = [set.Channels, set.Side, set.Side];
        if (set.Split is not null && split is { IsGiven: true })
            throw new RlLeapException($"{set.Name} comes with its own split (folders train, val and test): "
                + "leave out the split, or put all classes into one folder.");
        Split = ClassSplit.Of(set.Name, [.. set.Classes.Select(c => c.Name)], rng, set.Split ?? split);

        var (images, classes) = (set.Classes.Sum(c => c.Count), set.Classes.Count);
        (_classes, _names) = (new (int, int)[classes * Rotations], new string[classes * Rotations]);
        for (var turn = 0; turn < Rotations; turn++)
            for (var (i, first) = (0, turn * images); i < classes; first += set.Classes[i++].Count)
            {
                _classes[turn * classes + i] = (first, set.Classes[i].Count);
                _names[turn * classes + i] = set.Classes[i].Name + (turn == 0 ? "" : $" turned by {90 * turn}");
            }
        _splits = [.. Enum.GetValues<Split>().Select(part => Split[part]
            .SelectMany(c => Enumerable.Range(0, Rotations).Select(turn => turn * classes + c)).ToArray())];

        _smallest = [.. _splits.Select(part => part.Length == 0 ? -1 : part.MinBy(c => _classes[c].Count))];

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var upright = tensor(set.Pixels, [images, set.Channels, set.Side, set.Side]);
        _pixels = (rotations ? cat([.. Enumerable.Range(0, Rotations).Select(turn => rot90(upright, turn, (2, 3)))], 0)
            : upright).contiguous().DetachFromDisposeScope();
    }

    public string Name { get; }
    public long[] InputShape { get; }

    /// <summary>1, or 4 where rotated copies of a class are classes of their own.</summary>
    public int Rotations { get; }

    /// <summary>The classes of each part, before rotations.</summary>
    public ClassSplit Split { get; }

    /// <summary>Classes of a part, rotated copies included.</summary>
    public int ClassCount(Split split) => _splits[(int)split].Length;

    /// <summary>The name of a class (<see cref="Episode.Classes"/>): "Greek/character03 turned by 90".</summary>
    public string NameOf(int number) => _names[number];

    public void Require(Split split, EpisodeShape shape)
    {
        var (classes, part) = (_splits[(int)split], split.ToString().ToLowerInvariant());
        if (classes.Length < shape.Way)
            throw new RlLeapException($"{Name} has {classes.Length} {part} classes; episodes of {shape} need "
                + $"{shape.Way}. Take a smaller way, or give the {part} part more classes.");
        var needed = shape.Shot + shape.Query;
        var smallest = _smallest[(int)split];
        if (_classes[smallest].Count < needed)
            throw new RlLeapException($"{Name}: the {part} class {_names[smallest]} has {_classes[smallest].Count} "
                + $"images; {shape.Shot} support and {shape.Query} query images need {needed}. "
                + "Take fewer, or leave the class out.");
    }

    public Episode Draw(
        Split split, EpisodeShape shape, Rng rng, Device device, ScalarType dtype = ScalarType.Float32)
    {
        Require(split, shape);
        return Draw(_splits[(int)split], shape, rng, device, dtype);
    }

    public Episode Draw(
        IReadOnlyList<int> classes, EpisodeShape shape, Rng rng, Device device, ScalarType dtype = ScalarType.Float32)
    {
        if (classes.Count < shape.Way)
            throw new RlLeapException($"{Name}: an episode of {shape} cannot be drawn from {classes.Count} classes.");
        return EpisodeOf([.. Sample(rng, classes.Count, shape.Way).Select(i => classes[i])], shape, rng, device, dtype);
    }

    public ITask Classification(int batchSize) =>
        new ImageTask($"classes/{Name}", new ClassImages(_pixels, [.. TrainClasses.Select(c => _classes[c])]),
            TrainClasses.Length)
        { BatchSize = batchSize };

    private int[] TrainClasses => _splits[(int)RlLeap.Split.Train];

    private Episode EpisodeOf(int[] classes, EpisodeShape shape, Rng rng, Device device, ScalarType dtype)
    {
        var rows = new long[shape.SupportCount + shape.QueryCount];
        for (var c = 0; c < classes.Length; c++)
        {
            var (first, count) = _classes[classes[c]];
            var images = Sample(rng, count, shape.Shot + shape.Query);
            for (var i = 0; i < images.Length; i++)
                rows[i < shape.Shot
                    ? c * shape.Shot + i
                    : shape.SupportCount + c * shape.Query + i - shape.Shot] = first + images[i];
        }
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var bytes = _pixels.index_select(0, tensor(rows));
        var (channels, side) = (InputShape[0], InputShape[1]);
        // Convolutions on CPUs are faster with channels-last strides. With one channel only the strides differ.
        var images4 = bytes.to(device).to_type(dtype).div_(255);
        images4 = channels == 1
            ? images4.as_strided([rows.Length, 1, side, side], [side * side, 1, side, 1])
            : images4.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        return new Episode(shape, images4, classes);
    }

    /// <summary>Frees the images.</summary>
    public void Dispose() => _pixels.Dispose();

    // The first numbers of a shuffle of 0 .. count-1, without the rest of it.
    private static int[] Sample(Rng rng, int count, int wanted)
    {
        var moved = new Dictionary<int, int>();
        var sample = new int[wanted];
        for (var i = 0; i < wanted; i++)
        {
            var at = i + rng.NextInt(count - i);
            sample[i] = moved.GetValueOrDefault(at, at);
            moved[at] = moved.GetValueOrDefault(i, i);
        }
        return sample;
    }
}

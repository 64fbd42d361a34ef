using System.Globalization;

namespace RlLeap.MetaLearning;

/// <summary>One episode as a task: learn from its support images, with a linear head of one output a class.</summary>
/// <remarks>
/// <para>
/// Every stream that is opened has an episode of its own, drawn from the stream's random numbers. So the methods that
/// train task by task (MAML, Reptile, Leap) see a new episode in each training. A training batch is all of the support
/// images, or <see cref="SupportBatch"/> of them; a validation or test batch is all of the query images.
/// </para>
/// <para>
/// Queries are normalized by the statistics of the support images, unless <see cref="Transductive"/> is set.
/// </para>
/// </remarks>
/// <param name="source">Where episodes are drawn from.</param>
/// <param name="shape">Classes and images of each.</param>
/// <param name="split">Which classes.</param>
public sealed class EpisodeTask(IEpisodeSource source, EpisodeShape shape, Split split = Split.Train) : ITask
{
    /// <summary>Where episodes are drawn from.</summary>
    public IEpisodeSource Source => source;

    /// <summary>Classes and images of each.</summary>
    public EpisodeShape Shape => shape;

    /// <summary>
    /// Whether batch norm normalizes the queries by their own statistics. A prediction then depends on the other
    /// queries. The published numbers of MAML need it; a classifier that sees one image at a time cannot have it.
    /// </summary>
    public bool Transductive { get; init; }

    /// <summary>Whether the head is meta-learned with the encoder, or new for every episode.</summary>
    public bool SharedHead { get; init; } = true;

    /// <summary>
    /// Support images of a training batch, which pass through all of them in shuffled order, again and again; 0 for all
    /// at once. Reptile learns from the differences between the batches of a class.
    /// </summary>
    public int SupportBatch { get; init; }

    /// <summary>Shape of a comparing method's validation episodes; null for the training shape.</summary>
    public EpisodeShape? Validation { get; init; }

    /// <summary>How many validation episodes such a method is scored on after each meta-step; 0 for none.</summary>
    public int ValidationEpisodes { get; init; }

    /// <summary>The name under which the error on the validation episodes is recorded.</summary>
    public const string ValidationError = "validation.error";

    /// <summary>Draws the same episode for every stream; null for a new one each time.</summary>
    public Rng? FixedRng { get; init; }

    /// <summary>
    /// The classes that episodes are drawn from, by number (<see cref="Episode.Classes"/>); null for all of the split.
    /// They are part of the task's id.
    /// </summary>
    public IReadOnlyList<int>? Classes { get; init; }

    /// <summary>The same task, with episodes of these classes alone.</summary>
    public EpisodeTask Of(IReadOnlyList<int>? classes) => new(source, shape, split)
    {
        Transductive = Transductive, SharedHead = SharedHead, Validation = Validation,
        ValidationEpisodes = ValidationEpisodes, FixedRng = FixedRng, Classes = classes, SupportBatch = SupportBatch,
    };

    /// <summary>The classes in an id; null where it names none.</summary>
    public static IReadOnlyList<int>? ClassesIn(string id) => id.Split(ClassesMark) is [_, var list]
        ? [.. list.Split(',').Select(number => int.Parse(number, CultureInfo.InvariantCulture))] : null;

    /// <summary>A query batch's accuracy on a class, by the class's number.</summary>
    internal static string AccuracyOf(int number) => $"{AccuracyPrefix}{number}";

    /// <summary>A query batch's F1 on a class: the harmonic mean of precision and recall.</summary>
    internal static string F1Of(int number) => $"{F1Prefix}{number}";

    internal const string ClassPrefix = "class.", AccuracyPrefix = "class.accuracy.", F1Prefix = "class.f1.";

    private const string ClassesMark = "?classes=";

    public TaskInfo Info => new(
        $"few-shot/{source.Name}{(Classes is null ? "" : ClassesMark + string.Join(',', Classes))}", source.InputShape,
        [new Head("classes", shape.Way) { Shared = SharedHead }]);

    public ITaskStream Open(Rng rng, Device device)
    {
        source.Require(split, shape);
        var own = FixedRng is { } same ? Rng.FromState(same.SaveState()) : rng; // drawing moves the copy
        if (Classes is null)
            return new Stream(this, source.Draw(split, shape, own, device), own.Split("support batches"));
        if (source is not IClassSource named)
            throw new RlLeapException($"{source.Name} cannot draw episodes of named classes; an IClassSource can.");
        return new Stream(this, named.Draw(Classes, shape, own, device), own.Split("support batches"));
    }

    /// <remarks>What a batch holds depends on its number alone, so that the number is all there is to save.</remarks>
    private sealed class Stream(EpisodeTask task, Episode episode, Rng order) : ITaskStream
    {
        private long _drawn; // support images, where they come in batches
        private Tensor? _features; // of the support images, where training does not move the network

        public IBatch NextBatch(Model model, Split split = Split.Train)
        {
            if (split != Split.Train)
                return new Part(episode.QueryOf(episode.Images).to_type(model.DType), episode.QueryLabels, false);
            var (images, labels) = (episode.SupportOf(episode.Images).to_type(model.DType), episode.SupportLabels);
            if (task.SupportBatch == 0) return new Part(images, labels, isSupport: true);
            using var rows = tensor(NextRows(), device: labels.device);
            using var all = images;
            return new Part(all.index_select(0, rows), labels.index_select(0, rows), isSupport: true);
        }

        private long[] NextRows()
        {
            var (count, rows) = (episode.Shape.SupportCount, new long[task.SupportBatch]);
            for (var i = 0; i < rows.Length; i++, _drawn++)
                rows[i] = order.Split("pass", _drawn / count).Permutation(count)[(int)(_drawn % count)];
            return rows;
        }

        public Tensor Loss(Model model, IBatch batch)
        {
            var part = (Part)batch;
            var logits = !part.IsSupport ? Queries(model, part.Images)
                : task.SupportBatch == 0 && StandsStill(model) ? model.Output(0, Features(model, part.Images))
                : model.Output(part.Images);
            using (no_grad())
            using (var predicted = logits.argmax(1))
            using (var wrong = predicted.ne(part.Labels).sum())
            {
                part.Record("error", wrong.item<long>() / (double)part.Count);
                if (!part.IsSupport) RecordClasses(part, predicted);
            }
            return F.cross_entropy(logits, part.Labels);
        }

        // One pass serves all steps of a classifier that is trained alone.
        private Tensor Features(Model model, Tensor images)
        {
            if (_features is not null) return _features;
            using var _ = no_grad();
            return _features = model.Features(images).DetachFromDisposeScope();
        }

        // Frozen entries and meta ones do not change in a training. Where meta ones are differentiated, a loss needs
        // its graph.
        private static bool StandsStill(Model model)
        {
            if (!model.IsAtParameters || !model.Network.IsFunctional) return false;
            var (layout, views) = (model.Parameters.Layout, model.Parameters.Views);
            foreach (var entry in model.Network.Parameters)
            {
                var i = layout.IndexOf(entry.Name);
                var role = layout.Entries[i].Role;
                if (role == ParameterRole.Adapted || role == ParameterRole.Meta && views[i].requires_grad) return false;
            }
            return true;
        }

        // The rows of a class follow one another.
        private void RecordClasses(Part part, Tensor predicted)
        {
            using var here = predicted.cpu();
            var (labels, each) = (here.data<long>().ToArray(), episode.Shape.Query);
            for (var c = 0; c < episode.Shape.Way; c++)
            {
                var right = labels.AsSpan(c * each, each).Count(c);
                part.Record(AccuracyOf(episode.Classes[c]), right / (double)each);
                part.Record(F1Of(episode.Classes[c]), 2.0 * right / (each + labels.AsSpan().Count(c)));
            }
        }

        public IReadOnlyDictionary<string, double> Score(Model model, Split split)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            using var batch = NextBatch(model, split);
            var loss = Loss(model, batch).to_type(ScalarType.Float64).item<double>();
            return new Dictionary<string, double> { ["loss"] = loss, ["error"] = batch.Metrics["error"] };
        }

        public bool CanSave => true;

        // The episode is drawn anew from the same random numbers.
        public byte[] Save() => BitConverter.GetBytes(_drawn);

        public void Restore(ReadOnlySpan<byte> state) => _drawn = BitConverter.ToInt64(state);

        public void Dispose()
        {
            episode.Dispose();
            _features?.Dispose();
        }

        private Tensor Queries(Model model, Tensor images)
        {
            if (task.Transductive || model.Buffers.Layout.Count == 0) return model.Output(images);
            var pass = SupportStatistics.Of(model, episode.SupportOf(episode.Images).to_type(model.DType));
            return model.Outputs(model.Network.Forward(pass, images))[0];
        }
    }

    /// <summary>The support or the query images. The episode owns the memory.</summary>
    private sealed class Part(Tensor images, Tensor labels, bool isSupport) : IBatch
    {
        private readonly Dictionary<string, double> _metrics = [];

        public Tensor Images => images;

        public Tensor Labels => labels;

        public bool IsSupport => isSupport;

        public Tensor? Inputs => images;

        public long Count { get; } = labels.shape[0];

        public IReadOnlyDictionary<string, double> Metrics => _metrics;

        public void Record(string metric, double value) => _metrics[metric] = value;

        public void Dispose() => images.Dispose();
    }
}

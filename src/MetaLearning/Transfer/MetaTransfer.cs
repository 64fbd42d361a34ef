using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace RlLeap.MetaLearning;

/// <summary>What says how hard a class is.</summary>
public enum ClassMeasure
{
    /// <summary>The share of a class's queries that are classified correctly.</summary>
    Accuracy,
    /// <summary>The harmonic mean of precision and recall.</summary>
    F1,
}

/// <summary>
/// Meta-transfer learning: a pretrained encoder stands still, and scales and shifts of its weights are meta-learned.
/// </summary>
/// <remarks>
/// <para>Sun, Liu, Chua and Schiele 2019, arXiv 1812.02391. Theta is the encoder, pretrained and frozen
/// (<see cref="PretrainingOptions"/>, by the config's <c>from</c>). For each episode:</para>
/// <code>
/// theta'  = theta - beta * gradient of the support loss in theta, the classifier alone, as many steps as asked for
/// Phi    -= gamma * gradient of the query loss at theta' in Phi, the scales and shifts
/// theta  -= gamma * the same gradient in theta, where the next episode's classifier starts
/// </code>
/// <para>
/// Both gradients are averaged over the episodes of a meta-batch. They are of the first order, as in the authors' code.
/// </para>
/// <para>
/// The curriculum: every other meta-step draws its episodes from the classes that the one before did worst on.
/// </para>
/// </remarks>
public sealed record MetaTransferOptions : PerTaskMethod
{
    /// <summary>
    /// Whether scales and shifts are learned. Without them the classifier's start is all that is: the baseline of the
    /// paper's ablation.
    /// </summary>
    public bool ScaleShift { get; init; } = true;

    /// <summary>Factor on the meta-optimizer's rate for scales and shifts.</summary>
    [Range(0, double.PositiveInfinity)]
    public double ScaleShiftRate { get; init; } = 0.1;

    /// <summary>
    /// Classes of a meta-batch, those done worst on, that the next one's episodes are drawn from; 0 for no curriculum.
    /// At least as many as an episode has.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int HardClasses { get; init; }

    /// <summary>What says how hard a class is.</summary>
    public ClassMeasure Measure { get; init; }

    public override string Name => "meta-transfer";

    /// <summary>All roles: the encoder is frozen, scales and shifts are meta, the classifier is adapted.</summary>
    public override bool Supports(ParameterRole role) => true;

    public override PathObserver Observe(string taskId) => new OneGradient(taskId, ofTraining: false);

    public override Contribution Train(TaskRun run)
    {
        var observer = new OneGradient(run.Job.TaskId, ofTraining: false);
        using var learner = run.Begin(observer);
        var parameters = learner.Model.Parameters;
        parameters.Differentiate(ParameterRole.Meta, wanted: false); // base training moves the classifier alone
        run.Complete(learner);
        parameters.Differentiate(ParameterRole.Meta, wanted: true);

        using var scope = NewDisposeScope();
        using var batch = learner.Stream.NextBatch(learner.Model, Split.Validation);
        var loss = learner.Stream.Loss(learner.Model, batch);
        parameters.ZeroGradient();
        loss.backward();
        observer.Take(parameters.SharedGradient);
        var contribution = learner.Contribute();
        var metrics = new Dictionary<string, double>(contribution.Metrics) { ["query.error"] = batch.Metrics["error"] };
        if (HardClasses > 0)
            foreach (var (name, value) in batch.Metrics)
                if (name.StartsWith(PrefixOf(Measure), StringComparison.Ordinal)) metrics[name] = value;
        return contribution with { Metrics = metrics };
    }

    /// <summary>What stands before a class's number in the names of its measure.</summary>
    internal static string PrefixOf(ClassMeasure measure) =>
        measure == ClassMeasure.F1 ? EpisodeTask.F1Prefix : EpisodeTask.AccuracyPrefix;

    protected override void Check(MetaLearnerContext context)
    {
        if (context.Pool is not [EpisodeTask task] || !task.SharedHead)
            throw new RlLeapException("Meta-transfer learning learns from episodes with a classifier that all of them "
                + "start from: it needs one source of them as its only task (suite: few-shot, shared-head: true).");
        if (task.Transductive)
            throw new RlLeapException("Meta-transfer learning is never transductive: batch norm keeps the statistics "
                + "of pretraining. Leave few-shot.transductive out.");
        _ = new ScaleShiftNetwork(context.Network);
        if (HardClasses == 0) return;
        if (HardClasses < task.Shape.Way)
            throw new RlLeapException($"An episode {task.Shape} cannot be drawn from {HardClasses} hard classes. Give "
                + $"method.hard-classes at least {task.Shape.Way}, or 0 for no curriculum.");
        if (task.Source is not IClassSource)
            throw new RlLeapException($"{task.Source.Name} cannot draw episodes of named classes, which a curriculum "
                + "needs: an IClassSource can.");
    }

    protected internal override OptimizerOptions MetaParameterOptimizer(
        ParameterInfo entry, OptimizerOptions optimizer) =>
        optimizer with { LearningRate = optimizer.LearningRate * ScaleShiftRate };

    protected override IMetaLearner Open(MetaLearnerContext context) => new MetaTransfer(this, context);
}

/// <summary>Trains a classifier for each episode and moves its start, the scales and the shifts.</summary>
internal sealed class MetaTransfer(MetaTransferOptions options, MetaLearnerContext context) : MapReduceMetaLearner(
    options, context with { Network = new ScaleShiftNetwork(context.Network, options.ScaleShift) })
{
    private const string HardNote = "hard-classes";

    private int[] _hard = []; // what the next episodes are drawn from; empty: all classes

    /// <summary>Takes the encoder over, and scales, shifts and classifier where they are there too.</summary>
    public override void StartFrom(IReadOnlyDictionary<string, Tensor> parameters)
    {
        var encoder = Initialization.Shared.Layout.Entries.Where(entry => entry.Role == ParameterRole.Frozen)
            .Select(entry => entry.Name).ToHashSet();
        using var scope = NewDisposeScope();
        var all = new Dictionary<string, Tensor>(parameters);
        foreach (var (name, value) in Initialization.Export())
            if (!encoder.Contains(name)) all.TryAdd(name, value);
        base.StartFrom(all);
    }

    private bool IsHard => _hard.Length > 0;

    protected override ITask TaskOf(ITask task) => IsHard ? ((EpisodeTask)task).Of(_hard) : task;

    protected override IReadOnlyDictionary<string, double> MetricsOf(Contribution contribution) => contribution.Metrics
        .Where(metric => !metric.Key.StartsWith(EpisodeTask.ClassPrefix, StringComparison.Ordinal))
        .Append(new("hard", IsHard ? 1 : 0)).ToDictionary();

    protected override void Complete(IReadOnlyList<TrainedTask> trained) =>
        _hard = IsHard ? [] : HardestOf(trained.Select(task => task.Contribution.Metrics),
            MetaTransferOptions.PrefixOf(options.Measure), options.HardClasses);

    /// <summary>The classes with the lowest measure, which is averaged over the episodes that have the class.</summary>
    /// <param name="metrics">Each episode's metrics.</param>
    /// <param name="prefix">What stands before a class's number in the name of the measure.</param>
    /// <param name="count">How many; 0 for none.</param>
    internal static int[] HardestOf(
        IEnumerable<IReadOnlyDictionary<string, double>> metrics, string prefix, int count) =>
        [.. metrics.SelectMany(episode => episode)
            .Where(metric => metric.Key.StartsWith(prefix, StringComparison.Ordinal))
            .GroupBy(metric => int.Parse(metric.Key.AsSpan(prefix.Length), CultureInfo.InvariantCulture))
            .OrderBy(known => known.Average(metric => metric.Value)).ThenBy(known => known.Key)
            .Take(count).Select(known => known.Key).Order()];

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes)
    {
        notes[HardNote] = string.Join(' ', _hard);
        return base.Export(notes);
    }

    protected override void Import(MetaCheckpoint checkpoint)
    {
        base.Import(checkpoint);
        _hard = [.. checkpoint.Note(HardNote).Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
    }
}

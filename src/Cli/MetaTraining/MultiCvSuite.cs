// Whole image data sets as tasks: all but one pretrain, the one that is held out is learned from the result.
using System.Globalization;
using RlLeap.Cli.Config;
using RlLeap.Data;

namespace RlLeap.Cli.MetaTraining;

/// <summary>Multi-CV's protocol (Flennerhag et al. 2019, section 4.2 and appendix E).</summary>
public sealed record MultiCvSection
{
    [Key("Data sets by name (see rlleap data list); all but the held-out one pretrain", AtLeast = 2)]
    public required IReadOnlyList<string> Sets { get; init; }

    [Key("The data set that is held out, one of sets")]
    public required string HeldOut { get; init; }

    [Key("Training images used of each set; left out: all", Above = 0)]
    public int? TrainImages { get; init; }

    [Key("Whether a copy of a set with fewer images than its distribution is accepted")]
    public bool AllowPartial { get; init; }

    [Key("Images in a minibatch", Above = 0)]
    public int Batch { get; init; } = 64;

    [Key("Learning rate of the tasks' SGD at the start; it falls to zero along a cosine over a task's whole budget", Above = 0)]
    public double LearningRate { get; init; } = 0.1;

    [Key("Epochs a task is trained for in a meta-step, at most", Above = 0)]
    public long Epochs { get; init; } = 1;

    [Key("Gradient steps a task is trained for in a meta-step, at most, instead of epochs", Above = 0)]
    public long? GradientSteps { get; init; }

    [Key("Epochs the held-out set is trained for, at most", Above = 0)]
    public long EvaluationEpochs { get; init; } = 20;

    [Key("Gradient steps the held-out set is trained for, at most, instead of evaluation-epochs", Above = 0)]
    public long? EvaluationSteps { get; init; }

    [Key("Validation images that early stopping looks at, always the same", Above = 0)]
    public int ValidationImages { get; init; } = 500;

    [Key("Gradient steps between two looks", Above = 0)]
    public int LookEvery { get; init; } = 10;

    [Key("Looks in a row without a new lowest validation error that end a task's training; 0 for no early stopping", Min = 0)]
    public int Patience { get; init; } = 10;

    [Key("Encoder of your own, as my/name?option=value (docs/networks.md); left out: the paper's")]
    public string? Network { get; init; }

    /// <summary>Broken rules: the key below "multi-cv" and what is expected.</summary>
    internal IEnumerable<(string Key, string Expected)> Check()
    {
        if (Sets.FirstOrDefault(name => !MultiCv.Names.Contains(name)) is not null) yield return ("multi-cv.sets", $"names among {string.Join(", ", MultiCv.Names)}");
        if (Sets.Distinct().Count() < Sets.Count) yield return ("multi-cv.sets", "each set once");
        if (!Sets.Contains(HeldOut)) yield return ("multi-cv.held-out", $"one of sets: {string.Join(", ", Sets)}");
    }
}

/// <summary>The data sets of Multi-CV as tasks of one encoder; every task's head is new and its own.</summary>
public sealed class MultiCvSuite : Suite
{
    private const string Prefix = "multi-cv/";

    private readonly MultiCvSection _section;
    private readonly DataLocation? _location;
    private readonly Rng _rng;
    private readonly Dictionary<string, MultiCvTask> _tasks = [];

    /// <summary>The suite of a config, with data from <paramref name="location"/> or where <see cref="DataLocation.Default"/> says.</summary>
    /// <exception cref="RlLeapException">A set is missing, damaged or incomplete.</exception>
    public MultiCvSuite(MetaTrainConfig config, DataLocation? location = null)
    {
        (_section, _location, _rng) = (config.MultiCv!, location, new Rng(config.Run.Seed).Split("multi-cv"));
        foreach (var name in _section.Sets) Find(name);
        Learner = new LearnerOptions
        {
            Optimizer = new OptimizerOptions { Kind = OptimizerKind.Sgd, LearningRate = _section.LearningRate, Schedule = Schedule.Cosine },
            Stopping = _section.Patience > 0 ? new EarlyStopping { Every = _section.LookEvery, Patience = _section.Patience } : null,
        };
        EvaluationLearner = Lasting(_section.EvaluationSteps, _section.EvaluationEpochs);
        Learner = Lasting(_section.GradientSteps, _section.Epochs);
        Pool = [.. _section.Sets.Where(name => name != _section.HeldOut).Select(Find)];
        HeldOut = [Prefix + _section.HeldOut];
        Network = _section.Network is { } own ? Networks.Create(own, Pool[0].Info.InputShape) : ConvolutionalEncoder.MultiCv;

        LearnerOptions Lasting(long? steps, long epochs) => steps is { } n ? Learner with { GradientSteps = n } : Learner with { Epochs = epochs };
    }

    /// <inheritdoc/>
    public override Network Network { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<ITask> Pool { get; }

    /// <inheritdoc/>
    public override LearnerOptions Learner { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> HeldOut { get; }

    /// <inheritdoc/>
    public override ITask Find(string id)
    {
        var name = id.StartsWith(Prefix, StringComparison.Ordinal) ? id[Prefix.Length..] : id;
        if (!_tasks.TryGetValue(name, out var task))
            _tasks[name] = task = new MultiCvTask(MultiCv.Load(name, _rng, _location, _section.AllowPartial, trainImages: _section.TrainImages ?? 0))
            { BatchSize = _section.Batch, ValidationSubset = _section.ValidationImages };
        return task;
    }

    /// <inheritdoc/>
    public override LearnerOptions EvaluationLearner { get; }

    /// <inheritdoc/>
    public override (string, string, bool) Curve => ("training error", "gradient steps", false);

    /// <inheritdoc/>
    public override CurveRecorder Record() => new ErrorCurve();

    /// <inheritdoc/>
    public override IReadOnlyList<string> TaskMetrics => Learner.Stopping is { } stopping ? [TrainingSummary.Error, stopping.Metric] : [TrainingSummary.Error];

    /// <summary>The columns of the paper's table 1, all from 0 to 100, the area being that of the steps that were made; and the validation error.</summary>
    public override IReadOnlyDictionary<string, double> Scores(Learner learner, CurveRecorder recorder) => new Dictionary<string, double>
    {
        ["test error, %"] = 100 * learner.Stream.Score(learner.Model, Split.Test)["error"],
        ["training error, %"] = 100 * learner.Stream.Score(learner.Model, Split.Train)["error"],
        ["area under training error, 0-100"] = 100 * LearningCurve.Of(recorder.Values).Area(),
        ["validation error, %"] = 100 * learner.Stream.Score(learner.Model, Split.Validation)["error"],
        ["gradient steps"] = learner.Step,
    };

    /// <inheritdoc/>
    public override string? Setting => $"{_section with { Sets = [], HeldOut = "" }}; {string.Join("; ", _tasks.Values.Select(Describe).Order(StringComparer.Ordinal))}";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["pretraining sets"] = string.Join(", ", Pool.Select(task => task.Info.Id)), ["held-out set"] = HeldOut[0],
        ["images"] = string.Join("; ", _tasks.Values.Select(Describe)),
    };

    private static string Describe(MultiCvTask task) => string.Create(CultureInfo.InvariantCulture,
        $"{task.Set.Name}: {task.Set.Split.Train.Length} training, {task.Set.Split.Validation.Length} validation, {task.Set.Split.Test.Length} test, {task.Set.Classes} classes");
}

// Whole image data sets as tasks: all but one pretrain, the one that is held out is learned from the result.
using System.ComponentModel.DataAnnotations;
using RlLeap.Data;

namespace RlLeap.Cli.MetaTraining;

/// <summary>Multi-CV's protocol (Flennerhag et al. 2019, section 4.2 and appendix E).</summary>
public sealed record MultiCvSection : ICheckedConfig
{
    /// <summary>Data sets by name (see rlleap data list); all but the held-out one pretrain.</summary>
    [MinLength(2)]
    public required IReadOnlyList<string> Sets { get; init; }

    /// <summary>The data set that is held out, one of sets.</summary>
    public required string HeldOut { get; init; }

    /// <summary>Training images used of each set; left out: all.</summary>
    [Range(0, int.MaxValue, MinimumIsExclusive = true)]
    public int? TrainImages { get; init; }

    /// <summary>Whether a copy of a set with fewer images than its distribution is accepted.</summary>
    public bool AllowPartial { get; init; }

    /// <summary>Images in a minibatch.</summary>
    [Range(1, int.MaxValue)]
    public int BatchSize { get; init; } = 64;

    /// <summary>How a task is learned in a meta-step, at most; the held-out set too, but for its length.</summary>
    public LearnerOptions Learner { get; init; } = new()
    {
        Epochs = 1, Stopping = new EarlyStopping(), Optimizer = new OptimizerOptions { Schedule = Schedule.Cosine },
    };

    /// <summary>Epochs the held-out set is trained for, at most.</summary>
    [Range(0, 1e15, MinimumIsExclusive = true)]
    public long EvaluationEpochs { get; init; } = 20;

    /// <summary>Gradient steps the held-out set is trained for, at most, instead of evaluation-epochs.</summary>
    [Range(0, 1e15, MinimumIsExclusive = true)]
    public long? EvaluationSteps { get; init; }

    /// <summary>Validation images that early stopping looks at, always the same.</summary>
    [Range(0, int.MaxValue, MinimumIsExclusive = true)]
    public int ValidationImages { get; init; } = 500;

    /// <summary>Encoder of your own, as my/name?option=value (docs/networks.md); left out: the paper's.</summary>
    public string? Network { get; init; }

    public IEnumerable<(string Key, string Expected)> Check()
    {
        if (Sets.FirstOrDefault(name => !MultiCv.Names.Contains(name)) is not null)
            yield return ("sets", $"names among {string.Join(", ", MultiCv.Names)}");
        if (Sets.Distinct().Count() < Sets.Count) yield return ("sets", "each set once");
        if (!Sets.Contains(HeldOut)) yield return ("held-out", $"one of sets: {string.Join(", ", Sets)}");
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

    /// <summary>The suite of a config, with data from <paramref name="location"/>; null for the usual place.</summary>
    /// <exception cref="RlLeapException">A set is missing, damaged or incomplete.</exception>
    public MultiCvSuite(MetaTrainConfig config, DataLocation? location = null)
    {
        (_section, _location, _rng) = (config.MultiCv!, location, new Rng(config.Run.Seed).Split("multi-cv"));
        foreach (var name in _section.Sets) Find(name);
        Learner = _section.Learner;
        EvaluationLearner = Evaluated(_section.EvaluationSteps is null
            ? Learner with { Epochs = _section.EvaluationEpochs } : LearnerFor(_section.EvaluationSteps),
            config.Evaluation);
        Pool = [.. _section.Sets.Where(name => name != _section.HeldOut).Select(Find)];
        HeldOut = [Prefix + _section.HeldOut];
        Network = NetworkOf(_section.Network, Pool[0].Info.InputShape, () => ConvolutionalEncoder.MultiCv);
    }

    public override Network Network { get; }
    public override IReadOnlyList<ITask> Pool { get; }
    public override LearnerOptions Learner { get; }
    public override IReadOnlyList<string> HeldOut { get; }

    public override ITask Find(string id)
    {
        var name = id.StartsWith(Prefix, StringComparison.Ordinal) ? id[Prefix.Length..] : id;
        if (!_tasks.TryGetValue(name, out var task))
            _tasks[name] = task = new MultiCvTask(
                MultiCv.Load(name, _rng, _location, _section.AllowPartial, trainImages: _section.TrainImages ?? 0))
            { BatchSize = _section.BatchSize, ValidationSubset = _section.ValidationImages };
        return task;
    }

    public override LearnerOptions EvaluationLearner { get; }

    /// <summary>The columns of the paper's table 1, 0 to 100, its area over the steps made; validation error.</summary>
    public override IReadOnlyDictionary<string, double> Scores(Learner learner, CurveRecorder recorder) =>
        new Dictionary<string, double>
        {
            ["test error, %"] = 100 * learner.Stream.Score(learner.Model, Split.Test)["error"],
            ["training error, %"] = 100 * learner.Stream.Score(learner.Model, Split.Train)["error"],
            ["area under training error, 0-100"] = 100 * LearningCurve.Of(recorder.Values).Area(),
            ["validation error, %"] = 100 * learner.Stream.Score(learner.Model, Split.Validation)["error"],
            ["gradient steps"] = learner.Step,
        };

    public override string Setting => $"{ConfigFile.ToLine(_section with { Sets = [], HeldOut = "" })}; "
        + $"{string.Join("; ", _tasks.Values.Select(Describe).Order(StringComparer.Ordinal))}";

    public override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["pretraining sets"] = string.Join(", ", Pool.Select(task => task.Info.Id)), ["held-out set"] = HeldOut[0],
        ["images"] = string.Join("; ", _tasks.Values.Select(Describe)),
    };

    private static string Describe(MultiCvTask task) =>
        $"{task.Set.Name}: {task.Set.Split.Train.Length} training, {task.Set.Split.Validation.Length} validation, "
            + $"{task.Set.Split.Test.Length} test, {task.Set.Classes} classes";
}

// Whole image data sets, one after another or together: what is remembered of each is tested after every meta-step.
using System.ComponentModel.DataAnnotations;
using RlLeap.Cli.Statistics;
using RlLeap.Data;

namespace RlLeap.Cli.MetaTraining;

/// <summary>Image data sets in the order in which they are learned.</summary>
/// <remarks>
/// A meta-step learns the next meta.batch of them, and begins again after the last one. A batch of one is a sequence of
/// tasks, a batch of all of them is joint training.
/// </remarks>
public sealed record ImageSetsSection : ICheckedConfig
{
    /// <summary>Data sets by name (see rlleap data list), in the order in which they are learned.</summary>
    [MinLength(1)]
    public required IReadOnlyList<string> Sets { get; init; }

    /// <summary>Training images used of each set; left out: all.</summary>
    [Range(0, int.MaxValue, MinimumIsExclusive = true)]
    public int? TrainImages { get; init; }

    /// <summary>Test images used of each set, always the same; left out: all.</summary>
    [Range(0, int.MaxValue, MinimumIsExclusive = true)]
    public int? TestImages { get; init; }

    /// <summary>Whether a copy of a set with fewer images than its distribution is accepted.</summary>
    public bool AllowPartial { get; init; }

    /// <summary>Images in a minibatch.</summary>
    [Range(1, int.MaxValue)]
    public int BatchSize { get; init; } = 32;

    /// <summary>How a set is learned in a meta-step.</summary>
    public LearnerOptions Learner { get; init; } = new()
    {
        GradientSteps = 250, Optimizer = new OptimizerOptions { Schedule = Schedule.Cosine },
    };

    /// <summary>Filters of each of the encoder's four convolutions.</summary>
    [Range(1, 1024)]
    public int Filters { get; init; } = 64;

    /// <summary>The same of the teacher's encoder, for distillation; left out: as many.</summary>
    [Range(1, 1024)]
    public int? TeacherFilters { get; init; }

    /// <summary>
    /// Data sets that are learned in the evaluation and not in meta-training: the target of domain adaptation.
    /// </summary>
    public IReadOnlyList<string> HeldOut { get; init; } = [];

    /// <summary>Training images used of a held-out set; left out: as of the others.</summary>
    [Range(0, int.MaxValue, MinimumIsExclusive = true)]
    public int? HeldOutImages { get; init; }

    /// <summary>Gradient steps of a set that is learned in the evaluation; left out: as in a meta-step.</summary>
    [Range(1, 1e15)]
    public long? EvaluationSteps { get; init; }

    /// <summary>Encoder of your own, as my/name?option=value (docs/networks.md); left out: the convolutions.</summary>
    public string? Network { get; init; }

    public IEnumerable<(string Key, string Expected)> Check()
    {
        if (HeldOut.FirstOrDefault(name => !MultiCv.Names.Contains(name) || Sets.Contains(name)) is not null)
            yield return ("held-out", $"names that are not in sets, among {string.Join(", ", MultiCv.Names)}");
        if (Sets.FirstOrDefault(name => !MultiCv.Names.Contains(name)) is not null)
            yield return ("sets", $"names among {string.Join(", ", MultiCv.Names)}");
        if (Sets.Distinct().Count() < Sets.Count) yield return ("sets", "each set once");
    }
}

/// <summary>Image data sets as tasks that share an encoder, each with a head of its own.</summary>
public sealed class ImageSetsSuite : Suite
{
    private const string Prefix = "images/", Column = "accuracy", Series = "test/";

    /// <summary>The name of what is about all sets together.</summary>
    public const string All = "images";

    private readonly MetaTrainConfig _config;
    private readonly MultiCvTask[] _tasks, _heldOut;

    /// <summary>The suite of a config.</summary>
    /// <exception cref="RlLeapException">A set is missing, damaged or incomplete.</exception>
    public ImageSetsSuite(MetaTrainConfig config, DataLocation? location = null)
    {
        _config = config;
        var section = config.ImageSets!;
        var rng = new Rng(config.Run.Seed).Split("image-sets");
        MultiCvTask TaskOf(string name, int? images) => new(MultiCv.Load(name, rng, location, section.AllowPartial,
            trainImages: images ?? 0, testImages: section.TestImages ?? 0), Prefix)
        { BatchSize = section.BatchSize, ValidationSubset = 500 };
        _tasks = [.. section.Sets.Select(name => TaskOf(name, section.TrainImages))];
        _heldOut = [.. section.HeldOut.Select(name => TaskOf(name, section.HeldOutImages ?? section.TrainImages))];
        Network EncoderOf(int filters) => NetworkOf(section.Network, _tasks[0].Info.InputShape,
            () => new ConvolutionalEncoder(MultiCvSet.Channels, MultiCvSet.Side, filters));
        Network = EncoderOf(section.Filters);
        Teacher = EncoderOf(section.TeacherFilters ?? section.Filters);
        if (config.Meta.Batch > _tasks.Length)
            throw new RlLeapException($"A meta-step learns each of the {_tasks.Length} image sets once at most; "
                + $"meta.batch is {config.Meta.Batch}.");
    }

    public override Network Network { get; }
    public override Network Teacher { get; }
    public override IReadOnlyList<ITask> Pool => _tasks;
    public override LearnerOptions Learner => _config.ImageSets!.Learner;

    public override LearnerOptions EvaluationLearner =>
        Evaluated(LearnerFor(_config.ImageSets!.EvaluationSteps), _config.Evaluation);

    /// <summary>The sets that are learned in the evaluation: those held out, or all where none is.</summary>
    public override string Setting => ConfigFile.ToLine(_config.ImageSets! with { Sets = [], HeldOut = [] });

    public override IReadOnlyList<string> HeldOut =>
        [.. (_heldOut.Length > 0 ? _heldOut : _tasks).Select(task => task.Info.Id)];

    public override ITask Find(string id) => _tasks.Concat(_heldOut).FirstOrDefault(task =>
        task.Info.Id == id || task.Set.Name == id) ?? throw new RlLeapException($"There is no task {id}; there are "
            + $"{string.Join(", ", _tasks.Concat(_heldOut).Select(task => task.Info.Id))}.");

    /// <summary>Test accuracy after meta-steps, or the training error of what an evaluation learns.</summary>
    public override (string, string, bool) Curve => _config.Evaluation is null
        ? ("test accuracy, %", "meta-steps", true) : base.Curve;

    public override int Window => _config.Evaluation is null ? 1 : 10;

    /// <summary>The test accuracy and what it comes from.</summary>
    public override IReadOnlyDictionary<string, double> Scores(Learner learner, CurveRecorder recorder) =>
        new Dictionary<string, double>
        {
            ["test accuracy, %"] = 100 * (1 - learner.Stream.Score(learner.Model, Split.Test)["error"]),
            ["parameters"] = learner.Model.Parameters.Layout.Count,
        };

    public override IReadOnlyList<ITask> BatchOf(long metaStep) => [.. SetsOf(metaStep).Select(i => _tasks[i])];

    /// <summary>The test accuracy of every set that has been learned, with the head that it has.</summary>
    public override IEnumerable<Row> Measure(IMetaLearner learner)
    {
        if (_config.Evaluation is not null) yield break;
        var step = learner.MetaSteps - 1;
        foreach (var i in Enumerable.Range(0, _tasks.Length).Where(i => FirstVisit(i) <= step))
        {
            using var own = learner.Begin(_tasks[i], Learner, new Rng(_config.Run.Seed).Split("test"));
            var accuracy = 1 - own.Stream.Score(own.Model, Split.Test)["error"];
            yield return new Row(Series + _tasks[i].Info.Id, step, [(Column, accuracy)]);
        }
    }

    /// <summary>The result with a curve of test accuracy for each set, one of their mean, and the scores.</summary>
    internal Result Complete(Result result)
    {
        var (method, seed) = (result.Method!, _config.Run.Seed);
        var measured = result.MetaCurves.Where(c => c.Quantity == Column)
            .ToDictionary(c => c.Task[Series.Length..], c => c);
        List<Curve> curves = [.. _tasks.Where(task => measured.ContainsKey(task.Info.Id)).Select(task =>
        {
            var curve = measured[task.Info.Id];
            return new Curve(task.Info.Id, method, seed, [.. curve.MetaSteps.Select(step => step + 1)],
                [.. curve.Values.Select(value => 100 * value)]);
        })];
        var memory = new Remembered(
            [.. curves.Select(curve => curve.Steps)], [.. curves.Select(curve => curve.Values)]);
        var steps = curves.SelectMany(curve => curve.Steps).Distinct().Order().ToList();
        Curve all = new(All, method, seed, steps, [.. steps.Select(memory.AverageAt)]);
        return result with
        {
            Curves = [all, .. curves],
            Scores = [.. memory.Scores.Select(score => new Score(All, method, seed, score.Key, score.Value)),
                .. curves.Select(curve => new Score(
                    curve.Task, method, seed, Remembered.Average, curve.Values[^1]))],
        };
    }

    public override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["image sets"] = string.Join(", ", _tasks.Select(task => task.Info.Id)),
        ["held-out sets"] = string.Join(", ", _heldOut.Select(task => task.Info.Id)),
        ["images"] = string.Join("; ", _tasks.Concat(_heldOut).Select(task => $"{task.Set.Name}: "
            + $"{task.Set.Split.Train.Length} training, {task.Set.Split.Test.Length} test, "
            + $"{task.Set.Classes} classes")),
    };

    private IEnumerable<int> SetsOf(long metaStep) => Enumerable.Range(0, _config.Meta.Batch)
        .Select(i => (int)((metaStep * _config.Meta.Batch + i) % _tasks.Length));

    private long FirstVisit(int set) => set / _config.Meta.Batch;
}

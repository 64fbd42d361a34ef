// Few-shot episodes as tasks: images by class, classes divided into training, validation and test.
using System.ComponentModel.DataAnnotations;
using RlLeap.Data;

namespace RlLeap.Cli.MetaTraining;

/// <summary>Few-shot classification: where episodes come from, how large they are, and how one is learned.</summary>
public sealed record FewShotSection : ICheckedConfig
{
    /// <summary>omniglot, a set of Multi-CV (mnist, cifar100), or a folder or archive with a folder a class.</summary>
    public required string Data { get; init; }

    /// <summary>Side that images are resized to; left out: as they are.</summary>
    [Range(8, 1024)]
    public int? Side { get; init; }

    /// <summary>
    /// Whether a class turned by 90, 180 and 270 degrees counts as three more classes, in training, validation and
    /// test; left out: for omniglot only, as usual there.
    /// </summary>
    public bool? Rotations { get; init; }

    /// <summary>Which classes are for training, validation and test; what is not named is drawn by run.seed.</summary>
    public ClassSplitOptions Split { get; init; } = new();

    /// <summary>Training episodes.</summary>
    public EpisodeShape Train { get; init; } = new();

    /// <summary>Validation episodes; left out: as the first kind of test episodes.</summary>
    public EpisodeShape? Validation { get; init; }

    /// <summary>Validation episodes, always the same ones; 0 for none.</summary>
    [Range(0, int.MaxValue)]
    public int ValidationEpisodes { get; init; } = 50;

    /// <summary>
    /// Meta-steps from one validation to the next, for methods that train on the support images. Those that compare
    /// images are validated after each.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int ValidationEvery { get; init; } = 100;

    /// <summary>Kinds of test episodes. They need not be those of training.</summary>
    [MinLength(1)]
    public IReadOnlyList<EpisodeShape> Test { get; init; } = [new EpisodeShape()];

    /// <summary>Test episodes of each kind: fixed by run.seed, and the same for every method.</summary>
    [Range(2, int.MaxValue)]
    public int TestEpisodes { get; init; } = 1000;

    /// <summary>
    /// Whether batch norm uses the statistics of the test images themselves. Then a prediction depends on the other
    /// queries of its episode.
    /// </summary>
    public bool Transductive { get; init; }

    /// <summary>
    /// How an episode's support images are learned, by methods that train on them (MAML, Reptile, Leap).
    /// </summary>
    public LearnerOptions Learner { get; init; } = new()
    {
        GradientSteps = 5, Optimizer = new OptimizerOptions { LearningRate = 0.1 },
    };

    /// <summary>
    /// Support images of a gradient step of these methods, which pass through all of them in shuffled order; 0 for all.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int SupportBatch { get; init; }

    /// <summary>Gradient steps on the support images of a test episode; left out: as in training.</summary>
    [Range(1, 1e15)]
    public long? EvaluationSteps { get; init; }

    /// <summary>
    /// Whether these methods meta-learn the last layer too. Then the way of a test is that of training.
    /// </summary>
    public bool SharedHead { get; init; } = true;

    /// <summary>Filters of each of the encoder's four convolutions.</summary>
    [Range(1, 1024)]
    public int Filters { get; init; } = 64;

    /// <summary>
    /// Encoder of your own, as my/name?option=value (docs/networks.md); left out: four blocks of convolutions.
    /// </summary>
    public string? Network { get; init; }

    /// <summary>
    /// Whether that encoder halves the side by stride and averages over places, instead of pooling: as MAML's on
    /// Omniglot, at less than half the time.
    /// </summary>
    public bool Strided { get; init; }

    public IEnumerable<(string Key, string Expected)> Check()
    {
        if (Network is not null && Strided)
            yield return ("strided", "false, because the network is one of your own");
    }
}

/// <summary>One task, which is another episode each time it is opened.</summary>
public sealed class FewShotSuite : Suite
{
    private readonly FewShotSection _section;
    private readonly Rng _rng;
    private readonly EpisodeShape _validation;
    private readonly bool _validates, _learnsHead;
    private readonly long _metaSteps;
    private readonly int _workers;

    /// <summary>The suite of a config.</summary>
    /// <exception cref="RlLeapException">The data are missing, or too small for the episodes asked for.</exception>
    public FewShotSuite(MetaTrainConfig config)
    {
        _section = config.FewShot!;
        _rng = new Rng(config.Run.Seed).Split("few-shot");
        var set = FewShotData.Load(_section.Data, _section.Side);
        var rotations = _section.Rotations ?? _section.Data == FewShotData.Omniglot;
        Images = new EpisodeImages(set, _rng.Split("split"), _section.Split, rotations);
        Images.Require(Split.Train, _section.Train);
        foreach (var shape in _section.Test) Images.Require(Split.Test, shape);
        var validation = _section.Validation ?? _section.Test[0];
        _validation = validation;
        _validates = _section.ValidationEpisodes > 0;
        _learnsHead = config.Method is not FewShotMethod;
        (_metaSteps, _workers) = (config.Meta.Steps, config.Run.Parallel);
        if (_validates) Images.Require(Split.Validation, validation);
        if (_learnsHead && _section.SharedHead)
            RequireHead([.. _section.Test.Index().Select(t => ($"test.{t.Index}", t.Item)),
                .. _validates ? [("validation", validation)] : Array.Empty<(string, EpisodeShape)>()]);
        Pool = [new EpisodeTask(Images, _section.Train)
        {
            Transductive = _section.Transductive,
            SharedHead = _section.SharedHead,
            SupportBatch = _section.SupportBatch,
            Validation = validation,
            ValidationEpisodes = _section.ValidationEpisodes,
        }];
        EvaluationLearner = Evaluated(LearnerFor(_section.EvaluationSteps), config.Evaluation);
        Network = NetworkOf(_section.Network, Images.InputShape, () => new ConvolutionalEncoder(
            set.Channels, set.Side, _section.Filters,
            pooled: config.Method is FewShotMethod { ComparesMaps: true } ? 2 : null)
        { PoolFirst = false, Strided = _section.Strided });
        TaskMetrics = [TrainingSummary.Error, .. _validates ? [EpisodeTask.ValidationError] : Array.Empty<string>()];
    }

    /// <summary>What episodes are drawn from.</summary>
    public EpisodeImages Images { get; }

    /// <summary>Kinds of test episodes.</summary>
    public IReadOnlyList<EpisodeShape> Tests => _section.Test;

    public override Network Network { get; }
    public override IReadOnlyList<ITask> Pool { get; }
    public override LearnerOptions Learner => _section.Learner;
    public override LearnerOptions EvaluationLearner { get; }
    public override IReadOnlyList<string> HeldOut => [];
    public override string Setting => ConfigFile.ToLine(_section);

    public override ITask Find(string id) => id == Pool[0].Info.Id ? Pool[0]
        : EpisodeTask.ClassesIn(id) is { } classes ? ((EpisodeTask)Pool[0]).Of(classes)
        : throw new RlLeapException($"There is no task {id}: this suite has one, {Pool[0].Info.Id}.");

    public override IReadOnlyList<string> TaskMetrics { get; }

    public override string? PatienceMetric =>
        TaskMetrics.Contains(EpisodeTask.ValidationError) ? EpisodeTask.ValidationError : null;

    /// <summary>The test episodes of a shape: fixed by the seed and the shape, whatever the method.</summary>
    public EpisodeEvaluation Evaluation(EpisodeShape shape) => Evaluation(shape, "test", Split.Test);

    private EpisodeEvaluation Evaluation(EpisodeShape shape, string name, Split part) =>
        new(Images, shape, _rng.Split($"{name} {shape} {shape.Query}"))
        {
            Learner = EvaluationLearner,
            Transductive = _section.Transductive,
            SharedHead = _section.SharedHead,
            SupportBatch = _section.SupportBatch,
            Split = part,
        };

    /// <summary>
    /// The error on the validation episodes, of methods that train on the support images; NaN after meta-steps without
    /// a validation. The others measure it themselves.
    /// </summary>
    public override MetaStepRecord Validated(
        MetaStepRecord record, IMetaLearner learner, CancellationToken cancellation)
    {
        if (!_learnsHead || !_validates) return record;
        var made = record.MetaStep + 1;
        var error = made % _section.ValidationEvery != 0 && made != _metaSteps ? double.NaN
            : 1 - Evaluation(_validation, "validation", Split.Validation)
                .Run(learner, _section.ValidationEpisodes, _workers, cancellation: cancellation).Mean;
        return record with
        {
            Tasks = [.. record.Tasks.Select(task => task with
            {
                Metrics = new Dictionary<string, double>(task.Metrics) { [EpisodeTask.ValidationError] = error },
            })],
        };
    }

    // Checked before hours of training, not after.
    private void RequireHead(IReadOnlyList<(string Key, EpisodeShape Shape)> shapes)
    {
        foreach (var (key, shape) in shapes)
            if (shape.Way != _section.Train.Way)
                throw new RlLeapException($"few-shot.{key}.way is {shape.Way}, but the linear head that is "
                    + $"meta-learned tells {_section.Train.Way} classes apart (few-shot.train.way). Take the same way, "
                    + "or give each episode a new head (few-shot.shared-head: false).");
    }

    public override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["data"] = $"{Images.Name}, images of {Shape.Text(Images.InputShape)}, split drawn by the seed unless named",
        ["classes"] = $"training {Images.ClassCount(Split.Train)}, validation {Images.ClassCount(Split.Validation)}, "
            + $"test {Images.ClassCount(Split.Test)}"
            + (Images.Rotations > 1 ? "; each turned by 0, 90, 180, 270 degrees" : ""),
        ["training episodes"] = $"{_section.Train}, {_section.Train.Query} queries a class",
        ["batch statistics"] = _section.Transductive ? "transductive: of the queries" : "not transductive",
    };
}

// What a config's tasks come to: the pool, what is held out, the network they share, and how a learning curve is drawn.
using RlLeap.Agents;
using RlLeap.Cli.Commands;
using RlLeap.Cli.Recordings;
using RlLeap.Data;

namespace RlLeap.Cli.MetaTraining;

/// <summary>The tasks of a run.</summary>
public abstract class Suite
{
    /// <summary>The encoder that all tasks share.</summary>
    public abstract Network Network { get; }

    /// <summary>The network of teachers, for distillation; null for <see cref="Network"/>.</summary>
    public virtual Network? Teacher => null;

    /// <summary>The tasks to pretrain on.</summary>
    public abstract IReadOnlyList<ITask> Pool { get; }

    /// <summary>How a task is learned in a meta-step.</summary>
    public abstract LearnerOptions Learner { get; }

    /// <summary>The tasks that are held out by the suite itself.</summary>
    public abstract IReadOnlyList<string> HeldOut { get; }

    /// <summary>A task by id, also one that is not in the pool.</summary>
    /// <exception cref="RlLeapException">There is none; names what there is.</exception>
    public abstract ITask Find(string id);

    /// <summary>How a task is learned when an initialization is evaluated.</summary>
    public abstract LearnerOptions EvaluationLearner { get; }

    /// <summary>The learner of a meta-step with another number of gradient steps, where one is given.</summary>
    protected LearnerOptions LearnerFor(long? steps) =>
        steps is { } given ? Learner with { GradientSteps = given, Epochs = 0 } : Learner;

    /// <summary>The network that a config names, or that of the suite.</summary>
    protected static Network NetworkOf(string? named, long[] inputShape, Func<Network> own) =>
        named is null ? own() : Networks.Create(named, inputShape);

    /// <summary>Options of a learner with the roles and rates that an evaluation's section says.</summary>
    protected static LearnerOptions Evaluated(LearnerOptions learner, EvaluationSection? section) =>
        section is null ? learner
            : learner with { Roles = section.Roles ?? learner.Roles, Rates = section.Rates ?? learner.Rates };

    /// <summary>What a learning curve's values are and what its steps count; by default, as of images.</summary>
    public virtual (string Measure, string Axis, bool HigherIsBetter) Curve =>
        ("training error", "gradient steps", false);

    /// <summary>Units of the curve's axis that so many gradient steps make.</summary>
    public virtual long Experience(long gradientSteps) => gradientSteps;

    /// <summary>What each value of a learning curve is the mean of; null where it is as measured.</summary>
    public virtual string? Smoothing => null;

    /// <summary>Points of the moving average in which a report shows the curves.</summary>
    public virtual int Window => 1;

    /// <summary>A fresh recorder for one learner's curve.</summary>
    public virtual CurveRecorder Record() => new ErrorCurve();

    /// <summary>Facts for the run's record, by name.</summary>
    public virtual IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>();

    /// <summary>
    /// What else than the learner's options, the network and the seed a learning curve depends on, as a text: curves
    /// that are kept are found again by it.
    /// </summary>
    public abstract string Setting { get; }

    /// <summary>
    /// What every task's training inside a meta-step records beside its losses and path, by name: of images, the error
    /// and what early stopping looks at.
    /// </summary>
    public virtual IReadOnlyList<string> TaskMetrics =>
        Learner.Stopping is { } stopping ? [TrainingSummary.Error, stopping.Metric] : [TrainingSummary.Error];

    /// <summary>The metric that <see cref="MetaSection.Patience"/> looks at; null where there is none.</summary>
    public virtual string? PatienceMetric => Learner.Stopping?.Metric;

    /// <summary>The record of a meta-step with what the suite itself has measured after it; as it is, where that is
    /// nothing.</summary>
    public virtual MetaStepRecord Validated(
        MetaStepRecord record, IMetaLearner learner, CancellationToken cancellation) => record;

    /// <summary>Numbers about a learner that is done, by name; <paramref name="recorder"/> holds its curve.</summary>
    public virtual IReadOnlyDictionary<string, double> Scores(Learner learner, CurveRecorder recorder) =>
        learner.Stream.Score(learner.Model, Split.Validation).ToDictionary(s => "validation " + s.Key, s => s.Value);

    /// <summary>Writes a film of what a learner learned; false where the suite's tasks have none.</summary>
    public virtual bool Film(Learner learner, string task, Rng rng, string path, CancellationToken stop) => false;

    /// <summary>The tasks of a meta-step where the suite sets their order; null where they are drawn.</summary>
    public virtual IReadOnlyList<ITask>? BatchOf(long metaStep) => null;

    /// <summary>What the suite measures of the meta-learner after each meta-step: rows of the run's metrics.</summary>
    public virtual IEnumerable<Row> Measure(IMetaLearner learner) => [];

    /// <summary>The suite that a config names.</summary>
    public static Suite Open(MetaTrainConfig config) => config.Suite switch
    {
        SuiteKind.Games => new GamesSuite(config),
        SuiteKind.Omniglot => new OmniglotSuite(config),
        SuiteKind.MultiCv => new MultiCvSuite(config),
        SuiteKind.FewShot => new FewShotSuite(config),
        SuiteKind.ImageSets => new ImageSetsSuite(config),
        _ => throw new RlLeapException($"There is no suite {config.Suite}."),
    };
}

/// <summary>Environments, each learned by an actor-critic of one setting: a shared encoder, own heads.</summary>
public sealed class GamesSuite : Suite
{
    // A film of an agent that never dies ends too.
    private const int FilmSteps = 600, FilmRate = 15;

    private readonly EvaluationSection _evaluation;
    private readonly ActorCriticTask[] _pool;

    /// <summary>The suite of a config's games.</summary>
    public GamesSuite(MetaTrainConfig config)
    {
        var games = config.Games!;
        _evaluation = config.Evaluation ?? new EvaluationSection();
        Options = games.Agent;
        _pool = [.. games.Pretraining.Select(id => new ActorCriticTask(id, Options))];
        HeldOut = games.HeldOut is { } held ? [held] : [];
        Network = _pool[0].CreateNetwork();
        Learner = _pool[0].LearnerOptions(games.AgentSteps);
        EvaluationLearner = Evaluated(
            _pool[0].LearnerOptions(_evaluation.AgentSteps ?? games.AgentSteps), _evaluation);
    }

    /// <summary>How every agent learns.</summary>
    public ActorCriticOptions Options { get; }

    public override Network Network { get; }
    public override IReadOnlyList<ITask> Pool => _pool;
    public override LearnerOptions Learner { get; }
    public override IReadOnlyList<string> HeldOut { get; }

    public override ITask Find(string id) =>
        _pool.FirstOrDefault(task => task.Info.Id == id) ?? new ActorCriticTask(id, Options);

    public override LearnerOptions EvaluationLearner { get; }
    public override string Setting => ConfigFile.ToLine(Options);
    public override (string, string, bool) Curve => ("episodic return", "agent steps", true);
    public override IReadOnlyList<string> TaskMetrics => [];

    public override long Experience(long gradientSteps) =>
        gradientSteps * Options.BatchSize / Options.UpdatesPerRollout;

    public override string Smoothing => $"the last {_evaluation.Window} episodes";

    public override CurveRecorder Record()
    {
        var steps = EvaluationLearner.GradientSteps / Options.UpdatesPerRollout * Options.BatchSize;
        return new ReturnCurve(_evaluation.Window, Math.Max(1, steps / _evaluation.Points));
    }

    public override bool Film(Learner learner, string task, Rng rng, string path, CancellationToken stop)
    {
        using var environment = Registry.MakeVector(task, 1, rng.Split("environment"));
        if (!environment.CanRender) return false;
        var (played, pictures) = Play.Pictures(learner.Model, environment, rng.Split("actions"), FilmSteps,
            ((ActorCriticTask)Find(task)).Distribution, stop);
        if (played.Count > 0) Recording.Save(path, pictures!, FilmRate);
        return played.Count > 0;
    }

    public override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["agent"] = Setting,
        ["environment options"] = string.Join("; ", _pool.Select(task => task.Info.Id).Concat(_evaluation.Tasks)
            .Distinct().Select(id => $"{id}: {OptionsOf(id)}")),
    };

    private string OptionsOf(string id) => string.Join(" ", ((ActorCriticTask)Find(id)).Spec.Options
        .OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => $"{o.Key}={o.Value}"));
}

/// <summary>Alphabets of Omniglot as tasks, with the paper's protocol (Flennerhag et al. 2019, appendix D).</summary>
public sealed class OmniglotSuite : Suite
{
    private readonly OmniglotData _data = OmniglotData.Load();
    private readonly OmniglotSplit _split;
    private readonly OmniglotOptions _options;
    private readonly Rng _rng;

    /// <summary>The suite of a config.</summary>
    /// <exception cref="RlLeapException">The archives are missing or damaged.</exception>
    public OmniglotSuite(MetaTrainConfig config)
    {
        var omniglot = config.Omniglot!;
        _rng = new Rng(config.Run.Seed).Split("omniglot");
        _split = OmniglotSplit.Draw(_data, _rng, omniglot.Alphabets);
        _options = omniglot.Task;
        Pool = OmniglotTask.Of(_data, _split.Pretrain, _rng, _options);
        Learner = omniglot.Learner;
        EvaluationLearner = Evaluated(LearnerFor(omniglot.EvaluationSteps), config.Evaluation);
        Network = NetworkOf(omniglot.Network, Pool[0].Info.InputShape, () => ConvolutionalEncoder.Omniglot);
    }

    public override Network Network { get; }
    public override IReadOnlyList<ITask> Pool { get; }
    public override LearnerOptions Learner { get; }
    public override IReadOnlyList<string> HeldOut => [.. _split.Evaluation.Select(name => "omniglot/" + name)];

    public override ITask Find(string id) => new OmniglotTask(
        _data[id.StartsWith("omniglot/", StringComparison.Ordinal) ? id["omniglot/".Length..] : id], _rng, _options);

    public override LearnerOptions EvaluationLearner { get; }

    public override int Window => 10; // the error of one minibatch is noise

    public override string Setting => ConfigFile.ToLine(_options);

    public override IReadOnlyDictionary<string, double> Scores(Learner learner, CurveRecorder recorder) =>
        new Dictionary<string, double>(base.Scores(learner, recorder))
        {
            [Score.CurveArea] = LearningCurve.Of(recorder.Values).Area(),
            ["AUC of loss, as the authors"] = LearningCurve.Of(((ErrorCurve)recorder).Losses).AreaAsAuthors(),
        };

    public override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["pretraining alphabets"] = string.Join(", ", _split.Pretrain),
        ["validation alphabets"] = string.Join(", ", _split.Validation),
        ["held-out alphabets"] = string.Join(", ", _split.Evaluation),
        ["dropped alphabets"] = string.Join(", ", _split.Dropped),
        ["characters"] = string.Join("; ", Pool.OfType<OmniglotTask>()
            .Select(task => $"{task.Classes.Name}: {string.Join(' ', task.Classes.Characters)}")),
    };
}

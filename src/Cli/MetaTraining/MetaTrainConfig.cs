// The config of a meta-training run: one file for games and supervised suites, whatever the method.
using System.ComponentModel.DataAnnotations;
using RlLeap.Agents;
using RlLeap.Data;

namespace RlLeap.Cli.MetaTraining;

/// <summary>What the tasks are.</summary>
public enum SuiteKind
{
    /// <summary>Environments of the registry, learned by an actor-critic.</summary>
    Games,
    /// <summary>Alphabets of Omniglot, 20-way classification.</summary>
    Omniglot,
    /// <summary>Whole image data sets.</summary>
    MultiCv,
    /// <summary>Few-shot episodes: small classification problems of classes that were never seen.</summary>
    FewShot,
    /// <summary>Whole image data sets, learned in their order or together, and tested after each meta-step.</summary>
    ImageSets,
}

/// <summary>A meta-training run.</summary>
public sealed record MetaTrainConfig : ICheckedConfig, IRunConfig
{
    /// <summary>Where the run is kept, and on what it runs.</summary>
    public MetaRunSection Run { get; init; } = new();

    /// <summary>What the tasks are.</summary>
    public required SuiteKind Suite { get; init; }

    /// <summary>The games, where suite is games.</summary>
    public GamesSection? Games { get; init; }

    /// <summary>The alphabets, where suite is omniglot.</summary>
    public OmniglotSection? Omniglot { get; init; }

    /// <summary>The data sets, where suite is multi-cv.</summary>
    public MultiCvSection? MultiCv { get; init; }

    /// <summary>The episodes, where suite is few-shot.</summary>
    public FewShotSection? FewShot { get; init; }

    /// <summary>The data sets, where suite is image-sets.</summary>
    public ImageSetsSection? ImageSets { get; init; }

    /// <summary>
    /// Finished run of meta-train or train whose parameters meta-training starts from (its folder); left out: random
    /// ones.
    /// </summary>
    public string? From { get; init; }

    /// <summary>The method.</summary>
    public MetaLearningMethod Method { get; init; } = new LeapOptions();

    /// <summary>The meta-training.</summary>
    public required MetaSection Meta { get; init; }

    /// <summary>What is learned from the result when meta-training is done; left out: nothing.</summary>
    public EvaluationSection? Evaluation { get; init; }

    /// <summary>Where tasks are trained; no result depends on it.</summary>
    public ExecutorSection Executor { get; init; } = new();

    /// <summary>
    /// Assemblies (.dll) with environments, networks and methods of your own; --assembly adds to them.
    /// </summary>
    public IReadOnlyList<string> Assemblies { get; init; } = [];

    /// <summary>How a task of this suite is learned, where its section says so.</summary>
    internal LearnerOptions? Learner =>
        Suite switch
        {
            SuiteKind.Omniglot => Omniglot?.Learner,
            SuiteKind.MultiCv => MultiCv?.Learner,
            SuiteKind.FewShot => FewShot?.Learner,
            SuiteKind.ImageSets => ImageSets?.Learner,
            _ => null
        };

    public IEnumerable<string> Settle(Func<string, bool> given) =>
    [
        .. Games is { Pool.Count: > 0 } games
            ? AgentKeys.Settle("games.agent", games.Agent, games.Pool[0], games.AgentSteps, given) : [],
        .. given("multi-cv.learner.gradient-steps") && !given("multi-cv.learner.epochs")
            ? ["multi-cv.learner.epochs=0"] : Array.Empty<string>(),
    ];

    public IEnumerable<(string Key, string Expected)> Check()
    {
        var suite = Names.Kebab(Suite.ToString());
        object?[] sections = [Games, Omniglot, MultiCv, FewShot, ImageSets]; // in the order of the kinds
        if (sections[(int)Suite] is null) yield return (suite, $"a section, because suite is {suite}");
        if (Suite == SuiteKind.FewShot && Evaluation is not null)
            yield return ("evaluation", "nothing, because a few-shot run is tested on few-shot.test");
        if (Method is FewShotMethod && Suite != SuiteKind.FewShot)
            yield return ("method.name",
                "a method that trains task by task; this one compares the images of episodes (suite: few-shot)");
        if (Games is { } games)
        {
            foreach (var broken in AgentKeys.Check("games.agent", games.Agent)) yield return broken;
            if (games.HeldOut is { } held && (!games.Pool.Contains(held) || games.Pretraining.Count == 0))
                yield return ("games.held-out",
                    $"one of games.pool, and not the only one: {string.Join(", ", games.Pool)}");
        }
        foreach (var (section, network) in new[] { ("omniglot", Omniglot?.Network), ("multi-cv", MultiCv?.Network),
            ("few-shot", FewShot?.Network), ("image-sets", ImageSets?.Network) })
            if (network is not null && !Networks.Has(network))
                yield return ($"{section}.network", OwnNames.Expected(network, [], Networks.Ids));
        if (Method is InnerUpdateMethod && Learner?.Stopping is not null)
            yield return ("method.name",
                $"another method than maml or meta-sgd, which cannot stop early; or {suite}.learner.stopping: null");
        if (Method is InnerUpdateMethod && Suite == SuiteKind.Games)
            yield return ("method.name",
                "another method than maml or meta-sgd, whose graph would hold every rollout of a task");
        if (Meta.Patience > 0 && Learner?.Stopping is null && FewShot is not { ValidationEpisodes: > 0 })
            yield return ("meta.patience", "0, because these tasks' validation error is not looked at "
                + "(omniglot or multi-cv with learner.stopping, few-shot with validation-episodes)");
    }
}

/// <summary>Games as tasks.</summary>
public sealed record GamesSection
{
    /// <summary>Environments to pretrain on, by id.</summary>
    [MinLength(1)]
    public required IReadOnlyList<string> Pool { get; init; }

    /// <summary>
    /// One of the pool that is left out of meta-training and learned in the evaluation, where that names no tasks of
    /// its own.
    /// </summary>
    public string? HeldOut { get; init; }

    /// <summary>The pool without the one held out.</summary>
    internal IReadOnlyList<string> Pretraining => [.. Pool.Where(id => id != HeldOut)];

    /// <summary>Agent steps each task is trained for in a meta-step.</summary>
    [Range(1, 1e15)]
    public required long AgentSteps { get; init; }

    /// <summary>The agent's setting and what is changed in it.</summary>
    public ActorCriticOptions Agent { get; init; } = new();
}

/// <summary>Omniglot's protocol.</summary>
public sealed record OmniglotSection
{
    /// <summary>Alphabets to pretrain on.</summary>
    [Range(1, 25)]
    public int Alphabets { get; init; } = 25;

    /// <summary>The tasks.</summary>
    public OmniglotOptions Task { get; init; } = new();

    /// <summary>How a task is learned.</summary>
    public LearnerOptions Learner { get; init; } = new();

    /// <summary>Gradient steps a held-out alphabet is trained for; left out: as in meta-training.</summary>
    [Range(1, 1e15)]
    public long? EvaluationSteps { get; init; }

    /// <summary>Encoder of your own, as my/name?option=value (docs/networks.md); left out: the paper's.</summary>
    public string? Network { get; init; }
}

/// <summary>The meta-training's length and step.</summary>
public sealed record MetaSection
{
    /// <summary>Meta-steps.</summary>
    [Range(1, 1e15)]
    public required long Steps { get; init; }

    /// <summary>Tasks in a meta-batch; more than the pool has means passing over it again.</summary>
    [Range(1, int.MaxValue)]
    public required int Batch { get; init; }

    /// <summary>How the initialization moves along the averaged contributions.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>
    /// Meta-steps in a row without a new lowest mean validation error that end meta-training; 0 for never. For suites
    /// whose tasks have learner.stopping, and for few-shot, where those without a validation are not counted.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int Patience { get; init; }

    /// <summary>
    /// Part of a meta-batch that may diverge and be left out; also of the learning processes on held-out tasks.
    /// </summary>
    [Range(0, 1)]
    public double MaxDiverged { get; init; } = 0.5;
}

/// <summary>What is learned from an initialization, and against what.</summary>
public sealed record EvaluationSection
{
    /// <summary>Held-out tasks by id; left out: the suite's own.</summary>
    public IReadOnlyList<string> Tasks { get; init; } = [];

    /// <summary>Seeds of each.</summary>
    [Range(1, int.MaxValue)]
    public int Seeds { get; init; } = 3;

    /// <summary>Agent steps of each, for games; left out: as in meta-training.</summary>
    [Range(1, 1e15)]
    public long? AgentSteps { get; init; }

    /// <summary>
    /// Who moves which parameters when a held-out task is learned, as in a learner's roles (docs/roles.md); left out:
    /// as in meta-training. From random initialization everything is learned.
    /// </summary>
    public IReadOnlyDictionary<string, ParameterRole>? Roles { get; init; }

    /// <summary>Factors on learning rates there, as in a learner's rates; left out: as in meta-training.</summary>
    [Range(0, 1e9)]
    public IReadOnlyDictionary<string, double>? Rates { get; init; }

    /// <summary>Compare with: none (random initialization) or folders of other runs.</summary>
    public IReadOnlyList<string> Against { get; init; } = ["none"];

    /// <summary>Episodes in the moving average of a learning curve.</summary>
    [Range(1, int.MaxValue)]
    public int Window { get; init; } = 100;

    /// <summary>Points of a learning curve.</summary>
    [Range(2, int.MaxValue)]
    public int Points { get; init; } = 100;

    /// <summary>
    /// Record an episode of the agents that learned held-out games, of the first seed, as GIFs that reports show side
    /// by side; not on a cluster.
    /// </summary>
    public bool Episodes { get; init; }
}

// The config of a meta-training run: one file for games and supervised suites, whatever the method.
using RlLeap.Cli.Config;
using RlLeap.MetaLearning;

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
}

/// <summary>A meta-training run.</summary>
public sealed record MetaTrainConfig : ICheckedConfig
{
    [Key("Where the run is kept, and on what it runs")]
    public required RunSection Run { get; init; }

    [Key("What the tasks are")]
    public required SuiteKind Suite { get; init; }

    [Key("The games, where suite is games")]
    public GamesSection? Games { get; init; }

    [Key("The alphabets, where suite is omniglot")]
    public OmniglotSection? Omniglot { get; init; }

    [Key("The data sets, where suite is multi-cv")]
    public MultiCvSection? MultiCv { get; init; }

    [Key("The method")]
    public MethodSection Method { get; init; } = new();

    [Key("The meta-training")]
    public required MetaSection Meta { get; init; }

    [Key("What is learned from the result when meta-training is done; left out: nothing")]
    public EvaluationSection? Evaluation { get; init; }

    [Key("Where tasks are trained; no result depends on it")]
    public ExecutorSection Executor { get; init; } = new();

    [Key("Assemblies (.dll) with environments, networks and methods of your own; --assembly adds to them")]
    public IReadOnlyList<string> Assemblies { get; init; } = [];

    /// <inheritdoc/>
    public IEnumerable<(string Key, string Expected)> Check()
    {
        // Names below may be of classes in them.
        foreach (var path in Games?.Assembly is { } one ? Assemblies.Append(one) : Assemblies) Plugins.Load(path);
        if (!Method.IsKnown) yield return ("method.name", OwnNames.Expected(Method.Name, MethodSection.BuiltIn, Methods.Ids));
        if (Games?.Agent.Network is { } agent && !AgentConfig.IsNetwork(agent)) yield return ("games.agent.network", OwnNames.Expected(agent, AgentConfig.BuiltInNetworks, Networks.Ids));
        if (Omniglot?.Network is { } network && !Networks.Has(network)) yield return ("omniglot.network", OwnNames.Expected(network, [], Networks.Ids));
        if (MultiCv?.Network is { } other && !Networks.Has(other)) yield return ("multi-cv.network", OwnNames.Expected(other, [], Networks.Ids));
        if (Suite == SuiteKind.Games && Games is null) yield return ("games", "a section, because suite is games");
        if (Suite == SuiteKind.Omniglot && Omniglot is null) yield return ("omniglot", "a section, because suite is omniglot");
        if (Games is { HeldOut: { } held } games && (!games.Pool.Contains(held) || games.Pretraining.Count == 0)) yield return ("games.held-out", $"one of games.pool, and not the only one: {string.Join(", ", games.Pool)}");
        if (!System.Text.RegularExpressions.Regex.IsMatch(Run.Device, "^(cpu|cuda(:[0-9]+)?)$")) yield return ("run.device", "cpu, cuda or cuda:i");
        if (Suite == SuiteKind.MultiCv)
        {
            if (MultiCv is null) yield return ("multi-cv", "a section, because suite is multi-cv");
            foreach (var broken in MultiCv?.Check() ?? []) yield return broken;
            if (Method.Name == "maml" && MultiCv?.Patience > 0) yield return ("method.name", "another method than maml, which cannot stop early; or multi-cv.patience: 0");
        }
        if (Meta.Patience > 0 && (Suite != SuiteKind.MultiCv || MultiCv?.Patience == 0)) yield return ("meta.patience", "0, because these tasks' validation error is not looked at (multi-cv with patience)");
        if (Suite == SuiteKind.Games && Method.Name == "maml") yield return ("method.name", "another method than maml, whose graph would hold every rollout of a task");
    }
}

/// <summary>Where a run is kept and on what it runs.</summary>
public sealed record RunSection
{
    [Key("Folder of the run, made by it")]
    public required string Directory { get; init; }

    [Key("Seed of everything that is random")]
    public long Seed { get; init; } = 1;

    [Key("Where tensors lie: cpu, cuda or cuda:i")]
    public string Device { get; init; } = "cpu";

    [Key("Tasks trained side by side; 0 for one a core", Min = 0)]
    public int Parallel { get; init; }

    [Key("Seconds between checkpoints inside a running task", Above = 0)]
    public double CheckpointSeconds { get; init; } = 120;
}

/// <summary>Games as tasks.</summary>
public sealed record GamesSection
{
    [Key("Environments to pretrain on, by id", AtLeast = 1)]
    public required IReadOnlyList<string> Pool { get; init; }

    [Key("One of the pool that is left out of meta-training and learned in the evaluation, where that names no tasks of its own")]
    public string? HeldOut { get; init; }

    /// <summary>The pool without the one held out.</summary>
    internal IReadOnlyList<string> Pretraining => [.. Pool.Where(id => id != HeldOut)];

    [Key("Agent steps each task is trained for in a meta-step", Above = 0)]
    public required long AgentSteps { get; init; }

    [Key("The agent's setting and what is changed in it")]
    public AgentConfig Agent { get; init; } = new();

    [Key("One more of assemblies; earlier configs have it")]
    public string? Assembly { get; init; }
}

/// <summary>Omniglot's protocol.</summary>
public sealed record OmniglotSection
{
    [Key("Alphabets to pretrain on", Min = 1, Max = 25)]
    public int Alphabets { get; init; } = 25;

    [Key("Gradient steps a task is trained for", Above = 0)]
    public long GradientSteps { get; init; } = 100;

    [Key("Gradient steps a held-out alphabet is trained for; left out: as in meta-training", Above = 0)]
    public long? EvaluationSteps { get; init; }

    [Key("Images in a minibatch", Above = 0)]
    public int Batch { get; init; } = 20;

    [Key("Learning rate of the tasks' SGD", Above = 0)]
    public double LearningRate { get; init; } = 0.1;

    [Key("Whether corners uncovered by augmentation look like ink, as in the authors' code, or like paper")]
    public bool InkCorners { get; init; } = true;

    [Key("Encoder of your own, as my/name?option=value (docs/networks.md); left out: the paper's")]
    public string? Network { get; init; }
}

/// <summary>The method and its switches.</summary>
public sealed record MethodSection
{
    [Key("The method: none, leap, reptile, fomaml, maml, finetuning, hat, progressive, or one of your own as my/name?option=value (docs/methods.md)")]
    public string Name { get; init; } = "leap";

    [Key("Leap: length, or energy as in the paper's Atari and Multi-CV experiments")]
    public PathMetric Metric { get; init; } = PathMetric.Length;

    [Key("Leap: whether the loss is a coordinate of the path")]
    public bool Loss { get; init; } = true;

    [Key("Leap: whether the loss term always reinforces descent")]
    public bool Stabilizer { get; init; } = true;

    [Key("Leap and Reptile: whether the last update counts (Leap: only with loss: false); see docs/fidelity.md")]
    public bool LastStep { get; init; }

    [Key("FOMAML: whose gradient is taken; see docs/fidelity.md")]
    public OuterBatch FomamlGradient { get; init; } = OuterBatch.LastTraining;

    [Key("MAML: whether the outer loss starts from the last inner one, as in the authors' code")]
    public bool MamlInnerLoss { get; init; }

    /// <summary>The method with its options.</summary>
    /// <exception cref="RlLeapException">A method of the user's own does not know an option.</exception>
    public MetaLearningMethod Resolve() => Name switch
    {
        "leap" => new LeapOptions { Metric = Metric, LossInPath = Loss, Stabilizer = Stabilizer, IncludeLastStep = LastStep },
        "reptile" => new ReptileOptions { IncludeLastStep = LastStep },
        "fomaml" => new FirstOrderMamlOptions { Gradient = FomamlGradient },
        "maml" => new MamlOptions { AddLastInnerLoss = MamlInnerLoss },
        "finetuning" => new FinetuningOptions(),
        "hat" => new HatOptions(),
        "progressive" => new ProgressiveOptions(),
        "none" => new NoPretrainingOptions(),
        _ => Methods.Create(Name),
    };

    /// <summary>The methods that are part of RlLeap.</summary>
    internal static readonly IReadOnlyList<string> BuiltIn = ["none", "leap", "reptile", "fomaml", "maml", "finetuning", "hat", "progressive"];

    internal bool IsKnown => BuiltIn.Contains(Name) || Methods.Has(Name);
}

/// <summary>The meta-training's length and step.</summary>
public sealed record MetaSection
{
    [Key("Meta-steps", Above = 0)]
    public required long Steps { get; init; }

    [Key("Tasks in a meta-batch; more than the pool has means passing over it again", Above = 0)]
    public required int Batch { get; init; }

    [Key("Update rule of the initialization")]
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    [Key("Learning rate of the initialization", Above = 0)]
    public double LearningRate { get; init; } = 0.1;

    [Key("How that rate moves")]
    public Schedule Schedule { get; init; } = Schedule.Constant;

    [Key("Meta-steps in a row without a new lowest mean validation error that end meta-training; 0 for never. For multi-cv", Min = 0)]
    public int Patience { get; init; }

    [Key("Part of a meta-batch that may diverge and be left out; also of the learning processes on held-out tasks", Min = 0, Max = 1)]
    public double MaxDiverged { get; init; } = 0.5;

    /// <summary>The rule with its rate.</summary>
    public OptimizerOptions Resolve() => new() { Kind = Optimizer, LearningRate = LearningRate, Schedule = Schedule };
}

/// <summary>What is learned from an initialization, and against what.</summary>
public sealed record EvaluationSection
{
    [Key("Held-out tasks by id; left out: the suite's own")]
    public IReadOnlyList<string> Tasks { get; init; } = [];

    [Key("Seeds of each", Min = 1)]
    public int Seeds { get; init; } = 3;

    [Key("Agent steps of each, for games; left out: as in meta-training", Min = 1)]
    public long? AgentSteps { get; init; }

    [Key("Compare with: none (random initialization) or folders of other runs")]
    public IReadOnlyList<string> Against { get; init; } = ["none"];

    [Key("Episodes in the moving average of a learning curve", Min = 1)]
    public int Window { get; init; } = 100;

    [Key("Points of a learning curve", Min = 2)]
    public int Points { get; init; } = 100;
}

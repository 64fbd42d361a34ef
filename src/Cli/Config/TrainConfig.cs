// What `rlleap train` does: one agent, one environment.
namespace RlLeap.Cli.Config;

/// <summary>The config of `rlleap train`.</summary>
public sealed record TrainConfig : ICheckedConfig
{
    [Key("Environment, as `rlleap envs list` names it, with options: MinAtar/Breakout-v1?sticky=0.1")]
    public required string Environment { get; init; }

    [Key("Agent steps to train for, all copies together; rounded up to whole rollouts", Min = 1)]
    public long AgentSteps { get; init; } = 5_000_000;

    [Key("Where all randomness comes from")]
    public long Seed { get; init; } = 1;

    [Key("Where the network runs: cpu, cuda or cuda:i")]
    public string Device { get; init; } = "cpu";

    [Key("Threads that step the environments; results do not depend on them", Min = 1, Max = 256)]
    public int EnvironmentThreads { get; init; } = 1;

    [Key("Threads that act and learn, each in its part of the environments; results depend on their number. null: 1, but on ALE as many as there are cores", Min = 1, Max = 256)]
    public int? Workers { get; init; }

    [Key("How the agent learns")]
    public AgentConfig Agent { get; init; } = new();

    [Key("What is written down, and when")]
    public RecordConfig Record { get; init; } = new();

    [Key("Where it is kept")]
    public RunConfig Run { get; init; } = new();

    [Key("Assemblies (.dll) with environments and networks of your own; --assembly adds to them")]
    public IReadOnlyList<string> Assemblies { get; init; } = [];

    /// <inheritdoc/>
    public IEnumerable<(string Key, string Expected)> Check()
    {
        foreach (var path in Assemblies) Plugins.Load(path); // names may be of classes in them
        if (Agent.Network is { } network && !AgentConfig.IsNetwork(network)) yield return ("agent.network", OwnNames.Expected(network, AgentConfig.BuiltInNetworks, Networks.Ids));
        if (Agent.Environments is { } environments && environments % (Workers ?? 1) != 0) yield return ("workers", $"a divisor of agent.environments, {environments}");
        if (!System.Text.RegularExpressions.Regex.IsMatch(Device, "^(cpu|cuda(:[0-9]+)?)$")) yield return ("device", "cpu, cuda or cuda:i");
    }
}

/// <summary>What a training run writes down, and when; distances in agent steps.</summary>
public sealed record RecordConfig
{
    [Key("Agent steps between two rows of losses and running means", Min = 1)]
    public long Every { get; init; } = 20_000;

    [Key("Whether every finished episode gets a row of its own")]
    public bool Episodes { get; init; } = true;

    [Key("Agent steps between two evaluations; 0 for none but the last", Min = 0)]
    public long EvaluateEvery { get; init; } = 500_000;

    [Key("Episodes of an evaluation, greedy and sampled each; 0 for no evaluation", Min = 0, Max = 100_000)]
    public int EvaluationEpisodes { get; init; } = 32;

    [Key("Agent steps of an evaluation episode after which it is counted as it is", Min = 1)]
    public int EvaluationStepsMax { get; init; } = 27_000;

    [Key("Agent steps between two checkpoints", Min = 1)]
    public long CheckpointEvery { get; init; } = 500_000;

    [Key("Newest checkpoints that are kept", Min = 2, Max = 1000)]
    public int CheckpointsKept { get; init; } = 2;
}

/// <summary>Where a run is kept.</summary>
public sealed record RunConfig
{
    [Key("Folder of the run; null makes one under runs/ from what is run")]
    public string? Directory { get; init; }
}

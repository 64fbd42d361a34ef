using System.ComponentModel.DataAnnotations;
using RlLeap.Agents;

namespace RlLeap.Cli.Config;

/// <summary>The config of `rlleap train`.</summary>
public sealed record TrainConfig : ICheckedConfig, IRunConfig
{
    /// <summary>Environment, as `rlleap envs list` names it, with options: MinAtar/Breakout-v1?sticky=0.1.</summary>
    public required string Environment { get; init; }

    /// <summary>Agent steps to train for, all copies together; rounded up to whole rollouts.</summary>
    [Range(1, 1e15)]
    public long AgentSteps { get; init; } = 5_000_000;

    /// <summary>
    /// Finished run of train or meta-train whose parameters training starts from (its folder); left out: random ones.
    /// </summary>
    public string? From { get; init; }

    /// <summary>Threads that step the environments; results do not depend on them.</summary>
    [Range(1, 256)]
    public int EnvironmentThreads { get; init; } = 1;

    /// <summary>
    /// Threads that act and learn, each in its part of the environments; results depend on their number with A2C, not
    /// with PPO. null: 1, but on ALE as many as there are cores.
    /// </summary>
    [Range(1, 256)]
    public int? Workers { get; init; }

    /// <summary>How the agent learns.</summary>
    public ActorCriticOptions Agent { get; init; } = new();

    /// <summary>What is written down, and when.</summary>
    public RecordSection Record { get; init; } = new();

    /// <summary>Where it is kept.</summary>
    public RunSection Run { get; init; } = new();

    /// <summary>Assemblies (.dll) with environments and networks of your own; --assembly adds to them.</summary>
    public IReadOnlyList<string> Assemblies { get; init; } = [];

    public IEnumerable<string> Settle(Func<string, bool> given) =>
        AgentKeys.Settle("agent", Agent, Environment, AgentSteps, given);

    public IEnumerable<(string Key, string Expected)> Check()
    {
        foreach (var broken in AgentKeys.Check("agent", Agent)) yield return broken;
        if (Workers is { } workers && Agent.Ppo is null && Agent.Environments % workers != 0)
            yield return ("workers", $"a divisor of agent.environments, {Agent.Environments}");
    }
}

/// <summary>What a training run writes down, and when; distances in agent steps.</summary>
public sealed record RecordSection
{
    /// <summary>Agent steps between two rows of losses and running means.</summary>
    [Range(1, 1e15)]
    public long Every { get; init; } = 20_000;

    /// <summary>Whether every finished episode gets a row of its own.</summary>
    public bool Episodes { get; init; } = true;

    /// <summary>Agent steps between two evaluations; 0 for none but the last.</summary>
    [Range(0, 1e15)]
    public long EvaluateEvery { get; init; } = 500_000;

    /// <summary>Episodes of an evaluation, greedy and sampled each; 0 for no evaluation.</summary>
    [Range(0, 100_000)]
    public int EvaluationEpisodes { get; init; } = 32;

    /// <summary>Agent steps of an evaluation episode after which it is counted as it is.</summary>
    [Range(1, int.MaxValue)]
    public int EvaluationStepsMax { get; init; } = 27_000;

    /// <summary>Agent steps between two checkpoints.</summary>
    [Range(1, 1e15)]
    public long CheckpointEvery { get; init; } = 500_000;

    /// <summary>Newest checkpoints that are kept.</summary>
    [Range(2, 1000)]
    public int CheckpointsKept { get; init; } = 2;
}

// Sections that the configs of train and meta-train have in common.
using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using RlLeap.Agents;

namespace RlLeap.Cli.Config;

/// <summary>Where a run is kept, and on what it runs.</summary>
public record RunSection : ICheckedConfig
{
    /// <summary>Folder of the run, made by it; null makes one under runs/, named after what is run.</summary>
    public string? Directory { get; init; }

    /// <summary>Seed of everything that is random.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Where tensors lie: cpu, cuda or cuda:i.</summary>
    public string Device { get; init; } = "cpu";

    public IEnumerable<(string Key, string Expected)> Check()
    {
        if (!Regex.IsMatch(Device, "^(cpu|cuda(:[0-9]{1,4})?)$")) yield return ("device", "cpu, cuda or cuda:i");
    }
}

/// <summary>Where a meta-training run is kept, and on what it runs.</summary>
public sealed record MetaRunSection : RunSection
{
    /// <summary>Tasks trained side by side; 0 for one a core.</summary>
    [Range(0, 1024)]
    public int Parallel { get; init; }

    /// <summary>Seconds between checkpoints inside a running task.</summary>
    [Range(0, 1e9, MinimumIsExclusive = true)]
    public double CheckpointSeconds { get; init; } = 120;
}

/// <summary>What an agent's section needs to know of its environment.</summary>
internal static class AgentKeys
{
    private static readonly IReadOnlyList<string> Networks = [AgentNetworks.Auto, .. AgentNetworks.Names];

    /// <summary>
    /// What the section leaves open: the preset that "auto" stands for, the network where the preset's own is for other
    /// observations, the rollout length where it depends on how long the agent learns.
    /// </summary>
    /// <param name="section">Path of the agent's section.</param>
    /// <param name="environment">What the agent learns.</param>
    /// <param name="agentSteps">For how long.</param>
    public static IEnumerable<string> Settle(string section, ActorCriticOptions agent, string environment,
        long agentSteps, Func<string, bool> given)
    {
        // A config with a preset can be read where its environment cannot be made.
        long[]? shape = null;
        if (agent.Preset == "auto" || !given($"{section}.network"))
        {
            try { shape = Registry.Spec(environment).Observation.Shape; }
            catch (RlLeapException) when (agent.Preset != "auto") { }
        }
        var preset = agent.Preset == "auto" ? ActorCriticOptions.PresetFor(shape!) : agent.Preset;
        if (agent.Preset == "auto") yield return $"{section}.preset={preset}";
        var own = ActorCriticOptions.Presets[preset];
        if (!given($"{section}.network") && shape is not null && own.NetworkFor(shape) is var network
            && network != own.Network) yield return $"{section}.network={network}";
        if (given($"{section}.environments")) own = own with { Environments = agent.Environments };
        if (!given($"{section}.rollout-length") && own.RolloutLengthFor(agentSteps) is var rollout
            && rollout != own.RolloutLength) yield return $"{section}.rollout-length={rollout}";
    }

    /// <summary>Broken rules of an agent's section.</summary>
    public static IEnumerable<(string Key, string Expected)> Check(string section, ActorCriticOptions agent)
    {
        if (!Networks.Contains(agent.Network) && !RlLeap.Networks.Has(agent.Network))
            yield return ($"{section}.network", OwnNames.Expected(agent.Network, Networks, RlLeap.Networks.Ids));
    }
}

namespace RlLeap.Agents;

/// <summary>The named settings of PPO; their sources and what we read otherwise: docs/agents.md.</summary>
internal static class PpoPresets
{
    /// <summary>Tuned here, for vectors: classic control, LunarLander, small problems. The rollout length is that of
    /// 100,000 agent steps (<see cref="ActorCriticOptions.RolloutLengthFor"/>).</summary>
    public static ActorCriticOptions Classic { get; } = new()
    {
        Preset = "classic", Environments = 16, RolloutLength = 62, Discount = 0.99, Lambda = 0.98,
        EntropyCoefficient = 0.01, ValueCoefficient = 0.5, NormalizeAdvantages = true, Network = AgentNetworks.Auto,
        Gaussian = new() { NoiseCorrelation = 0.5 }, NormalizeRewards = true,
        Ppo = new() { Epochs = 10, Minibatches = 6, Clip = 0.3 },
        Optimizer = new()
        {
            Kind = OptimizerKind.Adam, LearningRate = 1e-3, Schedule = Schedule.Linear, ScheduleFloor = 0.1,
            Epsilon = 1e-5, MaxGradientNorm = 0.5,
        },
    };

    /// <summary>
    /// CleanRL's ppo.py (Huang et al. 2022, jmlr.org/papers/v23/21-1342.html). Its value loss has a factor 1/2 besides
    /// its coefficient 0.5: 0.25 here.
    /// </summary>
    public static ActorCriticOptions CleanRl { get; } = new()
    {
        Preset = "ppo-cleanrl", Environments = 4, RolloutLength = 128, Discount = 0.99, Lambda = 0.95,
        EntropyCoefficient = 0.01, ValueCoefficient = 0.25, NormalizeAdvantages = true, Network = AgentNetworks.Auto,
        Gaussian = new() { Rescale = false }, Ppo = new() { Epochs = 4, Minibatches = 4, Clip = 0.2, ValueClip = 0.2 },
        Optimizer = new()
        {
            Kind = OptimizerKind.Adam, LearningRate = 2.5e-4, Schedule = Schedule.Linear, Epsilon = 1e-5,
            MaxGradientNorm = 0.5,
        },
    };

    /// <summary>CleanRL's ppo_continuous_action.py.</summary>
    public static ActorCriticOptions CleanRlContinuous { get; } = CleanRl with
    {
        Preset = "ppo-cleanrl-continuous",
        Environments = 1,
        RolloutLength = 2048,
        EntropyCoefficient = 0,
        NormalizeObservations = true,
        NormalizeRewards = true,
        Ppo = new() { Epochs = 10, Minibatches = 32, Clip = 0.2, ValueClip = 0.2 },
        Optimizer = CleanRl.Optimizer with { LearningRate = 3e-4 },
    };

    /// <summary>CleanRL's ppo_atari.py.</summary>
    public static ActorCriticOptions CleanRlAtari { get; } = CleanRl with
    {
        Preset = "ppo-cleanrl-atari",
        Environments = 8,
        RewardClip = 1,
        Network = "nature2015",
        Ppo = new() { Epochs = 4, Minibatches = 4, Clip = 0.1, ValueClip = 0.1 },
    };

    /// <summary>Stable-Baselines3's PPO with its defaults, in one environment.</summary>
    public static ActorCriticOptions Sb3 { get; } = new()
    {
        Preset = "ppo-sb3", Environments = 1, RolloutLength = 2048, Discount = 0.99, Lambda = 0.95,
        EntropyCoefficient = 0, ValueCoefficient = 0.5, NormalizeAdvantages = true, Network = AgentNetworks.Auto,
        Gaussian = new() { Rescale = false }, Ppo = new() { Epochs = 10, Minibatches = 32, Clip = 0.2 },
        Optimizer = new() { Kind = OptimizerKind.Adam, LearningRate = 3e-4, Epsilon = 1e-5, MaxGradientNorm = 0.5 },
    };
}

// The section `agent` of a config: a named setting of the actor-critic, and what departs from it.
using RlLeap.Agents;

namespace RlLeap.Cli.Config;

/// <summary>How an agent learns: a preset, complete, and the keys that are to differ from it. Keys left null are the preset's.</summary>
public sealed record AgentConfig : ICheckedConfig
{
    [Key("Named setting that gives what the other keys leave open: minatar (tuned for MinAtar), a2c (OpenAI baselines), leap (the paper's); auto takes a2c for large images and minatar otherwise", OneOf = ["auto", "minatar", "a2c", "leap"])]
    public string Preset { get; init; } = "auto";

    [Key("Encoder: auto (chosen by the observation), mnih2013, nature2015, minatar, mlp, or one of your own as my/name?option=value (docs/networks.md)")]
    public string? Network { get; init; }

    [Key("Whether the encoder's dense layers are normalized before their activation, which keeps their units alive (docs/diagnosis.md)")]
    public bool? LayerNorm { get; init; }

    [Key("How layers are initialized")]
    public LayerInitialization? Initialization { get; init; }

    [Key("Copies of the environment stepped together", Min = 1, Max = 4096)]
    public int? Environments { get; init; }

    [Key("Agent steps of each copy between two updates", Min = 1, Max = 100_000)]
    public int? RolloutLength { get; init; }

    [Key("Discount per agent step", Min = 0, Max = 1)]
    public double? Discount { get; init; }

    [Key("Decay of advantage estimation: 1 gives n-step returns, less gives GAE", Min = 0, Max = 1)]
    public double? Lambda { get; init; }

    [Key("Rewards are clipped to at most this absolute value for learning; 0 for no clipping", Min = 0)]
    public double? RewardClip { get; init; }

    [Key("Weight of the policy's entropy", Min = 0)]
    public double? EntropyCoefficient { get; init; }

    [Key("Weight of the value's squared error", Min = 0)]
    public double? ValueCoefficient { get; init; }

    [Key("How the loss is reduced over a rollout")]
    public LossReduction? Reduction { get; init; }

    [Key("Whether a rollout's advantages are scaled to mean 0 and standard deviation 1")]
    public bool? NormalizeAdvantages { get; init; }

    [Key("Update rule; rms-prop is PyTorch's form, rms-prop-baselines TensorFlow's and the OpenAI baselines'")]
    public OptimizerKind? Optimizer { get; init; }

    [Key("Learning rate at the start", Min = 0)]
    public double? LearningRate { get; init; }

    [Key("How the learning rate moves over the run")]
    public Schedule? Schedule { get; init; }

    [Key("Decay of RMSProp's square average", Min = 0, Below = 1)]
    public double? Alpha { get; init; }

    [Key("Epsilon of RMSProp and Adam", Min = 0)]
    public double? Epsilon { get; init; }

    [Key("Momentum of SGD and RMSProp", Min = 0, Below = 1)]
    public double? Momentum { get; init; }

    [Key("L2 penalty", Min = 0)]
    public double? WeightDecay { get; init; }

    [Key("Adam's first decay", Min = 0, Below = 1)]
    public double? Beta1 { get; init; }

    [Key("Adam's second decay", Min = 0, Below = 1)]
    public double? Beta2 { get; init; }

    [Key("Largest norm of the gradient; 0 for no clipping", Min = 0)]
    public double? MaxGradientNorm { get; init; }

    /// <inheritdoc/>
    public IEnumerable<(string Key, string Expected)> Check() => [];

    /// <summary>The networks that are part of RlLeap.</summary>
    internal static readonly IReadOnlyList<string> BuiltInNetworks = [AgentNetworks.Auto, .. AgentNetworks.Names];

    /// <summary>Whether a network has this name.</summary>
    internal static bool IsNetwork(string name) => BuiltInNetworks.Contains(name) || Networks.Has(name);

    /// <summary>The options for observations of this shape.</summary>
    public ActorCriticOptions For(long[] observation)
    {
        var large = observation is [_, >= 36, >= 36];
        var preset = ActorCriticOptions.Presets[Preset == "auto" ? large ? "a2c" : "minatar" : Preset];
        // A preset's network is for the observations it was made for; others get what fits them.
        var fits = preset.Network == "minatar" ? observation is [_, >= 3 and < 36, >= 3 and < 36] : large;
        var o = preset.Optimizer;
        return (preset with
        {
            Network = Network ?? (fits ? preset.Network : AgentNetworks.Auto),
            LayerNorm = LayerNorm ?? preset.LayerNorm,
            Initialization = Initialization ?? preset.Initialization,
            Environments = Environments ?? preset.Environments,
            RolloutLength = RolloutLength ?? preset.RolloutLength,
            Discount = Discount ?? preset.Discount,
            Lambda = Lambda ?? preset.Lambda,
            RewardClip = RewardClip ?? preset.RewardClip,
            EntropyCoefficient = EntropyCoefficient ?? preset.EntropyCoefficient,
            ValueCoefficient = ValueCoefficient ?? preset.ValueCoefficient,
            Reduction = Reduction ?? preset.Reduction,
            NormalizeAdvantages = NormalizeAdvantages ?? preset.NormalizeAdvantages,
            Optimizer = o with
            {
                Kind = Optimizer ?? o.Kind,
                LearningRate = LearningRate ?? o.LearningRate,
                Schedule = Schedule ?? o.Schedule,
                Alpha = Alpha ?? o.Alpha,
                Epsilon = Epsilon ?? o.Epsilon,
                Momentum = Momentum ?? o.Momentum,
                WeightDecay = WeightDecay ?? o.WeightDecay,
                Beta1 = Beta1 ?? o.Beta1,
                Beta2 = Beta2 ?? o.Beta2,
                MaxGradientNorm = MaxGradientNorm ?? o.MaxGradientNorm,
            },
        }).Checked();
    }

    /// <summary>The same section with every key filled in, for a run's record.</summary>
    public AgentConfig Resolved(long[] observation)
    {
        var options = For(observation);
        var o = options.Optimizer;
        return new AgentConfig
        {
            Preset = Preset, Network = options.Network, LayerNorm = options.LayerNorm,
            Initialization = options.Initialization, Environments = options.Environments, RolloutLength = options.RolloutLength,
            Discount = options.Discount, Lambda = options.Lambda, RewardClip = options.RewardClip, EntropyCoefficient = options.EntropyCoefficient,
            ValueCoefficient = options.ValueCoefficient, Reduction = options.Reduction, NormalizeAdvantages = options.NormalizeAdvantages, Optimizer = o.Kind,
            LearningRate = o.LearningRate, Schedule = o.Schedule, Alpha = o.Alpha, Epsilon = o.Epsilon, Momentum = o.Momentum, WeightDecay = o.WeightDecay,
            Beta1 = o.Beta1, Beta2 = o.Beta2, MaxGradientNorm = o.MaxGradientNorm,
        };
    }
}

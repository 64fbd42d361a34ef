using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace RlLeap.Agents;

/// <summary>How the terms of a loss over a rollout [T, N] become one number.</summary>
public enum LossReduction
{
    /// <summary>The mean over all T x N steps: the gradient's size does not depend on how many there are.</summary>
    Mean,
    /// <summary>The sum over them, as Mnih et al. 2016 write it for one worker.</summary>
    Sum,
}

/// <summary>
/// Everything an advantage actor-critic is trained with. The named settings are complete: nothing is left to a default
/// elsewhere.
/// </summary>
/// <remarks>docs/agents.md explains them; what their sources leave open is listed in docs/fidelity.md.</remarks>
public sealed record ActorCriticOptions
{
    /// <summary>
    /// Named setting that gives what the other keys leave open: leap (the paper's), a2c (OpenAI baselines), minatar and
    /// classic (tuned here for MinAtar and for vectors), ppo-cleanrl, ppo-cleanrl-continuous, ppo-cleanrl-atari and
    /// ppo-sb3 (the defaults of those), or auto.
    /// </summary>
    [AllowedValues("auto", "leap", "a2c", "minatar", "classic", "ppo-cleanrl", "ppo-cleanrl-continuous",
        "ppo-cleanrl-atari", "ppo-sb3")]
    public string Preset { get; init; } = "auto";
    /// <summary>Copies of the environment stepped together, N.</summary>
    [Range(1, 4096)]
    public int Environments { get; init; } = 32;
    /// <summary>Steps of each copy between two updates, T.</summary>
    [Range(1, 100_000)]
    public int RolloutLength { get; init; } = 5;
    /// <summary>Discount per agent step, gamma.</summary>
    [Range(0, 1)]
    public double Discount { get; init; } = 0.99;
    /// <summary>Decay of advantage estimation: 1 gives n-step returns, less gives GAE(lambda).</summary>
    [Range(0, 1)]
    public double Lambda { get; init; } = 1;
    /// <summary>
    /// Rewards are clipped to at most this absolute value for learning (returns are reported raw); 0 for no clipping.
    /// </summary>
    [Range(0, double.PositiveInfinity)]
    public double RewardClip { get; init; }
    /// <summary>Weight of the policy's entropy, which is subtracted from the loss.</summary>
    [Range(0, double.PositiveInfinity)]
    public double EntropyCoefficient { get; init; } = 0.01;
    /// <summary>Weight of the value's squared error.</summary>
    [Range(0, double.PositiveInfinity)]
    public double ValueCoefficient { get; init; } = 0.5;
    /// <summary>How the terms are reduced over the rollout.</summary>
    public LossReduction Reduction { get; init; } = LossReduction.Mean;
    /// <summary>Whether a rollout's advantages are scaled to mean 0 and standard deviation 1.</summary>
    public bool NormalizeAdvantages { get; init; }
    /// <summary>
    /// Encoder: mnih2013, nature2015, minatar, mlp, parts (a convolution for each image of a Dict or Tuple), one of
    /// your own as my/name?option=value (docs/networks.md), or auto (chosen by the observation).
    /// </summary>
    public string Network { get; init; } = AgentNetworks.Auto;
    /// <summary>
    /// Whether the encoder's dense layers are normalized before their activation (layer normalization): few of their
    /// units can die then (docs/diagnosis.md).
    /// </summary>
    public bool LayerNorm { get; init; }
    /// <summary>Whether policy and value share one network; null: they do for planes and images, not for
    /// vectors.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? SharedNetwork { get; init; }
    /// <summary>Which of two separate networks is meta-learned: both, policy or value.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public SharedTrunks MetaLearned { get; init; }
    /// <summary>
    /// Whether observations are brought to mean 0 and variance 1 by running statistics, which are part of the model.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NormalizeObservations { get; init; }
    /// <summary>
    /// Whether rewards are divided by the running deviation of the discounted return, for learning only.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NormalizeRewards { get; init; }
    /// <summary>How continuous actions are drawn.</summary>
    public GaussianOptions Gaussian { get; init; } = new();
    /// <summary>Several passes over each rollout with PPO's loss; null: one pass, as A2C makes it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PpoOptions? Ppo { get; init; }
    /// <summary>How layers and heads are initialized.</summary>
    public LayerInitialization Initialization { get; init; } = LayerInitialization.Orthogonal;
    /// <summary>Update rule, learning rate, schedule and gradient clipping.</summary>
    public OptimizerOptions Optimizer { get; init; } = new()
    {
        Kind = OptimizerKind.RmsPropBaselines, LearningRate = 7e-4, Alpha = 0.99, Epsilon = 1e-5, MaxGradientNorm = 0.5
    };

    /// <summary>
    /// Who moves which parameters, by patterns over their names: "conv*: frozen"; body is the encoder, head the heads
    /// (docs/roles.md). null: all are adapted.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, ParameterRole>? Roles { get; init; }
    /// <summary>Factors on the learning rate of parameters, by the same patterns. null: 1 for all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Range(0, double.PositiveInfinity)]
    public IReadOnlyDictionary<string, double>? Rates { get; init; }

    /// <summary>
    /// Experiment 3 of Leap (Flennerhag et al. 2019, arXiv 1812.01054, appendix F): what it states is as stated; value
    /// coefficient, clipping of the gradient, reduction, form of RMSProp and initialization are our reading
    /// (docs/fidelity.md).
    /// </summary>
    public static ActorCriticOptions Leap { get; } = new()
    {
        Preset = "leap", Environments = 32, RolloutLength = 5, Discount = 0.99, Lambda = 1, RewardClip = 5,
        EntropyCoefficient = 0.01, ValueCoefficient = 0.5,
        Reduction = LossReduction.Mean, NormalizeAdvantages = false, Network = "mnih2013",
        Initialization = LayerInitialization.TorchDefault,
        Optimizer = new()
        {
            Kind = OptimizerKind.RmsProp, LearningRate = 1e-4, Schedule = Schedule.Constant, Momentum = 0,
            WeightDecay = 0, Alpha = 0.99, Epsilon = 1e-4, MaxGradientNorm = 0
        },
    };

    /// <summary>A2C of the OpenAI baselines (github.com/openai/baselines, a2c, Atari defaults).</summary>
    public static ActorCriticOptions A2c { get; } = new()
    {
        Preset = "a2c", Environments = 16, RolloutLength = 5, Discount = 0.99, Lambda = 1, RewardClip = 1,
        EntropyCoefficient = 0.01, ValueCoefficient = 0.5,
        Reduction = LossReduction.Mean, NormalizeAdvantages = false, Network = "nature2015",
        Initialization = LayerInitialization.Orthogonal,
        Optimizer = new()
        {
            Kind = OptimizerKind.RmsPropBaselines, LearningRate = 7e-4, Schedule = Schedule.Linear, Momentum = 0,
            WeightDecay = 0, Alpha = 0.99, Epsilon = 1e-5, MaxGradientNorm = 0.5
        },
    };

    /// <summary>Tuned here for the five games of MinAtar, one setting for all.</summary>
    public static ActorCriticOptions MinAtar { get; } = new()
    {
        Preset = "minatar", Environments = 32, RolloutLength = 5, Discount = 0.99, Lambda = 0.95, RewardClip = 0,
        EntropyCoefficient = 0.015, ValueCoefficient = 0.5,
        Reduction = LossReduction.Mean, NormalizeAdvantages = false, Network = "minatar",
        Initialization = LayerInitialization.Orthogonal,
        Optimizer = new()
        {
            Kind = OptimizerKind.Adam, LearningRate = 3e-3, Schedule = Schedule.Linear, WeightDecay = 0, Beta1 = 0.9,
            Beta2 = 0.999, Epsilon = 1e-8, MaxGradientNorm = 0.5
        },
    };

    /// <summary>The named settings.</summary>
    public static IReadOnlyDictionary<string, ActorCriticOptions> Presets { get; } =
        new Dictionary<string, ActorCriticOptions>
        {
            ["leap"] = Leap, ["a2c"] = A2c, ["minatar"] = MinAtar, ["classic"] = PpoPresets.Classic,
            ["ppo-cleanrl"] = PpoPresets.CleanRl, ["ppo-cleanrl-continuous"] = PpoPresets.CleanRlContinuous,
            ["ppo-cleanrl-atari"] = PpoPresets.CleanRlAtari, ["ppo-sb3"] = PpoPresets.Sb3,
        };

    /// <summary>
    /// The preset that "auto" stands for: a2c for observations that are large images, minatar for planes, classic for
    /// vectors and other arrays.
    /// </summary>
    public static string PresetFor(long[] observation) => observation switch
    {
        [_, >= 36, >= 36] => "a2c",
        [_, >= 3, >= 3] => "minatar",
        _ => "classic",
    };

    /// <summary>
    /// The network of this preset for observations of a shape: its own where they are what it was made for, else
    /// "auto".
    /// </summary>
    public string NetworkFor(long[] observation) =>
        (Network == "minatar" ? observation is [_, >= 3 and < 36, >= 3 and < 36] : observation is [_, >= 36, >= 36])
            ? Network : AgentNetworks.Auto;

    /// <summary>
    /// The rollout length T of this preset for a training of so many agent steps: classic's is a hundredth of each
    /// copy's steps, at least 48 and at most 256; the others' is their own.
    /// </summary>
    /// <remarks>Short trainings need many updates, long ones gain more from better gradients.</remarks>
    public int RolloutLengthFor(long agentSteps) =>
        Preset == "classic" ? (int)Math.Clamp(agentSteps / (100 * Environments), 48, 256) : RolloutLength;

    /// <summary>Agent steps per update, T x N.</summary>
    public int BatchSize => Environments * RolloutLength;

    /// <summary>Gradient steps made with one rollout.</summary>
    public int UpdatesPerRollout => Ppo is { } ppo ? ppo.Epochs * ppo.Minibatches : 1;

    /// <summary>This record, if every value lies within its bounds.</summary>
    /// <exception cref="RlLeapException">Names the first that does not, and what it may be.</exception>
    public ActorCriticOptions Checked()
    {
        OptionKey.Check(this);
        return this;
    }
}

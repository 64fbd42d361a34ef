// A2C, second page: returns, advantages and the loss. The first is Actor.cs: the rollout. The update is
// Learner.TrainStep.

namespace RlLeap.Agents;

/// <summary>
/// The loss of an advantage actor-critic on one rollout and the terms it is made of: scalars with a graph, and how well
/// values explain returns.
/// </summary>
/// <param name="Total">policy + c_v value - c_e entropy.</param>
/// <param name="Policy">-A log pi(a|o).</param>
/// <param name="Value">(V(o) - G)^2.</param>
/// <param name="Entropy">Entropy of pi(.|o), in nats.</param>
/// <param name="ExplainedVariance">1 - Var(G - V) / Var(G); NaN when all returns are equal.</param>
public sealed record ActorCriticLoss(Tensor Total, Tensor Policy, Tensor Value, Tensor Entropy,
    double ExplainedVariance);

/// <summary>The advantage actor-critic (Mnih et al. 2016, arXiv 1602.01783), synchronous: pure functions.</summary>
public static class ActorCritic
{
    /// <summary>Position of the policy's logits [N, A] among a model's outputs.</summary>
    public const int PolicyHead = 0;
    /// <summary>Position of the value [N, 1] among a model's outputs.</summary>
    public const int ValueHead = 1;

    /// <summary>Position of the log-deviations [N, D] among a model's outputs, where actions have any.</summary>
    public const int DeviationHead = 2;
    /// <summary>The name of the value's head.</summary>
    public const string ValueName = "value";

    /// <summary>The heads an agent with <paramref name="actions"/> actions needs: "policy" and "value".</summary>
    public static IReadOnlyList<Head> Heads(int actions, LayerInitialization initialization) =>
        initialization == LayerInitialization.Orthogonal
            ? [new Head("policy", actions, Gain: 0.01), new Head(ValueName, 1, Gain: 1)]
            : [new Head("policy", actions), new Head(ValueName, 1)];

    /// <summary>The heads for these actions: "policy", "value", and "log_deviation" for a Box among them.</summary>
    public static IReadOnlyList<Head> Heads(ActionDistribution actions, ActorCriticOptions options)
    {
        var heads = Heads(actions.OutputSize, options.Initialization);
        if (actions.DeviationSize == 0) return heads;
        return
        [
            .. heads, new Head("log_deviation", actions.DeviationSize, Gain: heads[PolicyHead].Gain)
            {
                IsConstant = !options.Gaussian.StateDependent, InitialBias = options.Gaussian.InitialLogDeviation,
            },
        ];
    }

    /// <summary>The loss of a rollout at the model's parameters. Advantages and returns are constants: no gradient
    /// flows through them.</summary>
    public static ActorCriticLoss Loss(Model model, Rollout rollout, ActorCriticOptions options) =>
        Loss(model, rollout, options, null);

    /// <summary>The loss of a rollout with the actions of <paramref name="actions"/>; null: Discrete ones.</summary>
    public static ActorCriticLoss Loss(
        Model model, Rollout rollout, ActorCriticOptions options, ActionDistribution? actions)
    {
        var outputs = model.Outputs(rollout.Features(model));
        var values = outputs[ValueHead].squeeze(1);
        var returns = new float[rollout.Count];
        var advantages = new float[rollout.Count];
        using (no_grad())
        {
            using var scope = NewDisposeScope();
            var bootstrap = Policy.Host(model.Forward(rollout.Row(rollout.Length), ValueHead));
            Targets(rollout, Policy.Host(values), bootstrap, options, returns, advantages);
        }
        if (actions is null or { IsDiscrete: true })
            return Loss(outputs[PolicyHead], values, rollout.Actions, returns, advantages, options);
        var taken = tensor(rollout.RawActions, [rollout.Count, actions.ActionSize], values.dtype, values.device);
        var (logProbability, entropy) = actions.Evaluate(
            outputs[PolicyHead], actions.DeviationSize > 0 ? outputs[DeviationHead] : null, taken);
        return Loss(logProbability, entropy, values, returns, advantages, options);
    }

    /// <summary>Targets: returns [T, N] and advantages [T, N], from values [T, N] and bootstrap [N].</summary>
    public static void Targets(Rollout rollout, ReadOnlySpan<float> values, ReadOnlySpan<float> bootstrap,
        ActorCriticOptions options, Span<float> returns, Span<float> advantages)
    {
        if (options.Lambda == 1)
        {
            Returns.NStep(rollout.Rewards, rollout.Discounts, bootstrap, returns);
            for (var i = 0; i < returns.Length; i++) advantages[i] = returns[i] - values[i];
        }
        else
        {
            Returns.Gae(rollout.Rewards, rollout.Discounts, values, bootstrap, options.Lambda, advantages);
            for (var i = 0; i < returns.Length; i++) returns[i] = advantages[i] + values[i];
        }
    }

    /// <summary>The loss of logits [B, A] and values [B] for actions [B], returns [B] and advantages [B].</summary>
    public static ActorCriticLoss Loss(Tensor logits, Tensor values, ReadOnlySpan<int> actions, float[] returns,
        float[] advantages, ActorCriticOptions options)
    {
        var batch = returns.Length;
        Shape.Require(logits, "logits", batch, -1);
        Shape.Require(values, "values", batch);
        if (actions.Length != batch || advantages.Length != batch) throw new ArgumentException(
            $"{batch} returns need as many actions and advantages, not {actions.Length} and {advantages.Length}.");
        var explained = ExplainedVariance(returns, values);
        if (options.NormalizeAdvantages) Normalize(advantages);
        var g = tensor(returns, values.dtype, values.device);
        var weight = options.Reduction == LossReduction.Mean ? 1.0 / batch : 1.0;

        // These tensors are small: an operation costs the same for any size. So few operations are fast.
        var log = logits.log_softmax(1);                                        // [B, A]
        var policy = (log * Chosen(actions, advantages, logits)).sum() * -weight;
        var value =
            F.mse_loss(values, g, options.Reduction == LossReduction.Mean ? nn.Reduction.Mean : nn.Reduction.Sum);
        var entropy = (log.exp() * log).sum() * -weight;
        using Scalar valueWeight = options.ValueCoefficient, entropyWeight = -options.EntropyCoefficient;
        var total = policy.add(value, valueWeight).add(entropy, entropyWeight);
        return new ActorCriticLoss(total, policy, value, entropy, explained);
    }

    /// <summary>The loss of log-probabilities [B] and entropies [B] of the actions taken, and values [B].</summary>
    public static ActorCriticLoss Loss(Tensor logProbability, Tensor entropy, Tensor values, float[] returns,
        float[] advantages, ActorCriticOptions options)
    {
        var batch = returns.Length;
        Shape.Require(logProbability, "logProbability", batch);
        Shape.Require(values, "values", batch);
        var explained = ExplainedVariance(returns, values);
        if (options.NormalizeAdvantages) Normalize(advantages);
        var isMean = options.Reduction == LossReduction.Mean;
        var weight = isMean ? 1.0 / batch : 1.0;
        var policy = (logProbability * tensor(advantages, values.dtype, values.device)).sum() * -weight;
        var value = F.mse_loss(values, tensor(returns, values.dtype, values.device),
            isMean ? nn.Reduction.Mean : nn.Reduction.Sum);
        var meanEntropy = entropy.sum() * weight;
        var total = policy + options.ValueCoefficient * value - options.EntropyCoefficient * meanEntropy;
        return new ActorCriticLoss(total, policy, value, meanEntropy, explained);
    }

    // [B, A]: the advantage at the action taken, 0 at the others.
    private static Tensor Chosen(ReadOnlySpan<int> actions, float[] advantages, Tensor like)
    {
        var count = (int)like.shape[1];
        var chosen = new float[advantages.Length * count];
        for (var i = 0; i < advantages.Length; i++) chosen[i * count + actions[i]] = advantages[i];
        return tensor(chosen, [advantages.Length, count], like.dtype, like.device);
    }

    private static void Normalize(Span<float> advantages)
    {
        var (mean, variance) = Moments(advantages);
        var scale = 1 / (Math.Sqrt(variance) + 1e-8);
        foreach (ref var advantage in advantages) advantage = (float)((advantage - mean) * scale);
    }

    private static double ExplainedVariance(float[] returns, Tensor values)
    {
        using var scope = NewDisposeScope();
        return ExplainedVariance(returns, Policy.Host(values));
    }

    /// <summary>1 - Var(G - V) / Var(G); NaN when all returns are equal.</summary>
    internal static double ExplainedVariance(float[] returns, ReadOnlySpan<float> predicted)
    {
        var errors = new float[returns.Length];
        for (var i = 0; i < errors.Length; i++) errors[i] = returns[i] - predicted[i];
        var variance = Moments(returns).Variance;
        return variance > 0 ? 1 - Moments(errors).Variance / variance : double.NaN;
    }

    private static (double Mean, double Variance) Moments(ReadOnlySpan<float> values)
    {
        var (sum, squares) = (0.0, 0.0);
        foreach (var value in values) sum += value;
        var mean = sum / values.Length;
        foreach (var value in values) squares += (value - mean) * (value - mean);
        return (mean, squares / values.Length);
    }
}

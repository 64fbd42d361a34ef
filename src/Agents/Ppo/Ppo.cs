// PPO on one page (Schulman et al. 2017, arXiv 1707.06347). The rollout is Actor.cs's, the minibatches are
// PpoStream.cs's, the update is Learner.TrainStep.

namespace RlLeap.Agents;

/// <summary>The loss of PPO on one minibatch and its terms, with a graph, and what is worth recording.</summary>
/// <param name="Total">policy + c_v value - c_e entropy: minus equation 9 of the paper.</param>
/// <param name="Policy">-L^CLIP, equation 7.</param>
/// <param name="Value">L^VF, the mean squared error of the value.</param>
/// <param name="Entropy">S, the mean entropy of the policy in nats.</param>
/// <param name="ApproximateKl">Mean of (r - 1) - log r (Schulman 2020, "Approximating KL divergence").</param>
/// <param name="ClipFraction">Part of the minibatch whose ratio is beyond the bound.</param>
public sealed record PpoLoss(
    Tensor Total, Tensor Policy, Tensor Value, Tensor Entropy, double ApproximateKl, double ClipFraction);

/// <summary>What a minibatch remembers of the policy that acted: constants, each [B].</summary>
/// <param name="LogProbabilities">log pi_old(a|o).</param>
/// <param name="Values">V_old(o).</param>
/// <param name="Advantages">Generalized advantage estimates, not normalized.</param>
/// <param name="Returns">What values are pulled towards.</param>
public sealed record PpoTargets(float[] LogProbabilities, float[] Values, float[] Advantages, float[] Returns);

/// <summary>Proximal policy optimization: its loss as a pure function.</summary>
public static class Ppo
{
    /// <summary>The loss of a minibatch.</summary>
    /// <param name="logProbability">[B] log pi(a|o) at the parameters, with a graph.</param>
    /// <param name="entropy">[B] of pi(.|o).</param>
    /// <param name="values">[B] V(o).</param>
    /// <param name="targets">What was when the policy acted.</param>
    /// <param name="options">NormalizeAdvantages, the coefficients, and Ppo.</param>
    public static PpoLoss Loss(
        Tensor logProbability, Tensor entropy, Tensor values, PpoTargets targets, ActorCriticOptions options)
    {
        var batch = targets.Returns.Length;
        Shape.Require(logProbability, "logProbability", batch);
        Shape.Require(values, "values", batch);
        var ppo = options.Ppo
            ?? throw new ArgumentException("These options are not PPO's: Ppo is null.", nameof(options));
        var advantages = Constant(options.NormalizeAdvantages ? Normalized(targets.Advantages) : targets.Advantages);
        var returns = Constant(targets.Returns);

        // r(theta) = pi(a|o) / pi_old(a|o)
        var logRatio = logProbability - Constant(targets.LogProbabilities);
        var ratio = logRatio.exp();

        // L^CLIP = E[min(r A, clip(r, 1 - epsilon, 1 + epsilon) A)]
        var clipped = ratio.clamp(1 - ppo.Clip, 1 + ppo.Clip) * advantages;
        var policy = -minimum(ratio * advantages, clipped).mean();

        // L^VF = E[(V - R)^2]; with a bound, the larger of it and that of the bounded value.
        var value = F.mse_loss(values, returns);
        if (ppo.ValueClip > 0)
        {
            var old = Constant(targets.Values);
            var bounded = old + (values - old).clamp(-ppo.ValueClip, ppo.ValueClip);
            value = maximum((values - returns).square(), (bounded - returns).square()).mean();
        }

        var meanEntropy = entropy.mean();
        var total = policy + options.ValueCoefficient * value - options.EntropyCoefficient * meanEntropy;
        var (kl, fraction) = Moved(logRatio, ppo.Clip);
        return new PpoLoss(total, policy, value, meanEntropy, kl, fraction);

        Tensor Constant(float[] numbers) => tensor(numbers, values.dtype, values.device);
    }

    /// <summary>To mean 0 and standard deviation 1, as PyTorch has it (n - 1).</summary>
    internal static float[] Normalized(float[] advantages)
    {
        if (advantages.Length < 2) return advantages;
        var mean = advantages.Average(a => (double)a);
        var deviation = Math.Sqrt(advantages.Sum(a => (a - mean) * (a - mean)) / (advantages.Length - 1));
        return [.. advantages.Select(a => (float)((a - mean) / (deviation + 1e-8)))];
    }

    private static (double Kl, double Fraction) Moved(Tensor logRatio, double clip)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var logs = Policy.Host(logRatio);
        var (kl, beyond) = (0.0, 0);
        foreach (var log in logs)
        {
            var ratio = Math.Exp(log);
            kl += ratio - 1 - log;
            if (Math.Abs(ratio - 1) > clip) beyond++;
        }
        return (kl / logs.Length, (double)beyond / logs.Length);
    }
}

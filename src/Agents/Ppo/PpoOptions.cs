using System.ComponentModel.DataAnnotations;

namespace RlLeap.Agents;

/// <summary>
/// Proximal policy optimization (Schulman et al. 2017, arXiv 1707.06347): several passes over each rollout in
/// minibatches, with a loss that takes away the reason to move the policy further than a bound.
/// </summary>
public sealed record PpoOptions
{
    /// <summary>Passes over each rollout.</summary>
    [Range(1, 1000)]
    public int Epochs { get; init; } = 10;

    /// <summary>Minibatches of a pass; each is one gradient step.</summary>
    [Range(1, 100_000)]
    public int Minibatches { get; init; } = 4;

    /// <summary>How far the probability ratio may move from 1 before its gradient is cut off.</summary>
    [Range(0, 10, MinimumIsExclusive = true)]
    public double Clip { get; init; } = 0.2;

    /// <summary>How far a value may move from the one of the rollout before its gradient is cut off; 0 for no
    /// bound.</summary>
    [Range(0, double.PositiveInfinity)]
    public double ValueClip { get; init; }

    /// <summary>
    /// The rest of a rollout's passes is left out after a pass whose last minibatch had a larger approximate
    /// Kullback-Leibler divergence than this, from the policy that acted; 0 for never.
    /// </summary>
    [Range(0, double.PositiveInfinity)]
    public double TargetKl { get; init; }
}

using System.ComponentModel.DataAnnotations;

namespace RlLeap.Agents;

/// <summary>How the values of a Box action are drawn: from normal distributions, one for each element.</summary>
public sealed record GaussianOptions
{
    /// <summary>Whether -1 and 1 of the distribution stand for the Box's bounds; false: it draws in the Box's own
    /// units.</summary>
    public bool Rescale { get; init; } = true;

    /// <summary>
    /// Whether draws pass through tanh, which keeps them within the bounds (and rescales); false: they are clipped
    /// there.
    /// </summary>
    public bool Squash { get; init; }

    /// <summary>Logarithm of the standard deviation at the start.</summary>
    [Range(-20, 5)]
    public double InitialLogDeviation { get; init; }

    /// <summary>
    /// Whether the logarithm of the deviation is a function of the observation; false: it is a parameter of its own.
    /// </summary>
    public bool StateDependent { get; init; }

    /// <summary>
    /// Correlation of the noise of one step with that of the step before (an AR(1) process with the same variance):
    /// more than 0 explores further where single steps cancel out; 0 draws each step alone.
    /// </summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double NoiseCorrelation { get; init; }
}

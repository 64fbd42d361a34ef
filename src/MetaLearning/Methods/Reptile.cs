using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>Reptile: the initialization moves toward where training ended (Nichol, Achiam and Schulman 2018, arXiv 1803.02999). Contribution: theta^0 - theta^K.</summary>
public sealed record ReptileOptions : PerTaskMethod
{
    /// <summary>
    /// Whether the last update counts. True is the paper's algorithm 1 (K updates, theta^K); false stops at theta^(K-1) as the authors of Leap compare with,
    /// and equals Leap with the energy metric and without the loss. One switch of this name for both methods; see docs/fidelity.md.
    /// </summary>
    public bool IncludeLastStep { get; init; }

    /// <inheritdoc/>
    public override string Name => "reptile";

    /// <inheritdoc/>
    public override PathObserver Observe(string taskId) => new ReptileObserver(taskId, IncludeLastStep);

    private sealed class ReptileObserver(string taskId, bool includeLastStep) : PathObserver(taskId)
    {
        protected override void Arrive(Tensor position, Tensor gradient, double loss)
        {
            if (Points == 0) Keep("start", position);
            if (!includeLastStep) Keep("last", position);
        }

        protected override Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics)
        {
            var last = includeLastStep ? end : this["last"];
            return this["start"].to_type(ScalarType.Float64) - last.to_type(ScalarType.Float64);
        }
    }
}

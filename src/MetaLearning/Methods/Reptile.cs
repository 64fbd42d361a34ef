namespace RlLeap.MetaLearning;

/// <summary>Reptile: the initialization moves toward where training ended. Meta-gradient: theta^0 - theta^K.</summary>
/// <remarks>Nichol, Achiam and Schulman 2018, arXiv 1803.02999, algorithm 1.</remarks>
public sealed record ReptileOptions : PerTaskMethod
{
    /// <summary>Whether the last update counts.</summary>
    /// <remarks>
    /// True is the paper's algorithm 1: K updates, theta^K. False stops at theta^(K-1), which is what the authors of
    /// Leap compare with. It equals Leap with the energy metric and without the loss. See docs/fidelity.md.
    /// </remarks>
    public bool IncludeLastStep { get; init; }

    public override string Name => "reptile";
    public override PathObserver Observe(string taskId) => new ReptileObserver(taskId, IncludeLastStep);

    private sealed class ReptileObserver(string taskId, bool includeLastStep) : PathObserver(taskId)
    {
        protected override void ObservePoint(Tensor position, Tensor gradient, double loss)
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

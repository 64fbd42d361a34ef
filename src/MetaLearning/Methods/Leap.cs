using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>How the distance between two points of a path is counted.</summary>
public enum PathMetric
{
    /// <summary>The sum of norms, p = 1: every segment weighs by one over its length.</summary>
    Length,
    /// <summary>The sum of squared norms, p = 2: every segment weighs the same.</summary>
    Energy,
}

/// <summary>Leap: the initialization from which the paths of gradient descent over all tasks are shortest (Flennerhag et al. 2019, arXiv 1812.01054).</summary>
/// <remarks>
/// <para>A task's path is gamma^i = (theta^i, f(theta^i)), i = 0 .. K-1, each f on the minibatch of its own step. Its contribution (equation 8 there, the Jacobian
/// approximated by the identity) is</para>
/// <code>
/// sum_i  -(m_i grad f(theta^i) + theta^(i+1) - theta^i) w_i
/// m_i = -|f(theta^(i+1)) - f(theta^i)|  (stabilized; without the bars and the sign otherwise; 0 with the loss left out)
/// w_i = 1 / ||gamma^(i+1) - gamma^i||   (length);  1 (energy, the constant 2 being part of the meta learning rate)
/// </code>
/// <para>The sum descends: the initialization moves against the average of the contributions. The norm is over all shared parameters as one vector, plus the
/// loss when it is part of the path. Only what training computes anyway is used.</para>
/// </remarks>
public sealed record LeapOptions : PerTaskMethod
{
    /// <summary>Length as in the authors' default and their Omniglot results, or energy as in the paper's Multi-CV and Atari experiments.</summary>
    public PathMetric Metric { get; init; } = PathMetric.Length;

    /// <summary>Whether the loss is a coordinate of the path.</summary>
    public bool LossInPath { get; init; } = true;

    /// <summary>Whether the loss term always reinforces descent (mu in the paper).</summary>
    public bool Stabilizer { get; init; } = true;

    /// <summary>
    /// Whether the segment of the last update counts. The authors' code observes before each update, so K updates give K-1 segments; that is the default. The last
    /// segment has a position but no loss (nobody evaluates f(theta^K)), so it can only be counted with <see cref="LossInPath"/> off. See docs/fidelity.md.
    /// </summary>
    public bool IncludeLastStep { get; init; }

    /// <inheritdoc/>
    public override string Name => "leap";

    /// <inheritdoc/>
    public override PathObserver Observe(string taskId)
    {
        if (IncludeLastStep && LossInPath)
            throw new RlLeapException("Leap cannot include the last step with the loss in the path: the loss after the last update is never computed. Set LossInPath or IncludeLastStep to false.");
        return new LeapObserver(taskId, this);
    }

    /// <inheritdoc/>
    protected override void Check(MetaLearnerContext setting) => Observe("").Dispose();

    /// <summary>
    /// Sums segments as the path is walked. Its memory is the previous point (position, gradient, loss) and the sum.
    /// Without the loss in the path no gradient is needed.
    /// </summary>
    private sealed class LeapObserver(string taskId, LeapOptions options) : PathObserver(taskId)
    {
        private double _length;
        private double _energy;

        public override IReadOnlyDictionary<string, double> Scalars =>
            new Dictionary<string, double>(base.Scalars) { ["path.length"] = _length, ["path.energy"] = _energy };

        public override void Restore(IReadOnlyDictionary<string, Tensor> state, IReadOnlyDictionary<string, double> scalars)
        {
            base.Restore(state, scalars);
            (_length, _energy) = (scalars["path.length"], scalars["path.energy"]);
        }

        protected override void Arrive(Tensor position, Tensor gradient, double loss)
        {
            if (Points > 0)
            {
                Segment(position, gradient, loss - LastLoss);
                return;
            }
            Keep("previous", position);
            Keep("sum", zeros_like(position));
            if (options.LossInPath) Keep("gradient", gradient);
        }

        protected override Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics)
        {
            if (options.IncludeLastStep) Segment(end, null, 0);
            (metrics["path.length"], metrics["path.energy"]) = (_length, _energy);
            return this["sum"];
        }

        // From the previous point to this one; then this one is the previous.
        private void Segment(Tensor position, Tensor? gradient, double rise)
        {
            var (previous, sum) = (this["previous"], this["sum"]);
            var inPath = options.LossInPath ? rise * rise : 0;
            var slope = options.Stabilizer ? -Math.Abs(rise) : rise;
            var gradients = options.LossInPath ? (this["gradient"], gradient!, slope) : default((Tensor Previous, Tensor Next, double Slope)?);
            double squared;
            if (options.Metric == PathMetric.Length)
            {
                squared = PathKernels.SquaredDistance(position, previous) + inPath;
                // A point that did not move has no direction, and its segment adds nothing.
                PathKernels.Advance(position, previous, sum, squared > 0 ? 1 / Math.Sqrt(squared) : 0, gradients);
            }
            else squared = PathKernels.Advance(position, previous, sum, weight: 1, gradients) + inPath;
            _length += Math.Sqrt(squared);
            _energy += squared;
        }
    }
}

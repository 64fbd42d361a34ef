namespace RlLeap.MetaLearning;

/// <summary>How the distance between two points of a path is counted: the p of the paper's d_p.</summary>
public enum PathMetric
{
    /// <summary>p = 1, the sum of norms: every segment weighs one over its length.</summary>
    Length,
    /// <summary>p = 2, the sum of squared norms: every segment weighs the same.</summary>
    Energy,
}

/// <summary>Leap: the initialization from which gradient descent on all tasks takes the shortest paths.</summary>
/// <remarks>
/// <para>
/// Flennerhag et al. 2019, arXiv 1812.01054. Training a task takes the points gamma^i = (theta^i, f(theta^i)), i = 0 ..
/// K-1. Each f is the loss of the minibatch of its own step. Algorithm 1 adds up one increment for each segment between
/// two points:
/// </para>
/// <code>
/// dtheta_i = theta^(i+1) - theta^i
/// df_i     = f(theta^(i+1)) - f(theta^i)
/// c_i      = -|df_i|  with the stabilizer mu;  df_i without;  0 without the loss in the path
/// w_i      = 1 / ||gamma^(i+1) - gamma^i||  for the length
///          = 1                              for the energy; its factor 2 is part of the meta learning rate
/// meta-gradient = sum_i  -(c_i grad f(theta^i) + dtheta_i) w_i         equation 8, with the identity as Jacobian
/// </code>
/// <para>
/// The initialization moves against the mean of the tasks' meta-gradients. The norm is that of all shared parameters as
/// one vector, with the loss as one more coordinate when it is in the path. Everything used here is computed by
/// training anyway.
/// </para>
/// </remarks>
public sealed record LeapOptions : PerTaskMethod
{
    /// <summary>
    /// Length as in the authors' code and the Omniglot experiment, or energy as for Multi-CV and Atari.
    /// </summary>
    public PathMetric Metric { get; init; } = PathMetric.Length;

    /// <summary>Whether the loss is a coordinate of the path.</summary>
    public bool LossInPath { get; init; } = true;

    /// <summary>Whether the loss term always reinforces descent (mu in the paper).</summary>
    public bool Stabilizer { get; init; } = true;

    /// <summary>Whether the segment of the last update counts.</summary>
    /// <remarks>
    /// The authors' code observes before each update, so K updates give K-1 segments; that is the default. Nobody
    /// computes the loss after the last update, so the last segment can count only with <see cref="LossInPath"/> off.
    /// See docs/fidelity.md.
    /// </remarks>
    public bool IncludeLastStep { get; init; }

    public override string Name => "leap";

    public override PathObserver Observe(string taskId)
    {
        if (IncludeLastStep && LossInPath)
            throw new RlLeapException("Leap cannot include the last step with the loss in the path: the loss after the "
                + "last update is never computed. Set LossInPath or IncludeLastStep to false.");
        return new LeapObserver(taskId, this);
    }

    protected override void Check(MetaLearnerContext context) => Observe("").Dispose();

    /// <summary>Adds up the increments while the task trains.</summary>
    /// <remarks>It keeps theta^i, the sum and, with the loss in the path, grad f(theta^i).</remarks>
    private sealed class LeapObserver(string taskId, LeapOptions options) : PathObserver(taskId)
    {
        private const string Previous = "previous", PreviousGradient = "gradient", Sum = "sum";
        private const string LengthName = "path.length", EnergyName = "path.energy";
        private double _length, _energy;

        public override IReadOnlyDictionary<string, double> Scalars =>
            new Dictionary<string, double>(base.Scalars) { [LengthName] = _length, [EnergyName] = _energy };

        public override void Restore(
            IReadOnlyDictionary<string, Tensor> state, IReadOnlyDictionary<string, double> scalars)
        {
            base.Restore(state, scalars);
            (_length, _energy) = (scalars[LengthName], scalars[EnergyName]);
        }

        protected override void ObservePoint(Tensor position, Tensor gradient, double loss)
        {
            if (Points > 0)
            {
                AddSegment(position, gradient, lossChange: loss - LastLoss);
                return;
            }
            Keep(Previous, position);
            Keep(Sum, zeros_like(position));
            if (options.LossInPath) Keep(PreviousGradient, gradient);
        }

        protected override Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics)
        {
            if (options.IncludeLastStep) AddSegment(end, gradient: null, lossChange: 0);
            (metrics[LengthName], metrics[EnergyName]) = (_length, _energy);
            return this[Sum];
        }

        /// <summary>Adds the increment of equation 8 from the previous point, theta^i, to theta^(i+1).</summary>
        private void AddSegment(Tensor position, Tensor? gradient, double lossChange)
        {
            var (previous, sum) = (this[Previous], this[Sum]);
            var squaredLossChange = options.LossInPath ? lossChange * lossChange : 0;
            var coefficient = options.Stabilizer ? -Math.Abs(lossChange) : lossChange; // c_i
            (Tensor, Tensor, double)? lossTerm =
                options.LossInPath ? (this[PreviousGradient], gradient!, coefficient) : null;
            double squaredLength; // ||gamma^(i+1) - gamma^i||^2
            if (options.Metric == PathMetric.Length)
            {
                squaredLength = PathKernels.SquaredDistance(position, previous) + squaredLossChange;
                // Two equal points have no direction between them: the segment adds nothing.
                var weight = squaredLength > 0 ? 1 / Math.Sqrt(squaredLength) : 0;
                PathKernels.AddSegment(position, previous, sum, weight, lossTerm);
            }
            else
            {
                squaredLength = squaredLossChange
                    + PathKernels.AddSegment(position, previous, sum, weight: 1, lossTerm);
            }
            _length += Math.Sqrt(squaredLength);
            _energy += squaredLength;
        }
    }
}

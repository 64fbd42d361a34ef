namespace RlLeap.MetaLearning;

/// <summary>Regression of one sine wave: the smallest family of tasks that meta-learning helps with.</summary>
/// <remarks>Finn et al. 2017, arXiv 1703.03400, section 5.1.</remarks>
/// <param name="phase">Shift, radians.</param>
/// <param name="head">The output; null when the network's single feature is the output.</param>
/// <param name="batch">Points of a minibatch, uniform in -5 .. 5.</param>
/// <param name="poisonedAt">The batch, from 0, whose loss is NaN; never by default.</param>
internal sealed class SinusoidTask(
    string id, double amplitude, double phase, Head? head = null, int batch = 10, long poisonedAt = -1) : ITask
{
    public TaskInfo Info { get; } = new(id, [1], head is null ? [] : [head]);

    /// <summary>Tasks with amplitudes in 0.1 .. 5 and phases in 0 .. pi.</summary>
    public static IReadOnlyList<SinusoidTask> Family(int count, Rng rng, Head? head = null)
    {
        return [.. Enumerable.Range(0, count).Select(Draw)];

        SinusoidTask Draw(int i)
        {
            var own = rng.Split("sinusoid", i);
            var (amplitude, phase) = (0.1 + 4.9 * own.NextDouble(), Math.PI * own.NextDouble());
            return new SinusoidTask($"sinusoid/{i}", amplitude, phase, head);
        }
    }

    public ITaskStream Open(Rng rng, Device device) => new Stream(this, rng, device);

    private sealed class Stream(SinusoidTask task, Rng rng, Device device) : ITaskStream
    {
        private readonly double _amplitude = task.Amplitude, _phase = task.Phase;
        private Rng _rng = rng;
        private long _batches;

        public IBatch NextBatch(Model model, Split split = Split.Train)
        {
            var points = new double[task.Batch];
            foreach (ref var point in points.AsSpan()) point = 10 * _rng.NextDouble() - 5;
            return Points(points, model.DType, poisoned: _batches++ == task.PoisonedAt);
        }

        public Tensor Loss(Model model, IBatch batch)
        {
            var points = (SinusoidBatch)batch;
            return F.mse_loss(model.Output(points.X), points.Y);
        }

        public IReadOnlyDictionary<string, double> Score(Model model, Split split)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            double[] places = [.. Enumerable.Range(0, 101).Select(i => i / 10.0 - 5)];
            using var grid = Points(places, model.DType, poisoned: false);
            var loss = Loss(model, grid).to_type(ScalarType.Float64).item<double>();
            return new Dictionary<string, double> { ["loss"] = loss };
        }

        public bool CanSave => true;

        public byte[] Save() => [.. BitConverter.GetBytes(_batches), .. _rng.SaveState()];

        public void Restore(ReadOnlySpan<byte> state) =>
            (_batches, _rng) = (BitConverter.ToInt64(state), Rng.FromState(state[8..]));

        public void Dispose() { }

        private SinusoidBatch Points(double[] points, ScalarType dtype, bool poisoned)
        {
            using var scope = NewDisposeScope();
            var x = tensor(points, [points.Length, 1]).to(dtype, device);
            double Wave(double point) => poisoned ? double.NaN : _amplitude * Math.Sin(point - _phase);
            var y = tensor(points.Select(Wave).ToArray(), [points.Length, 1]).to(dtype, device);
            return new SinusoidBatch(x.DetachFromDisposeScope(), y.DetachFromDisposeScope());
        }
    }

    private double Amplitude => amplitude;
    private double Phase => phase;
    private int Batch => batch;
    private long PoisonedAt => poisonedAt;
}

/// <summary>A minibatch of inputs and targets.</summary>
/// <param name="X">[N, input...].</param>
/// <param name="Y">[N, output...].</param>
internal sealed record SinusoidBatch(Tensor X, Tensor Y) : IBatch
{
    public long Count => X.shape[0];
    public IReadOnlyDictionary<string, double> Metrics => new Dictionary<string, double>();

    public void Dispose()
    {
        X.Dispose();
        Y.Dispose();
    }
}

namespace RlLeap.MetaLearning;

/// <summary>Sees a path for WarpGrad: the warps' gradient, points, and what the other method wants.</summary>
internal sealed class WarpObserver(string taskId, WarpOptions options) : PathObserver(taskId)
{
    private const string Sum = "warp.sum", Previous = "rates.previous", RateSum = "rates.sum";
    private const string PointPrefix = "point.", InnerPrefix = "initialization.";
    private readonly PathObserver? _inner = (options.Initialization as PerTaskMethod)?.Observe(taskId);
    private Model? _model;
    private IReadOnlyList<ParameterGroup> _adapted = [], _meta = [];
    private IReadOnlyList<(long Rate, IReadOnlyList<ParameterGroup> Layer)> _rates = [];

    /// <summary>The points stored so far, first to last: the adapted numbers of the task's model and heads.</summary>
    public IReadOnlyList<float[]> StoredPoints =>
        [.. base.State.Where(kept => kept.Key.StartsWith(PointPrefix, StringComparison.Ordinal))
            .OrderBy(kept => kept.Key, StringComparer.Ordinal).Select(kept => kept.Value.data<float>().ToArray())];

    public override IReadOnlyDictionary<string, Tensor> State => _inner is null ? base.State
        : base.State.Concat(_inner.State.Select(kept => new KeyValuePair<string, Tensor>(
            InnerPrefix + kept.Key, kept.Value))).ToDictionary();

    public override IReadOnlyDictionary<string, double> Scalars => _inner is null ? base.Scalars
        : base.Scalars.Concat(_inner.Scalars.Select(kept => new KeyValuePair<string, double>(
            InnerPrefix + kept.Key, kept.Value))).ToDictionary();

    /// <summary>Says whose path it is. Before the first step.</summary>
    public void Attach(Model model)
    {
        _model = model;
        var layout = model.Parameters.Layout;
        _adapted = layout.Groups();
        _meta = MetaOf(layout);
        _rates = PathRates.Of(layout);
    }

    /// <summary>The meta parameters of a layout. They are shared, so every observed vector has them.</summary>
    public static IReadOnlyList<ParameterGroup> MetaOf(ParameterLayout layout) =>
        layout.Groups(entry => entry is { Role: ParameterRole.Meta, Shared: true } ? 1 : 0);

    public override void Restore(IReadOnlyDictionary<string, Tensor> state, IReadOnlyDictionary<string, double> scalars)
    {
        base.Restore(Own(state, inner: false), Own(scalars, inner: false));
        _inner?.Restore(Own(state, inner: true), Own(scalars, inner: true));
    }

    public override void Dispose()
    {
        base.Dispose();
        _inner?.Dispose();
    }

    protected override void ObservePoint(Tensor position, Tensor gradient, double loss)
    {
        _inner?.Observe(position, gradient, loss);
        if (_rates.Count > 0)
        {
            if (Points == 0) Keep(RateSum, zeros(_rates.Count, ScalarType.Float64));
            else this[RateSum].add_(PathRates.Derivative(_rates, gradient, position, this[Previous]));
            Keep(Previous, position);
        }
        if (options.Update == WarpUpdate.Online)
        {
            if (Points == 0) Keep(Sum, Parts(zeros_like(gradient), _meta));
            var (sum, at) = (this[Sum], 0L);
            foreach (var group in _meta)
            {
                sum.narrow(0, at, group.Count).add_(gradient.narrow(0, group.Start, group.Count));
                at += group.Count;
            }
        }
        else if (Points % options.KeepEvery == 0)
            Keep($"{PointPrefix}{Points:D9}", Parts(_model!.Parameters.Flat.detach(), _adapted)
                .to_type(ScalarType.Float32).cpu());
    }

    protected override Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics)
    {
        var gradient = zeros(end.numel(), ScalarType.Float64);
        if (_inner?.Contribute(end) is { } inner)
        {
            gradient.copy_(tensor(inner.MetaGradient));
            foreach (var (name, value) in inner.Metrics) metrics[name] = value;
        }
        var at = 0L;
        foreach (var group in _meta)
        {
            var part = gradient.narrow(0, group.Start, group.Count);
            if (options.Update == WarpUpdate.Online) part.copy_(this[Sum].narrow(0, at, group.Count));
            else part.zero_();
            at += group.Count;
        }
        for (var i = 0; i < _rates.Count; i++) gradient[_rates[i].Rate] = this[RateSum][i];
        return gradient;
    }

    private static Tensor Parts(Tensor flat, IReadOnlyList<ParameterGroup> groups) => groups.Count == 0
        ? zeros(0, flat.dtype) : cat([.. groups.Select(group => flat.narrow(0, group.Start, group.Count))]);

    private static Dictionary<string, T> Own<T>(IReadOnlyDictionary<string, T> kept, bool inner) => kept
        .Where(one => one.Key.StartsWith(InnerPrefix, StringComparison.Ordinal) == inner)
        .ToDictionary(one => inner ? one.Key[InnerPrefix.Length..] : one.Key, one => one.Value);
}

namespace RlLeap.MetaLearning;

/// <summary>What all observers of a training share: they count points and losses, and they can be saved.</summary>
/// <remarks>
/// <see cref="IPathObserver"/> says what an observer sees and when. Its tensors outlive the dispose scopes it is called
/// in.
/// </remarks>
public abstract class PathObserver(string taskId) : IPathObserver
{
    private readonly Dictionary<string, Tensor> _state = [];
    private readonly LossSummary _losses = new();

    /// <summary>Points observed.</summary>
    protected long Points => _losses.Count;

    /// <summary>Loss at the last observed point; NaN before the first.</summary>
    protected double LastLoss => _losses.Last;

    public void Observe(Tensor position, Tensor gradient, double loss)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        ObservePoint(position, gradient, loss);
        _losses.Add(loss);
    }

    public Contribution Contribute(Tensor end)
    {
        if (Points == 0)
            throw new InvalidOperationException($"{taskId}: nothing was observed, so there is no path to contribute.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var metrics = _losses.Metrics;
        var gradient = MetaGradient(end, metrics);
        if (gradient is null || gradient.numel() != end.numel())
            throw new RlLeapException($"{taskId}: the observer {GetType().Name}{PluginFault.Place(GetType())} returned "
                + $"{(gradient is null ? "null" : Shape.Text(gradient.shape))} from MetaGradient where {end.numel()} "
                + "numbers, one for each shared parameter, are expected.");
        var values = gradient.to_type(ScalarType.Float64).cpu().data<double>().ToArray();
        return new Contribution(taskId, values, Points, metrics);
    }

    public virtual IReadOnlyDictionary<string, Tensor> State => _state;
    public virtual IReadOnlyDictionary<string, double> Scalars => _losses.Scalars;

    public virtual void Restore(IReadOnlyDictionary<string, Tensor> state, IReadOnlyDictionary<string, double> scalars)
    {
        using var _ = no_grad();
        Dispose();
        foreach (var (name, value) in state) Keep(name, value);
        _losses.Restore(scalars);
    }

    /// <summary>Frees the observer's tensors.</summary>
    public virtual void Dispose()
    {
        foreach (var value in _state.Values) value.Dispose();
        _state.Clear();
    }

    /// <summary>The training is at a new point. Runs under no_grad in a dispose scope.</summary>
    /// <remarks><see cref="Points"/> and <see cref="LastLoss"/> do not count the new point yet.</remarks>
    /// <param name="position">The shared parameters [s].</param>
    /// <param name="gradient">The gradient [s] there, before clipping.</param>
    /// <param name="loss">The loss there.</param>
    protected abstract void ObservePoint(Tensor position, Tensor gradient, double loss);

    /// <summary>The meta-gradient [s] to contribute. Runs under no_grad in a dispose scope.</summary>
    /// <param name="end">The shared parameters [s] after the last update.</param>
    /// <param name="metrics">The losses; what else is worth recording can be added.</param>
    protected abstract Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics);

    /// <summary>The tensor kept under <paramref name="name"/>.</summary>
    protected Tensor this[string name] => _state[name];

    /// <summary>Keeps a copy of a tensor under a name, in the memory already held for it, if any.</summary>
    protected void Keep(string name, Tensor value)
    {
        if (_state.TryGetValue(name, out var held)) held.copy_(value);
        else _state[name] = value.clone().DetachFromDisposeScope();
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>What all observers of a learning process share: counting, the losses met, and saving.</summary>
/// <remarks>See <see cref="IPathObserver"/> for what an observer sees and when. It keeps its tensors whatever dispose scope it is called in.</remarks>
public abstract class PathObserver(string taskId) : IPathObserver
{
    private readonly Dictionary<string, Tensor> _state = [];
    private double _firstLoss = double.NaN;
    private double _lossSum;

    /// <summary>Points observed.</summary>
    protected long Points { get; private set; }

    /// <summary>Loss at the last observed point.</summary>
    protected double LastLoss { get; private set; } = double.NaN;

    /// <inheritdoc/>
    public void Observe(Tensor position, Tensor gradient, double loss)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Arrive(position, gradient, loss);
        if (Points == 0) _firstLoss = loss;
        Points++;
        LastLoss = loss;
        _lossSum += loss;
    }

    /// <inheritdoc/>
    public Contribution Contribute(Tensor end)
    {
        if (Points == 0) throw new InvalidOperationException($"{taskId}: nothing was observed, so there is no path to contribute.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var metrics = new Dictionary<string, double> { ["loss.first"] = _firstLoss, ["loss.last"] = LastLoss, ["loss.mean"] = _lossSum / Points };
        var sum = MetaGradient(end, metrics);
        if (sum is null || sum.numel() != end.numel())
            throw new RlLeapException($"{taskId}: the observer {GetType().Name}{PluginFault.Place(GetType())} returned "
                + $"{(sum is null ? "null" : Shape.Text(sum.shape))} from MetaGradient where {end.numel()} numbers, one for each shared parameter, are expected.");
        return new Contribution(taskId, sum.to_type(ScalarType.Float64).cpu().data<double>().ToArray(), Points, metrics);
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor> State => _state;

    /// <inheritdoc/>
    public virtual IReadOnlyDictionary<string, double> Scalars => new Dictionary<string, double>
    {
        ["points"] = Points, ["loss.first"] = _firstLoss, ["loss.last"] = LastLoss, ["loss.sum"] = _lossSum,
    };

    /// <inheritdoc/>
    public virtual void Restore(IReadOnlyDictionary<string, Tensor> state, IReadOnlyDictionary<string, double> scalars)
    {
        using var _ = no_grad();
        Dispose();
        foreach (var (name, value) in state) Keep(name, value);
        (Points, _firstLoss, LastLoss, _lossSum) = ((long)scalars["points"], scalars["loss.first"], scalars["loss.last"], scalars["loss.sum"]);
    }

    /// <summary>Frees the observer's vectors.</summary>
    public void Dispose()
    {
        foreach (var value in _state.Values) value.Dispose();
        _state.Clear();
    }

    /// <summary>
    /// The process is at a new point; <see cref="Points"/> and <see cref="LastLoss"/> are still those before it.
    /// Runs under no_grad in a dispose scope.
    /// </summary>
    /// <param name="position">The shared parameters [s].</param>
    /// <param name="gradient">The gradient [s] there.</param>
    /// <param name="loss">The loss there.</param>
    protected abstract void Arrive(Tensor position, Tensor gradient, double loss);

    /// <summary>The meta-gradient [s] to contribute, and metrics by name. Runs under no_grad in a dispose scope.</summary>
    /// <param name="end">The shared parameters [s] after the last update.</param>
    /// <param name="metrics">What is worth recording is added here.</param>
    protected abstract Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics);

    /// <summary>The vector kept under <paramref name="name"/>.</summary>
    protected Tensor this[string name] => _state[name];

    /// <summary>Keeps a copy of <paramref name="value"/> under <paramref name="name"/>, beyond any dispose scope, in the memory already held for it where there is some.</summary>
    protected void Keep(string name, Tensor value)
    {
        if (_state.TryGetValue(name, out var held)) held.copy_(value);
        else _state[name] = value.clone().DetachFromDisposeScope();
    }
}

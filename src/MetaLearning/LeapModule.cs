using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>Leap (or Reptile, FOMAML) around any torch.nn.Module with a training loop and an optimizer of the user's own.</summary>
/// <remarks>
/// <code>
/// using var leap = new LeapModule(module, new LeapOptions());
/// foreach (var task in batch)                       // one meta-step
/// {
///     using var path = leap.Begin();                // the module is at the shared initialization
///     var optimizer = torch.optim.SGD(module.parameters(), 0.1);
///     for (var k = 0; k &lt; 100; k++)
///     {
///         optimizer.zero_grad();
///         var loss = task.Loss(module);
///         loss.backward();
///         path.Observe(loss);                       // between backward and step
///         optimizer.step();
///     }
///     leap.Add(path);
/// }
/// leap.Step();                                      // the initialization moves, and the module with it
/// </code>
/// <para>The module stays an ordinary module: nothing in it is replaced, so optimizers made before or after work alike. The price of not owning its memory is two more
/// copies of the parameters and a gather at each observation; tasks that run inside <see cref="IMetaLearner"/> do without.</para>
/// </remarks>
public sealed class LeapModule : IDisposable
{
    private readonly nn.Module _module;
    private readonly Parameter[] _parameters;
    private readonly PerTaskMethod _method;
    private readonly ParameterVector _initialization;
    private readonly VectorOptimizer _optimizer;
    private readonly List<(string Name, Tensor Value)> _rest = []; // private parameters and buffers, as they were
    private readonly List<Contribution> _contributions = [];
    private int _begun;

    /// <summary>Meta-learns where <paramref name="module"/> starts; it starts where the module is now.</summary>
    /// <param name="module">Any module, on any device; all its shared parameters have one floating type.</param>
    /// <param name="method">Leap with its options, Reptile, or FOMAML on the last training batch.</param>
    /// <param name="metaOptimizer">How the initialization moves; SGD with rate 0.1 when null.</param>
    /// <param name="shared">Which parameters are meta-learned, by name; all when null. The others are put back at each <see cref="Begin"/> to where they are now.</param>
    /// <exception cref="RlLeapException">The method cannot work this way, or nothing is shared.</exception>
    public LeapModule(nn.Module module, PerTaskMethod method, OptimizerOptions? metaOptimizer = null, Func<string, bool>? shared = null)
    {
        if (method is MamlOptions or FirstOrderMamlOptions { Gradient: not OuterBatch.LastTraining })
            throw new RlLeapException($"{method.Name} needs to train the module itself; around a loop of your own use Leap, Reptile, or FOMAML on the last training batch.");
        method.Observe("").Dispose(); // refuses what it cannot do now, not at the first task
        (_module, _method) = (module, method);
        var mine = module.named_parameters().Where(p => shared?.Invoke(p.name) ?? true).ToList();
        if (mine.Count == 0) throw new RlLeapException("No parameter of the module is shared, so there is nothing to meta-learn.");
        _parameters = [.. mine.Select(p => p.parameter)];
        // TorchSharp compares Device objects by reference: their names tell.
        if (_parameters.FirstOrDefault(p => p.dtype != _parameters[0].dtype || p.device.ToString() != _parameters[0].device.ToString()) is not null)
            throw new RlLeapException("The module's shared parameters lie on several devices or have several types; Leap needs them as one vector.");
        _initialization = NewVector(mine.Select(p => new ParameterInfo(p.name, p.parameter.shape)));
        Gather(_initialization.Views);
        _optimizer = new VectorOptimizer(_initialization, metaOptimizer ?? new OptimizerOptions());
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var (name, value) in Rest()) _rest.Add((name, value.detach().clone().DetachFromDisposeScope()));
    }

    /// <summary>Meta-steps made.</summary>
    public long MetaSteps => _optimizer.Step;

    /// <summary>The shared initialization by parameter name.</summary>
    public ParameterVector Initialization => _initialization;

    /// <summary>Puts the module at the initialization and starts to observe a task's training.</summary>
    /// <param name="task">A name for messages and records.</param>
    public LeapPath Begin(string? task = null)
    {
        Reset();
        return new LeapPath(this, _method.Observe(task ?? $"task {_begun++}"));
    }

    /// <summary>Ends a task's training and adds its contribution to the meta-step.</summary>
    /// <exception cref="DivergenceException">Its path left the finite numbers; nothing was added, the other tasks' contributions stay.</exception>
    public Contribution Add(LeapPath path)
    {
        var contribution = path.Contribute();
        Add(contribution);
        return contribution;
    }

    /// <summary>Adds a contribution that was made elsewhere from the same initialization.</summary>
    /// <exception cref="RlLeapException">It is of another module, or (<see cref="DivergenceException"/>) not finite.</exception>
    public void Add(Contribution contribution)
    {
        if (contribution.MetaGradient.Length != _initialization.Layout.Count)
            throw new RlLeapException($"{contribution.TaskId} contributes {contribution.MetaGradient.Length} numbers, but this module shares {_initialization.Layout.Count} parameters: it was trained from another one.");
        if (contribution.MetaGradient.Any(value => !double.IsFinite(value)))
            throw new DivergenceException(contribution.TaskId, contribution.Steps, "path", contribution.MetaGradient.First(value => !double.IsFinite(value)));
        _contributions.Add(contribution);
    }

    /// <summary>Moves the initialization against the average of the contributions since the last step, and puts the module there.</summary>
    /// <exception cref="InvalidOperationException">Nothing was added.</exception>
    public void Step()
    {
        if (_contributions.Count == 0) throw new InvalidOperationException("No task was added since the last meta-step: call Add(path) after training each.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _initialization.SharedGradient.copy_(tensor(MapReduceMetaLearner.Average(_contributions)));
        _optimizer.Update();
        _contributions.Clear();
        Reset();
    }

    /// <summary>Puts the module at the initialization: shared parameters, and everything else as it was at the beginning.</summary>
    public void Reset()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        for (var i = 0; i < _parameters.Length; i++) _parameters[i].copy_(_initialization.Views[i]);
        foreach (var ((_, value), (_, kept)) in Rest().Zip(_rest)) value.copy_(kept);
    }

    /// <summary>Frees what the meta-learner holds; the module is the user's.</summary>
    public void Dispose()
    {
        _optimizer.Dispose();
        _initialization.Dispose();
        foreach (var (_, value) in _rest) value.Dispose();
    }

    internal ParameterVector NewVector() => NewVector(_initialization.Layout.Entries);

    // The module's parameters into a vector's views.
    internal void Gather(IReadOnlyList<Tensor> views)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        for (var i = 0; i < _parameters.Length; i++) views[i].copy_(_parameters[i]);
    }

    // Their gradients likewise; a parameter that this loss did not reach has none, which is zero.
    internal void GatherGradients(ParameterVector vector)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        for (var i = 0; i < _parameters.Length; i++)
        {
            var target = vector.GradientOf(i);
            if (_parameters[i].grad is { } gradient) target.copy_(gradient);
            else target.zero_();
        }
    }

    private ParameterVector NewVector(IEnumerable<ParameterInfo> entries) => new(new ParameterLayout(entries), _parameters[0].dtype, _parameters[0].device);

    private IEnumerable<(string, Tensor)> Rest() =>
        _module.named_parameters().Where(p => !_initialization.Layout.Contains(p.name)).Select(p => (p.name, (Tensor)p.parameter))
            .Concat(_module.named_buffers().Select(b => (b.name, b.buffer)));
}

/// <summary>One task's training, seen by <see cref="LeapModule"/>.</summary>
public sealed class LeapPath : IDisposable
{
    private readonly LeapModule _owner;
    private readonly PathObserver _observer;
    private readonly ParameterVector _point;
    private long _points;

    internal LeapPath(LeapModule owner, PathObserver observer) => (_owner, _observer, _point) = (owner, observer, owner.NewVector());

    /// <summary>Call between backward and the optimizer's step, with the loss whose gradient it was.</summary>
    /// <exception cref="DivergenceException">The loss is not finite.</exception>
    public void Observe(Tensor loss)
    {
        using var detached = loss.detach();
        using var wide = detached.to_type(ScalarType.Float64);
        Observe(wide.item<double>());
    }

    /// <summary>As <see cref="Observe(Tensor)"/>, with the loss as a number.</summary>
    public void Observe(double loss)
    {
        if (!double.IsFinite(loss)) throw new DivergenceException("the task", _points, "loss", loss);
        _owner.Gather(_point.Views);
        _owner.GatherGradients(_point);
        _observer.Observe(_point.Shared, _point.SharedGradient, loss);
        _points++;
    }

    internal Contribution Contribute()
    {
        _owner.Gather(_point.Views);
        return _observer.Contribute(_point.Shared);
    }

    /// <summary>Frees the observer's memory.</summary>
    public void Dispose()
    {
        _observer.Dispose();
        _point.Dispose();
    }
}

using TorchSharp.Modules;

namespace RlLeap.MetaLearning;

/// <summary>Leap (or Reptile, FOMAML) around any torch.nn.Module, with your own training loop and optimizer.</summary>
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
/// <para>
/// The module stays an ordinary module. Nothing in it is replaced, so optimizers made before or after work alike. The
/// price is two more copies of the parameters, and one copy of parameters and gradients at each observation. Tasks that
/// run inside <see cref="IMetaLearner"/> do not pay it.
/// </para>
/// </remarks>
public sealed class LeapModule : IDisposable
{
    private readonly nn.Module _module;
    private readonly Parameter[] _shared;
    private readonly PerTaskMethod _method;
    private readonly MetaOptimizer _optimizer;
    private readonly List<Tensor> _unsharedAtStart = []; // in the order of Unshared()
    private readonly List<Contribution> _contributions = [];
    private LeapPath? _open;
    private int _begun;

    /// <summary>Meta-learns where a module starts. The initialization starts where the module is now.</summary>
    /// <param name="module">Any module, on any device. All its shared parameters have one floating type.</param>
    /// <param name="method">Leap with its options, Reptile, or FOMAML on the last training batch.</param>
    /// <param name="metaOptimizer">How the initialization moves; SGD with rate 0.1 when null.</param>
    /// <param name="shared">
    /// Which parameters are meta-learned, by name; all when null. Frozen ones (requires_grad is false) never are.
    /// <see cref="Begin"/> puts the others back to where they are now.
    /// </param>
    /// <exception cref="RlLeapException">The method cannot work this way, or nothing is shared.</exception>
    public LeapModule(
        nn.Module module, PerTaskMethod method, OptimizerOptions? metaOptimizer = null,
        Func<string, bool>? shared = null)
    {
        if (method is InnerUpdateMethod or WarpOptions
            or FirstOrderMamlOptions { Gradient: not OuterBatch.LastTraining })
            throw new RlLeapException($"{method.Name} needs to train the module itself; around a loop of your own use "
                + "Leap, Reptile, or FOMAML on the last training batch.");
        method.Observe("").Dispose(); // options that cannot work are refused now, not at the first task
        (_module, _method) = (module, method);
        var named = module.named_parameters()
            .Where(p => p.parameter.requires_grad && (shared?.Invoke(p.name) ?? true)).ToList();
        if (named.Count == 0)
            throw new RlLeapException(
                "No parameter of the module is shared and can be learned, so there is nothing to meta-learn.");
        _shared = [.. named.Select(p => p.parameter)];
        // TorchSharp compares Device objects by reference, so their names are compared.
        if (_shared.Any(p => p.dtype != _shared[0].dtype || p.device.ToString() != _shared[0].device.ToString()))
            throw new RlLeapException("The module's shared parameters lie on several devices or have several types; "
                + "Leap needs them as one vector.");
        Initialization = NewVector(named.Select(p => new ParameterInfo(p.name, p.parameter.shape)));
        CopyParametersTo(Initialization);
        _optimizer = new MetaOptimizer(Initialization, metaOptimizer ?? new OptimizerOptions());
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _unsharedAtStart.AddRange(Unshared().Select(value => value.detach().clone().DetachFromDisposeScope()));
    }

    /// <summary>Meta-steps made.</summary>
    public long MetaSteps => _optimizer.Steps;

    /// <summary>The shared initialization by parameter name.</summary>
    public ParameterVector Initialization { get; }

    /// <summary>Puts the module at the initialization and starts to observe the training of a task.</summary>
    /// <param name="task">A name for messages and records.</param>
    /// <exception cref="RlLeapException">A path is still open: the module would move under it.</exception>
    public LeapPath Begin(string? task = null)
    {
        Reset();
        return _open = new LeapPath(this, _method.Observe(task ?? $"task {_begun++}"));
    }

    /// <summary>Ends the training of a task and adds its contribution to the meta-step.</summary>
    /// <exception cref="RlLeapException">
    /// The path was added before, was disposed or is another module's, or (<see cref="DivergenceException"/>) it is not
    /// finite. Nothing was added; other contributions stay.
    /// </exception>
    public Contribution Add(LeapPath path)
    {
        if (!ReferenceEquals(path, _open))
            throw new RlLeapException("This path is not open: it was added before, was disposed, or is another "
                + "module's. "
                + "Each task needs a path of its own from Begin.");
        var contribution = path.Contribute();
        _open = null;
        Add(contribution);
        return contribution;
    }

    /// <summary>Adds a contribution that was made elsewhere from the same initialization.</summary>
    /// <exception cref="RlLeapException">
    /// It is of another module, or (<see cref="DivergenceException"/>) it is not finite.
    /// </exception>
    public void Add(Contribution contribution)
    {
        var (id, gradient, steps) = (contribution.TaskId, contribution.MetaGradient, contribution.Steps);
        if (gradient.Length != Initialization.Layout.Count)
            throw new RlLeapException($"{id} contributes {gradient.Length} numbers, but this module shares "
                + $"{Initialization.Layout.Count} parameters: it was trained from another one.");
        if (Array.FindIndex(gradient, value => !double.IsFinite(value)) is >= 0 and var at)
            throw new DivergenceException(id, steps, "path", gradient[at]);
        _contributions.Add(contribution);
    }

    /// <summary>Moves the initialization against the mean of the contributions, and puts the module there.</summary>
    /// <exception cref="InvalidOperationException">Nothing was added.</exception>
    /// <exception cref="RlLeapException">A path is still open.</exception>
    public void Step()
    {
        RequireNoPath();
        if (_contributions.Count == 0)
            throw new InvalidOperationException(
                "No task was added since the last meta-step: call Add(path) after training each.");
        // What was frozen since stays where it is, whatever the optimizer does to zero gradients (weight decay,
        // momentum).
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        List<(Tensor View, Tensor Value)> frozen = [.. Enumerable.Range(0, _shared.Length)
            .Where(i => !_shared[i].requires_grad)
            .Select(i => (Initialization.Views[i], Initialization.Views[i].clone()))];
        _optimizer.Step(_contributions);
        foreach (var (view, value) in frozen) view.copy_(value);
        _contributions.Clear();
        Reset();
    }

    /// <summary>Puts the module at the initialization. What is not shared returns to where it was at first.</summary>
    /// <exception cref="RlLeapException">A path is still open.</exception>
    public void Reset()
    {
        RequireNoPath();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        for (var i = 0; i < _shared.Length; i++) _shared[i].copy_(Initialization.Views[i]);
        foreach (var (value, atStart) in Unshared().Zip(_unsharedAtStart)) value.copy_(atStart);
    }

    /// <summary>
    /// Writes the initialization by parameter names, what is not shared as it was at first, and the meta-optimizer's
    /// state. The format is safetensors, which Python reads.
    /// </summary>
    /// <exception cref="RlLeapException">
    /// The file cannot be written; or contributions wait for <see cref="Step"/>, which a file does not hold.
    /// </exception>
    public void Save(string path)
    {
        RequireNoPath();
        if (_contributions.Count > 0)
            throw new RlLeapException($"{_contributions.Count} contributions wait for Step: save after it.");
        using var scope = NewDisposeScope();
        var tensors = Initialization.Export().ToDictionary(t => t.Name, t => t.Value);
        for (var i = 0; i < _unsharedAtStart.Count; i++) tensors.Add($"{UnsharedPrefix}{i}", _unsharedAtStart[i]);
        tensors.Add(MetaOptimizer.StateName, _optimizer.State);
        SafeTensors.Write(path, tensors, new Dictionary<string, string> { [MethodNote] = _method.Name });
    }

    /// <summary>Goes on where <see cref="Save"/> was called, and puts the module there.</summary>
    /// <exception cref="RlLeapException">
    /// The file is damaged, is of another method, or is of a module with other parameters. Nothing was changed then.
    /// </exception>
    public void Load(string path)
    {
        RequireNoPath();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (tensors, notes) = SafeTensors.Read(path);
        if (notes.GetValueOrDefault(MethodNote) != _method.Name)
            throw new RlLeapException(
                $"{path} is of {notes.GetValueOrDefault(MethodNote) ?? "something else"}, not of {_method.Name}.");
        var values = Initialization.Layout.Entries.Select(entry => (entry.Name, entry.Shape))
            .Concat(_unsharedAtStart.Select((value, i) => (Name: $"{UnsharedPrefix}{i}", Shape: value.shape))).ToList();
        foreach (var (name, shape) in values)
            if (!tensors.TryGetValue(name, out var value) || !value.shape.AsSpan().SequenceEqual(shape.ToArray()))
                throw new RlLeapException($"{path} has no {name} of this module's shape: it is of another module.");
        if (!tensors.TryGetValue(MetaOptimizer.StateName, out var state))
            throw new RlLeapException($"{path} has no state of the meta-optimizer: LeapModule.Save did not write it.");
        _optimizer.Restore(state);
        for (var i = 0; i < _shared.Length; i++)
            Initialization.Views[i].copy_(tensors[Initialization.Layout.Entries[i].Name]);
        for (var i = 0; i < _unsharedAtStart.Count; i++) _unsharedAtStart[i].copy_(tensors[$"{UnsharedPrefix}{i}"]);
        _contributions.Clear();
        Reset();
    }

    private const string UnsharedPrefix = "unshared.", MethodNote = "method";

    private void RequireNoPath()
    {
        if (_open is not null)
            throw new RlLeapException("A path is open, and the module would move under it: add it to the meta-step "
                + "(Add), or dispose it, before the next step or task begins.");
    }

    /// <summary>The path is not observed any more.</summary>
    internal void Close(LeapPath path)
    {
        if (ReferenceEquals(path, _open)) _open = null;
    }

    /// <summary>Frees what the meta-learner holds. The module is yours.</summary>
    public void Dispose()
    {
        _optimizer.Dispose();
        Initialization.Dispose();
        foreach (var value in _unsharedAtStart) value.Dispose();
    }

    internal ParameterVector NewVector() => NewVector(Initialization.Layout.Entries);

    /// <summary>Copies the module's shared parameters into a vector of the same layout.</summary>
    internal void CopyParametersTo(ParameterVector vector)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        for (var i = 0; i < _shared.Length; i++) vector.Views[i].copy_(_shared[i]);
    }

    /// <summary>Copies their gradients likewise. A parameter that the loss did not reach has the gradient 0.</summary>
    internal void CopyGradientsTo(ParameterVector vector)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        for (var i = 0; i < _shared.Length; i++)
            if (_shared[i].grad is { } gradient) vector.GradientOf(i).copy_(gradient);
            else vector.GradientOf(i).zero_();
    }

    private ParameterVector NewVector(IEnumerable<ParameterInfo> entries) =>
        new(new ParameterLayout(entries), _shared[0].dtype, _shared[0].device);

    private IEnumerable<Tensor> Unshared() => _module.named_parameters()
        .Where(p => !Initialization.Layout.Contains(p.name)).Select(Tensor (p) => p.parameter)
        .Concat(_module.named_buffers().Select(b => b.buffer));
}

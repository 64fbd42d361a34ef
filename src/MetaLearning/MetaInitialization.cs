namespace RlLeap.MetaLearning;

/// <summary>What a task starts from: the shared parameters, which are meta-learned, and buffers.</summary>
/// <remarks>
/// Buffers (batch-norm statistics) take no meta-gradient. Training a task only reads both, from any thread.
/// </remarks>
public sealed class MetaInitialization : IDisposable
{
    private readonly bool _encoderOnly;
    private readonly IReadOnlyList<Head> _sharedHeads;

    /// <summary>An initialization of zeros.</summary>
    /// <param name="network">The encoder.</param>
    /// <param name="sharedHeads">
    /// The heads that are meta-learned with it; null when every task has new heads, shared ones included.
    /// </param>
    /// <param name="dtype">Floating type.</param>
    /// <param name="device">Where it lies.</param>
    /// <param name="roles">Overrides the roles and rates that the network gives its entries.</param>
    public MetaInitialization(
        Network network, IReadOnlyList<Head>? sharedHeads, ScalarType dtype = ScalarType.Float32, Device? device = null,
        ParameterRoles? roles = null)
    {
        _encoderOnly = sharedHeads is null;
        _sharedHeads = sharedHeads ?? [];
        Network = network;
        Shared = new ParameterVector(Model.LayoutOf(network, _sharedHeads, roles), dtype, device);
        Buffers = new ParameterVector(new ParameterLayout(network.Buffers), dtype, device, requiresGradient: false);
        // Views are made on first use, which must come before threads share them.
        _ = (Shared.Shared, Shared.SharedGradient);
    }

    /// <summary>The encoder's architecture.</summary>
    public Network Network { get; }

    /// <summary>The shared parameters; the gradient buffer is the meta-gradient.</summary>
    public ParameterVector Shared { get; }

    /// <summary>The statistics a task starts with.</summary>
    public ParameterVector Buffers { get; }

    /// <summary>Draws the initialization as a model of the same network and shared heads would draw it.</summary>
    public void Initialize(Rng rng)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var model = new Model(Network, _sharedHeads, Shared.Flat.dtype, Shared.Flat.device);
        model.Initialize(rng);
        Shared.CopyFrom(model.Parameters);
        Buffers.CopyFrom(model.Buffers);
    }

    /// <summary>Puts a model at this initialization; its private heads stay as they are.</summary>
    /// <exception cref="RlLeapException">The model shares other parameters; names the first difference.</exception>
    public void ApplyTo(Model model)
    {
        var theirs = model.Parameters.Layout;
        // The encoder comes first in every layout.
        if (_encoderOnly) theirs = new ParameterLayout(theirs.Entries.Take(Shared.Layout.Entries.Count));
        if (theirs.SharedDifference(Shared.Layout) is { } difference)
            throw new RlLeapException($"{model.Network.Name} cannot start from this initialization: "
                + $"it shares {difference}. Both must have the same network and shared heads.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        model.Parameters.Shared.narrow(0, 0, Shared.Layout.Count).copy_(Shared.Shared);
        model.Buffers.CopyFrom(Buffers);
    }

    /// <summary>A learner of a task that starts here. Private heads are drawn from <paramref name="rng"/>.</summary>
    public Learner Begin(ITask task, LearnerOptions options, Rng rng, IPathObserver? observer = null) =>
        new Learner(task, Network, options, rng, Shared.Flat.device, observer, Shared.Flat.dtype)
            .DisposeOnError(learner => ApplyTo(learner.Model));

    /// <summary>Writes the parameters under their names and the buffers under "buffer.NAME".</summary>
    /// <remarks>The format is safetensors, which Python reads.</remarks>
    public void Save(string path)
    {
        using var scope = NewDisposeScope();
        SafeTensors.Write(path, Export(), ParameterRoles.Note(Shared.Layout, new() { ["network"] = Network.Name }));
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="RlLeapException">The file is damaged, or it is from another network.</exception>
    public void Load(string path)
    {
        using var scope = NewDisposeScope();
        var (tensors, _) = SafeTensors.Read(path);
        Import(tensors, path);
    }

    /// <summary>All tensors by the names that files use. The caller's dispose scope owns them.</summary>
    internal Dictionary<string, Tensor> Export()
    {
        var tensors = Shared.Export().ToDictionary(t => t.Name, t => t.Value);
        foreach (var (name, value) in Buffers.Export(Model.BufferPrefix)) tensors.Add(name, value);
        return tensors;
    }

    /// <summary>Takes over what <see cref="Export"/> gave.</summary>
    /// <exception cref="RlLeapException">Something is missing; the message names it and the file.</exception>
    internal void Import(IReadOnlyDictionary<string, Tensor> tensors, string path)
    {
        var missing = Shared.Import(tensors).Concat(Buffers.Import(tensors, Model.BufferPrefix)).ToList();
        if (missing.Count > 0)
            throw new RlLeapException(
                $"{path} lacks {string.Join(", ", missing)}: it is not an initialization of {Network.Name}.");
    }

    /// <summary>Frees both vectors.</summary>
    public void Dispose()
    {
        Shared.Dispose();
        Buffers.Dispose();
    }
}

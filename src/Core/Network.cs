namespace RlLeap;

/// <summary>A pure function of parameters and input: [N, input...] to [N, <see cref="Features"/>].</summary>
/// <remarks>
/// It owns no tensors. The parameters come with the <see cref="Pass"/>, so that the same network can be evaluated at
/// any point of parameter space: at a learner's vector, or at the graph tensors of MAML's inner loop. What is specific
/// to a task, its linear heads, is added by <see cref="Model"/>. To join with a torch.nn.Module instead, see
/// <see cref="ModuleNetwork"/>.
/// </remarks>
public abstract class Network
{
    /// <summary>A name for records and messages.</summary>
    public abstract string Name { get; }

    /// <summary>Shape of one input, without the batch axis.</summary>
    public abstract long[] InputShape { get; }

    /// <summary>Number of features a pass returns for each input.</summary>
    public abstract long Features { get; }

    /// <summary>The trainable tensors, as <see cref="Pass.Parameter"/> counts them. All are shared.</summary>
    public abstract IReadOnlyList<ParameterInfo> Parameters { get; }

    /// <summary>
    /// Tensors that a pass updates but no gradient reaches (batch-norm statistics), in the order of
    /// <see cref="Pass.Buffer"/>.
    /// </summary>
    public virtual IReadOnlyList<ParameterInfo> Buffers => [];

    /// <summary>Units of each hidden layer, where <see cref="Pass.Hooks"/> act; empty where there is none.</summary>
    public virtual IReadOnlyList<long> HiddenUnits => [];

    /// <summary>False for a re-homed module, evaluated at its own parameters alone: that rules out MAML.</summary>
    public virtual bool IsFunctional => true;

    /// <summary>Features [N, F] of <paramref name="input"/> at the parameters of <paramref name="pass"/>.</summary>
    public abstract Tensor Forward(Pass pass, Tensor input);

    /// <summary>Which features a head reads: all, unless parts of the network belong to some heads alone.</summary>
    public virtual (long Start, long Count) FeaturesOf(Head head) => (0, Features);

    /// <summary>The features [N, Count] that <see cref="FeaturesOf"/> gives a head, and no others.</summary>
    public virtual Tensor ForwardFor(Pass pass, Tensor input, Head head)
    {
        var (features, (start, count)) = (CheckedForward(pass, input), FeaturesOf(head));
        return start == 0 && count == Features ? features : features.narrow(1, start, count);
    }

    /// <summary>How the features of a batch in parts are made; override it where there is a faster way.</summary>
    public virtual IncrementalFeatures BeginFeatures(Pass pass) => new(input => CheckedForward(pass, input));

    /// <summary><see cref="Forward"/>, with a clear error where a network breaks its promise.</summary>
    /// <exception cref="RlLeapException">The result is not [N, <see cref="Features"/>] of the parameters'
    /// type.</exception>
    internal Tensor CheckedForward(Pass pass, Tensor input)
    {
        var features = Forward(pass, input);
        var type = Parameters.Count > 0 ? pass.Parameter(0).dtype : features?.dtype ?? ScalarType.Float32;
        // Read by size(i): a shape would be an array for each pass.
        if (features is not null && features.dim() == 2 && features.size(1) == Features
            && features.size(0) == input.size(0)
            && features.dtype == type) return features;
        var expected = $"{type} [{input.size(0)}, {Features}] (the number of inputs, Features)";
        throw new RlLeapException($"The network {Name}{PluginFault.Place(GetType())} returned "
            + $"{(features is null ? "null" : $"{features.dtype} {Shape.Text(features.shape)}")} from Forward where "
            + $"{expected} is expected.");
    }

    /// <summary>Whether <see cref="Layer"/> can walk it: hidden layers in order, then the features.</summary>
    public virtual bool IsLayered => false;

    /// <summary>
    /// Hidden layer <paramref name="layer"/> alone, hooks included: from the units of the layer before (the input, for
    /// the first) to its own. Progressive nets walk several columns side by side with it.
    /// </summary>
    public virtual Tensor Layer(int layer, Pass pass, Tensor input) =>
        throw new NotSupportedException($"{Name} cannot be walked layer by layer.");

    /// <summary><see cref="Forward"/> in evaluation mode, as operators of ONNX: what `export` writes.</summary>
    /// <param name="graph">Takes the operators.</param>
    /// <param name="pass">The parameters and buffers, as <see cref="Forward"/> gets them.</param>
    /// <param name="input">The input [N, input...], of the parameters' type.</param>
    /// <returns>The features [N, <see cref="Features"/>].</returns>
    /// <exception cref="RlLeapException">The network, or a layer of it, cannot be written so; names it.</exception>
    public virtual OnnxValue ToOnnx(OnnxGraph graph, Pass pass, OnnxValue input) => throw new RlLeapException(
        $"The network {Name} ({GetType().Name}) does not say how it is written as ONNX: override ToOnnx in its class "
        + "(docs/export.md), or leave the file out (--no-onnx).");

    /// <summary>The network to use with these vectors: itself, or a module built anew and re-homed in them.</summary>
    public virtual Network Bind(ParameterVector parameters, ParameterVector buffers) => this;

    /// <summary>Draws initial values. Runs under no_grad; entries arrive zeroed.</summary>
    /// <param name="parameter">The i-th parameter.</param>
    /// <param name="buffer">The i-th buffer.</param>
    /// <param name="rng">The only source of randomness to use.</param>
    public abstract void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng);
}

/// <summary>What acts inside a pass at <see cref="Network.HiddenUnits"/>: laterals, masks of HAT.</summary>
/// <param name="PreActivation">(layer, pre-activation) to the pre-activation to use; laterals add here. [N, units,
/// ...].</param>
/// <param name="Units">(layer, units after activation and pooling) to the units to hand on; masks multiply here,
/// captures read. [N, units, ...].</param>
public sealed record LayerHooks(Func<int, Tensor, Tensor>? PreActivation = null,
    Func<int, Tensor, Tensor>? Units = null);

/// <summary>One evaluation of a network: at which parameters and buffers, training or not, which hooks.</summary>
public readonly struct Pass(IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> buffers, bool training,
    LayerHooks? hooks = null)
{
    /// <summary>The i-th of <see cref="Network.Parameters"/>.</summary>
    public Tensor Parameter(int i) => parameters[i];

    /// <summary>The i-th of <see cref="Network.Buffers"/>.</summary>
    public Tensor Buffer(int i) => buffers[i];

    /// <summary>The same pass with other buffers.</summary>
    public Pass With(IReadOnlyList<Tensor> otherBuffers, bool training) =>
        new(parameters, otherBuffers, training, hooks);

    /// <summary>The same pass with other hooks.</summary>
    public Pass With(LayerHooks? otherHooks) =>
        new(parameters, buffers, training, otherHooks) { AtParameters = AtParameters };

    /// <summary>A dense layer: input [N, in] times the i-th parameter [out, in], plus the one after it [out].</summary>
    public Tensor Dense(int i, Tensor input) => SmallBatchLinear.Linear(input, parameters[i], parameters[i + 1]);

    /// <summary>The pass of a network whose parameters, buffers and layers come after so many others.</summary>
    public Pass From(int firstParameter, int firstBuffer, int firstLayer) => new(
        parameters.Skip(firstParameter).ToArray(), buffers.Skip(firstBuffer).ToArray(), training,
        hooks is null ? null : Shifted(hooks, firstLayer))
    { AtParameters = AtParameters };

    private static LayerHooks Shifted(LayerHooks hooks, int layers) => new(
        hooks.PreActivation is { } before ? (layer, value) => before(layer + layers, value) : null,
        hooks.Units is { } after ? (layer, value) => after(layer + layers, value) : null);

    /// <summary>Whether batch statistics are used and running ones updated.</summary>
    public bool Training => training;

    /// <summary>What acts on the hidden layers, or null.</summary>
    public LayerHooks? Hooks => hooks;

    /// <summary>Whether the parameters are the model's own, not tensors with a graph (MAML's inner steps).</summary>
    public bool AtParameters { get; init; }

    /// <summary>Applies the pre-activation hook of <paramref name="layer"/>.</summary>
    public Tensor PreActivation(int layer, Tensor value) => hooks?.PreActivation?.Invoke(layer, value) ?? value;

    /// <summary>Applies the units hook of <paramref name="layer"/>.</summary>
    public Tensor Units(int layer, Tensor value) => hooks?.Units?.Invoke(layer, value) ?? value;
}

/// <summary>A linear map from features to one of a task's outputs: classes, action logits, a value.</summary>
/// <param name="Name">Prefix of its parameter names ("policy" gives policy.weight and policy.bias).</param>
/// <param name="Size">Number of outputs.</param>
/// <param name="Shared">Whether it is meta-learned with the encoder. Only possible where all tasks have the same
/// outputs.</param>
/// <param name="Gain">Scale of the orthogonal initialization; 0 stands for PyTorch's default initialization of a linear
/// layer.</param>
public sealed record Head(string Name, long Size, bool Shared = false, double Gain = 0)
{
    /// <summary>Whether it reads nothing: its outputs are its bias, the same for every input.</summary>
    public bool IsConstant { get; init; }

    /// <summary>The first value of its bias.</summary>
    public double InitialBias { get; init; }
}

namespace RlLeap.MetaLearning;

/// <summary>An encoder with further parameters, which a few-shot method uses on its features.</summary>
/// <remarks>Its features are the encoder's. The further parameters and buffers follow the encoder's.</remarks>
internal abstract class ExtendedNetwork : NetworkWrapper
{
    /// <summary>Extends an encoder.</summary>
    /// <param name="encoder">Makes the features.</param>
    /// <param name="name">Follows the encoder's name.</param>
    /// <param name="parameters">What is learned beside it.</param>
    /// <param name="buffers">Statistics beside its own.</param>
    /// <exception cref="RlLeapException">The encoder is a torch.nn.Module.</exception>
    protected ExtendedNetwork(
        Network encoder, string name, IReadOnlyList<ParameterInfo> parameters,
        IReadOnlyList<ParameterInfo>? buffers = null) : base(encoder)
    {
        if (!encoder.IsFunctional)
            throw new RlLeapException($"{encoder.Name} is a torch.nn.Module, which cannot be part of a larger network. "
                + "Write it as a RlLeap.Network, or choose the method prototypical.");
        Name = $"{encoder.Name}+{name}";
        Parameters = [.. encoder.Parameters, .. parameters];
        Buffers = [.. encoder.Buffers, .. buffers ?? []];
    }

    public override string Name { get; }
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override IReadOnlyList<ParameterInfo> Buffers { get; }
    public override Tensor Forward(Pass pass, Tensor input) => Inner.Forward(pass, input);

    public override OnnxValue ToOnnx(OnnxGraph graph, Pass pass, OnnxValue input) =>
        Inner.ToOnnx(graph, pass, input);

    public sealed override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        Inner.Initialize(parameter, buffer, rng.Split("encoder"));
        InitializeOwn(i => parameter(Inner.Parameters.Count + i), i => buffer(Inner.Buffers.Count + i), rng);
    }

    /// <summary>Draws the further parameters. Runs under no_grad; entries arrive zeroed.</summary>
    protected abstract void InitializeOwn(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng);

    /// <summary>The i-th of the further parameters.</summary>
    protected Tensor Own(Pass pass, int i) => pass.Parameter(Inner.Parameters.Count + i);

    /// <summary>The i-th of the further buffers.</summary>
    protected Tensor OwnBuffer(Pass pass, int i) => pass.Buffer(Inner.Buffers.Count + i);
}

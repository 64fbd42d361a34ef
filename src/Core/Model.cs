namespace RlLeap;

/// <summary>A network with a task's heads at a point of parameter space: what a loss is a function of.</summary>
/// <remarks>
/// Owns its vectors unless made by <see cref="At"/>. Tensors that a pass makes belong to the caller's dispose scope.
/// </remarks>
public sealed class Model : IDisposable
{
    private readonly IReadOnlyList<Tensor> _theta;
    private readonly int[] _headBiases; // a head's weight stands before its bias
    private readonly (long Start, long Count)[] _headFeatures;
    private readonly IReadOnlyList<Tensor> _encoder; // the network's parameters in its own order
    private readonly bool _owner;

    /// <summary>A model with zero parameters; see <see cref="Initialize"/>.</summary>
    /// <param name="network">The encoder.</param>
    /// <param name="heads">Linear heads on its features; none when the network's features are the output.</param>
    /// <param name="dtype">Floating type.</param>
    /// <param name="device">Where parameters lie and inputs must lie.</param>
    /// <param name="roles">Overrides the roles and rates that the network gives its entries.</param>
    public Model(Network network, IReadOnlyList<Head> heads, ScalarType dtype = ScalarType.Float32,
        Device? device = null, ParameterRoles? roles = null)
    {
        Heads = heads;
        Parameters = new ParameterVector(LayoutOf(network, heads, roles), dtype, device);
        Buffers = new ParameterVector(new ParameterLayout(network.Buffers), dtype, device, requiresGradient: false);
        _headBiases = [.. heads.Select(head => Parameters.Layout.IndexOf(head.Name + ".bias"))];
        _headFeatures = [.. heads.Select(network.FeaturesOf)];
        _theta = Parameters.Views;
        _encoder = EncoderOf(network, Parameters.Layout, _theta);
        _owner = true;
        Network = network.Bind(Parameters, Buffers);
    }

    private Model(Model source, ParameterVector parameters, IReadOnlyList<Tensor> theta, bool isAtParameters)
    {
        if (!source.Network.IsFunctional)
            throw new RlLeapException($"{source.Network.Name} is a torch.nn.Module and cannot be evaluated at other "
                + "parameters, which MAML and agents with several workers need. Write it as a RlLeap.Network, or use "
                + "FOMAML, Reptile or Leap, and one worker.");
        if (theta.Count != source.Parameters.Views.Count)
            throw new ArgumentException($"Expected {source.Parameters.Views.Count} tensors, got {theta.Count}.",
                nameof(theta));
        (Network, Heads, Parameters, Buffers) = (source.Network, source.Heads, parameters, source.Buffers);
        (_headBiases, _headFeatures) = (source._headBiases, source._headFeatures);
        (Training, Hooks) = (source.Training, source.Hooks);
        (_theta, IsAtParameters) = (theta, isAtParameters);
        _encoder = EncoderOf(Network, Parameters.Layout, theta);
    }

    /// <summary>The encoder.</summary>
    public Network Network { get; }

    /// <summary>The heads, in the order of <see cref="Forward"/>'s outputs.</summary>
    public IReadOnlyList<Head> Heads { get; }

    /// <summary>All trainable values, the shared ones first.</summary>
    public ParameterVector Parameters { get; }

    /// <summary>Batch-norm statistics and the like; empty for networks without.</summary>
    public ParameterVector Buffers { get; }

    /// <summary>Training mode (batch statistics used, running ones updated) or evaluation mode.</summary>
    public bool Training { get; set; } = true;

    /// <summary>What acts inside the network's hidden layers, or null.</summary>
    public LayerHooks? Hooks { get; set; }

    /// <summary>Where parameters lie.</summary>
    public Device Device => Parameters.Flat.device;

    /// <summary>Whether passes run at <see cref="Parameters"/>, not at other tensors.</summary>
    public bool IsAtParameters { get; } = true;

    /// <summary>Floating type of the parameters.</summary>
    public ScalarType DType => Parameters.Flat.dtype;

    /// <summary>The layout of a network with these heads: encoder, shared heads, then the task's own heads.</summary>
    public static ParameterLayout LayoutOf(
        Network network, IReadOnlyList<Head> heads, ParameterRoles? roles = null) => new(roles is null
            ? network.Parameters.Concat(HeadEntries(network, heads))
            : roles.ApplyTo(network.Parameters, areHeads: false)
                .Concat(roles.ApplyTo(HeadEntries(network, heads), areHeads: true)));

    internal static IEnumerable<ParameterInfo> HeadEntries(Network network, IReadOnlyList<Head> heads) =>
        heads.SelectMany(head =>
        {
            var bias = new ParameterInfo(head.Name + ".bias", [head.Size], head.Shared);
            ParameterInfo[] constant = [bias];
            return head.IsConstant ? constant : [new ParameterInfo(
                head.Name + ".weight", [head.Size, network.FeaturesOf(head).Count], head.Shared), bias];
        });

    // The layout has shared entries first; a network may have entries that are not.
    private static IReadOnlyList<Tensor> EncoderOf(
        Network network, ParameterLayout layout, IReadOnlyList<Tensor> theta) =>
        network.Parameters.All(p => p.Shared) ? theta
            : [.. network.Parameters.Select(p => theta[layout.IndexOf(p.Name)])];

    /// <summary>Draws initial values; heads from splits of their own, so they move no numbers of the encoder.</summary>
    public void Initialize(Rng rng)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Network.Initialize(i => _encoder[i], i => Buffers.Views[i], rng.Split("encoder"));
        InitializeHeads(rng);
    }

    /// <summary>Draws the heads alone: for a task that starts from a meta-learned encoder.</summary>
    /// <param name="rng">Draws come from its splits "head.NAME".</param>
    public void InitializeHeads(Rng rng)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        for (var h = 0; h < Heads.Count; h++)
        {
            var bias = Parameters.Views[_headBiases[h]];
            if (!Heads[h].IsConstant)
            {
                var (weight, head) = (Parameters.Views[_headBiases[h] - 1], rng.Split("head." + Heads[h].Name));
                if (Heads[h].Gain > 0) { Initialization.Orthogonal(weight, Heads[h].Gain, head); bias.zero_(); }
                else Initialization.TorchDefault(weight, bias, head);
            }
            if (Heads[h].IsConstant || Heads[h].InitialBias != 0) bias.fill_(Heads[h].InitialBias);
        }
    }

    /// <summary>What stands before the names of buffers in files.</summary>
    public const string BufferPrefix = "buffer.";

    /// <summary>Parameters and buffers by the names that files use, as CPU copies. The caller disposes them.</summary>
    public IEnumerable<(string Name, Tensor Value)> Export() =>
        Parameters.Export().Concat(Buffers.Export(BufferPrefix));

    /// <summary>Copies what <see cref="Export"/> gave; returns the names that are missing.</summary>
    /// <exception cref="RlLeapException">An entry has another shape.</exception>
    public IReadOnlyList<string> Import(IReadOnlyDictionary<string, Tensor> source) =>
        [.. Parameters.Import(source), .. Buffers.Import(source, BufferPrefix)];

    /// <summary>The encoder's features [N, F].</summary>
    /// <exception cref="RlLeapException">The network returned something else.</exception>
    public Tensor Features(Tensor input) => Network.CheckedForward(Pass, input);

    /// <summary>The encoder's features of a batch in parts; at other tensors (MAML) with all derivatives.</summary>
    public IncrementalFeatures BeginFeatures() =>
        IsAtParameters ? Network.BeginFeatures(Pass) : new IncrementalFeatures(Features);

    /// <summary>Every head's output [N, size], as <see cref="Heads"/> has them; the features without heads.</summary>
    public Tensor[] Forward(Tensor input) => Outputs(Features(input));

    /// <summary>A pass at this model's parameters, for what a network has beside <see cref="Features"/>.</summary>
    public Pass Pass => new(_encoder, Buffers.Views, Training, Hooks) { AtParameters = IsAtParameters };

    /// <summary>Every head's output from the features; these themselves when there are no heads.</summary>
    public Tensor[] Outputs(Tensor features)
    {
        if (Heads.Count == 0) return [features];
        var outputs = new Tensor[Heads.Count];
        for (var h = 0; h < outputs.Length; h++) outputs[h] = Output(h, features);
        return outputs;
    }

    /// <summary>The output [N, size] of head <paramref name="head"/> of <see cref="Heads"/> alone.</summary>
    public Tensor Forward(Tensor input, int head) => Linear(head, Network.ForwardFor(Pass, input, Heads[head]));

    /// <summary>The output [N, size] of head <paramref name="head"/> from the features [N, F].</summary>
    public Tensor Output(int head, Tensor features)
    {
        var (start, count) = _headFeatures[head];
        return Linear(head, start == 0 && count == features.size(1) ? features : features.narrow(1, start, count));
    }

    private Tensor Linear(int head, Tensor features)
    {
        var at = _headBiases[head];
        return Heads[head].IsConstant ? _theta[at].expand(features.size(0), Heads[head].Size)
            : F.linear(features, _theta[at - 1], _theta[at]);
    }

    /// <summary>The output of a model with one head (or none) [N, size].</summary>
    public Tensor Output(Tensor input) => Forward(input) is [var only] ? only
        : throw new InvalidOperationException($"{Network.Name} has {Heads.Count} heads; use Forward.");

    /// <summary>The same network, heads and buffers at other parameters, which may carry a graph.</summary>
    /// <exception cref="RlLeapException">The network can only be evaluated at its own parameters.</exception>
    public Model At(IReadOnlyList<Tensor> theta) => new(this, Parameters, theta, isAtParameters: false);

    /// <summary>
    /// The same network, heads and buffers at a vector of the same layout, which stays the caller's: another thread's
    /// <see cref="ParameterVector.Replica"/>.
    /// </summary>
    /// <exception cref="RlLeapException">The network can only be evaluated at its own parameters.</exception>
    public Model At(ParameterVector vector) => new(this, vector, vector.Views, isAtParameters: true);

    /// <summary>A copy with vectors of its own, in evaluation mode; on the same device, if none is named.</summary>
    public Model ForEvaluation(Device? device = null)
    {
        var copy = new Model(Network, Heads, DType, device ?? Device) { Training = false };
        copy.Parameters.CopyFrom(Parameters);
        copy.Buffers.CopyFrom(Buffers);
        return copy;
    }

    /// <summary>Disposes the vectors, unless this model is only another view (<see cref="At"/>).</summary>
    public void Dispose()
    {
        if (!_owner) return;
        (Network as IDisposable)?.Dispose();
        Parameters.Dispose();
        Buffers.Dispose();
    }
}

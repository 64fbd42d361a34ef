namespace RlLeap.Agents;

/// <summary>A network whose inputs are brought to mean 0 and variance 1 by running statistics.</summary>
/// <remarks>
/// The statistics are buffers of the model: they are saved with it and frozen wherever it plays without learning. An
/// agent's stream sets them between two rollouts, so a rollout and all losses of it see the same ones.
/// </remarks>
internal sealed class NormalizedNetwork : NetworkWrapper
{
    public const string MeanName = "observation.mean", VarianceName = "observation.variance";

    // As gymnasium and Stable-Baselines3 have them.
    private const double Epsilon = 1e-8, Bound = 10;

    public NormalizedNetwork(Network inner) : base(inner) =>
        Buffers = [.. inner.Buffers, new(MeanName, inner.InputShape), new(VarianceName, inner.InputShape)];

    public override string Name => Inner.Name;
    public override IReadOnlyList<ParameterInfo> Buffers { get; }

    public override (long Start, long Count) FeaturesOf(Head head) => Inner.FeaturesOf(head);

    public override Tensor Forward(Pass pass, Tensor input) => Inner.Forward(pass, Normalized(pass, input));

    public override Tensor ForwardFor(Pass pass, Tensor input, Head head) =>
        Inner.ForwardFor(pass, Normalized(pass, input), head);

    public override OnnxValue ToOnnx(OnnxGraph graph, Pass pass, OnnxValue input)
    {
        var (mean, variance) = (pass.Buffer(Inner.Buffers.Count), pass.Buffer(Inner.Buffers.Count + 1));
        var inverse = (variance + Epsilon).rsqrt(); // in the scope of the export, as the two bounds
        var (low, high) = (tensor(-Bound, mean.dtype), tensor(Bound, mean.dtype));
        var centred = graph.Add("Sub", [input, graph.Constant(mean)]);
        var scaled = graph.Add("Mul", [centred, graph.Constant(inverse)]);
        return Inner.ToOnnx(graph, pass, graph.Add("Clip", [scaled, graph.Constant(low), graph.Constant(high)]));
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        Inner.Initialize(parameter, buffer, rng);
        buffer(Inner.Buffers.Count + 1).fill_(1);
    }

    /// <summary>Sets the statistics of a model with such a network.</summary>
    public static void Set(Model model, RunningMoments moments)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var mean = model.Buffers.Views[model.Buffers.Layout.IndexOf(MeanName)];
        var variance = model.Buffers.Views[model.Buffers.Layout.IndexOf(VarianceName)];
        mean.copy_(tensor(moments.Mean.ToArray()).view(mean.shape));
        double[] variances = [.. Enumerable.Range(0, moments.Mean.Length).Select(moments.Variance)];
        variance.copy_(tensor(variances).view(variance.shape));
    }

    private Tensor Normalized(Pass pass, Tensor input)
    {
        var (mean, variance) = (pass.Buffer(Inner.Buffers.Count), pass.Buffer(Inner.Buffers.Count + 1));
        if (input.dtype != mean.dtype) input = input.to_type(mean.dtype);
        return ((input - mean) * (variance + Epsilon).rsqrt()).clamp(-Bound, Bound);
    }
}

namespace RlLeap.Agents;

/// <summary>Initializes (weight, bias) pairs by name, each from a split of its own.</summary>
internal static class LayerInitializer
{
    internal static void Initialize(
        IReadOnlyList<ParameterInfo> parameters,
        Func<int, Tensor> parameter,
        LayerInitialization initialization,
        Rng rng)
    {
        for (var i = 0; i < parameters.Count; i += 2)
        {
            var layer = rng.Split(parameters[i].Name);
            if (LayerNorm.Has(parameters[i])) parameter(i).fill_(1); // its bias stays zero
            else if (initialization == LayerInitialization.TorchDefault)
                Initialization.TorchDefault(parameter(i), parameter(i + 1), layer);
            else
            {
                Initialization.Orthogonal(parameter(i), Math.Sqrt(2), layer);
                parameter(i + 1).zero_();
            }
        }
    }
}

/// <summary>Layer normalization (Ba et al. 2016, arXiv 1607.06450) of a dense layer, among its parameters.</summary>
internal static class LayerNorm
{
    private const double Epsilon = 1e-5;

    /// <summary>Gain and bias [units] of a norm called <paramref name="name"/>.</summary>
    internal static IEnumerable<ParameterInfo> Parameters(string name, long units) =>
        [new(name + ".weight", [units]), new(name + ".bias", [units])];

    /// <summary>Whether a weight is a norm's gain: it has one axis.</summary>
    internal static bool Has(ParameterInfo weight) => weight.Shape.Length == 1;

    /// <summary>[N, units], each row to mean 0 and variance 1, then times the gain, plus the bias.</summary>
    internal static Tensor Apply(Tensor units, Tensor weight, Tensor bias) =>
        F.layer_norm(units, [units.shape[1]], weight, bias, Epsilon);

    /// <summary>The same as ONNX.</summary>
    internal static OnnxValue ToOnnx(OnnxGraph graph, OnnxValue units, Tensor weight, Tensor bias) =>
        graph.LayerNorm(units, weight, bias, Epsilon);
}

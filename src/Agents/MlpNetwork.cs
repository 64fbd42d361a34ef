namespace RlLeap.Agents;

/// <summary>Dense layers with tanh after each: the encoder for observations that are vectors.</summary>
/// <remarks>
/// With <c>layerNorm</c> each layer's outputs are normalized before their tanh, which keeps units from saturating.
/// </remarks>
public sealed class MlpNetwork : Network
{
    private readonly LayerInitialization _initialization;
    private readonly double _scale;
    private readonly bool _layerNorm;

    /// <summary>An encoder for flattened observations; <paramref name="hidden"/> are its layers' sizes.</summary>
    public MlpNetwork(Box observation, IReadOnlyList<long> hidden, LayerInitialization initialization,
        bool layerNorm = false)
    {
        if (hidden.Count == 0) throw new RlLeapException("The network mlp needs at least one hidden layer.");
        (InputShape, HiddenUnits, _initialization, _layerNorm) =
            (observation.Shape, [.. hidden], initialization, layerNorm);
        _scale = observation.UnitScale;
        var parameters = new List<ParameterInfo>();
        long inputs = observation.Length;
        for (var i = 0; i < hidden.Count; i++)
        {
            parameters.Add(new($"dense{i + 1}.weight", [hidden[i], inputs]));
            parameters.Add(new($"dense{i + 1}.bias", [hidden[i]]));
            if (layerNorm) parameters.AddRange(LayerNorm.Parameters($"norm{i + 1}", hidden[i]));
            inputs = hidden[i];
        }
        Parameters = parameters;
    }

    public override string Name => "mlp";
    public override long[] InputShape { get; }
    public override long Features => HiddenUnits[^1];
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override IReadOnlyList<long> HiddenUnits { get; }

    public override Tensor Forward(Pass pass, Tensor input)
    {
        var x = input.flatten(1);
        if (x.dtype != pass.Parameter(0).dtype) x = x.to_type(pass.Parameter(0).dtype);
        if (_scale != 1) x = x * _scale;
        for (var layer = 0; layer < HiddenUnits.Count; layer++)
        {
            var first = (_layerNorm ? 4 : 2) * layer;
            x = pass.Dense(first, x);
            if (_layerNorm) x = LayerNorm.Apply(x, pass.Parameter(first + 2), pass.Parameter(first + 3));
            x = pass.Units(layer, pass.PreActivation(layer, x).tanh());
        }
        return x;
    }

    public override OnnxValue ToOnnx(OnnxGraph graph, Pass pass, OnnxValue input)
    {
        var x = graph.Flatten(input);
        if (_scale != 1) x = graph.Scale(x, _scale, pass.Parameter(0).dtype);
        for (var layer = 0; layer < HiddenUnits.Count; layer++)
        {
            var first = (_layerNorm ? 4 : 2) * layer;
            x = graph.Dense(x, pass.Parameter(first), pass.Parameter(first + 1));
            if (_layerNorm) x = LayerNorm.ToOnnx(graph, x, pass.Parameter(first + 2), pass.Parameter(first + 3));
            x = graph.Tanh(x);
        }
        return x;
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) =>
        LayerInitializer.Initialize(Parameters, parameter, _initialization, rng);
}

using RlLeap.Environments;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Agents;

/// <summary>Dense layers with tanh after each: the encoder for observations that are vectors.</summary>
public sealed class MlpNetwork : Network
{
    private readonly LayerInitialization _initialization;
    private readonly double _scale;

    /// <summary>An encoder for observations of <paramref name="observation"/>, flattened; <paramref name="hidden"/> are the layers' sizes.</summary>
    public MlpNetwork(Box observation, IReadOnlyList<long> hidden, LayerInitialization initialization)
    {
        if (hidden.Count == 0) throw new RlLeapException("The network mlp needs at least one hidden layer.");
        (InputShape, HiddenUnits, _initialization) = (observation.Shape, [.. hidden], initialization);
        _scale = observation.Element == ElementType.Byte ? 1 / Math.Max(1, observation.High) : 1;
        var parameters = new List<ParameterInfo>();
        long inputs = observation.Length;
        for (var i = 0; i < hidden.Count; i++)
        {
            parameters.Add(new($"dense{i + 1}.weight", [hidden[i], inputs]));
            parameters.Add(new($"dense{i + 1}.bias", [hidden[i]]));
            inputs = hidden[i];
        }
        Parameters = parameters;
    }

    /// <inheritdoc/>
    public override string Name => "mlp";

    /// <inheritdoc/>
    public override long[] InputShape { get; }

    /// <inheritdoc/>
    public override long Features => HiddenUnits[^1];

    /// <inheritdoc/>
    public override IReadOnlyList<ParameterInfo> Parameters { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<long> HiddenUnits { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Pass pass, Tensor input)
    {
        var x = input.flatten(1);
        if (x.dtype != pass.Parameter(0).dtype) x = x.to_type(pass.Parameter(0).dtype);
        if (_scale != 1) x = x * _scale;
        for (var layer = 0; layer < HiddenUnits.Count; layer++)
        {
            x = pass.Dense(2 * layer, x);
            x = pass.Units(layer, pass.PreActivation(layer, x).tanh());
        }
        return x;
    }

    /// <inheritdoc/>
    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) =>
        LayerInitializer.Initialize(Parameters, parameter, _initialization, rng);
}

/// <summary>Initializes (weight, bias) pairs by name, each from a split of its own.</summary>
internal static class LayerInitializer
{
    internal static void Initialize(IReadOnlyList<ParameterInfo> parameters, Func<int, Tensor> parameter, LayerInitialization initialization, Rng rng)
    {
        for (var i = 0; i < parameters.Count; i += 2)
        {
            var layer = rng.Split(parameters[i].Name);
            if (initialization == LayerInitialization.TorchDefault) Initialization.TorchDefault(parameter(i), parameter(i + 1), layer);
            else
            {
                Initialization.Orthogonal(parameter(i), Math.Sqrt(2), layer);
                parameter(i + 1).zero_();
            }
        }
    }
}

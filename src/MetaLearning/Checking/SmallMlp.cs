namespace RlLeap.MetaLearning;

/// <summary>A multi-layer perceptron with tanh between linear layers, for tests of methods.</summary>
/// <param name="sizes">Inputs, hidden units of every layer, outputs.</param>
/// <param name="activateLast">Whether the last layer has a tanh too, as in an encoder below a head.</param>
/// <remarks>
/// It is smooth, and exact in float64. Parameters are named as nn.Sequential(Linear, Tanh, Linear, ...) names them. To
/// hooks every layer is a hidden one with <paramref name="activateLast"/>, and every layer but the last without.
/// </remarks>
internal sealed class SmallMlp(long[] sizes, bool activateLast = false) : Network
{
    private readonly ParameterInfo[] _parameters =
    [
        .. Enumerable.Range(0, sizes.Length - 1).SelectMany(l => new ParameterInfo[]
        {
            new($"{2 * l}.weight", [sizes[l + 1], sizes[l]]),
            new($"{2 * l}.bias", [sizes[l + 1]]),
        }),
    ];

    public override string Name => $"SmallMlp({string.Join("-", sizes)})";
    public override long[] InputShape => [sizes[0]];
    public override long Features => sizes[^1];
    public override IReadOnlyList<ParameterInfo> Parameters => _parameters;
    public override IReadOnlyList<long> HiddenUnits => activateLast ? sizes[1..] : sizes[1..^1];

    public override Tensor Forward(Pass pass, Tensor input)
    {
        var last = sizes.Length - 2;
        for (var l = 0; l <= last; l++)
            input = l == last && !activateLast ? Linear(l, pass, input) : Layer(l, pass, input);
        return input;
    }

    public override bool IsLayered => activateLast;

    public override Tensor Layer(int layer, Pass pass, Tensor input) =>
        pass.Units(layer, pass.PreActivation(layer, Linear(layer, pass, input)).tanh());

    private static Tensor Linear(int layer, Pass pass, Tensor input) =>
        F.linear(input, pass.Parameter(2 * layer), pass.Parameter(2 * layer + 1));

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        for (var i = 0; i < _parameters.Length; i += 2)
            Initialization.TorchDefault(parameter(i), parameter(i + 1), rng.Split("layer", i / 2));
    }
}

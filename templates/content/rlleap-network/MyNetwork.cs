using RlLeap;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

/// <summary>Two dense layers with ReLU over the flattened input.</summary>
/// <param name="inputShape">Shape of one input, without the batch axis: RlLeap gives it.</param>
/// <param name="units">Units of each layer: an option of the name, "my/my-part?units=64".</param>
[Network("my/my-part", "two dense layers with ReLU")]
public sealed class MyNetwork(long[] inputShape, long units = 128) : Network
{
    private readonly long _inputs = inputShape.Aggregate(1L, (product, size) => product * size);

    public override string Name => "my-part";

    public override long[] InputShape => inputShape;

    public override long Features => units;

    public override IReadOnlyList<ParameterInfo> Parameters =>
        [new("0.weight", [units, _inputs]), new("0.bias", [units]), new("1.weight", [units, units]),
            new("1.bias", [units])];

    public override Tensor Forward(Pass pass, Tensor input)
    {
        var x = input.flatten(1).to_type(pass.Parameter(0).dtype); // games may show bytes
        x = F.linear(x, pass.Parameter(0), pass.Parameter(1)).relu();
        return F.linear(x, pass.Parameter(2), pass.Parameter(3)).relu();
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        Initialization.TorchDefault(parameter(0), parameter(1), rng.Split("0"));
        Initialization.TorchDefault(parameter(2), parameter(3), rng.Split("1"));
    }
}

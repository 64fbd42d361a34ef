// ParameterVector, Model, ModuleNetwork: views alias the buffer both ways, gradients equal a module's bit for bit.
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Core;

public sealed class ParameterVectorTests
{
    private static readonly ParameterLayout Layout = new([
        new("head.weight", [2, 3], Shared: false), new("conv.weight", [4, 3, 2, 2], ChannelsLast: true),
        new("conv.bias", [4])]);

    [Fact]
    public void TwoVectorsCanBeReadSideBySide()
    {
        var layout = new ParameterLayout([new("a", [2]), new("b", [3])]);
        using var one = new ParameterVector(layout);
        using var other = new ParameterVector(layout);
        foreach (var (mine, its) in one.Export().Zip(other.Export()))
        {
            mine.Value.Dispose();
            its.Value.Dispose();
        }
        using var x = ones(1).requires_grad_();
        using var y = x * x;
        Assert.True(y.requires_grad); // the thread is not left without gradients
    }

    [Fact]
    public void SharedEntriesLieFirstAndLookupsNameWhatThereIs()
    {
        Assert.Equal(["conv.weight", "conv.bias", "head.weight"], Layout.Entries.Select(e => e.Name));
        Assert.Equal((52L, 58L, 2), (Layout.SharedCount, Layout.Count, Layout.SharedEntries));
        Assert.Contains("conv.bias", Assert.Throws<KeyNotFoundException>(() => Layout.IndexOf("conv.baas")).Message);
        Assert.Throws<ArgumentException>(() => new ParameterLayout([new("a", [1]), new("a", [2])]));
    }

    [Fact]
    public void ViewsAliasTheBufferInBothDirections()
    {
        using var scope = NewDisposeScope();
        using var vector = new ParameterVector(Layout, ScalarType.Float64);
        using var _ = no_grad();
        vector["conv.weight"].fill_(2);
        vector["head.weight"][1, 2] = tensor(5.0);
        Assert.Equal(48 * 2 + 5, vector.Flat.sum().item<double>());
        vector.Flat.copy_(arange(0, 58, dtype: ScalarType.Float64));
        Assert.Equal(57.0, vector["head.weight"][1, 2].item<double>());
        // Channels last: memory order is O, kH, kW, I.
        Assert.Equal(1.0, vector["conv.weight"][0, 1, 0, 0].item<double>());
        Assert.Equal(3.0, vector["conv.weight"][0, 0, 0, 1].item<double>());
        Assert.Equal(52L, vector.Shared.numel());
        vector.Shared.zero_();
        Assert.Equal(0, vector["conv.weight"].abs().sum().item<double>());
    }

    [Fact]
    public void AMatrixThatLiesInputsFirstComputesAndIsSavedAsAnyOther()
    {
        using var scope = NewDisposeScope();
        using var vector = new ParameterVector(new ParameterLayout([new("dense.weight", [2, 3], InputsFirst: true)]),
            ScalarType.Float64);
        var rows = tensor(new double[,] { { 1, 2, 3 }, { 4, 5, 6 } });
        using (no_grad()) vector["dense.weight"].copy_(rows);
        Assert.Equal(new double[] { 1, 4, 2, 5, 3, 6 }, vector.Flat.data<double>().ToArray());
        Assert.Equal(new double[] { 1, 2, 3, 4, 5, 6 }, vector.Export().Single().Value.data<double>().ToArray());
        var output = F.linear(tensor(new double[,] { { 1, 10, 100 } }), vector["dense.weight"]);
        Assert.Equal(new[] { 321.0, 654.0 }, output.data<double>().ToArray());
        (output[0, 0] + 2 * output[0, 1]).backward();
        Assert.Equal(new double[] { 1, 2, 10, 20, 100, 200 }, vector.Gradient!.data<double>().ToArray());
        Assert.Throws<ArgumentException>(() =>
            new ParameterLayout([new("conv.weight", [4, 3, 2, 2], InputsFirst: true)]));
        Assert.NotNull(vector.Layout.SharedDifference(new ParameterLayout([new("dense.weight", [2, 3])])));
    }

    [Fact]
    public void BackwardAccumulatesIntoTheOneGradientBuffer()
    {
        using var scope = NewDisposeScope();
        using var vector = new ParameterVector(Layout, ScalarType.Float64);
        for (var i = 1; i <= 2; i++)
        {
            (vector["conv.weight"].sum() * 3 + vector["head.weight"].sum() * 7).backward();
            Assert.Equal(i * (48 * 3 + 6 * 7), vector.Gradient!.sum().item<double>());
        }
        Assert.Equal(14.0, vector.GradientOf("head.weight")[0, 0].item<double>());
        vector.ZeroGradient();
        Assert.Equal(0, vector.Gradient!.abs().sum().item<double>());
        Assert.NotNull(vector["conv.weight"].grad);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GradientsThroughFlatViewsEqualThoseOfTheSameModuleBitForBit(bool channelsLast)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var module = nn.Sequential(("conv", nn.Conv2d(3, 4, 2)), ("relu", nn.ReLU()), ("flatten", nn.Flatten()),
            ("linear", nn.Linear(4 * 16, 5)));
        var entries = module.named_parameters().Select(p =>
            new ParameterInfo(p.name, p.parameter.shape, ChannelsLast: channelsLast && p.name == "conv.weight"));
        using var vector = new ParameterVector(new ParameterLayout(entries));
        Assert.Empty(vector.Import(module.state_dict()));
        var x = randn(7, 3, 5, 5);
        var y = randint(5, new long[] { 7 }, dtype: ScalarType.Int64);

        var expected = F.cross_entropy(module.call(x), y);
        expected.backward();
        var hidden = F.relu(F.conv2d(x, vector["conv.weight"], vector["conv.bias"])).flatten(1);
        var actual = F.cross_entropy(F.linear(hidden, vector["linear.weight"], vector["linear.bias"]), y);
        actual.backward();

        // Another memory layout is another order of summation: equal bits only in the module's own layout.
        var tolerance = channelsLast ? 1e-6 : 0;
        Assert.Equal(expected.item<float>(), actual.item<float>(), tolerance);
        foreach (var (name, parameter) in module.named_parameters())
            Assert.True((parameter.grad! - vector.GradientOf(name)).abs().max().item<float>() <= tolerance, name);
    }

    [Fact]
    public void AModuleOfTheUsersOwnLivesInTheVector()
    {
        using var scope = NewDisposeScope();
        var network = new ModuleNetwork("mine", [3], 2,
            () => nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)));
        using var model = new Model(network, []);
        model.Initialize(new Rng(1));
        using var same = new Model(network, []);
        same.Initialize(new Rng(1));
        var x = randn(6, 3);
        Assert.True(model.Output(x).Equals(same.Output(x)));
        Assert.NotEqual(0, model.Buffers["1.running_mean"].abs().sum().item<float>());
        Assert.True(same.Parameters.Flat.Equals(model.Parameters.Flat));

        using var optimizer = new VectorOptimizer(model.Parameters, new OptimizerOptions { LearningRate = 0.5 });
        var before = model.Output(x).pow(2).mean();
        model.Parameters.ZeroGradient();
        before.backward();
        optimizer.Update();
        Assert.True(model.Output(x).pow(2).mean().item<float>() < before.item<float>());
        Assert.False(same.Parameters.Flat.Equals(model.Parameters.Flat));
        Assert.Throws<RlLeapException>(() => model.At(model.Parameters.Views));
    }

    [Fact]
    public void VectorsOwnTheirTensorsAndGiveAllOfThemBack()
    {
        ParameterVector vector;
        using (NewDisposeScope()) vector = new ParameterVector(Layout);
        Assert.Equal(0f, vector["conv.bias"][0].item<float>());
        _ = vector.Shared;
        GC.Collect();
        vector.Dispose();
        using (NewDisposeScope())
        using (var model = new Model(new TinyNetwork(), [new("a", 2), new("b", 3, Shared: true)]))
            model.Initialize(new Rng(1));
        Assert.Throws<InvalidOperationException>(() => vector.Flat.sum());
    }
}

/// <summary>tanh of one linear layer: the smallest functional network.</summary>
internal sealed class TinyNetwork : Network
{
    public override string Name => "tiny";
    public override long[] InputShape => [3];
    public override long Features => 4;
    public override IReadOnlyList<ParameterInfo> Parameters { get; } = [new("0.weight", [4, 3]), new("0.bias", [4])];
    public override Tensor Forward(Pass pass, Tensor input) =>
        F.linear(input, pass.Parameter(0), pass.Parameter(1)).tanh();
    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) =>
        Initialization.TorchDefault(parameter(0), parameter(1), rng);
}

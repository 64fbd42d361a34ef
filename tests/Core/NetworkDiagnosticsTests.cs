// NetworkDiagnostics: numbers that can be told without running it.
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Core;

public sealed class NetworkDiagnosticsTests
{
    [Fact]
    public void UnitsThatAreActiveOnLessThanOnePercentOfTheInputsAreDormant()
    {
        using var scope = NewDisposeScope();
        // 400 inputs, five units: active on none, on 3 (0.75 %), on 4 (1 %), on 200, on all.
        var units = zeros(400, 5);
        foreach (var (unit, active) in new[] { (1, 3), (2, 4), (3, 200), (4, 400) }) units[..active, unit] = 2.5f;
        Assert.Equal(0.4, NetworkDiagnostics.DormantShare(units), 12);
    }

    [Fact]
    public void AFilterIsActiveWhereOnePlaceOfItsMapIs()
    {
        using var scope = NewDisposeScope();
        var maps = zeros(100, 4, 3, 3);
        maps[.., 0, 2, 2] = 1; // one place of nine, on every input
        maps[..50, 1, 0, 0] = -1; // negative outputs are outputs too
        Assert.Equal(0.5, NetworkDiagnostics.DormantShare(maps), 12);
    }

    [Fact]
    public void ScoresAreMeansRelativeToTheLayersMean()
    {
        using var scope = NewDisposeScope();
        // Mean absolute outputs 0, 1, 2, 5: their mean is 2.
        var units = tensor(new[,] { { 0f, 2, -2, 10 }, { 0, 0, 2, 0 } });
        Assert.Equal([0, 0.5, 1, 2.5], NetworkDiagnostics.Scores(units).data<double>().ToArray());
        Assert.Equal([0, 0], NetworkDiagnostics.Scores(zeros(3, 2)).data<double>().ToArray());
        // A filter's mean is over its map too: 4 ones of 2 x 4 places, and 8 of them.
        var maps = zeros(1, 2, 2, 4);
        maps[0, 0, 0] = 1;
        maps[0, 1] = 1;
        Assert.Equal([2.0 / 3, 4.0 / 3], NetworkDiagnostics.Scores(maps).data<double>().ToArray(), new Close());
    }

    [Fact]
    public void TheEffectiveRankCountsTheDirectionsThatHoldNinetyNinePercent()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(7, NetworkDiagnostics.EffectiveRank(eye(7, 20)));
        Assert.Equal(1, NetworkDiagnostics.EffectiveRank(ones(30, 8)));
        Assert.Equal(0, NetworkDiagnostics.EffectiveRank(zeros(30, 8)));
        // Singular values 98, 1, 1: two of them make 99 %.
        Assert.Equal(2, NetworkDiagnostics.EffectiveRank(diag(tensor(new[] { 98.0, 1, 1 }))));
        Assert.Equal(3, NetworkDiagnostics.EffectiveRank(diag(tensor(new[] { 97.9, 1.05, 1.05 }))));
        // Rank 3 by construction, whatever the basis.
        var mixed = randn([64, 3], ScalarType.Float64, generator: new Generator(1))
            .mm(randn([3, 16], ScalarType.Float64, generator: new Generator(2)));
        Assert.Equal(3, NetworkDiagnostics.EffectiveRank(mixed));
    }

    [Fact]
    public void ANetworkIsMeasuredLayerByLayerAndLeftAsItWas()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(new Relus(), [new Head("out", 2)]);
        model.Initialize(new Rng(1));
        var fresh = NetworkDiagnostics.WeightNorms(model);
        using (no_grad())
        {
            model.Parameters["first.weight"].copy_(eye(4) * 3);
            model.Parameters["first.bias"].copy_(tensor(new[] { 0f, 0, 0, -100 })); // the last unit is dead
            // The last is dead, the others are parallel.
            model.Parameters["second.weight"]
                .copy_(tensor(new[,] { { 1f, 0, 0, 1 }, { 2, 0, 0, 0 }, { -1, -1, -1, -1 } }));
            model.Parameters["second.bias"].zero_();
        }
        model.Hooks = new LayerHooks(null, (layer, value) => value);
        var (hooks, before) = (model.Hooks, model.Parameters.Flat.detach().clone());

        var diagnosis = NetworkDiagnostics.Of(model, rand([200, 4], generator: new Generator(3)) + 0.1, fresh);

        Assert.Equal(["first", "second"], diagnosis.Layers.Select(layer => layer.Name));
        Assert.Equal([4L, 3], diagnosis.Layers.Select(layer => layer.Units));
        Assert.Equal([0.25, 1.0 / 3], diagnosis.Layers.Select(layer => layer.Dormant), new Close());
        Assert.Equal([0.25, 1.0 / 3], diagnosis.Layers.Select(layer => layer.LowScore), new Close());
        Assert.Equal(1, diagnosis.EffectiveRank);
        double[] ratios = [6 / fresh[0].Norm, Math.Sqrt(10) / fresh[1].Norm];
        Assert.Equal(ratios, diagnosis.RelativeNorms.Select(norm => norm.Ratio), new Close());
        Assert.Null(diagnosis.Collapsed);
        string[] names = ["first.dormant", "first.low_score", "second.dormant", "second.low_score", "rank",
            "first.relative_norm",
            "second.relative_norm"];
        Assert.Equal(names, diagnosis.Metrics.Select(metric => metric.Name));
        Assert.Same(hooks, model.Hooks);
        Assert.True(before.Equals(model.Parameters.Flat.detach()));

        using (no_grad()) model.Parameters["second.bias"].copy_(tensor(new[] { -100f, 0, -100 }));
        var collapsed = NetworkDiagnostics.Of(model, rand([200, 4], generator: new Generator(3)) + 0.1);
        Assert.Equal("second", collapsed.Collapsed?.Name);
        Assert.Empty(collapsed.RelativeNorms);
    }

    private sealed class Close : IEqualityComparer<double>
    {
        public bool Equals(double a, double b) => Math.Abs(a - b) <= 1e-6 * Math.Max(1, Math.Abs(a));
        public int GetHashCode(double value) => 0;
    }

    // Two dense layers with ReLU, 4 - 4 - 3.
    private sealed class Relus : Network
    {
        public override string Name => "relus";
        public override long[] InputShape => [4];
        public override long Features => 3;
        public override IReadOnlyList<long> HiddenUnits => [4, 3];
        public override IReadOnlyList<ParameterInfo> Parameters =>
            [new("first.weight", [4, 4]), new("first.bias", [4]), new("second.weight", [3, 4]),
                new("second.bias", [3])];

        public override Tensor Forward(Pass pass, Tensor input)
        {
            for (var layer = 0; layer < 2; layer++)
                input = pass.Units(layer,
                    F.linear(input, pass.Parameter(2 * layer), pass.Parameter(2 * layer + 1)).relu());
            return input;
        }

        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
        {
            Initialization.TorchDefault(parameter(0), parameter(1), rng.Split("first"));
            Initialization.TorchDefault(parameter(2), parameter(3), rng.Split("second"));
        }
    }
}

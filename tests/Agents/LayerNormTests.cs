// The option layer-norm of agents' encoders: what it computes, what it prevents, and that published settings do not
// have it.
using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public sealed class LayerNormTests
{
    private static readonly Box Planes = Box.Bytes(1, 4, 10, 10);

    [Theory]
    [InlineData("minatar", 4, 10, 2 * 128)]
    [InlineData("mnih2013", 3, 84, 2 * 256)]
    [InlineData("nature2015", 4, 84, 2 * 512)]
    [InlineData("mlp", 2, 3, 2 * 64 + 2 * 64)]
    public void ItAddsAGainOfOneAndABiasOfZeroForEachDenseUnit(string name, int channels, int side, long more)
    {
        var box = Box.Bytes(255, channels, side, side);
        Network plain = AgentNetworks.Create(name, box), normed = AgentNetworks.Create(name, box, layerNorm: true);
        Assert.Equal(plain.Parameters.Sum(p => p.Count) + more, normed.Parameters.Sum(p => p.Count));
        using var model = new Model(normed, []);
        using var other = new Model(plain, []);
        model.Initialize(new Rng(1));
        other.Initialize(new Rng(1));
        foreach (var entry in model.Parameters.Layout.Entries)
        {
            var value = model.Parameters[entry.Name].detach();
            var isGain = entry.Name.EndsWith("weight", StringComparison.Ordinal);
            if (entry.Name.StartsWith("norm", StringComparison.Ordinal))
                Assert.Equal(isGain ? entry.Count : 0, value.sum().item<float>());
            else Assert.True(value.Equals(other.Parameters[entry.Name].detach()), entry.Name);
        }
    }

    [Fact]
    public void FeaturesAreNormalizedBeforeTheirActivation()
    {
        using var scope = NewDisposeScope();
        using var model = Filled(weights: -0.3f, bias: -5);
        var input = (rand([32, 4, 10, 10], generator: new Generator(1)) < 0.3).to_type(ScalarType.Byte);
        var seen = new List<Tensor>();
        model.Hooks = new LayerHooks((layer, value) => { seen.Add(value.clone()); return value; });
        var features = model.Features(input);

        var rows = seen[^1].detach(); // what enters the last ReLU: gain 1, bias 0
        Assert.True(rows.mean([1L]).abs().max().item<float>() < 1e-4);
        Assert.True(((rows * rows).mean([1L]) - 1).abs().max().item<float>() < 1e-2);
        Assert.True(features.Equals(rows.relu()));
    }

    [Fact]
    public void WeightsThatKillAPlainEncoderLeaveANormalizedOneAlive()
    {
        using var scope = NewDisposeScope();
        var input = (rand([200, 4, 10, 10], generator: new Generator(1)) < 0.3).to_type(ScalarType.Byte);
        using var normed = Filled(weights: -0.3f, bias: -5);
        using var plain = new Model(AgentNetworks.MinAtar(Planes), []);
        foreach (var entry in plain.Parameters.Layout.Entries)
            using (no_grad()) plain.Parameters[entry.Name].copy_(normed.Parameters[entry.Name].detach());

        NetworkDiagnosis dead = NetworkDiagnostics.Of(plain, input), alive = NetworkDiagnostics.Of(normed, input);
        Assert.Equal(("dense", 1.0), (dead.Collapsed?.Name, dead.Collapsed?.Dormant));
        Assert.Equal(0, dead.EffectiveRank);
        Assert.Null(alive.Collapsed);
        Assert.True(alive.EffectiveRank > 30, $"{alive.EffectiveRank}");
    }

    [Fact]
    public void PublishedSettingsDoNotHaveIt()
    {
        Assert.False(ActorCriticOptions.Leap.LayerNorm);
        Assert.False(ActorCriticOptions.A2c.LayerNorm);
    }

    [Fact]
    public void ATasksOptionsReachItsNetwork()
    {
        foreach (var layerNorm in new[] { false, true })
        {
            var task =
                new ActorCriticTask("MinAtar/Breakout-v1", ActorCriticOptions.MinAtar with { LayerNorm = layerNorm });
            Assert.Equal(layerNorm, task.CreateNetwork().Parameters.Any(p => p.Name == "norm.weight"));
        }
    }

    // A drawn network whose dense layer's weights are moved far below zero, as meta-training moves them.
    private static Model Filled(float weights, float bias)
    {
        var model = new Model(AgentNetworks.MinAtar(Planes, layerNorm: true), []);
        model.Initialize(new Rng(1));
        using var _ = no_grad();
        model.Parameters["dense.weight"].add_(weights);
        model.Parameters["dense.bias"].add_(bias);
        return model;
    }
}

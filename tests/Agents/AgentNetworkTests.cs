// The encoders of agents: sizes, first values, memory layouts.
using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public class AgentNetworkTests
{
    [Theory]
    [InlineData("mnih2013", 3, 84, 256, 3 * 16 * 64 + 16 + 16 * 32 * 16 + 32 + 32 * 81 * 256 + 256)]
    [InlineData("nature2015", 4, 84, 512,
        4 * 32 * 64 + 32 + 32 * 64 * 16 + 64 + 64 * 64 * 9 + 64 + 64 * 49 * 512 + 512)]
    [InlineData("minatar", 7, 10, 128, 7 * 16 * 9 + 16 + 16 * 64 * 128 + 128)]
    [InlineData("mlp", 2, 3, 64, 18 * 64 + 64 + 64 * 64 + 64)]
    public void Networks_have_the_published_sizes(string name, int channels, int side, long features, long parameters)
    {
        using var scope = NewDisposeScope();
        var network = AgentNetworks.Create(name, Box.Bytes(255, channels, side, side));
        Assert.Equal(parameters, network.Parameters.Sum(p => p.Count));
        using var model = new Model(network, ActorCritic.Heads(6, LayerInitialization.Orthogonal));
        model.Initialize(new Rng(1));
        var outputs = model.Forward(zeros([5, channels, side, side], ScalarType.Byte));
        Assert.Equal([5, 6], outputs[0].shape);
        Assert.Equal([5, 1], outputs[1].shape);
        Assert.Equal(features, network.Features);
        Assert.Equal(parameters, model.Parameters.Layout.SharedCount);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_memory_layout_changes_neither_outputs_nor_gradients(int channels)
    {
        using var scope = NewDisposeScope();
        var box = Box.Bytes(255, channels, 20, 20);
        var rng = new Rng(2);
        var pixels = new byte[6 * box.Length];
        foreach (ref var pixel in pixels.AsSpan()) pixel = (byte)rng.NextInt(256);
        var input = tensor(pixels, [6, channels, 20, 20]);
        var results = new[] { false, true }.Select(channelsLast =>
        {
            using var model = new Model(new ConvolutionalNetwork("n", box, [new(4, 4, 2), new(5, 3, 1)], 9,
                LayerInitialization.Orthogonal, channelsLast), [new Head("policy", 2, Gain: 1)]);
            model.Initialize(new Rng(3));
            var output = model.Output(input);
            output.square().sum().backward();
            var layout = model.Parameters.Layout;
            return (Output: output.data<float>().ToArray(), Gradients: layout.Entries
                .SelectMany(e => model.Parameters.GradientOf(e.Name).contiguous().data<float>().ToArray()).ToArray());
        }).ToArray();
        Close(results[0].Output, results[1].Output);
        Close(results[0].Gradients, results[1].Gradients);

        static void Close(float[] expected, float[] actual)
        {
            var scale = expected.Max(MathF.Abs);
            for (var k = 0; k < expected.Length; k++) Assert.Equal(expected[k], actual[k], 1e-5 * scale);
        }
    }

    [Fact]
    public void Bytes_of_images_count_as_fractions_of_255_and_planes_as_they_are()
    {
        using var scope = NewDisposeScope();
        foreach (var name in new[] { "minatar", "mlp" })
        {
            var outputs = new byte[] { 255, 1 }.Select(high =>
            {
                using var model = new Model(AgentNetworks.Create(name, Box.Bytes(high, 4, 10, 10)),
                    ActorCritic.Heads(2, LayerInitialization.Orthogonal));
                model.Initialize(new Rng(1));
                return model.Forward(full([1, 4, 10, 10], high, ScalarType.Byte))[1].item<float>();
            }).ToArray();
            Assert.Equal(outputs[0], outputs[1], 1e-5);
        }
    }

    [Fact]
    public void Orthogonal_layers_are_orthogonal_and_heads_have_their_gains()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(AgentNetworks.MinAtar(Box.Bytes(1, 4, 10, 10)),
            ActorCritic.Heads(6, LayerInitialization.Orthogonal));
        model.Initialize(new Rng(1));
        foreach (var (name, gain) in new[] { ("conv1", Math.Sqrt(2)), ("dense", Math.Sqrt(2)), ("policy", 0.01),
            ("value", 1.0) })
        {
            var weight = model.Parameters[name + ".weight"].detach();
            var rows = weight.reshape([weight.shape[0], -1]);
            var error = (rows.mm(rows.transpose(0, 1)) - gain * gain * eye(rows.shape[0])).abs().max().item<float>();
            Assert.True(error < 1e-5 * gain * gain + 1e-9, $"{name}: {error}");
            Assert.Equal(0, model.Parameters[name + ".bias"].detach().abs().sum().item<float>());
        }
    }

    [Fact]
    public void A_task_with_other_actions_starts_from_the_same_encoder()
    {
        var values = new[] { 3, 18 }.Select(actions =>
        {
            using var scope = NewDisposeScope();
            using var model = new Model(AgentNetworks.MinAtar(Box.Bytes(1, 4, 10, 10)),
                ActorCritic.Heads(actions, LayerInitialization.Orthogonal));
            model.Initialize(new Rng(1));
            return model.Parameters.Shared.data<float>().ToArray();
        }).ToArray();
        Assert.Equal(values[0], values[1]);
    }

    [Fact]
    public void Observations_that_a_network_cannot_read_are_refused_in_words()
    {
        Assert.Contains("vectors",
            Assert.Throws<RlLeapException>(() => AgentNetworks.Create("mnih2013", Box.Floats(4))).Message);
        Assert.Contains("too deep",
            Assert.Throws<RlLeapException>(() => AgentNetworks.Create("mnih2013", Box.Bytes(1, 4, 10, 10))).Message);
        Assert.Contains("minatar",
            Assert.Throws<RlLeapException>(() => AgentNetworks.Create("resnet", Box.Floats(4))).Message);
    }

    [Fact]
    public void Auto_chooses_by_the_observation()
    {
        string Chosen(Box box) => AgentNetworks.Create(AgentNetworks.Auto, box).Name;
        Assert.Equal("mnih2013", Chosen(Box.Bytes(255, 4, 84, 84)));
        Assert.Equal("minatar", Chosen(Box.Bytes(1, 10, 10, 10)));
        Assert.Equal("mlp", Chosen(Box.Floats(4)));
    }
}

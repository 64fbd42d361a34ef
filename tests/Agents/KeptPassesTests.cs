// A loss over passes kept in parts has the gradient of the loss of one pass over all rows.
using RlLeap.Agents;
using RlLeap.Environments;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public class KeptPassesTests
{
    private static readonly Head[] Heads = [new("policy", 3), new("value", 1)];

    [Theory]
    [InlineData(true, false)]  // ends dense: by hand
    [InlineData(true, true)]   // but something hooks into it
    [InlineData(false, false)] // ends otherwise
    public void The_gradient_is_that_of_one_pass_over_all_rows(bool dense, bool hooked)
    {
        Network network = dense
            ? new ConvolutionalNetwork("small", new Box(ElementType.Float32, [2, 6, 6], 0, 1), [new(4, 3, 1), new(5, 2, 1)], 7, LayerInitialization.Orthogonal, channelsLast: true)
            : new SmallMlp([72, 7], activateLast: true);
        using var scope = NewDisposeScope();
        using var model = new Model(network, Heads, ScalarType.Float64);
        model.Initialize(new Rng(1));
        if (hooked) model.Hooks = new LayerHooks(Units: (_, units) => units * 0.5);
        var rows = new Rng(2);
        var input = tensor(Enumerable.Range(0, 8 * 72).Select(_ => rows.NextDouble() - 0.3).ToArray(), dense ? [8, 2, 6, 6] : [8, 72]);
        static Tensor Loss(Tensor[] outputs) => outputs[0].log_softmax(1).square().sum() + outputs[1].square().mean();

        model.Parameters.ZeroGradient();
        var whole = Loss(model.Forward(input));
        whole.backward();
        var expected = model.Parameters.Gradient!.clone();
        Assert.All(model.Parameters.Layout.Entries, entry => Assert.True(model.Parameters.GradientOf(entry.Name).abs().max().item<double>() > 0, entry.Name));

        var kept = new KeptPasses();
        for (var round = 1; round <= 2; round++) // the second in place of the first
        {
            foreach (var part in new[] { input.narrow(0, 0, 5), input.narrow(0, 5, 3) })
            {
                var outputs = kept.Pass(model, part);
                Assert.All(outputs, output => Assert.False(output.requires_grad && dense && !hooked));
            }
            var loss = Loss(kept.Join(model));
            Assert.Equal(whole.item<double>(), loss.item<double>(), 1e-12);
            kept.Backward(model, loss);
            Assert.Equal(0, kept.Count);
            var apart = (model.Parameters.Gradient! - expected).abs().max().item<double>();
            Assert.True(apart < 1e-12, $"the gradients are {apart} apart");
        }
    }

    [Fact]
    public void Whoever_differentiates_which_pass_and_when_the_gradient_has_the_same_bits()
    {
        using var scope = NewDisposeScope();
        var network = new ConvolutionalNetwork("small", new Box(ElementType.Float32, [2, 6, 6], 0, 1), [new(4, 3, 1), new(5, 2, 1)], 7, LayerInitialization.Orthogonal, channelsLast: true);
        using var model = new Model(network, Heads);
        model.Initialize(new Rng(1));
        var input = tensor(Enumerable.Range(0, 8 * 72).Select(i => (float)Math.Sin(i)).ToArray(), [8, 2, 6, 6]);
        var kept = new KeptPasses();
        Tensor Loss()
        {
            foreach (var part in input.split([3, 1, 4])) kept.Pass(model, part);
            var outputs = kept.Join(model);
            return outputs[0].log_softmax(1).square().sum() + outputs[1].square().mean();
        }
        float[] Gradient(Action<IReadOnlyList<Action>> call)
        {
            var pieces = kept.BackwardInPieces(model, Loss());
            Assert.Equal(3, pieces.Count);
            call(pieces);
            Assert.Equal(0, kept.Count);
            return model.Parameters.Gradient!.data<float>().ToArray();
        }

        var inTurn = Gradient(pieces => { foreach (var piece in pieces) piece(); });
        var backwards = Gradient(pieces => { foreach (var piece in pieces.Reverse()) piece(); });
        var elsewhere = Gradient(pieces =>
        {
            var threads = pieces.Select(piece => new Thread(() => piece())).ToArray();
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
        });
        Assert.Equal(inTurn, backwards);
        Assert.Equal(inTurn, elsewhere);

        kept.Backward(model, Loss());
        Assert.All(inTurn.Zip(model.Parameters.Gradient!.data<float>().ToArray()), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
    }

    [Fact]
    public void Where_autograd_does_all_nothing_is_left_to_do()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(new SmallMlp([72, 7], activateLast: true), Heads);
        model.Initialize(new Rng(1));
        var kept = new KeptPasses();
        kept.Pass(model, ones(4, 72));
        Assert.Empty(kept.BackwardInPieces(model, kept.Join(model)[1].sum()));
        Assert.Equal(0, kept.Count);
        Assert.True(model.Parameters.Gradient!.abs().sum().item<float>() > 0);
    }
}

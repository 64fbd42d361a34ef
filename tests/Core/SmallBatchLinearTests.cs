// The dense layer of an agent that acts: the numbers of F.linear, each a sum of its own, and F.linear itself where it
// cannot be used.
using System.Runtime.Intrinsics;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Core;

public class SmallBatchLinearTests
{
    [Theory]
    [InlineData(8, 32, 32)]
    [InlineData(16, 100, 64)]   // inputs that are no multiple of a block
    [InlineData(32, 1, 96)]
    [InlineData(64, 3136, 512)]
    public void It_is_a_linear_layer(int rows, int inputs, int outputs)
    {
        if (!Vector512.IsHardwareAccelerated) return;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (input, weight, bias) = Some(rows, inputs, outputs);
        Assert.True(SmallBatchLinear.Fits(input, weight, bias));
        var actual = SmallBatchLinear.Linear(input, weight, bias);
        var exact = F.linear(input.to_type(ScalarType.Float64), weight.to_type(ScalarType.Float64),
            bias.to_type(ScalarType.Float64));
        var scale = F.linear(input.abs(), weight.abs(), bias.abs()); // what rounding is relative to
        var apart = ((actual.to_type(ScalarType.Float64) - exact).abs() / scale).max().item<double>();
        Assert.True(apart < 1e-7 * Math.Sqrt(inputs + 1), $"{apart} apart");
        // The rows beside it do not matter.
        Assert.True(actual.narrow(0, 0, 8).Equals(SmallBatchLinear.Linear(input.narrow(0, 0, 8), weight, bias)));
    }

    [Fact]
    public void Whatever_else_comes_is_left_to_libtorch()
    {
        using var scope = NewDisposeScope();
        var (input, weight, bias) = Some(16, 40, 32);
        Assert.False(SmallBatchLinear.Fits(input, weight, bias)); // a graph may be wanted
        using var _ = no_grad();
        Tensor[][] others =
        [
            [input.narrow(0, 0, 12), weight, bias], [input.repeat(5, 1), weight, bias],
            [input, weight.contiguous(), bias], [input.t().contiguous().t(), weight, bias],
            [input.to_type(ScalarType.Float64), weight.to_type(ScalarType.Float64), bias.to_type(ScalarType.Float64)],
            [input, weight.narrow(0, 0, 20), bias.narrow(0, 0, 20)],
        ];
        foreach (var other in others)
        {
            Assert.False(SmallBatchLinear.Fits(other[0], other[1], other[2]));
            Assert.True(SmallBatchLinear.Linear(other[0], other[1], other[2])
                .Equals(F.linear(other[0], other[1], other[2])));
        }
    }

    // Weights with the inputs first, as the layouts of convolutional networks have them.
    private static (Tensor Input, Tensor Weight, Tensor Bias) Some(int rows, int inputs, int outputs)
    {
        manual_seed(1);
        return (randn(rows, inputs), randn(inputs, outputs).t(), randn(outputs));
    }
}

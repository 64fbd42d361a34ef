using RlLeap.Data;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Data;

/// <summary>The convolution with its pooling by hand against libtorch's.</summary>
public sealed class PooledConvolutionTests
{
    private static readonly bool Supported = System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated;

    [Theory]
    [InlineData(3, 1, 28, 28, 64)]   // Omniglot
    [InlineData(2, 3, 32, 32, 64)]   // Multi-CV
    [InlineData(2, 2, 5, 7, 32)]     // a row and a column that pooling leaves out
    [InlineData(1, 1, 2, 2, 32)]     // one place
    public void It_is_that_of_libtorch_with_its_gradients(int n, int c, int h, int w, int f)
    {
        if (!Supported) return; // then libtorch's is used
        using var scope = NewDisposeScope();
        manual_seed(1);
        var input = rand(n, c, h, w).round(); // empty parts have equal outputs: the first one gets the gradient
        var weight = randn(f, 3, 3, c).permute(0, 3, 1, 2).detach().requires_grad_();
        var bias = randn(f).requires_grad_();
        Assert.True(PooledConvolution.Fits(input, weight));
        var expected = F.max_pool2d(F.conv2d(input, weight, bias, strides: [1, 1], padding: [1, 1]), 2);
        var actual = PooledConvolutionLayer.Apply(input, weight, bias);
        Near(expected, actual);
        Tensor[] of = [weight, bias];
        var gradient = randn_like(expected);
        var gradients = autograd.grad([actual], of, [gradient]);
        foreach (var (a, b) in autograd.grad([expected], of, [gradient]).Zip(gradients)) Near(a, b);
        using var _ = no_grad();
        Assert.True(actual.Equals(PooledConvolutionLayer.Apply(input, weight, bias)), "The same bits without a graph.");
    }

    [Fact]
    public void Its_second_derivatives_are_those_of_libtorch()
    {
        if (!Supported) return;
        using var scope = NewDisposeScope();
        manual_seed(2);
        var input = randn(2, 1, 6, 6);
        Tensor weight = randn(32, 1, 3, 3).requires_grad_(), bias = randn(32).requires_grad_();
        Tensor[] of = [weight, bias];
        Tensor[] Second(Tensor units)
        {
            var first = autograd.grad([units.pow(3).sum()], of, retain_graph: true, create_graph: true);
            return [.. autograd.grad([first.Select(g => g.square().sum()).Aggregate((a, b) => a + b)], of)];
        }
        var expected = Second(F.max_pool2d(F.conv2d(input, weight, bias, strides: [1, 1], padding: [1, 1]), 2));
        var actual = Second(PooledConvolutionLayer.Apply(input, weight, bias));
        foreach (var (a, b) in expected.Zip(actual)) Near(a, b);
    }

    [Fact]
    public void What_is_not_a_number_stays_so()
    {
        if (!Supported) return;
        using var scope = NewDisposeScope();
        for (var place = 0; place < 4; place++)
        {
            var input = zeros(1, 1, 8, 8);
            input[0, 0, 2 * (place / 2) + 1, 2 * (place % 2) + 1] = float.NaN;
            var (weight, bias) = (ones(32, 1, 3, 3), zeros(32));
            var expected = F.max_pool2d(F.conv2d(input, weight, bias, strides: [1, 1], padding: [1, 1]), 2);
            var actual = PooledConvolutionLayer.Apply(input, weight, bias);
            Assert.True(expected.isnan().Equals(actual.isnan()));
        }
    }

    [Fact]
    public void The_encoder_is_the_same_with_it_and_without_and_refuses_changed_parameters()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var model = new Model(ConvolutionalEncoder.Omniglot, [new Head("classes", 5)]);
        model.Initialize(new Rng(1));
        var image = rand(20, 1, 28, 28);
        Tensor[] inputs = [image, image.transpose(2, 3).contiguous().transpose(2, 3)]; // the second is not contiguous
        var gradients = inputs.Select(input =>
        {
            model.Parameters.ZeroGradient();
            model.Output(input).square().sum().backward();
            return model.Parameters.Gradient!.clone();
        }).ToArray();
        Near(gradients[1], gradients[0], 1e-3); // four batch normalizations multiply what rounding leaves

        var loss = model.Output(inputs[0]).square().sum();
        using (no_grad()) model.Parameters.Flat.add_(1);
        Assert.ThrowsAny<Exception>(() => loss.backward());
    }

    private static void Near(Tensor expected, Tensor actual, double most = 2e-5)
    {
        Assert.Equal(expected.shape, actual.shape);
        var error = (expected - actual).abs().max().item<float>() / Math.Max(1e-6f, expected.abs().max().item<float>());
        Assert.True(error < most, $"differs by {error} of the largest value");
    }
}

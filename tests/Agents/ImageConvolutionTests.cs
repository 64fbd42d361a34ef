using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Agents;

/// <summary>The convolution of images by hand against libtorch's.</summary>
public sealed class ImageConvolutionTests
{
    public static TheoryData<int, int, int, int, int, int, bool> Shapes => new()
    {
        { 3, 4, 20, 16, 8, 4, true },   // Mnih et al. 2013, first layer, on smaller images
        { 3, 4, 21, 32, 8, 4, true },   // Nature's; a column and a row that no output sees
        { 9, 16, 9, 32, 4, 2, false },  // second layers, several chunks of images
        { 2, 32, 9, 64, 4, 2, false },
        { 2, 64, 5, 64, 3, 1, false },  // Nature's third
        { 1, 16, 4, 32, 4, 2, false },  // one output alone
        { 2, 3, 20, 32, 8, 4, true },   // colours
        { 2, 5, 17, 32, 8, 3, true },   // another number of planes
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void It_is_that_of_libtorch_with_all_gradients(int n, int c, int side, int f, int k, int stride, bool bytes)
    {
        if (!Blocks.IsSupported) return; // then libtorch's is used
        using var scope = NewDisposeScope();
        manual_seed(1);
        var input = bytes ? randint(256, [n, c, side, side], dtype: ScalarType.Byte)
            : AsPixels(randn(n, c, side, side)).requires_grad_();
        var weight = (0.1 * AsPixels(randn(f, c, k, k))).detach().requires_grad_();
        var bias = randn(f).requires_grad_();
        var scale = bytes ? 1 / 255f : 1;
        var kernel = new ImageConvolution(f, c, k, stride, side, side);
        Assert.True(kernel.Fits(inputGradient: !bytes) && kernel.Fits(input, weight));

        var images = input.to_type(ScalarType.Float32);
        var expected = F.conv2d(images, weight * scale, bias, strides: [stride, stride]).relu();
        var actual = ConvolutionLayer.Apply(kernel, input, weight, bias, scale, stride);
        Near(expected, actual);
        Tensor[] of = bytes ? [weight, bias] : [weight, bias, input];
        var gradient = randn_like(expected);
        var gradients = autograd.grad([actual], of, [gradient]);
        foreach (var (a, b) in autograd.grad([expected], of, [gradient]).Zip(gradients)) Near(a, b);
        using var _ = no_grad();
        var plain = ConvolutionLayer.Apply(kernel, input, weight, bias, scale, stride);
        Assert.True(actual.Equals(plain), "The same bits without a graph.");
    }

    [Fact]
    public void Its_second_derivatives_are_those_of_libtorch()
    {
        if (!Blocks.IsSupported) return;
        using var scope = NewDisposeScope();
        manual_seed(2);
        var input = AsPixels(randn(2, 16, 6, 6)).requires_grad_();
        var weight = AsPixels(randn(32, 16, 4, 4)).requires_grad_();
        var bias = randn(32).requires_grad_();
        var kernel = new ImageConvolution(32, 16, 4, 2, 6, 6);
        Tensor[] of = [weight, bias, input];
        Tensor[] Second(Tensor units)
        {
            var first = autograd.grad([units.square().sum()], of, retain_graph: true, create_graph: true);
            return [.. autograd.grad([first.Select(g => g.pow(3).sum()).Aggregate((a, b) => a + b)], of)];
        }
        var expected = Second(F.conv2d(input, weight, bias, strides: [2, 2]).relu());
        var actual = Second(ConvolutionLayer.Apply(kernel, input, weight, bias, 1, 2));
        foreach (var (a, b) in expected.Zip(actual)) Near(a, b);
    }

    [Theory]
    [InlineData(8, 32, 32)]
    [InlineData(16, 288, 64)]   // more than one piece of a sum
    public void A_dense_layer_is_that_of_libtorch_with_its_derivatives(int n, int inputs, int outputs)
    {
        if (!Blocks.IsSupported) return;
        using var scope = NewDisposeScope();
        manual_seed(4);
        Tensor input = randn(n, inputs).requires_grad_(), weight = randn(inputs, outputs).t().detach().requires_grad_();
        var bias = randn(outputs).requires_grad_();
        Assert.True(DenseGradient.Fits(input, weight, bias));
        Tensor[] of = [weight, bias, input];
        var (expected, actual) = (F.linear(input, weight, bias), DenseLayer.Apply(input, weight, bias));
        Near(expected, actual);
        var gradient = randn_like(expected);
        var gradients = autograd.grad([actual], of, [gradient]);
        foreach (var (a, b) in autograd.grad([expected], of, [gradient]).Zip(gradients)) Near(a, b);
        Tensor[] Second(Tensor y)
        {
            var first = autograd.grad([y.square().sum()], of, retain_graph: true, create_graph: true);
            return [.. autograd.grad([first.Select(g => g.pow(3).sum()).Aggregate((a, b) => a + b)], of)];
        }
        var second = Second(DenseLayer.Apply(input, weight, bias));
        foreach (var (a, b) in Second(F.linear(input, weight, bias)).Zip(second)) Near(a, b);
    }

    [Fact]
    public void Parameters_that_changed_since_the_forward_pass_are_noticed()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(AgentNetworks.Mnih2013(Box.Bytes(255, 4, 84, 84)), [new Head("policy", 3)]);
        model.Initialize(new Rng(1));
        var loss = model.Output(randint(256, [8, 4, 84, 84], dtype: ScalarType.Byte)).square().sum();
        using (no_grad()) model.Parameters.Flat.add_(1);
        Assert.ThrowsAny<Exception>(() => loss.backward());
    }

    [Theory]
    [InlineData("mnih2013")]
    [InlineData("nature2015")]
    public void Networks_of_images_are_the_same_with_it_and_without(string name)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var network = AgentNetworks.Create(name, Box.Bytes(255, 4, 84, 84));
        using var model = new Model(network, [new Head("policy", 3)]);
        model.Initialize(new Rng(1));
        var input = randint(256, [8, 4, 84, 84], dtype: ScalarType.Byte);
        Tensor Gradient(bool hooked)
        {
            model.Hooks = hooked ? new LayerHooks(Units: (_, units) => units) : null; // hooks turn it off
            model.Parameters.ZeroGradient();
            model.Output(input).square().sum().backward();
            return model.Parameters.Gradient!.clone();
        }
        Near(Gradient(hooked: true), Gradient(hooked: false));
    }

    // The same values, lying in memory as [N, H, W, C].
    private static Tensor AsPixels(Tensor x) => x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).detach();

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        var error = (expected - actual).abs().max().item<float>() / Math.Max(1e-6f, expected.abs().max().item<float>());
        Assert.True(error < 1e-5, $"differs by {error} of the largest value");
    }
}

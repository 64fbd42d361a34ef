using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Data;

/// <summary><see cref="PooledConvolution"/> as a differentiable operation, with derivatives of all orders.</summary>
/// <remarks>
/// Its backward pass is by hand. Where that one is to be differentiated in turn (<c>create_graph</c>), autograd makes
/// the gradients from a pass of its own. An exception in it would end the process; there is none that the shapes,
/// checked before, leave possible.
/// </remarks>
internal sealed class PooledConvolutionLayer : autograd.SingleTensorFunction<PooledConvolutionLayer>
{
    private sealed record Kept(Tensor Weight, Tensor Bias);

    public override string Name => "PooledConvolutionLayer";

    /// <summary>The convolution's largest outputs [N, F, H / 2, W / 2], lying as pixels.</summary>
    /// <param name="input">Images [N, C, H, W], which <see cref="PooledConvolution.Fits"/> has.</param>
    /// <param name="weight">[F, C, 3, 3].</param>
    /// <param name="bias">[F].</param>
    public static Tensor Apply(Tensor input, Tensor weight, Tensor bias)
    {
        // The graph of the last knows the parameters' version: a change between the passes is refused.
        var pooled = is_grad_enabled() ? apply([input, weight, bias, bias.select(0, 0).square()])
            : PooledConvolution.Forward(input, weight, bias).Largest;
        return pooled.permute(0, 3, 1, 2);
    }

    public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
    {
        var (input, weight, bias) = ((Tensor)inputs[0], (Tensor)inputs[1], (Tensor)inputs[2]);
        var (largest, which) = PooledConvolution.Forward(input, weight, bias);
        context.save_for_backward([input, which]);
        context.save_data("kept", new Kept(weight, bias));
        return largest;
    }

    public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
    {
        var saved = context.get_saved_variables();
        var (weight, bias) = (Kept)context.get_data("kept");
        Tensor ofWeight, ofBias;
        if (is_grad_enabled())
        {
            var again = F.max_pool2d(F.conv2d(saved[0], weight, bias, strides: [1, 1], padding: [1, 1]), 2);
            var gradients = autograd.grad([again.permute(0, 2, 3, 1)], [weight, bias], [gradient],
                retain_graph: true, create_graph: true);
            (ofWeight, ofBias) = (gradients[0], gradients[1]);
        }
        else (ofWeight, ofBias) = PooledConvolution.Gradients(saved[0], saved[1], gradient);
        return [null!, ofWeight, ofBias, zeros([], bias.dtype)];
    }
}

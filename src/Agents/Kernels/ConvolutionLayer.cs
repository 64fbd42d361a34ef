namespace RlLeap.Agents;

/// <summary><see cref="ImageConvolution"/> as a differentiable operation, with derivatives of all orders.</summary>
/// <remarks>
/// Its backward pass is by hand. Where that one is to be differentiated in turn (<c>create_graph</c>), autograd makes
/// the gradients from a pass of its own. An exception in it would end the process; there is none that the shapes,
/// checked before, leave possible. That the parameters have not changed since is checked by autograd
/// (<see cref="Guard"/>).
/// </remarks>
internal sealed class ConvolutionLayer : autograd.SingleTensorFunction<ConvolutionLayer>
{
    private sealed record Kept(
        ImageConvolution Kernel, Tensor Weight, Tensor Bias, float Scale, long Stride, bool OfInput);

    public override string Name => "ConvolutionLayer";

    /// <summary>max(0, convolution) [N, F, H', W'] of images, lying as pixels.</summary>
    /// <param name="kernel">Which fits the tensors.</param>
    /// <param name="input">Images [N, C, H, W].</param>
    /// <param name="weight">[F, C, K, K].</param>
    /// <param name="bias">[F].</param>
    /// <param name="scale">What the weights are multiplied with.</param>
    /// <param name="stride">The kernel's.</param>
    public static Tensor Apply(
        ImageConvolution kernel, Tensor input, Tensor weight, Tensor bias, float scale, long stride)
    {
        var units = is_grad_enabled() ? apply([kernel, input, weight, bias, Guard(bias), scale, stride])
            : kernel.Forward(input, weight, bias, scale);
        return units.permute(0, 3, 1, 2);
    }

    /// <summary>A function of a model's parameter, whose graph knows the parameters' version.</summary>
    internal static Tensor Guard(Tensor bias) => bias.select(0, 0).square();

    public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
    {
        var (kernel, input, weight) = ((ImageConvolution)inputs[0], (Tensor)inputs[1], (Tensor)inputs[2]);
        var (bias, scale) = ((Tensor)inputs[3], (float)inputs[5]);
        var units = kernel.Forward(input, weight, bias, scale);
        // Bytes are a rollout's, which is written again.
        context.save_for_backward([input.dtype == ScalarType.Byte ? input.clone() : input, units.detach()]);
        context.save_data("kept", new Kept(kernel, weight, bias, scale, (long)inputs[6], input.requires_grad));
        return units;
    }

    public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
    {
        var saved = context.get_saved_variables();
        var kept = (Kept)context.get_data("kept");
        var (weight, bias, input) = is_grad_enabled() ? Again(kept, saved[0], gradient)
            : kept.Kernel.Gradients(saved[0], kept.Weight, saved[1], gradient, kept.Scale, kept.OfInput);
        return [null!, input!, weight, bias, zeros([], bias.dtype), null!, null!];
    }

    private static (Tensor Weight, Tensor Bias, Tensor? Input) Again(Kept kept, Tensor input, Tensor gradient)
    {
        using Scalar scale = kept.Scale;
        var images = input.to_type(kept.Weight.dtype);
        var units = F.conv2d(images, kept.Weight * scale, kept.Bias, strides: [kept.Stride, kept.Stride]).relu();
        var gradients = autograd.grad([units.permute(0, 2, 3, 1)],
            kept.OfInput ? [kept.Weight, kept.Bias, images] : [kept.Weight, kept.Bias],
            [gradient], retain_graph: true, create_graph: true);
        return (gradients[0], gradients[1], kept.OfInput ? gradients[2] : null);
    }
}

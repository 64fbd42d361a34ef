namespace RlLeap.Agents;

/// <summary><see cref="DenseGradient"/> as a differentiable dense layer, with derivatives of all orders.</summary>
/// <remarks>As <see cref="ConvolutionLayer"/> is made.</remarks>
internal sealed class DenseLayer : autograd.SingleTensorFunction<DenseLayer>
{
    private sealed record Kept(Tensor Weight, Tensor Bias, bool OfInput);

    public override string Name => "DenseLayer";

    /// <summary>
    /// input [N, in] weight^T [in, out] + bias [out], for a model's parameters and tensors that
    /// <see cref="DenseGradient.Fits(Tensor, Tensor, Tensor)"/> has.
    /// </summary>
    public static Tensor Apply(Tensor input, Tensor weight, Tensor bias) =>
        apply([input, weight, bias, ConvolutionLayer.Guard(bias)]);

    public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
    {
        var (input, weight, bias) = ((Tensor)inputs[0], (Tensor)inputs[1], (Tensor)inputs[2]);
        context.save_for_backward([input]);
        context.save_data("kept", new Kept(weight, bias, input.requires_grad));
        return DenseGradient.Forward(input, weight, bias);
    }

    public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
    {
        var input = context.get_saved_variables()[0];
        var (weight, bias, ofInput) = (Kept)context.get_data("kept");
        if (is_grad_enabled())
        {
            var again = autograd.grad([F.linear(input, weight, bias)],
                ofInput ? [weight, bias, input] : [weight, bias], [gradient], retain_graph: true, create_graph: true);
            return [ofInput ? again[2] : null!, again[0], again[1], zeros([], bias.dtype)];
        }
        var even = gradient.contiguous();
        return [ofInput ? DenseGradient.OfInput(even, weight) : null!, DenseGradient.OfWeight(input, even),
            even.sum([0]), zeros([], bias.dtype)];
    }
}

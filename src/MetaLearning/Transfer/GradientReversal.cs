namespace RlLeap.MetaLearning;

/// <summary>Gradient reversal: forward the identity; backward the gradient times minus lambda.</summary>
/// <remarks>Ganin and Lempitsky 2015, arXiv 1409.7495, equations 11 and 12.</remarks>
public sealed class GradientReversal : autograd.SingleTensorFunction<GradientReversal>
{
    public override string Name => nameof(GradientReversal);

    /// <summary>The input itself, whose gradient is reversed.</summary>
    /// <param name="input">Any tensor.</param>
    /// <param name="lambda">What the reversed gradient is multiplied by.</param>
    public static Tensor Apply(Tensor input, double lambda) => apply([input, lambda]);

    public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
    {
        context.save_data("lambda", inputs[1]);
        return ((Tensor)inputs[0]).clone();
    }

    public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
    {
        using Scalar factor = -(double)context.get_data("lambda");
        return [gradient.mul(factor), null!];
    }
}

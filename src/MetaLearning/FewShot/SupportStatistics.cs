namespace RlLeap.MetaLearning;

/// <summary>Batch norm by the statistics of an episode's support images.</summary>
/// <remarks>
/// A few gradient steps do not fill the running averages of batch norm, and the queries' own statistics would let one
/// query's prediction depend on the others. The support images are given, so their statistics may be used.
/// </remarks>
internal static class SupportStatistics
{
    /// <summary>A pass in evaluation mode at a model's parameters, with the statistics of some images.</summary>
    /// <remarks>
    /// A running average is (1 - m) old + m s with an unknown momentum m. Two passes, from old = 0 and from old = 1,
    /// give s, whatever m is. The statistics are constants: no gradient goes through them.
    /// </remarks>
    /// <param name="model">The model. Its own running averages do not change.</param>
    /// <param name="images">[n, input...].</param>
    /// <exception cref="RlLeapException">The network keeps its statistics to itself.</exception>
    public static Pass Of(Model model, Tensor images)
    {
        if (!model.Network.IsFunctional)
            throw new RlLeapException($"{model.Network.Name} is a torch.nn.Module, whose batch-norm statistics cannot "
                + "be replaced by those of the support images. Write it as a RlLeap.Network, or set "
                + "few-shot.transductive: true.");
        using var _ = no_grad();
        var fromZero = Average(model, images, 0);
        var fromOne = Average(model, images, 1);
        return model.Pass.With([.. fromZero.Zip(fromOne, (zero, one) => zero / (1 - (one - zero)))], training: false);
    }

    private static Tensor[] Average(Model model, Tensor images, double start)
    {
        Tensor[] buffers = [.. model.Buffers.Views.Select(view => full_like(view, start))];
        model.Network.Forward(model.Pass.With(buffers, training: true), images);
        return buffers;
    }
}

namespace RlLeap;

/// <summary>Initial values from <see cref="Rng"/>, under the names of the field. Call under no_grad.</summary>
public static class Initialization
{
    /// <summary>
    /// Orthogonal rows or columns times <paramref name="gain"/> (Saxe et al. 2013, arXiv 1312.6120), as
    /// torch.nn.init.orthogonal_: QR of a normal matrix [rows, rest], signs fixed by the diagonal of R so that the
    /// distribution is uniform.
    /// </summary>
    public static void Orthogonal(Tensor weight, double gain, Rng rng)
    {
        var shape = weight.shape;
        var (rows, columns) = (shape[0], weight.numel() / shape[0]);
        var (tall, wide) = (Math.Max(rows, columns), Math.Min(rows, columns));
        using var scope = NewDisposeScope();
        // float64: the factorization is done once, and its rounding should not show in float32.
        var normal = Normal([tall, wide], rng).to_type(ScalarType.Float64);
        var (q, r) = linalg.qr(normal);
        q.mul_(r.diagonal().sign());
        if (rows < columns) q = q.transpose(0, 1);
        using Scalar factor = gain;
        weight.copy_(q.mul_(factor).reshape(shape));
    }

    /// <summary>
    /// PyTorch's default for linear and convolution layers: weight and bias uniform in +-1/sqrt(fan-in)
    /// (kaiming_uniform_ with a = sqrt(5) is the same interval).
    /// </summary>
    public static void TorchDefault(Tensor weight, Tensor? bias, Rng rng)
    {
        var fanIn = weight.numel() / weight.shape[0];
        var bound = 1 / Math.Sqrt(fanIn);
        Uniform(weight, bound, rng);
        if (bias is not null) Uniform(bias, bound, rng);
    }

    private static void Uniform(Tensor target, double bound, Rng rng)
    {
        var values = new float[target.numel()];
        rng.FillUniform(values);
        for (var i = 0; i < values.Length; i++) values[i] = (float)((2.0 * values[i] - 1) * bound);
        using var drawn = tensor(values, target.shape);
        target.copy_(drawn);
    }

    private static Tensor Normal(long[] shape, Rng rng)
    {
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        rng.FillNormal(values);
        return tensor(values, shape);
    }
}

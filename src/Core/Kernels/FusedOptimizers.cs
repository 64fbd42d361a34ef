using System.Numerics;
using System.Runtime.InteropServices;

namespace RlLeap;

/// <summary>Update rules on the CPU in one pass over memory: each number is read once and written once.</summary>
/// <remarks>
/// As tensor operations Adam takes ten passes over vectors that do not fit the cache. Every operation is elementwise
/// and correctly rounded, so the results do not depend on the width of the machine's vectors.
/// </remarks>
internal static class FusedOptimizers
{
    /// <summary>Whether tensors like this one can be updated so.</summary>
    internal static bool Fits(Tensor values) =>
        values.dtype == ScalarType.Float32 && values.device_type == DeviceType.CPU && values.is_contiguous();

    /// <summary>The memory of a flat float32 tensor on the CPU.</summary>
    internal static Span<float> Values(Tensor flat) => MemoryMarshal.Cast<byte, float>(flat.bytes);

    /// <summary>The memory of a group's part of such a tensor.</summary>
    internal static Span<float> Values(Tensor flat, ParameterGroup group) =>
        Values(flat).Slice((int)group.Start, (int)group.Count);

    /// <summary>
    /// m = b1 m + (1-b1) g, v = b2 v + (1-b2) g^2, theta -= rate m / (sqrt(v) / root + eps), with g = scale gradient +
    /// decay theta.
    /// </summary>
    internal static void Adam(Span<float> theta, ReadOnlySpan<float> gradient, Span<float> m, Span<float> v,
        float scale, float decay, float beta1, float beta2, float rate, float root, float epsilon)
    {
        Require(theta.Length, gradient.Length, m.Length, v.Length);
        var (rest1, rest2, inverse) = (1 - beta1, 1 - beta2, 1 / root);
        var xs = Vectors(theta);
        var gs = Vectors(gradient);
        var ms = Vectors(m);
        var vs = Vectors(v);
        for (var i = 0; i < xs.Length; i++)
        {
            var g = gs[i] * scale + xs[i] * decay;
            var first = ms[i] = ms[i] * beta1 + g * rest1;
            var second = vs[i] = vs[i] * beta2 + g * g * rest2;
            xs[i] -= first * rate / (Vector.SquareRoot(second) * inverse + new Vector<float>(epsilon));
        }
        for (var i = xs.Length * Vector<float>.Count; i < theta.Length; i++)
        {
            var g = gradient[i] * scale + theta[i] * decay;
            m[i] = m[i] * beta1 + g * rest1;
            v[i] = v[i] * beta2 + g * g * rest2;
            theta[i] -= m[i] * rate / (MathF.Sqrt(v[i]) * inverse + epsilon);
        }
    }

    /// <summary>
    /// average = alpha average + (1-alpha) g^2, theta -= rate g / sqrt(average + eps), with g = scale gradient.
    /// </summary>
    internal static void RmsPropBaselines(Span<float> theta, ReadOnlySpan<float> gradient, Span<float> average,
        float scale, float alpha, float rate, float epsilon)
    {
        Require(theta.Length, gradient.Length, average.Length, average.Length);
        var rest = 1 - alpha;
        var xs = Vectors(theta);
        var gs = Vectors(gradient);
        var averages = Vectors(average);
        for (var i = 0; i < xs.Length; i++)
        {
            var g = gs[i] * scale;
            var square = averages[i] = averages[i] * alpha + g * g * rest;
            xs[i] -= g * rate / Vector.SquareRoot(square + new Vector<float>(epsilon));
        }
        for (var i = xs.Length * Vector<float>.Count; i < theta.Length; i++)
        {
            var g = gradient[i] * scale;
            average[i] = average[i] * alpha + g * g * rest;
            theta[i] -= g * rate / MathF.Sqrt(average[i] + epsilon);
        }
    }

    private static Span<Vector<float>> Vectors(Span<float> values) => MemoryMarshal.Cast<float, Vector<float>>(values);
    private static ReadOnlySpan<Vector<float>> Vectors(ReadOnlySpan<float> values) =>
        MemoryMarshal.Cast<float, Vector<float>>(values);

    private static void Require(int a, int b, int c, int d)
    {
        if (a != b || a != c || a != d)
            throw new ArgumentException($"Vectors of {a}, {b}, {c} and {d} values do not fit together.");
    }
}

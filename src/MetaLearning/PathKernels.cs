using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>The arithmetic of one path segment on flat tensors, in as few passes over memory as it takes.</summary>
/// <remarks>
/// <para>A segment costs what its memory traffic costs: the arrays of a network do not fit the first caches. On a CPU, contiguous float32 and
/// float64 vectors go through one vectorized loop each; anything else (another device or type) through tensor operations. Tests hold the two
/// to the same numbers.</para>
/// <para>Sums of squares are taken in float64 over blocks, so their rounding does not grow with the size of the network.</para>
/// </remarks>
internal static class PathKernels
{
    // Short enough that a float32 lane adds few numbers, long enough that the conversion to float64 does not show.
    private const int Block = 4096;

    /// <summary>||a - b||^2 of two vectors [n] (float64).</summary>
    public static double SquaredDistance(Tensor a, Tensor b)
    {
        if (IsPlain(a, b))
            return a.dtype == ScalarType.Float32 ? SquaredDistance(Span<float>(a), Span<float>(b)) : SquaredDistance(Span<double>(a), Span<double>(b));
        using var scope = NewDisposeScope();
        var difference = a - b;
        return difference.dot(difference).to_type(ScalarType.Float64).item<double>();
    }

    /// <summary>
    /// Completes a segment: sum -= weight * (slope * g + position - previous), g being the gradient at the previous point. Then the
    /// previous point is this one. All vectors are [n].
    /// </summary>
    /// <param name="position">Where the process is.</param>
    /// <param name="previous">Where it was; changed to <paramref name="position"/>.</param>
    /// <param name="sum">Changed.</param>
    /// <param name="weight">Factor of the segment.</param>
    /// <param name="gradients">The previous point's gradient, changed to this point's, and the slope; null for a slope of 0.</param>
    /// <returns>||position - previous||^2 before previous changed.</returns>
    public static double Advance(Tensor position, Tensor previous, Tensor sum, double weight, (Tensor Previous, Tensor Next, double Slope)? gradients)
    {
        var (before, after, slope) = gradients ?? (previous, position, 0); // not read then
        if (IsPlain(position, previous) && IsPlain(before, after) && IsPlain(position, sum) && before.dtype == sum.dtype)
            return position.dtype == ScalarType.Float32
                ? Advance(Span<float>(position), Span<float>(previous), Span<float>(sum), (float)weight, Given<float>(before), Given<float>(after), (float)slope)
                : Advance(Span<double>(position), Span<double>(previous), Span<double>(sum), weight, Given<double>(before), Given<double>(after), slope);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var difference = position - previous;
        using Scalar along = -weight * slope, back = -weight;
        if (gradients is not null)
        {
            sum.add_(before, along);
            before.copy_(after);
        }
        sum.add_(difference, back);
        previous.copy_(position);
        return difference.dot(difference).to_type(ScalarType.Float64).item<double>();

        Span<T> Given<T>(Tensor gradient) where T : unmanaged => gradients is null ? [] : Span<T>(gradient);
    }

    private static bool IsPlain(Tensor a, Tensor b) =>
        a.device_type == TorchSharp.DeviceType.CPU && b.device_type == TorchSharp.DeviceType.CPU && a.dtype == b.dtype
        && a.dtype is ScalarType.Float32 or ScalarType.Float64 && a.is_contiguous() && b.is_contiguous();

    private static Span<T> Span<T>(Tensor tensor) where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);

    internal static double SquaredDistance<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ref var x = ref MemoryMarshal.GetReference(a);
        ref var y = ref MemoryMarshal.GetReference(b);
        double total = 0;
        for (var start = 0; start < a.Length; start += Block)
        {
            var (i, end) = (start, Math.Min(a.Length, start + Block));
            var (s0, s1) = (Vector<T>.Zero, Vector<T>.Zero);
            for (; i <= end - 2 * Vector<T>.Count; i += 2 * Vector<T>.Count)
            {
                var d0 = Load(ref x, i) - Load(ref y, i);
                var d1 = Load(ref x, i + Vector<T>.Count) - Load(ref y, i + Vector<T>.Count);
                s0 += d0 * d0;
                s1 += d1 * d1;
            }
            var rest = T.Zero;
            for (; i < end; i++)
            {
                var d = Unsafe.Add(ref x, i) - Unsafe.Add(ref y, i);
                rest += d * d;
            }
            total += double.CreateTruncating(Vector.Sum(s0 + s1)) + double.CreateTruncating(rest);
        }
        return total;
    }

    // Blocks from the end to the start: SquaredDistance has just read the same vectors from start to end, and the second cache still
    // holds their tails. Empty gradients stand for a slope of 0.
    internal static double Advance<T>(ReadOnlySpan<T> position, Span<T> previous, Span<T> sum, T weight, Span<T> before, ReadOnlySpan<T> after, T slope)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ref var x = ref MemoryMarshal.GetReference(position);
        ref var y = ref MemoryMarshal.GetReference(previous);
        ref var z = ref MemoryMarshal.GetReference(sum);
        ref var g = ref MemoryMarshal.GetReference(before);
        ref var h = ref MemoryMarshal.GetReference(after);
        var withGradient = !before.IsEmpty;
        var (c, w) = (new Vector<T>(slope), new Vector<T>(weight));
        double total = 0;
        for (var start = (position.Length - 1) / Block * Block; start >= 0; start -= Block)
        {
            var (i, end) = (start, Math.Min(position.Length, start + Block));
            var squares = Vector<T>.Zero;
            if (withGradient)
                for (; i <= end - Vector<T>.Count; i += Vector<T>.Count)
                {
                    var here = Load(ref x, i);
                    var d = here - Load(ref y, i);
                    squares += d * d;
                    Store(ref z, i, Load(ref z, i) - w * (c * Load(ref g, i) + d));
                    Store(ref y, i, here);
                    Store(ref g, i, Load(ref h, i));
                }
            else
                for (; i <= end - Vector<T>.Count; i += Vector<T>.Count)
                {
                    var here = Load(ref x, i);
                    var d = here - Load(ref y, i);
                    squares += d * d;
                    Store(ref z, i, Load(ref z, i) - w * d);
                    Store(ref y, i, here);
                }
            var rest = T.Zero;
            for (; i < end; i++)
            {
                var d = Unsafe.Add(ref x, i) - Unsafe.Add(ref y, i);
                rest += d * d;
                Unsafe.Add(ref z, i) -= weight * (withGradient ? slope * Unsafe.Add(ref g, i) + d : d);
                Unsafe.Add(ref y, i) = Unsafe.Add(ref x, i);
                if (withGradient) Unsafe.Add(ref g, i) = Unsafe.Add(ref h, i);
            }
            total += double.CreateTruncating(Vector.Sum(squares)) + double.CreateTruncating(rest);
        }
        return total;
    }

    private static Vector<T> Load<T>(ref T origin, int i) => Vector.LoadUnsafe(ref Unsafe.Add(ref origin, i));

    private static void Store<T>(ref T origin, int i, Vector<T> value) => value.StoreUnsafe(ref Unsafe.Add(ref origin, i));
}

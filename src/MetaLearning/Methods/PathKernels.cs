using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RlLeap.MetaLearning;

/// <summary>The arithmetic of one segment of Leap's path, in as few passes over memory as possible.</summary>
/// <remarks>
/// <para>
/// The vectors of a network do not fit the first caches, so time is the number of passes. On a CPU, contiguous float32
/// and float64 vectors go through one vectorized loop each. Other devices and types go through tensor operations. A
/// test holds both to the same numbers.
/// </para>
/// <para>Squares are summed in float64 over blocks, so the rounding does not grow with the size of the network.</para>
/// <para>
/// Only Leap uses it: what it computes is Leap's equation 8, so it lies beside Leap and not in src/Core/Kernels.
/// </para>
/// </remarks>
internal static class PathKernels
{
    // Short enough that a float32 lane adds few numbers. Long enough that the conversion to float64 does not show.
    private const int Block = 4096;

    /// <summary>||a - b||^2 of two vectors [n], in float64.</summary>
    public static double SquaredDistance(Tensor a, Tensor b)
    {
        if (IsPlain(a, b))
            return a.dtype == ScalarType.Float32
                ? SquaredDistance(Span<float>(a), Span<float>(b))
                : SquaredDistance(Span<double>(a), Span<double>(b));
        using var scope = NewDisposeScope();
        var difference = a - b;
        return difference.dot(difference).to_type(ScalarType.Float64).item<double>();
    }

    /// <summary>
    /// sum -= weight * (coefficient * previous gradient + position - previous). Then previous becomes position.
    /// </summary>
    /// <param name="position">Where the training is [n].</param>
    /// <param name="previous">Where it was [n]; overwritten with <paramref name="position"/>.</param>
    /// <param name="sum">The sum of increments [n]; changed.</param>
    /// <param name="weight">Factor of the segment.</param>
    /// <param name="lossTerm">
    /// The gradient at the previous point [n], which is overwritten with the gradient at this point [n], and the
    /// coefficient. Null without the loss in the path.
    /// </param>
    /// <returns>||position - previous||^2, before previous changed.</returns>
    public static double AddSegment(
        Tensor position, Tensor previous, Tensor sum, double weight,
        (Tensor PreviousGradient, Tensor Gradient, double Coefficient)? lossTerm)
    {
        // Without a loss term, the vectors stand in for the gradients; they are not read.
        var (before, after, coefficient) = lossTerm ?? (previous, position, 0);
        if (IsPlain(position, previous) && IsPlain(before, after) && IsPlain(position, sum)
            && before.dtype == sum.dtype)
            return position.dtype == ScalarType.Float32
                ? AddSegment(
                    Span<float>(position), Span<float>(previous), Span<float>(sum), (float)weight,
                    GradientSpan<float>(before), GradientSpan<float>(after), (float)coefficient)
                : AddSegment(
                    Span<double>(position), Span<double>(previous), Span<double>(sum), weight,
                    GradientSpan<double>(before), GradientSpan<double>(after), coefficient);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var difference = position - previous;
        using Scalar gradientFactor = -weight * coefficient, differenceFactor = -weight;
        if (lossTerm is not null)
        {
            sum.add_(before, gradientFactor);
            before.copy_(after);
        }
        sum.add_(difference, differenceFactor);
        previous.copy_(position);
        return difference.dot(difference).to_type(ScalarType.Float64).item<double>();

        Span<T> GradientSpan<T>(Tensor gradient) where T : unmanaged => lossTerm is null ? [] : Span<T>(gradient);
    }

    private static bool IsPlain(Tensor a, Tensor b) =>
        a.device_type == TorchSharp.DeviceType.CPU && b.device_type == TorchSharp.DeviceType.CPU && a.dtype == b.dtype
        && a.dtype is ScalarType.Float32 or ScalarType.Float64 && a.is_contiguous() && b.is_contiguous();

    private static Span<T> Span<T>(Tensor tensor) where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);

    private static double SquaredDistance<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
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

    // Blocks go from the end to the start. SquaredDistance has just read the same vectors from start to end, so their
    // last blocks are still in the second cache. Empty gradients stand for no loss term.
    private static double AddSegment<T>(
        ReadOnlySpan<T> position, Span<T> previous, Span<T> sum, T weight,
        Span<T> previousGradient, ReadOnlySpan<T> gradient, T coefficient)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ref var x = ref MemoryMarshal.GetReference(position);
        ref var y = ref MemoryMarshal.GetReference(previous);
        ref var z = ref MemoryMarshal.GetReference(sum);
        ref var g = ref MemoryMarshal.GetReference(previousGradient);
        ref var h = ref MemoryMarshal.GetReference(gradient);
        var withGradient = !previousGradient.IsEmpty;
        var (c, w) = (new Vector<T>(coefficient), new Vector<T>(weight));
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
                Unsafe.Add(ref z, i) -= weight * (withGradient ? coefficient * Unsafe.Add(ref g, i) + d : d);
                Unsafe.Add(ref y, i) = Unsafe.Add(ref x, i);
                if (withGradient) Unsafe.Add(ref g, i) = Unsafe.Add(ref h, i);
            }
            total += double.CreateTruncating(Vector.Sum(squares)) + double.CreateTruncating(rest);
        }
        return total;
    }

    private static Vector<T> Load<T>(ref T origin, int i) => Vector.LoadUnsafe(ref Unsafe.Add(ref origin, i));

    private static void Store<T>(ref T origin, int i, Vector<T> value) =>
        value.StoreUnsafe(ref Unsafe.Add(ref origin, i));
}

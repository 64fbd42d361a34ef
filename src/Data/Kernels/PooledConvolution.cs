using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.Data;

/// <summary>A 3x3 convolution with a border of zeros and 2x2 max-pooling, for images of few channels.</summary>
/// <remarks>
/// With few channels a convolution costs what writing and reading its outputs costs. Here four outputs are computed in
/// registers and only the largest is written, with its place. The backward pass looks at that place alone. What it is
/// worth: benchmarks/README.md. Everything that does not fit goes to libtorch.
/// </remarks>
internal static unsafe class PooledConvolution
{
    private const int Kernel = 3, Taps = Kernel * Kernel, Wide = 32, Lanes = 16;

    /// <summary>Whether tensors are float32 images [N, C, H, W] without gradient and weights [32 k, C, 3, 3].</summary>
    public static bool Fits(Tensor input, Tensor weight) =>
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported
        && input.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32
        && input.device_type == DeviceType.CPU && weight.device_type == DeviceType.CPU
        && !input.requires_grad && input.is_contiguous() && input.numel() is > 0 and <= int.MaxValue / Wide
        && weight.size(0) % Wide == 0 && weight.size(2) == Kernel && weight.size(3) == Kernel
        && input.size(2) >= 2 && input.size(3) >= 2;

    /// <summary>The largest of four outputs [N, H / 2, W / 2, F], and which it is, 0 to 3 in reading order.</summary>
    /// <param name="input">Images [N, C, H, W].</param>
    /// <param name="weight">[F, C, 3, 3].</param>
    /// <param name="bias">[F].</param>
    public static (Tensor Largest, Tensor Which) Forward(Tensor input, Tensor weight, Tensor bias)
    {
        var (n, c, h, w) = ((int)input.size(0), (int)input.size(1), (int)input.size(2), (int)input.size(3));
        var f = (int)weight.size(0);
        var largest = empty(n, h / 2, w / 2, f);
        var which = empty([n, h / 2, w / 2, f], ScalarType.Byte);
        var (images, weights) = (Padded(input), Packed(weight));
        float* b = Floats(bias), y = Floats(largest);
        var at = (byte*)Floats(which);
        fixed (float* x = images, packed = weights)
            for (var i = 0; i < n; i++)
            {
                var image = x + i * c * (h + 2) * (w + 2);
                for (var row = 0; row < h / 2; row++)
                    for (var column = 0; column < w / 2; column++, y += f, at += f)
                    {
                        var corner = image + 2 * row * (w + 2) + 2 * column;
                        for (var k = 0; k < f; k += Wide)
                            Four(corner, c, h + 2, w + 2, packed + k * c * Taps, b + k, y + k, at + k);
                    }
            }
        return (largest, which);
    }

    /// <summary>The gradients of weights [F, C, 3, 3] and biases [F].</summary>
    /// <param name="input">Images [N, C, H, W].</param>
    /// <param name="which">As <see cref="Forward"/> gave it.</param>
    /// <param name="gradient">Of the largest outputs [N, H / 2, W / 2, F].</param>
    public static (Tensor Weight, Tensor Bias) Gradients(Tensor input, Tensor which, Tensor gradient)
    {
        var (n, c, h, w) = ((int)input.size(0), (int)input.size(1), (int)input.size(2), (int)input.size(3));
        var f = (int)which.size(3);
        using var even = gradient.contiguous();
        var (ofWeight, ofBias) = (empty(f, Kernel, Kernel, c), empty(f));
        var images = Padded(input);
        float* g = Floats(even), to = Floats(ofWeight), b = Floats(ofBias);
        var sums = stackalloc float[(Taps + 1) * Lanes];
        fixed (float* x = images)
            for (var k = 0; k < f; k += Lanes)
                for (var channel = 0; channel < c; channel++)
                {
                    OfChannel(x + channel * (h + 2) * (w + 2), n, c, h, w, g + k, (byte*)Floats(which) + k, f, sums);
                    for (var lane = 0; lane < Lanes; lane++)
                    {
                        for (var tap = 0; tap < Taps; tap++)
                            to[((k + lane) * Taps + tap) * c + channel] = sums[tap * Lanes + lane];
                        b[k + lane] = sums[Taps * Lanes + lane];
                    }
                }
        return (ofWeight.permute(0, 3, 1, 2), ofBias);
    }

    // 32 filters at four places: x is the corner of the 4x4 inputs that they see, in planes of height x width.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(
        float* x, int channels, int height, int width, float* w, float* bias, float* y, byte* which)
    {
        Vector512<float> a0 = Vector512.Load(bias), a1 = a0, a2 = a0, a3 = a0;
        Vector512<float> b0 = Vector512.Load(bias + Lanes), b1 = b0, b2 = b0, b3 = b0;
        for (var channel = 0; channel < channels; channel++, x += height * width)
            for (var ky = 0; ky < Kernel; ky++)
            {
                float* upper = x + ky * width, lower = upper + width;
                for (var kx = 0; kx < Kernel; kx++, w += Wide)
                {
                    Vector512<float> p = Vector512.Load(w), q = Vector512.Load(w + Lanes);
                    var v = Vector512.Create(upper[kx]);
                    (a0, b0) = (Vector512.FusedMultiplyAdd(v, p, a0), Vector512.FusedMultiplyAdd(v, q, b0));
                    v = Vector512.Create(upper[kx + 1]);
                    (a1, b1) = (Vector512.FusedMultiplyAdd(v, p, a1), Vector512.FusedMultiplyAdd(v, q, b1));
                    v = Vector512.Create(lower[kx]);
                    (a2, b2) = (Vector512.FusedMultiplyAdd(v, p, a2), Vector512.FusedMultiplyAdd(v, q, b2));
                    v = Vector512.Create(lower[kx + 1]);
                    (a3, b3) = (Vector512.FusedMultiplyAdd(v, p, a3), Vector512.FusedMultiplyAdd(v, q, b3));
                }
            }
        Largest(a0, a1, a2, a3, y, which);
        Largest(b0, b1, b2, b3, y + Lanes, which + Lanes);
    }

    // The first of equal ones; not a number where one is not, as in libtorch.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Largest(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* y, byte* which)
    {
        var index = Vector512<int>.Zero;
        Take(ref a, ref index, b, 1);
        Take(ref a, ref index, c, 2);
        Take(ref a, ref index, d, 3);
        a.Store(y);
        Avx512F.ConvertToVector128Byte(index).Store(which);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take(ref Vector512<float> largest, ref Vector512<int> index, Vector512<float> other, int which)
    {
        var larger = Vector512.GreaterThan(other, largest) | ~Vector512.Equals(other, other);
        largest = Vector512.ConditionalSelect(larger, other, largest);
        index = Vector512.ConditionalSelect(larger.AsInt32(), Vector512.Create(which), index);
    }

    // Sums over all places for 16 filters: nine taps of one channel, then the bias.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OfChannel(float* x, int n, int c, int h, int w, float* g, byte* which, int f, float* sums)
    {
        var width = w + 2;
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default;
        Vector512<float> a6 = default, a7 = default, a8 = default, all = default;
        for (var i = 0; i < n; i++, x += c * (h + 2) * width)
            for (var row = 0; row < h / 2; row++)
            {
                float* r0 = x + 2 * row * width, r1 = r0 + width, r2 = r1 + width, r3 = r2 + width;
                for (var k = 0; k < w / 2 * 2; k += 2, g += f, which += f)
                {
                    var own = Vector512.Load(g);
                    var place = Avx512F.ConvertToVector512Int32(Vector128.Load(which));
                    all += own;
                    var g0 = own & Vector512.Equals(place, Vector512<int>.Zero).AsSingle();
                    var g1 = own & Vector512.Equals(place, Vector512.Create(1)).AsSingle();
                    var g2 = own & Vector512.Equals(place, Vector512.Create(2)).AsSingle();
                    var g3 = own & Vector512.Equals(place, Vector512.Create(3)).AsSingle();
                    a0 = Tap(a0, r0 + k, r1 + k, g0, g1, g2, g3);
                    a1 = Tap(a1, r0 + k + 1, r1 + k + 1, g0, g1, g2, g3);
                    a2 = Tap(a2, r0 + k + 2, r1 + k + 2, g0, g1, g2, g3);
                    a3 = Tap(a3, r1 + k, r2 + k, g0, g1, g2, g3);
                    a4 = Tap(a4, r1 + k + 1, r2 + k + 1, g0, g1, g2, g3);
                    a5 = Tap(a5, r1 + k + 2, r2 + k + 2, g0, g1, g2, g3);
                    a6 = Tap(a6, r2 + k, r3 + k, g0, g1, g2, g3);
                    a7 = Tap(a7, r2 + k + 1, r3 + k + 1, g0, g1, g2, g3);
                    a8 = Tap(a8, r2 + k + 2, r3 + k + 2, g0, g1, g2, g3);
                }
            }
        a0.Store(sums);
        a1.Store(sums + Lanes);
        a2.Store(sums + 2 * Lanes);
        a3.Store(sums + 3 * Lanes);
        a4.Store(sums + 4 * Lanes);
        a5.Store(sums + 5 * Lanes);
        a6.Store(sums + 6 * Lanes);
        a7.Store(sums + 7 * Lanes);
        a8.Store(sums + 8 * Lanes);
        all.Store(sums + 9 * Lanes);
    }

    // What one weight meets at the four places.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Tap(Vector512<float> sum, float* upper, float* lower,
        Vector512<float> g0, Vector512<float> g1, Vector512<float> g2, Vector512<float> g3)
    {
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(upper[0]), g0, sum);
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(upper[1]), g1, sum);
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(lower[0]), g2, sum);
        return Vector512.FusedMultiplyAdd(Vector512.Create(lower[1]), g3, sum);
    }

    // [N, C, H + 2, W + 2] with zeros around.
    private static float[] Padded(Tensor input)
    {
        var (planes, h, w) = ((int)(input.size(0) * input.size(1)), (int)input.size(2), (int)input.size(3));
        var padded = new float[planes * (h + 2) * (w + 2)];
        var from = new ReadOnlySpan<float>(Floats(input), planes * h * w);
        for (var plane = 0; plane < planes; plane++)
            for (var row = 0; row < h; row++)
                from.Slice((plane * h + row) * w, w).CopyTo(padded.AsSpan((plane * (h + 2) + row + 1) * (w + 2) + 1));
        return padded;
    }

    // [F / 32, C, 3, 3, 32].
    private static float[] Packed(Tensor weight)
    {
        var (f, c) = ((int)weight.size(0), (int)weight.size(1));
        using var ordered = weight.detach().permute(1, 2, 3, 0).contiguous(); // [C, 3, 3, F]
        var from = new ReadOnlySpan<float>(Floats(ordered), f * c * Taps);
        var packed = new float[f * c * Taps];
        for (var k = 0; k < f; k += Wide)
            for (var term = 0; term < c * Taps; term++)
                from.Slice(term * f + k, Wide).CopyTo(packed.AsSpan(k * c * Taps + term * Wide));
        return packed;
    }

    private static float* Floats(Tensor values)
    {
        using var plain = values.detach();
        return (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(plain.bytes));
    }
}

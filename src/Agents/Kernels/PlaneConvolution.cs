using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RlLeap.Agents;

/// <summary>A 3x3 convolution of planes that are mostly zero, as MinAtar's are, and its weights' gradient.</summary>
/// <remarks>
/// Most rows of most planes are empty. They are skipped, so the work is that of the rows with something in them; eight
/// outputs of a row are computed at once. What it is worth: benchmarks/README.md. Everything that does not fit goes to
/// <c>F.conv2d</c>.
/// </remarks>
internal static unsafe class PlaneConvolution
{
    private const int Width = 10, Outputs = 8, Kernel = 3, Taps = Kernel * Kernel;

    /// <summary>Whether a convolution is such: planes of 0 and 1, 10 wide; 3x3, stride 1.</summary>
    public static bool Fits(Box observation, Convolution convolution) =>
        Avx2.IsSupported && Fma.IsSupported
            && observation is { Element: ElementType.Byte, High: <= 1, Shape: [_, >= Kernel, Width] }
        && convolution is { Kernel: Kernel, Stride: 1 };

    /// <summary>Whether tensors are: bytes [N, C, H, 10] and float32 parameters, contiguous on the CPU.</summary>
    public static bool Fits(Tensor input, Tensor weight) =>
        input.dtype == ScalarType.Byte && weight.dtype == ScalarType.Float32
        && input.device_type == DeviceType.CPU && weight.device_type == DeviceType.CPU && input.is_contiguous()
        && weight.is_contiguous();

    /// <summary>[N, F, H - 2, 8] for planes [N, C, H, 10], weights [F, C, 3, 3], biases [F]. Has no graph.</summary>
    public static Tensor Forward(Tensor planes, Tensor weight, Tensor bias)
    {
        var (n, c, h, f) = ((int)planes.size(0), (int)planes.size(1), (int)planes.size(2), (int)weight.size(0));
        var result = empty(n, f, h - Kernel + 1, Outputs);
        fixed (byte* p = planes.bytes)
        fixed (float* w = Floats(weight), b = Floats(bias), y = Floats(result))
            for (var i = 0; i < n; i++)
                Forward(p + i * c * h * Width, w, b, y + i * f * (h - Kernel + 1) * Outputs, c, h, f);
        return result;
    }

    /// <summary>The gradients of weights [F, C, 3, 3] and biases [F], through the ReLU after the convolution.</summary>
    /// <param name="planes">The input [N, C, H, 10].</param>
    /// <param name="units">What the ReLU returned [N, F (H - 2) 8].</param>
    /// <param name="gradient">Its gradient [N, F (H - 2) 8]; set to 0 where the unit is.</param>
    /// <param name="filters">F.</param>
    public static (Tensor Weight, Tensor Bias) Gradients(Tensor planes, Tensor units, Tensor gradient, int filters)
    {
        var (n, c, h, f) = ((int)planes.size(0), (int)planes.size(1), (int)planes.size(2), filters);
        var (weight, bias) = (empty(f, c, Kernel, Kernel), empty(f));
        var places = (h - Kernel + 1) * Outputs;
        var sums = new float[(c * Taps + 1) * f * Outputs]; // eight partial sums for each weight, then for each bias
        fixed (byte* p = planes.bytes)
        fixed (float* g = Floats(gradient), u = Floats(units), s = sums, w = Floats(weight), b = Floats(bias))
        {
            var biases = s + f * c * Taps * Outputs;
            for (var i = 0; i < n; i++)
            {
                var own = g + i * f * places;
                Mask(own, u + i * f * places, biases, f, places);
                Collect(p + i * c * h * Width, own, s, c, h, f);
            }
            for (var k = 0; k < f * c * Taps; k++) w[k] = Vector256.Sum(Vector256.Load(s + k * Outputs));
            for (var k = 0; k < f; k++) b[k] = Vector256.Sum(Vector256.Load(biases + k * Outputs));
        }
        return (weight, bias);
    }

    // Through the ReLU, and the sums of what is left.
    private static void Mask(float* gradient, float* units, float* sums, int f, int places)
    {
        for (var k = 0; k < f; k++, sums += Outputs)
        {
            var sum = Vector256.Load(sums);
            for (var i = 0; i < places; i += Outputs, gradient += Outputs, units += Outputs)
            {
                var left = Vector256.Load(gradient) & Vector256.GreaterThan(Vector256.Load(units),
                    Vector256<float>.Zero);
                left.Store(gradient);
                sum += left;
            }
            sum.Store(sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward(byte* planes, float* w, float* b, float* y, int c, int h, int f)
    {
        var (rows, size) = (h - Kernel + 1, (h - Kernel + 1) * Outputs);
        for (var k = 0; k < f; k++) new Span<float>(y + k * size, size).Fill(b[k]);
        for (var channel = 0; channel < c; channel++)
            for (var r = 0; r < h; r++, planes += Width)
            {
                if (IsEmpty(planes)) continue;
                var (x0, x1, x2) = (Eight(planes), Eight(planes + 1), Eight(planes + 2));
                for (var ky = Math.Max(0, r - rows + 1); ky < Kernel && ky <= r; ky++)
                {
                    var taps = w + channel * Taps + ky * Kernel;
                    var to = y + (r - ky) * Outputs;
                    for (var k = 0; k < f; k++, taps += c * Taps, to += size)
                    {
                        var sum = Fma.MultiplyAdd(x0, Vector256.Create(taps[0]), Vector256.Load(to));
                        sum = Fma.MultiplyAdd(x1, Vector256.Create(taps[1]), sum);
                        Fma.MultiplyAdd(x2, Vector256.Create(taps[2]), sum).Store(to);
                    }
                }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Collect(byte* planes, float* gradient, float* sums, int c, int h, int f)
    {
        var (rows, size) = (h - Kernel + 1, (h - Kernel + 1) * Outputs);
        for (var channel = 0; channel < c; channel++)
            for (var r = 0; r < h; r++, planes += Width)
            {
                if (IsEmpty(planes)) continue;
                var (x0, x1, x2) = (Eight(planes), Eight(planes + 1), Eight(planes + 2));
                for (var ky = Math.Max(0, r - rows + 1); ky < Kernel && ky <= r; ky++)
                {
                    var to = sums + (channel * Taps + ky * Kernel) * Outputs;
                    var from = gradient + (r - ky) * Outputs;
                    for (var k = 0; k < f; k++, to += c * Taps * Outputs, from += size)
                    {
                        var g = Vector256.Load(from);
                        Fma.MultiplyAdd(x0, g, Vector256.Load(to)).Store(to);
                        Fma.MultiplyAdd(x1, g, Vector256.Load(to + Outputs)).Store(to + Outputs);
                        Fma.MultiplyAdd(x2, g, Vector256.Load(to + 2 * Outputs)).Store(to + 2 * Outputs);
                    }
                }
            }
    }

    private static bool IsEmpty(byte* row) =>
        (Unsafe.ReadUnaligned<ulong>(row) | Unsafe.ReadUnaligned<ushort>(row + 8)) == 0;

    private static Vector256<float> Eight(byte* cells) =>
        Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(cells));

    private static Span<float> Floats(Tensor values) => MemoryMarshal.Cast<byte, float>(values.bytes);
}

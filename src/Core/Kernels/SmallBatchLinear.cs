using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RlLeap;

/// <summary>A dense layer's forward pass for the few rows of an agent that acts.</summary>
/// <remarks>
/// <para>With few rows a layer costs what reading its weights costs. BLAS copies them into a layout of its own first,
/// every time. Here they are read once, in the order in which they lie, and fetched ahead (benchmarks/ale.md has what
/// that gives). Everything else goes to <c>F.linear</c>: gradients, other types and devices, more rows, machines
/// without vectors of 512 bits.</para>
/// <para>Every output is one sum in the order of the inputs, so it does not depend on how many rows there are beside
/// it.</para>
/// </remarks>
internal static unsafe class SmallBatchLinear
{
    private const int Rows = 8, Outputs = 32;   // what one block keeps in registers
    private const int Inputs = 32;              // rows of weights read before the next ones
    private const long Most = 64;               // rows; beyond these BLAS is as fast

    /// <summary>input [N, in] weight^T [in, out] + bias [out].</summary>
    public static Tensor Linear(Tensor input, Tensor weight, Tensor bias) =>
        Fits(input, weight, bias) ? Product(input, weight, bias) : F.linear(input, weight, bias);

    internal static bool Fits(Tensor input, Tensor weight, Tensor bias) =>
        !is_grad_enabled() && Vector512.IsHardwareAccelerated && Sse.IsSupported
        && FusedOptimizers.Fits(input) && FusedOptimizers.Fits(bias) && weight.dtype == input.dtype
        && weight.device_type == input.device_type
        && input.shape is [<= Most and > 0 and var rows, var inputs] && rows % Rows == 0
        // InputsFirst
        && weight.shape is [var outputs, var width] && width == inputs && outputs % Outputs == 0
        && weight.stride(0) == 1 && weight.stride(1) == outputs;

    private static Tensor Product(Tensor input, Tensor weight, Tensor bias)
    {
        var (rows, inputs, outputs) = ((int)input.shape[0], (int)input.shape[1], (int)weight.shape[0]);
        var result = empty([rows, outputs], ScalarType.Float32);
        using var inputsFirst = weight.t(); // contiguous, so that its memory can be asked for
        fixed (float* x = FusedOptimizers.Values(input), w = FusedOptimizers.Values(inputsFirst),
            b = FusedOptimizers.Values(bias), y = FusedOptimizers.Values(result))
        {
            for (var r = 0; r < rows; r++)
                new ReadOnlySpan<float>(b, outputs).CopyTo(new Span<float>(y + r * outputs, outputs));
            for (var i = 0; i < inputs; i += Inputs)
            {
                var count = Math.Min(Inputs, inputs - i);
                var here = w + (long)i * outputs;
                var next = Math.Min(Inputs, inputs - i - count) * outputs;
                for (var o = 0; o < outputs; o += Outputs)
                {
                    // A share of the next rows for every column of blocks.
                    for (var k = o * Inputs; k < Math.Min((o + Outputs) * Inputs, next); k += 16)
                        Sse.Prefetch1(here + count * outputs + k);
                    for (var r = 0; r < rows; r += Rows)
                        Block(x + r * inputs + i, inputs, here + o, outputs, y + r * outputs + o, count);
                }
            }
        }
        return result;
    }

    // y [8, 32] += x [8, count] w [count, 32], inside matrices with rows of inputs (x) and outputs (w, y) values.
    // Sixteen sums in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block(float* x, int inputs, float* w, int outputs, float* y, int count)
    {
        float* y1 = y + outputs, y2 = y1 + outputs, y3 = y2 + outputs, y4 = y3 + outputs, y5 = y4 + outputs,
            y6 = y5 + outputs, y7 = y6 + outputs;
        Vector512<float> a0 = Vector512.Load(y), b0 = Vector512.Load(y + 16), a1 = Vector512.Load(y1),
            b1 = Vector512.Load(y1 + 16);
        Vector512<float> a2 = Vector512.Load(y2), b2 = Vector512.Load(y2 + 16), a3 = Vector512.Load(y3),
            b3 = Vector512.Load(y3 + 16);
        Vector512<float> a4 = Vector512.Load(y4), b4 = Vector512.Load(y4 + 16), a5 = Vector512.Load(y5),
            b5 = Vector512.Load(y5 + 16);
        Vector512<float> a6 = Vector512.Load(y6), b6 = Vector512.Load(y6 + 16), a7 = Vector512.Load(y7),
            b7 = Vector512.Load(y7 + 16);
        for (var k = 0; k < count; k++, w += outputs)
        {
            Vector512<float> p = Vector512.Load(w), q = Vector512.Load(w + 16), v = Vector512.Create(x[k]);
            (a0, b0) = (Vector512.FusedMultiplyAdd(v, p, a0), Vector512.FusedMultiplyAdd(v, q, b0));
            v = Vector512.Create(x[inputs + k]);
            (a1, b1) = (Vector512.FusedMultiplyAdd(v, p, a1), Vector512.FusedMultiplyAdd(v, q, b1));
            v = Vector512.Create(x[2 * inputs + k]);
            (a2, b2) = (Vector512.FusedMultiplyAdd(v, p, a2), Vector512.FusedMultiplyAdd(v, q, b2));
            v = Vector512.Create(x[3 * inputs + k]);
            (a3, b3) = (Vector512.FusedMultiplyAdd(v, p, a3), Vector512.FusedMultiplyAdd(v, q, b3));
            v = Vector512.Create(x[4 * inputs + k]);
            (a4, b4) = (Vector512.FusedMultiplyAdd(v, p, a4), Vector512.FusedMultiplyAdd(v, q, b4));
            v = Vector512.Create(x[5 * inputs + k]);
            (a5, b5) = (Vector512.FusedMultiplyAdd(v, p, a5), Vector512.FusedMultiplyAdd(v, q, b5));
            v = Vector512.Create(x[6 * inputs + k]);
            (a6, b6) = (Vector512.FusedMultiplyAdd(v, p, a6), Vector512.FusedMultiplyAdd(v, q, b6));
            v = Vector512.Create(x[7 * inputs + k]);
            (a7, b7) = (Vector512.FusedMultiplyAdd(v, p, a7), Vector512.FusedMultiplyAdd(v, q, b7));
        }
        a0.Store(y); b0.Store(y + 16); a1.Store(y1); b1.Store(y1 + 16);
        a2.Store(y2); b2.Store(y2 + 16); a3.Store(y3); b3.Store(y3 + 16);
        a4.Store(y4); b4.Store(y4 + 16); a5.Store(y5); b5.Store(y5 + 16);
        a6.Store(y6); b6.Store(y6 + 16); a7.Store(y7); b7.Store(y7 + 16);
    }
}

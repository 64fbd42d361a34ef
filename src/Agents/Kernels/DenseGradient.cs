using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RlLeap.Agents;

/// <summary>The two products of a dense layer's backward pass, for the rows of one rollout.</summary>
/// <remarks>
/// The library's product copies both factors into a layout of its own first, which for so few rows costs as much as
/// multiplying. Here each result is summed in registers, eight rows by 32 columns at a time. What it is worth:
/// benchmarks/README.md. Other shapes, types and machines without vectors of 512 bits take <c>mm</c>.
/// </remarks>
internal static unsafe class DenseGradient
{
    private const int Rows = 8, Columns = 32; // of a block of sums
    private const int Terms = 256;            // of a sum, before the next ones of all rows

    /// <summary>input [N, in] weight^T [in, out] + bias [out], for a weight that lies inputs first. No graph.</summary>
    public static Tensor Forward(Tensor input, Tensor weight, Tensor bias)
    {
        using var inputsFirst = weight.detach().t();
        var (n, inputs, outputs) = ((int)input.size(0), (int)weight.size(1), (int)weight.size(0));
        var result = empty(n, outputs);
        var panel = new float[Terms * Columns]; // weights of 32 outputs for some inputs, kept in the cache for all rows
        float** rows = stackalloc float*[2 * Rows];
        fixed (float* x = Floats(input), w = Floats(inputsFirst), b = Floats(bias), y = Floats(result), p = panel)
        {
            for (var r = 0; r < n; r++)
                new ReadOnlySpan<float>(b, outputs).CopyTo(new Span<float>(y + (long)r * outputs, outputs));
            for (var i = 0; i < inputs; i += Terms)
            {
                var terms = new Blocks.Terms(1, Math.Min(Terms, inputs - i), 0);
                for (var o = 0; o < outputs; o += Columns)
                {
                    for (var k = 0; k < terms.Length; k++)
                        new Span<float>(w + (long)(i + k) * outputs + o, Columns).CopyTo(new(p + k * Columns, Columns));
                    for (var first = 0; first < n; first += Rows)
                    {
                        for (var r = 0; r < Rows; r++)
                        {
                            long row = Math.Min(first + r, n - 1);
                            rows[r] = x + row * inputs + i;
                            rows[Rows + r] = y + row * outputs + o;
                        }
                        Blocks.Add32(rows, terms, p, rows + Rows);
                    }
                }
            }
        }
        return result;
    }

    /// <summary>Whether a layer's tensors are such that all three products are made here.</summary>
    public static bool Fits(Tensor input, Tensor weight, Tensor bias) =>
        Blocks.IsSupported && Plain(input) && input.dim() == 2 && bias.dtype == ScalarType.Float32
        && weight.dtype == ScalarType.Float32 && weight.device_type == DeviceType.CPU
        && weight.stride(0) == 1 && weight.stride(1) == weight.size(0)
        && input.numel() <= int.MaxValue / sizeof(float) && weight.numel() <= int.MaxValue / sizeof(float)
        && input.size(0) % Rows == 0 && input.size(1) % Columns == 0 && weight.size(0) % Columns == 0;

    /// <summary>The gradient [out, in] of a weight lying inputs first, from input [N, in], gradient [N, out].</summary>
    public static Tensor OfWeight(Tensor input, Tensor gradient)
    {
        if (!Fits(input, gradient)) return input.t().mm(gradient).t();
        var (n, inputs, outputs) = ((int)input.size(0), (int)input.size(1), (int)gradient.size(1));
        var result = empty(inputs, outputs);
        fixed (float* x = Floats(input), g = Floats(gradient), y = Floats(result))
            for (var o = 0; o < outputs; o += Columns)
                for (var i = 0; i < inputs; i += Rows)
                    Block(x + i, 1, inputs, g + o, outputs, y + (long)i * outputs + o, outputs, n);
        return result.t();
    }

    /// <summary>The input's gradient [N, in], from the output's [N, out] and a weight lying inputs first.</summary>
    public static Tensor OfInput(Tensor gradient, Tensor weight)
    {
        using var inputsFirst = weight.detach().t();
        if (!Fits(inputsFirst, gradient) || gradient.size(0) % Rows != 0) return gradient.mm(weight.detach());
        var (n, inputs, outputs) = ((int)gradient.size(0), (int)weight.size(1), (int)weight.size(0));
        var result = empty(n, inputs);
        var columns = new float[outputs * Columns]; // the weights of 32 inputs, outputs first
        fixed (float* g = Floats(gradient), w = Floats(inputsFirst), y = Floats(result), c = columns)
            for (var i = 0; i < inputs; i += Columns)
            {
                Transpose(w + (long)i * outputs, c, outputs);
                for (var r = 0; r < n; r += Rows)
                    Block(g + r * outputs, outputs, 1, c, Columns, y + (long)r * inputs + i, inputs, outputs);
            }
        return result;
    }

    // Both are contiguous; the first one's columns, or rows, are the layer's inputs, the second one's columns its
    // outputs.
    private static bool Fits(Tensor inputs, Tensor gradient) =>
        Vector512.IsHardwareAccelerated && Sse.IsSupported && Plain(inputs) && Plain(gradient)
        && inputs.size(0) % Rows == 0 && inputs.size(1) % Columns == 0 && gradient.size(1) % Columns == 0;

    private static bool Plain(Tensor x) =>
        x.dtype == ScalarType.Float32 && x.device_type == DeviceType.CPU && x.is_contiguous() && x.numel() > 0;

    // to [outputs, 32] = from [32, outputs] transposed, in squares of four.
    private static void Transpose(float* from, float* to, int outputs)
    {
        for (var i = 0; i < Columns; i += 4)
            for (var o = 0; o < outputs; o += 4)
            {
                var at = from + (long)i * outputs + o;
                Vector128<float> a = Vector128.Load(at), b = Vector128.Load(at + outputs),
                    c = Vector128.Load(at + 2L * outputs), d = Vector128.Load(at + 3L * outputs);
                Vector128<float> ab = Sse.UnpackLow(a, b), cd = Sse.UnpackLow(c, d), abHigh = Sse.UnpackHigh(a, b),
                    cdHigh = Sse.UnpackHigh(c, d);
                var y = to + o * Columns + i;
                Sse.MoveLowToHigh(ab, cd).Store(y);
                Sse.MoveHighToLow(cd, ab).Store(y + Columns);
                Sse.MoveLowToHigh(abHigh, cdHigh).Store(y + 2 * Columns);
                Sse.MoveHighToLow(cdHigh, abHigh).Store(y + 3 * Columns);
            }
    }

    // y [8, 32] = sum over k < count of x [r, k] w [k, 32]; x's rows lie xRow apart, its terms xTerm.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block(float* x, int xRow, int xTerm, float* w, int wRow, float* y, int yRow, int count)
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default,
            a6 = default, a7 = default;
        Vector512<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default,
            b6 = default, b7 = default;
        for (var k = 0; k < count; k++, w += wRow, x += xTerm)
        {
            Vector512<float> p = Vector512.Load(w), q = Vector512.Load(w + 16), v = Vector512.Create(x[0]);
            (a0, b0) = (Vector512.FusedMultiplyAdd(v, p, a0), Vector512.FusedMultiplyAdd(v, q, b0));
            v = Vector512.Create(x[xRow]);
            (a1, b1) = (Vector512.FusedMultiplyAdd(v, p, a1), Vector512.FusedMultiplyAdd(v, q, b1));
            v = Vector512.Create(x[2 * xRow]);
            (a2, b2) = (Vector512.FusedMultiplyAdd(v, p, a2), Vector512.FusedMultiplyAdd(v, q, b2));
            v = Vector512.Create(x[3 * xRow]);
            (a3, b3) = (Vector512.FusedMultiplyAdd(v, p, a3), Vector512.FusedMultiplyAdd(v, q, b3));
            v = Vector512.Create(x[4 * xRow]);
            (a4, b4) = (Vector512.FusedMultiplyAdd(v, p, a4), Vector512.FusedMultiplyAdd(v, q, b4));
            v = Vector512.Create(x[5 * xRow]);
            (a5, b5) = (Vector512.FusedMultiplyAdd(v, p, a5), Vector512.FusedMultiplyAdd(v, q, b5));
            v = Vector512.Create(x[6 * xRow]);
            (a6, b6) = (Vector512.FusedMultiplyAdd(v, p, a6), Vector512.FusedMultiplyAdd(v, q, b6));
            v = Vector512.Create(x[7 * xRow]);
            (a7, b7) = (Vector512.FusedMultiplyAdd(v, p, a7), Vector512.FusedMultiplyAdd(v, q, b7));
        }
        Put(y, a0, b0);
        Put(y + yRow, a1, b1);
        Put(y + 2 * yRow, a2, b2);
        Put(y + 3 * yRow, a3, b3);
        Put(y + 4 * yRow, a4, b4);
        Put(y + 5 * yRow, a5, b5);
        Put(y + 6 * yRow, a6, b6);
        Put(y + 7 * yRow, a7, b7);
    }

    private static void Put(float* y, Vector512<float> a, Vector512<float> b)
    {
        a.Store(y);
        b.Store(y + 16);
    }

    private static Span<float> Floats(Tensor values)
    {
        using var plain = values.detach();
        return MemoryMarshal.Cast<byte, float>(plain.bytes);
    }
}

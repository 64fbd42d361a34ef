using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RlLeap.Agents;

/// <summary>Sums of products in vectors of 512 bits that stay in registers: what image kernels are made of.</summary>
/// <remarks>Every output is one sum in a fixed order, so it does not depend on what is computed beside it.</remarks>
internal static unsafe class Blocks
{
    /// <summary>Rows of a block of outputs.</summary>
    public const int Rows = 8;

    /// <summary>Whether this machine has such vectors.</summary>
    public static bool IsSupported => Vector512.IsHardwareAccelerated;

    /// <summary>Eight rows of inputs: where each begins, and how its terms lie in pieces.</summary>
    /// <param name="Pieces">How many pieces a row has.</param>
    /// <param name="Length">Terms of a piece, which lie together.</param>
    /// <param name="Step">From the beginning of a piece to that of the next.</param>
    public readonly record struct Terms(int Pieces, int Length, int Step);

    /// <summary>y[r] [32] = max(0, start + sum over the terms k of x[r][k] w[k, 32]).</summary>
    /// <param name="x">Eight beginnings of rows.</param>
    /// <param name="terms">How the terms lie behind them.</param>
    /// <param name="w">[K, 32], together.</param>
    /// <param name="y">Eight outputs of 32 values.</param>
    /// <param name="start">32 values to start from.</param>
    public static void LinearRelu32(float** x, Terms terms, float* w, float** y, float* start) =>
        Sum32(x, terms, w, y, start, relu: true);

    /// <summary>y[r] [32] += sum over the terms k of x[r][k] w[k, 32]. Rows that are the same count once.</summary>
    public static void Add32(float** x, Terms terms, float* w, float** y) => Sum32(x, terms, w, y, null, relu: false);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum32(float** x, Terms terms, float* w, float** y, float* start, bool relu)
    {
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3], x4 = x[4], x5 = x[5], x6 = x[6], x7 = x[7];
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
        if (start != null)
        {
            a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = Vector512.Load(start);
            b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = Vector512.Load(start + 16);
        }
        else
        {
            (a0, b0) = (Vector512.Load(y[0]), Vector512.Load(y[0] + 16));
            (a1, b1) = (Vector512.Load(y[1]), Vector512.Load(y[1] + 16));
            (a2, b2) = (Vector512.Load(y[2]), Vector512.Load(y[2] + 16));
            (a3, b3) = (Vector512.Load(y[3]), Vector512.Load(y[3] + 16));
            (a4, b4) = (Vector512.Load(y[4]), Vector512.Load(y[4] + 16));
            (a5, b5) = (Vector512.Load(y[5]), Vector512.Load(y[5] + 16));
            (a6, b6) = (Vector512.Load(y[6]), Vector512.Load(y[6] + 16));
            (a7, b7) = (Vector512.Load(y[7]), Vector512.Load(y[7] + 16));
        }
        nint length = terms.Length, step = terms.Step, at = 0;
        for (var piece = 0; piece < terms.Pieces; piece++, at += step - length)
            for (var end = at + length; at < end; at++, w += 32)
            {
                Vector512<float> p = Vector512.Load(w), q = Vector512.Load(w + 16), v = Vector512.Create(x0[at]);
                (a0, b0) = (Vector512.FusedMultiplyAdd(v, p, a0), Vector512.FusedMultiplyAdd(v, q, b0));
                v = Vector512.Create(x1[at]);
                (a1, b1) = (Vector512.FusedMultiplyAdd(v, p, a1), Vector512.FusedMultiplyAdd(v, q, b1));
                v = Vector512.Create(x2[at]);
                (a2, b2) = (Vector512.FusedMultiplyAdd(v, p, a2), Vector512.FusedMultiplyAdd(v, q, b2));
                v = Vector512.Create(x3[at]);
                (a3, b3) = (Vector512.FusedMultiplyAdd(v, p, a3), Vector512.FusedMultiplyAdd(v, q, b3));
                v = Vector512.Create(x4[at]);
                (a4, b4) = (Vector512.FusedMultiplyAdd(v, p, a4), Vector512.FusedMultiplyAdd(v, q, b4));
                v = Vector512.Create(x5[at]);
                (a5, b5) = (Vector512.FusedMultiplyAdd(v, p, a5), Vector512.FusedMultiplyAdd(v, q, b5));
                v = Vector512.Create(x6[at]);
                (a6, b6) = (Vector512.FusedMultiplyAdd(v, p, a6), Vector512.FusedMultiplyAdd(v, q, b6));
                v = Vector512.Create(x7[at]);
                (a7, b7) = (Vector512.FusedMultiplyAdd(v, p, a7), Vector512.FusedMultiplyAdd(v, q, b7));
            }
        if (relu)
        {
            var zero = Vector512<float>.Zero;
            (a0, b0) = (Vector512.Max(a0, zero), Vector512.Max(b0, zero));
            (a1, b1) = (Vector512.Max(a1, zero), Vector512.Max(b1, zero));
            (a2, b2) = (Vector512.Max(a2, zero), Vector512.Max(b2, zero));
            (a3, b3) = (Vector512.Max(a3, zero), Vector512.Max(b3, zero));
            (a4, b4) = (Vector512.Max(a4, zero), Vector512.Max(b4, zero));
            (a5, b5) = (Vector512.Max(a5, zero), Vector512.Max(b5, zero));
            (a6, b6) = (Vector512.Max(a6, zero), Vector512.Max(b6, zero));
            (a7, b7) = (Vector512.Max(a7, zero), Vector512.Max(b7, zero));
        }
        Store32(y[0], a0, b0);
        Store32(y[1], a1, b1);
        Store32(y[2], a2, b2);
        Store32(y[3], a3, b3);
        Store32(y[4], a4, b4);
        Store32(y[5], a5, b5);
        Store32(y[6], a6, b6);
        Store32(y[7], a7, b7);
    }

    /// <summary>As <see cref="LinearRelu32"/>, 16 outputs a row; even and odd terms are added last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LinearRelu16(float** x, Terms terms, float* w, float** y, float* start)
    {
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3], x4 = x[4], x5 = x[5], x6 = x[6], x7 = x[7];
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = Vector512.Load(start);
        b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = Vector512<float>.Zero;
        nint length = terms.Length, step = terms.Step, at = 0;
        for (var piece = 0; piece < terms.Pieces; piece++, at += step - length)
            for (var end = at + length; at < end; at += 2, w += 32)
            {
                Vector512<float> p = Vector512.Load(w), q = Vector512.Load(w + 16);
                a0 = Vector512.FusedMultiplyAdd(Vector512.Create(x0[at]), p, a0);
                b0 = Vector512.FusedMultiplyAdd(Vector512.Create(x0[at + 1]), q, b0);
                a1 = Vector512.FusedMultiplyAdd(Vector512.Create(x1[at]), p, a1);
                b1 = Vector512.FusedMultiplyAdd(Vector512.Create(x1[at + 1]), q, b1);
                a2 = Vector512.FusedMultiplyAdd(Vector512.Create(x2[at]), p, a2);
                b2 = Vector512.FusedMultiplyAdd(Vector512.Create(x2[at + 1]), q, b2);
                a3 = Vector512.FusedMultiplyAdd(Vector512.Create(x3[at]), p, a3);
                b3 = Vector512.FusedMultiplyAdd(Vector512.Create(x3[at + 1]), q, b3);
                a4 = Vector512.FusedMultiplyAdd(Vector512.Create(x4[at]), p, a4);
                b4 = Vector512.FusedMultiplyAdd(Vector512.Create(x4[at + 1]), q, b4);
                a5 = Vector512.FusedMultiplyAdd(Vector512.Create(x5[at]), p, a5);
                b5 = Vector512.FusedMultiplyAdd(Vector512.Create(x5[at + 1]), q, b5);
                a6 = Vector512.FusedMultiplyAdd(Vector512.Create(x6[at]), p, a6);
                b6 = Vector512.FusedMultiplyAdd(Vector512.Create(x6[at + 1]), q, b6);
                a7 = Vector512.FusedMultiplyAdd(Vector512.Create(x7[at]), p, a7);
                b7 = Vector512.FusedMultiplyAdd(Vector512.Create(x7[at + 1]), q, b7);
            }
        var zero = Vector512<float>.Zero;
        Vector512.Max(a0 + b0, zero).Store(y[0]);
        Vector512.Max(a1 + b1, zero).Store(y[1]);
        Vector512.Max(a2 + b2, zero).Store(y[2]);
        Vector512.Max(a3 + b3, zero).Store(y[3]);
        Vector512.Max(a4 + b4, zero).Store(y[4]);
        Vector512.Max(a5 + b5, zero).Store(y[5]);
        Vector512.Max(a6 + b6, zero).Store(y[6]);
        Vector512.Max(a7 + b7, zero).Store(y[7]);
    }

    /// <summary>y[k, 32] += sum over an image's outputs p of x[p, k] g[p, 32], for eight terms k in a row.</summary>
    /// <param name="x">The first output's first term.</param>
    /// <param name="across">From an output's terms to those of the next in its row.</param>
    /// <param name="down">From a row of outputs to the next.</param>
    /// <param name="g">The outputs' gradients, in rows of <paramref name="outputs"/>.</param>
    /// <param name="outputs">F, how wide rows of g and y are.</param>
    /// <param name="width">Outputs in a row of the image.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="y">Eight rows of sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WeightGradient32(
        float* x, nint across, nint down, float* g, nint outputs, int width, int height, float* y)
    {
        float* y1 = y + outputs, y2 = y1 + outputs, y3 = y2 + outputs, y4 = y3 + outputs;
        float* y5 = y4 + outputs, y6 = y5 + outputs, y7 = y6 + outputs;
        Vector512<float> a0 = Vector512.Load(y), b0 = Vector512.Load(y + 16);
        Vector512<float> a1 = Vector512.Load(y1), b1 = Vector512.Load(y1 + 16);
        Vector512<float> a2 = Vector512.Load(y2), b2 = Vector512.Load(y2 + 16);
        Vector512<float> a3 = Vector512.Load(y3), b3 = Vector512.Load(y3 + 16);
        Vector512<float> a4 = Vector512.Load(y4), b4 = Vector512.Load(y4 + 16);
        Vector512<float> a5 = Vector512.Load(y5), b5 = Vector512.Load(y5 + 16);
        Vector512<float> a6 = Vector512.Load(y6), b6 = Vector512.Load(y6 + 16);
        Vector512<float> a7 = Vector512.Load(y7), b7 = Vector512.Load(y7 + 16);
        for (var row = 0; row < height; row++, x += down)
        {
            var at = x;
            for (var column = 0; column < width; column++, at += across, g += outputs)
            {
                Vector512<float> p = Vector512.Load(g), q = Vector512.Load(g + 16), v = Vector512.Create(at[0]);
                (a0, b0) = (Vector512.FusedMultiplyAdd(v, p, a0), Vector512.FusedMultiplyAdd(v, q, b0));
                v = Vector512.Create(at[1]);
                (a1, b1) = (Vector512.FusedMultiplyAdd(v, p, a1), Vector512.FusedMultiplyAdd(v, q, b1));
                v = Vector512.Create(at[2]);
                (a2, b2) = (Vector512.FusedMultiplyAdd(v, p, a2), Vector512.FusedMultiplyAdd(v, q, b2));
                v = Vector512.Create(at[3]);
                (a3, b3) = (Vector512.FusedMultiplyAdd(v, p, a3), Vector512.FusedMultiplyAdd(v, q, b3));
                v = Vector512.Create(at[4]);
                (a4, b4) = (Vector512.FusedMultiplyAdd(v, p, a4), Vector512.FusedMultiplyAdd(v, q, b4));
                v = Vector512.Create(at[5]);
                (a5, b5) = (Vector512.FusedMultiplyAdd(v, p, a5), Vector512.FusedMultiplyAdd(v, q, b5));
                v = Vector512.Create(at[6]);
                (a6, b6) = (Vector512.FusedMultiplyAdd(v, p, a6), Vector512.FusedMultiplyAdd(v, q, b6));
                v = Vector512.Create(at[7]);
                (a7, b7) = (Vector512.FusedMultiplyAdd(v, p, a7), Vector512.FusedMultiplyAdd(v, q, b7));
            }
        }
        Store32(y, a0, b0);
        Store32(y1, a1, b1);
        Store32(y2, a2, b2);
        Store32(y3, a3, b3);
        Store32(y4, a4, b4);
        Store32(y5, a5, b5);
        Store32(y6, a6, b6);
        Store32(y7, a7, b7);
    }

    /// <summary>As <see cref="WeightGradient32"/> for 16 terms and 16 outputs: rows of g and y are 16 wide.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WeightGradient16(float* x, nint across, nint down, float* g, int width, int height, float* y)
    {
        Vector512<float> a0 = Vector512.Load(y), a1 = Vector512.Load(y + 16);
        Vector512<float> a2 = Vector512.Load(y + 32), a3 = Vector512.Load(y + 48);
        Vector512<float> a4 = Vector512.Load(y + 64), a5 = Vector512.Load(y + 80);
        Vector512<float> a6 = Vector512.Load(y + 96), a7 = Vector512.Load(y + 112);
        Vector512<float> b0 = Vector512.Load(y + 128), b1 = Vector512.Load(y + 144);
        Vector512<float> b2 = Vector512.Load(y + 160), b3 = Vector512.Load(y + 176);
        Vector512<float> b4 = Vector512.Load(y + 192), b5 = Vector512.Load(y + 208);
        Vector512<float> b6 = Vector512.Load(y + 224), b7 = Vector512.Load(y + 240);
        for (var row = 0; row < height; row++, x += down)
        {
            var at = x;
            for (var column = 0; column < width; column++, at += across, g += 16)
            {
                var p = Vector512.Load(g);
                a0 = Vector512.FusedMultiplyAdd(Vector512.Create(at[0]), p, a0);
                a1 = Vector512.FusedMultiplyAdd(Vector512.Create(at[1]), p, a1);
                a2 = Vector512.FusedMultiplyAdd(Vector512.Create(at[2]), p, a2);
                a3 = Vector512.FusedMultiplyAdd(Vector512.Create(at[3]), p, a3);
                a4 = Vector512.FusedMultiplyAdd(Vector512.Create(at[4]), p, a4);
                a5 = Vector512.FusedMultiplyAdd(Vector512.Create(at[5]), p, a5);
                a6 = Vector512.FusedMultiplyAdd(Vector512.Create(at[6]), p, a6);
                a7 = Vector512.FusedMultiplyAdd(Vector512.Create(at[7]), p, a7);
                b0 = Vector512.FusedMultiplyAdd(Vector512.Create(at[8]), p, b0);
                b1 = Vector512.FusedMultiplyAdd(Vector512.Create(at[9]), p, b1);
                b2 = Vector512.FusedMultiplyAdd(Vector512.Create(at[10]), p, b2);
                b3 = Vector512.FusedMultiplyAdd(Vector512.Create(at[11]), p, b3);
                b4 = Vector512.FusedMultiplyAdd(Vector512.Create(at[12]), p, b4);
                b5 = Vector512.FusedMultiplyAdd(Vector512.Create(at[13]), p, b5);
                b6 = Vector512.FusedMultiplyAdd(Vector512.Create(at[14]), p, b6);
                b7 = Vector512.FusedMultiplyAdd(Vector512.Create(at[15]), p, b7);
            }
        }
        a0.Store(y);
        a1.Store(y + 16);
        a2.Store(y + 32);
        a3.Store(y + 48);
        a4.Store(y + 64);
        a5.Store(y + 80);
        a6.Store(y + 96);
        a7.Store(y + 112);
        b0.Store(y + 128);
        b1.Store(y + 144);
        b2.Store(y + 160);
        b3.Store(y + 176);
        b4.Store(y + 192);
        b5.Store(y + 208);
        b6.Store(y + 224);
        b7.Store(y + 240);
    }

    private static void Store32(float* y, Vector512<float> a, Vector512<float> b)
    {
        a.Store(y);
        b.Store(y + 16);
    }
}

using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RlLeap.Agents;

/// <summary>The orders in which <see cref="ImageConvolution"/> reads weights and images.</summary>
internal static unsafe class PixelLayouts
{
    /// <summary>[filters, inputs] times scale to blocks [filters / block, inputs, block].</summary>
    public static void Pack(float* from, float* to, int filters, int inputs, int block, float scale)
    {
        for (var f = 0; f < filters; f += block)
            Transpose(from + f * inputs, to + f * inputs, block, inputs, block, scale);
    }

    /// <summary>[filters, inputs] times scale to blocks [inputs / block, filters, block].</summary>
    public static void PackForInputs(float* from, float* to, int filters, int inputs, int block, float scale)
    {
        for (var k = 0; k < inputs; k += block)
            for (var f = 0; f < filters; f++, to += block)
                for (var i = 0; i < block; i++) to[i] = from[f * inputs + k + i] * scale;
    }

    /// <summary>[inputs, filters] times scale to [filters, inputs].</summary>
    public static void Unpack(float* from, float* to, int filters, int inputs, float scale) =>
        Transpose(from, to, inputs, filters, inputs, scale);

    // to [columns, .] = from [rows, columns] times scale, rows of to being step apart. Both numbers divide by four.
    private static void Transpose(float* from, float* to, int rows, int columns, int step, float scale)
    {
        var factor = Vector128.Create(scale);
        for (var i = 0; i < rows; i += 4)
            for (var k = 0; k < columns; k += 4)
            {
                var at = from + (long)i * columns + k;
                Vector128<float> a = Vector128.Load(at), b = Vector128.Load(at + columns);
                Vector128<float> c = Vector128.Load(at + 2L * columns), d = Vector128.Load(at + 3L * columns);
                Vector128<float> ab = Sse.UnpackLow(a, b), cd = Sse.UnpackLow(c, d);
                Vector128<float> abHigh = Sse.UnpackHigh(a, b), cdHigh = Sse.UnpackHigh(c, d);
                var y = to + (long)k * step + i;
                (Sse.MoveLowToHigh(ab, cd) * factor).Store(y);
                (Sse.MoveHighToLow(cd, ab) * factor).Store(y + step);
                (Sse.MoveLowToHigh(abHigh, cdHigh) * factor).Store(y + 2L * step);
                (Sse.MoveHighToLow(cdHigh, abHigh) * factor).Store(y + 3L * step);
            }
    }

    /// <summary>Planes of bytes [channels, places] to pixels of floats [places, channels].</summary>
    public static void OfPlanes(byte* planes, float* to, int channels, int places)
    {
        var i = 0;
        if (channels == 4)
            for (; i <= places - 16; i += 16, to += 64) FourPlanes(planes + i, places, to);
        if (channels == 3)
            for (; i <= places - 16; i += 16, to += 48) ThreePlanes(planes + i, places, to);
        for (; i < places; i++)
            for (var c = 0; c < channels; c++) *to++ = planes[c * places + i];
    }

    // Sixteen pixels of four planes.
    private static void FourPlanes(byte* from, int plane, float* to)
    {
        Vector128<byte> a = Vector128.Load(from), b = Vector128.Load(from + plane);
        Vector128<byte> c = Vector128.Load(from + 2 * plane), d = Vector128.Load(from + 3 * plane);
        Vector128<ushort> ab = Sse2.UnpackLow(a, b).AsUInt16(), cd = Sse2.UnpackLow(c, d).AsUInt16();
        Vector128<ushort> abHigh = Sse2.UnpackHigh(a, b).AsUInt16(), cdHigh = Sse2.UnpackHigh(c, d).AsUInt16();
        Put(Sse2.UnpackLow(ab, cd), to);
        Put(Sse2.UnpackHigh(ab, cd), to + 16);
        Put(Sse2.UnpackLow(abHigh, cdHigh), to + 32);
        Put(Sse2.UnpackHigh(abHigh, cdHigh), to + 48);
    }

    private static void ThreePlanes(byte* from, int plane, float* to)
    {
        const byte Z = 255; // gives 0
        Vector128<byte> a = Vector128.Load(from), b = Vector128.Load(from + plane);
        Vector128<byte> c = Vector128.Load(from + 2 * plane);
        Vector128<byte> first = Vector128.Create(0, Z, Z, 1, Z, Z, 2, Z, Z, 3, Z, Z, 4, Z, Z, 5);
        Vector128<byte> second = Vector128.Create(Z, Z, 6, Z, Z, 7, Z, Z, 8, Z, Z, 9, Z, Z, 10, Z);
        Vector128<byte> third = Vector128.Create(Z, 11, Z, Z, 12, Z, Z, 13, Z, Z, 14, Z, Z, 15, Z, Z);
        Vector128<byte> next = Vector128.Create(Z, 0, Z, Z, 1, Z, Z, 2, Z, Z, 3, Z, Z, 4, Z, Z);
        Vector128<byte> nextSecond = Vector128.Create(5, Z, Z, 6, Z, Z, 7, Z, Z, 8, Z, Z, 9, Z, Z, 10);
        Vector128<byte> nextThird = Vector128.Create(Z, Z, 11, Z, Z, 12, Z, Z, 13, Z, Z, 14, Z, Z, 15, Z);
        Vector128<byte> last = Vector128.Create(Z, Z, 0, Z, Z, 1, Z, Z, 2, Z, Z, 3, Z, Z, 4, Z);
        Vector128<byte> lastSecond = Vector128.Create(Z, 5, Z, Z, 6, Z, Z, 7, Z, Z, 8, Z, Z, 9, Z, Z);
        Vector128<byte> lastThird = Vector128.Create(10, Z, Z, 11, Z, Z, 12, Z, Z, 13, Z, Z, 14, Z, Z, 15);
        Put(Order(a, first) | Order(b, next) | Order(c, last), to);
        Put(Order(a, second) | Order(b, nextSecond) | Order(c, lastSecond), to + 16);
        Put(Order(a, third) | Order(b, nextThird) | Order(c, lastThird), to + 32);

        static Vector128<byte> Order(Vector128<byte> bytes, Vector128<byte> places) => Ssse3.Shuffle(bytes, places);
    }

    private static void Put(Vector128<ushort> bytes, float* to) => Put(bytes.AsByte(), to);

    private static void Put(Vector128<byte> bytes, float* to) =>
        Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(bytes)).Store(to);
}

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
            for (var i = 0; i < block; i++)
            {
                var row = from + (f + i) * inputs;
                var at = to + f * inputs + i;
                for (var k = 0; k < inputs; k++, at += block) *at = row[k] * scale;
            }
    }

    /// <summary>[filters, inputs] times scale to blocks [inputs / block, filters, block].</summary>
    public static void PackForInputs(float* from, float* to, int filters, int inputs, int block, float scale)
    {
        for (var k = 0; k < inputs; k += block)
            for (var f = 0; f < filters; f++, to += block)
                for (var i = 0; i < block; i++) to[i] = from[f * inputs + k + i] * scale;
    }

    /// <summary>[inputs, filters] times scale to [filters, inputs].</summary>
    public static void Unpack(float* from, float* to, int filters, int inputs, float scale)
    {
        for (var f = 0; f < filters; f++)
            for (var k = 0; k < inputs; k++) to[f * inputs + k] = from[k * filters + f] * scale;
    }

    /// <summary>Planes of bytes [channels, places] to pixels of floats [places, channels].</summary>
    public static void OfPlanes(byte* planes, float* to, int channels, int places)
    {
        var i = 0;
        if (channels == 4)
            for (; i <= places - 16; i += 16, to += 64) FourPlanes(planes + i, places, to);
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

        static void Put(Vector128<ushort> bytes, float* to) =>
            Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(bytes.AsByte())).Store(to);
    }
}

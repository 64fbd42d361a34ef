// Turns four planes of bytes into pixels. libtorch's own copy between the two orders takes six times as long.
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RlLeap.Agents;

/// <summary>Lays four planes of bytes (the four frames of an Atari agent) out as pixels of four bytes.</summary>
internal static class NchwToNhwc
{
    /// <summary>Whether <see cref="Lay"/> can: contiguous bytes [N, 4, H, W] on the CPU.</summary>
    public static bool Fits(Tensor input) =>
        input.dtype == ScalarType.Byte && input.device_type == TorchSharp.DeviceType.CPU && input.shape is [_, 4, _, _]
            && input.numel() <= int.MaxValue && input.is_contiguous();

    /// <summary>The same values [N, 4, H, W] with channels-last strides.</summary>
    public static Tensor Lay(Tensor input)
    {
        var (n, h, w) = (input.shape[0], input.shape[2], input.shape[3]);
        var pixels = empty([n, h, w, 4], ScalarType.Byte);
        ReadOnlySpan<byte> from = input.bytes;
        var to = pixels.bytes;
        var plane = (int)(h * w);
        for (var i = 0; i < n; i++)
        {
            var image = from.Slice(4 * i * plane, 4 * plane);
            Weave(image[..plane], image.Slice(plane, plane), image.Slice(2 * plane, plane), image[(3 * plane)..],
                to.Slice(4 * i * plane, 4 * plane));
        }
        return pixels.permute(0, 3, 1, 2);
    }

    private static void Weave(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c, ReadOnlySpan<byte> d,
        Span<byte> to)
    {
        var k = 0;
        if (Sse2.IsSupported)
            for (; k <= a.Length - 16; k += 16)
            {
                Vector128<byte> va = Vector128.Create(a[k..]), vb = Vector128.Create(b[k..]),
                    vc = Vector128.Create(c[k..]), vd = Vector128.Create(d[k..]);
                Vector128<ushort> ab = Sse2.UnpackLow(va, vb).AsUInt16(), cd = Sse2.UnpackLow(vc, vd).AsUInt16();
                Vector128<ushort> abHigh = Sse2.UnpackHigh(va, vb).AsUInt16(), cdHigh = Sse2.UnpackHigh(vc, vd)
                    .AsUInt16();
                var out16 = to.Slice(4 * k, 64);
                Sse2.UnpackLow(ab, cd).AsByte().CopyTo(out16);
                Sse2.UnpackHigh(ab, cd).AsByte().CopyTo(out16[16..]);
                Sse2.UnpackLow(abHigh, cdHigh).AsByte().CopyTo(out16[32..]);
                Sse2.UnpackHigh(abHigh, cdHigh).AsByte().CopyTo(out16[48..]);
            }
        for (; k < a.Length; k++) (to[4 * k], to[4 * k + 1], to[4 * k + 2], to[4 * k + 3]) = (a[k], b[k], c[k], d[k]);
    }
}

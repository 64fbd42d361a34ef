using System.Runtime.Intrinsics;

namespace RlLeap.Gymnasium;

/// <summary>Pixels as planes: Python's images are [H, W, C], RlLeap's observations [C, H, W].</summary>
internal static unsafe class ImageLayout
{
    /// <summary>Writes each of <paramref name="images"/> images [pixels, channels] as [channels, pixels].</summary>
    public static void ToPlanes(byte* source, byte* target, long images, long pixels, int channels)
    {
        for (var image = 0L; image < images; image++, source += pixels * channels, target += pixels * channels)
            Transpose(source, target, pixels, channels,
                channels == 3 && Vector128.IsHardwareAccelerated ? Three(source, target, pixels) : 0);
    }

    /// <summary>The same of floats.</summary>
    public static void ToPlanes(float* source, float* target, long images, long pixels, int channels)
    {
        for (var image = 0L; image < images; image++, source += pixels * channels, target += pixels * channels)
            Transpose(source, target, pixels, channels, 0);
    }

    private static void Transpose<T>(T* source, T* target, long pixels, int channels, long start) where T : unmanaged
    {
        for (var channel = 0; channel < channels; channel++)
            for (var p = start; p < pixels; p++) target[channel * pixels + p] = source[p * channels + channel];
    }

    // 16 RGB pixels are three vectors; a shuffle with an index beyond 15 gives zero, so that three of them or-ed make
    // one plane's vector.
    private static long Three(byte* source, byte* target, long pixels)
    {
        const byte o = 255;
        var p = 0L;
        for (; p + 16 <= pixels; p += 16)
        {
            var a = Vector128.Load(source + 3 * p);
            var b = Vector128.Load(source + 3 * p + 16);
            var c = Vector128.Load(source + 3 * p + 32);
            var red = Vector128.Shuffle(a, Vector128.Create(0, 3, 6, 9, 12, 15, o, o, o, o, o, o, o, o, o, o))
                | Vector128.Shuffle(b, Vector128.Create(o, o, o, o, o, o, 2, 5, 8, 11, 14, o, o, o, o, o))
                | Vector128.Shuffle(c, Vector128.Create(o, o, o, o, o, o, o, o, o, o, o, 1, 4, 7, 10, 13));
            var green = Vector128.Shuffle(a, Vector128.Create(1, 4, 7, 10, 13, o, o, o, o, o, o, o, o, o, o, o))
                | Vector128.Shuffle(b, Vector128.Create(o, o, o, o, o, 0, 3, 6, 9, 12, 15, o, o, o, o, o))
                | Vector128.Shuffle(c, Vector128.Create(o, o, o, o, o, o, o, o, o, o, o, 2, 5, 8, 11, 14));
            var blue = Vector128.Shuffle(a, Vector128.Create(2, 5, 8, 11, 14, o, o, o, o, o, o, o, o, o, o, o))
                | Vector128.Shuffle(b, Vector128.Create(o, o, o, o, o, 1, 4, 7, 10, 13, o, o, o, o, o, o))
                | Vector128.Shuffle(c, Vector128.Create(o, o, o, o, o, o, o, o, o, o, 0, 3, 6, 9, 12, 15));
            red.Store(target + p);
            green.Store(target + pixels + p);
            blue.Store(target + 2 * pixels + p);
        }
        return p;
    }
}

using SkiaSharp;

namespace RlLeap.Data;

/// <summary>Decodes JPEG, WebP and BMP with SkiaSharp.</summary>
/// <remarks>PNG is decoded by <see cref="Png"/>, because Skia accepts damaged PNG files without an error.</remarks>
internal static class PhotoFormats
{
    /// <summary>Whether the first bytes of <paramref name="file"/> are those of one of these formats.</summary>
    public static bool Knows(ReadOnlySpan<byte> file) => file is [0xFF, 0xD8, 0xFF, ..] or [(byte)'B', (byte)'M', ..]
        || file.Length > 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8);

    /// <summary>Decodes one picture: one channel if gray, else three. Transparency is dropped.</summary>
    /// <exception cref="DataException">The file is damaged or truncated.</exception>
    public static RasterImage Decode(byte[] file, string where)
    {
        using var stream = new MemoryStream(file, writable: false);
        using var codec = SKCodec.Create(stream, out var opened);
        if (codec is null)
            throw new DataException(where, $"cannot be decoded ({opened}); damaged or of a kind that is not read");
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if ((long)width * height is <= 0 or > RasterImage.MaxPixels)
            throw new DataException(where, $"claims {width}x{height} pixels");
        var gray = codec.Info.ColorType == SKColorType.Gray8;
        using var bitmap = new SKBitmap();
        var info = new SKImageInfo(width, height, gray ? SKColorType.Gray8 : SKColorType.Rgba8888,
            gray ? SKAlphaType.Opaque : SKAlphaType.Unpremul);
        if (!bitmap.TryAllocPixels(info))
            throw new DataException(where, $"claims {width}x{height} pixels, more than there is memory for");
        var decoded = codec.GetPixels(info, bitmap.GetPixels());
        if (decoded != SKCodecResult.Success)
            throw new DataException(where, $"cannot be decoded to its end ({decoded}); truncated or damaged");
        var channels = gray ? 1 : 3;
        return new RasterImage(width, height, channels, CopyRows(bitmap, channels));
    }

    // Copies to [Height, Width, channels]. The bitmap's rows may be padded, and its pixels have one or four bytes.
    private static byte[] CopyRows(SKBitmap bitmap, int channels)
    {
        var pixels = new byte[bitmap.Width * bitmap.Height * channels];
        var from = bitmap.GetPixelSpan();
        var (step, to) = (bitmap.BytesPerPixel, 0);
        for (var y = 0; y < bitmap.Height; y++)
            for (var x = 0; x < bitmap.Width; x++, to += channels)
                from.Slice(y * bitmap.RowBytes + x * step, channels).CopyTo(pixels.AsSpan(to));
        return pixels;
    }
}

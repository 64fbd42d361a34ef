namespace RlLeap.Data;

/// <summary>A decoded 8-bit picture: rows from the top, channels interleaved.</summary>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Channels">1 (gray) or 3 (red, green, blue).</param>
/// <param name="Pixels">[Height, Width, Channels], 0..255.</param>
internal sealed record RasterImage(int Width, int Height, int Channels, byte[] Pixels)
{
    /// <summary>The most pixels of a picture: 64 megapixels, so that a damaged header exhausts no memory.</summary>
    public const int MaxPixels = 1 << 26;

    /// <summary>Decodes a PNG, JPEG, WebP, BMP, PGM or PPM picture, told by its first bytes.</summary>
    /// <exception cref="DataException">The format is another one, or the file is damaged.</exception>
    public static RasterImage Decode(byte[] file, string where)
    {
        if (file.Length == 0) throw new DataException(where, "is empty");
        if (file.AsSpan().StartsWith(Png.Signature)) return Png.Decode(file, where);
        if (file is [(byte)'P', (byte)'5' or (byte)'6', ..]) return Netpbm.Decode(file, where);
        if (PhotoFormats.Knows(file)) return PhotoFormats.Decode(file, where);
        throw new DataException(where, "is none of PNG, JPEG, WebP, BMP, binary PGM and binary PPM");
    }

    /// <summary>
    /// Writes the picture as [channels, Height, Width]. Gray is repeated in every channel. Colour becomes gray by luma
    /// (ITU-R 601-2, PIL's mode "L").
    /// </summary>
    public void CopyPlanar(Span<byte> target, int channels)
    {
        var n = Width * Height;
        if (target.Length != channels * n)
            throw new ArgumentException($"Needs {channels * n} bytes, got {target.Length}.", nameof(target));
        if (Channels == 1)
        {
            for (var c = 0; c < channels; c++) Pixels.CopyTo(target[(c * n)..]);
            return;
        }
        if (channels == 1)
        {
            for (var i = 0; i < n; i++)
            {
                var luma = 19595 * Pixels[3 * i] + 38470 * Pixels[3 * i + 1] + 7471 * Pixels[3 * i + 2];
                target[i] = (byte)((luma + 0x8000) >> 16);
            }
            return;
        }
        for (var c = 0; c < 3; c++)
            for (var i = 0; i < n; i++) target[c * n + i] = Pixels[3 * i + c];
    }
}

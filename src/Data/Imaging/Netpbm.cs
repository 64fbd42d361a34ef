namespace RlLeap.Data;

/// <summary>Reads binary netpbm pictures with one byte a sample, P5 (gray) and P6 (colour): GTSRB's.</summary>
internal static class Netpbm
{
    /// <summary>Decodes one picture.</summary>
    /// <exception cref="DataException">
    /// The file is not P5 or P6, its maximum is not 255, or the number of samples differs from the header's.
    /// </exception>
    public static RasterImage Decode(byte[] file, string where)
    {
        if (file is not [(byte)'P', (byte)'5' or (byte)'6', ..])
            throw new DataException(where, "is not a binary PGM or PPM picture (P5 or P6)");
        var channels = file[1] == '5' ? 1 : 3;
        var at = 2;
        var width = ReadNumber(file, ref at, where);
        var height = ReadNumber(file, ref at, where);
        var maximum = ReadNumber(file, ref at, where);
        if (maximum != 255)
            throw new DataException(where, $"has a maximum of {maximum} where only 255 (one byte a sample) is read");
        if (at >= file.Length || !IsSpace(file[at])) throw new DataException(where, "has a damaged header");
        at++;
        if (width == 0 || height == 0 || (long)width * height > RasterImage.MaxPixels)
            throw new DataException(where, $"claims {width}x{height} pixels");
        var expected = (long)width * height * channels;
        if (file.Length - at != expected)
            throw new DataException(where, $"has {file.Length - at:N0} bytes of pixels where " +
                $"{width}x{height}x{channels} = {expected:N0} are expected; truncated or damaged");
        return new RasterImage(width, height, channels, file[at..]);
    }

    // Skips spaces and comments, then reads a decimal number.
    private static int ReadNumber(byte[] file, ref int at, string where)
    {
        var start = at;
        while (at < file.Length && (IsSpace(file[at]) || file[at] == '#'))
            if (file[at++] == '#') while (at < file.Length && file[at] != '\n') at++;
        if (at == start) throw new DataException(where, "has a damaged header");
        var value = 0;
        var digits = 0;
        for (; at < file.Length && file[at] is >= (byte)'0' and <= (byte)'9'; at++)
        {
            if (++digits > 8) throw new DataException(where, "has a damaged header");
            value = 10 * value + (file[at] - '0');
        }
        return digits > 0 ? value : throw new DataException(where, "has a damaged header");
    }

    private static bool IsSpace(byte b) => b is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or 0x0B or 0x0C;
}

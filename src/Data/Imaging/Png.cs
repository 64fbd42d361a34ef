using System.Buffers.Binary;

namespace RlLeap.Data;

/// <summary>
/// A small, strict PNG decoder (ISO/IEC 15948). It reads gray and palette pictures of 1, 2, 4 or 8 bits, and RGB, gray
/// with alpha and RGB with alpha of 8 bits. It does not read interlaced pictures.
/// </summary>
/// <remarks>
/// Every checksum is verified. Gray values of fewer than 8 bits are scaled to 0..255. Transparency is dropped and the
/// stored colours are kept, as PIL's convert("RGB") does. We do not use Skia here because it accepts four kinds of
/// damage without an error: missing bytes after the picture's data, extra bytes in that data, a colour outside the
/// palette, and an unknown critical chunk.
/// </remarks>
internal static class Png
{
    /// <summary>The eight bytes every PNG starts with.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    private readonly record struct Header(int Width, int Height, int Depth, int Type)
    {
        public int Samples => Type switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        public int RowBytes => (int)(((long)Width * Samples * Depth + 7) / 8);
        public int FilterStep => Math.Max(1, Samples * Depth / 8);
    }

    /// <summary>Decodes one picture. A gray picture has one channel, any other has three.</summary>
    /// <exception cref="DataException">The file is damaged, or a kind that is not read (interlaced, 16
    /// bits).</exception>
    public static RasterImage Decode(byte[] file, string where)
    {
        if (!file.AsSpan().StartsWith(Signature)) throw new DataException(where, "is not a PNG");
        Header? header = null;
        byte[]? palette = null;
        // The data of most pictures is one chunk, read in place. Only data of several chunks is joined.
        MemoryStream? joined = null;
        (int Offset, int Count) data = (0, -1);
        for (var at = Signature.Length; ;)
        {
            if (file.Length - at < 12) throw new DataException(where, "ends before its last chunk; truncated");
            var length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
            if (length > file.Length - at - 12)
                throw new DataException(where, "has a chunk longer than the file; truncated or damaged");
            var body = file.AsSpan(at + 8, (int)length);
            var checksum = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + (int)length));
            if (Compressed.Crc32(file.AsSpan(at + 4, (int)length + 4)) != checksum)
                throw new DataException(where, "has a chunk without its CRC-32 checksum; damaged");
            var type = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 4));
            if (header is null != (type == Ihdr))
                throw new DataException(where, "does not have exactly one header, first");
            if (type == Ihdr) header = ReadHeader(body, where);
            else if (type == Plte)
            {
                if (body.Length is 0 or > 768 || body.Length % 3 != 0 || palette is not null || data.Count >= 0)
                    throw new DataException(where, "has a damaged palette");
                palette = body.ToArray();
            }
            else if (type == Idat)
            {
                if (data.Count < 0) data = (at + 8, body.Length);
                else
                {
                    joined ??= Start(file, data);
                    joined.Write(body);
                }
            }
            else if (type == Iend) break;
            else if ((type & 0x20000000) == 0) throw new DataException(where, "has an unknown critical chunk");
            at += 12 + body.Length;
        }
        if (data.Count < 0) throw new DataException(where, "has no picture data");
        var h = header!.Value;
        if (h.Type == 3 && palette is null) throw new DataException(where, "has no palette");
        var expected = (long)h.Height * (h.RowBytes + 1);
        var raw = joined is null
            ? Compressed.Inflate(file, data.Offset, data.Count, expected, where)
            : Compressed.Inflate(joined.GetBuffer(), 0, (int)joined.Length, expected, where);
        Unfilter(raw, h, where);
        return Expand(raw, h, palette, where);
    }

    private const uint Ihdr = 0x49484452, Plte = 0x504C5445, Idat = 0x49444154, Iend = 0x49454E44;

    private static MemoryStream Start(byte[] file, (int Offset, int Count) data)
    {
        var stream = new MemoryStream();
        stream.Write(file, data.Offset, data.Count);
        return stream;
    }

    private static Header ReadHeader(ReadOnlySpan<byte> body, string where)
    {
        if (body.Length != 13) throw new DataException(where, "has a damaged header");
        var width = BinaryPrimitives.ReadUInt32BigEndian(body);
        var height = BinaryPrimitives.ReadUInt32BigEndian(body[4..]);
        var (depth, type) = (body[8], body[9]);
        if (width == 0 || height == 0 || width > RasterImage.MaxPixels || height > RasterImage.MaxPixels
            || (ulong)width * height > RasterImage.MaxPixels)
            throw new DataException(where, $"claims {width}x{height} pixels");
        if (body[10] != 0 || body[11] != 0)
            throw new DataException(where, "has an unknown compression or filter method");
        if (body[12] != 0)
            throw new DataException(where, "is interlaced, which is not read here; save it without interlacing");
        var known = type switch
        {
            0 or 3 => depth is 1 or 2 or 4 or 8,
            2 or 4 or 6 => depth == 8,
            _ => false,
        };
        if (!known)
            throw new DataException(where,
                $"has colour type {type} with {depth} bits, which is not read here; save it with 8 bits a sample");
        return new Header((int)width, (int)height, depth, type);
    }

    private static void Unfilter(byte[] raw, Header h, string where)
    {
        var (row, step) = (h.RowBytes, h.FilterStep);
        ReadOnlySpan<byte> above = new byte[row];
        for (var y = 0; y < h.Height; y++)
        {
            var filter = raw[y * (row + 1)];
            var line = raw.AsSpan(y * (row + 1) + 1, row);
            switch (filter)
            {
                case 0: break;
                case 1:
                    for (var i = step; i < row; i++) line[i] += line[i - step];
                    break;
                case 2:
                    for (var i = 0; i < row; i++) line[i] += above[i];
                    break;
                case 3:
                    for (var i = 0; i < row; i++) line[i] += (byte)(((i >= step ? line[i - step] : 0) + above[i]) >> 1);
                    break;
                case 4:
                    for (var i = 0; i < row; i++)
                        line[i] += i >= step ? Paeth(line[i - step], above[i], above[i - step]) : above[i];
                    break;
                default: throw new DataException(where, $"has a row with unknown filter {filter}; damaged");
            }
            above = line;
        }
    }

    private static byte Paeth(int left, int up, int corner)
    {
        var p = left + up - corner;
        var (a, b, c) = (Math.Abs(p - left), Math.Abs(p - up), Math.Abs(p - corner));
        return (byte)(a <= b && a <= c ? left : b <= c ? up : corner);
    }

    private static RasterImage Expand(byte[] raw, Header h, byte[]? palette, string where)
    {
        var channels = h.Type is 0 or 4 ? 1 : 3;
        var pixels = new byte[h.Width * h.Height * channels];
        var mask = (1 << h.Depth) - 1;
        var spread = 255 / mask;
        var to = 0;
        for (var y = 0; y < h.Height; y++)
        {
            var line = raw.AsSpan(y * (h.RowBytes + 1) + 1, h.RowBytes);
            for (var x = 0; x < h.Width; x++)
            {
                if (h.Type is 0 or 3)
                {
                    var bit = x * h.Depth;
                    var value = (line[bit >> 3] >> (8 - h.Depth - (bit & 7))) & mask;
                    if (h.Type == 0) pixels[to++] = (byte)(value * spread);
                    else
                    {
                        if (3 * value >= palette!.Length)
                            throw new DataException(where, "uses a colour beyond its palette; damaged");
                        palette.AsSpan(3 * value, 3).CopyTo(pixels.AsSpan(to));
                        to += 3;
                    }
                }
                else
                {
                    line.Slice(x * h.Samples, channels).CopyTo(pixels.AsSpan(to));
                    to += channels;
                }
            }
        }
        return new RasterImage(h.Width, h.Height, channels, pixels);
    }
}

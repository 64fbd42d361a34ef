namespace RlLeap.Environments;

/// <summary>Writes pictures as one animated GIF, which everything that shows pictures can play.</summary>
/// <remarks>
/// Source: GIF89a Specification (CompuServe, 1990), with the loop extension of Netscape. A frame has at most 256
/// colours: where a picture has more, near ones become one.
/// </remarks>
/// <param name="framesPerSecond">The speed, up to 50: viewers show no faster ones.</param>
/// <param name="scale">Each pixel becomes a square with this side.</param>
public sealed class AnimatedGif(int framesPerSecond = 15, int scale = 1)
    : Animation(Math.Min(framesPerSecond, 50), scale)
{
    private readonly List<(byte[] Colors, byte[] Packed)> _frames = [];

    private protected override void Pack(Picture picture)
    {
        if (Width > ushort.MaxValue || Height > ushort.MaxValue)
            throw new EnvironmentException($"A GIF has at most 65535 x 65535 pixels, not {Width} x {Height}.");
        var (colors, indices) = Reduce(picture.Pixels);
        _frames.Add((colors, Pack(indices)));
    }

    private protected override void Write(Stream stream)
    {
        stream.Write("GIF89a"u8);
        stream.Write([.. Number(Width), .. Number(Height), 0, 0, 0]); // no global colours
        stream.Write([0x21, 0xFF, 11, .. "NETSCAPE2.0"u8, 3, 1, 0, 0, 0]); // for ever
        for (var i = 0; i < _frames.Count; i++)
        {
            // In hundredths of a second. What rounding takes from one frame, the next one gets.
            var delay = 100 * (i + 1) / FramesPerSecond - 100 * i / FramesPerSecond;
            stream.Write([0x21, 0xF9, 4, 0, .. Number(delay), 0, 0]);
            stream.Write([0x2C, 0, 0, 0, 0, .. Number(Width), .. Number(Height), 0x87]); // 256 colours of its own
            stream.Write(_frames[i].Colors);
            stream.Write(_frames[i].Packed);
        }
        stream.WriteByte(0x3B);
    }

    // The colours, [256, 3], and each pixel's.
    private static (byte[] Colors, byte[] Indices) Reduce(byte[] pixels)
    {
        var indices = new byte[pixels.Length / 3];
        // Low bits go until 256 colours are enough; a colour is then the mean of those that it stands for.
        for (var bits = 0; ; bits++)
        {
            var known = new Dictionary<int, int>(256);
            var sums = new long[256, 4];
            var fits = true;
            for (var i = 0; i < indices.Length && fits; i++)
            {
                var (r, g, b) = (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]);
                var key = r >> bits << 16 | g >> bits << 8 | b >> bits;
                if (!known.TryGetValue(key, out var index))
                {
                    fits = known.Count < 256;
                    if (!fits) break;
                    known[key] = index = known.Count;
                }
                indices[i] = (byte)index;
                sums[index, 0] += r;
                sums[index, 1] += g;
                sums[index, 2] += b;
                sums[index, 3]++;
            }
            if (!fits) continue;
            var colors = new byte[256 * 3];
            for (var k = 0; k < known.Count; k++)
                for (var c = 0; c < 3; c++)
                    colors[3 * k + c] = (byte)((sums[k, c] + sums[k, 3] / 2) / sums[k, 3]);
            return (colors, indices);
        }
    }

    // LZW with codes of 9 to 12 bits, in blocks of up to 255 bytes.
    private static byte[] Pack(byte[] indices)
    {
        const int Clear = 256, End = 257, Most = 4096;
        var bytes = new List<byte>();
        var (buffer, filled, width, next) = (0, 0, 9, End + 1);
        var codes = new Dictionary<int, int>(Most);
        Put(Clear);
        int current = indices[0];
        for (var i = 1; i < indices.Length; i++)
        {
            var key = current << 8 | indices[i];
            if (codes.TryGetValue(key, out var longer))
            {
                current = longer;
                continue;
            }
            Put(current);
            if (next < Most)
            {
                codes[key] = next++;
                if (next - 1 == 1 << width && width < 12) width++;
            }
            else
            {
                Put(Clear);
                codes.Clear();
                (width, next) = (9, End + 1);
            }
            current = indices[i];
        }
        Put(current);
        Put(End);
        if (filled > 0) bytes.Add((byte)buffer);
        var packed = new List<byte>(bytes.Count + bytes.Count / 255 + 3) { 8 };
        for (var at = 0; at < bytes.Count; at += 255)
        {
            var count = Math.Min(255, bytes.Count - at);
            packed.Add((byte)count);
            packed.AddRange(bytes.GetRange(at, count));
        }
        packed.Add(0);
        return [.. packed];

        void Put(int code)
        {
            buffer |= code << filled;
            for (filled += width; filled >= 8; filled -= 8)
            {
                bytes.Add((byte)buffer);
                buffer >>= 8;
            }
        }
    }

    private static byte[] Number(int value) => [(byte)value, (byte)(value >> 8)];
}

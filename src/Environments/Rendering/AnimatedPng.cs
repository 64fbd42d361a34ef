using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace RlLeap.Environments;

/// <summary>Writes pictures as one PNG file; several become an animation (APNG), which all browsers play.</summary>
/// <remarks>
/// A PNG is zlib data with a few headers, and .NET has zlib. So this needs no image library. Source: W3C PNG
/// Specification, third edition (2025), which includes the animation chunks.
/// </remarks>
/// <param name="framesPerSecond">The speed of the animation.</param>
/// <param name="scale">Each pixel becomes a square with this side.</param>
public sealed class AnimatedPng(int framesPerSecond = 15, int scale = 1) : Animation(framesPerSecond, scale)
{
    private const byte UpFilter = 2;
    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(CrcOf)];

    private readonly List<byte[]> _frames = [];

    private protected override void Write(Stream stream)
    {
        stream.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        // 8 bits a channel, colour type RGB (2), deflate, standard filters, not interlaced.
        Chunk(stream, "IHDR", [.. Number(Width), .. Number(Height), 8, 2, 0, 0, 0]);
        if (Count > 1) Chunk(stream, "acTL", [.. Number(Count), .. Number(0)]);
        var sequence = 0;
        for (var i = 0; i < Count; i++)
        {
            // The frame is at (0, 0), is shown for 1/fps seconds and replaces the one before.
            if (Count > 1)
                Chunk(stream, "fcTL",
                    [.. Number(sequence++), .. Number(Width), .. Number(Height), .. Number(0), .. Number(0),
                        0, 1, (byte)(FramesPerSecond >> 8), (byte)FramesPerSecond, 0, 0]);
            if (i == 0) Chunk(stream, "IDAT", _frames[i]);
            else Chunk(stream, "fdAT", [.. Number(sequence++), .. _frames[i]]);
        }
        Chunk(stream, "IEND", []);
    }

    // Each row is stored as the difference to the row above. The rows of an enlarged pixel are equal, so most
    // differences are 0 and take almost no space.
    private protected override void Pack(Picture picture)
    {
        var stride = 3 * picture.Width;
        var row = new byte[1 + stride];
        row[0] = UpFilter;
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal))
        {
            for (var y = 0; y < picture.Height; y++)
            {
                for (var x = 0; x < stride; x++)
                {
                    var above = y > 0 ? picture.Pixels[(y - 1) * stride + x] : 0;
                    row[1 + x] = (byte)(picture.Pixels[y * stride + x] - above);
                }
                zlib.Write(row);
            }
        }
        _frames.Add(packed.ToArray());
    }

    private static uint CrcOf(int value)
    {
        var crc = (uint)value;
        for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
        return crc;
    }

    private static void Chunk(Stream stream, string type, byte[] data)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes(type), .. data];
        stream.Write(Number(data.Length));
        stream.Write(body);
        var crc = 0xFFFFFFFF;
        foreach (var value in body) crc = CrcTable[(byte)(crc ^ value)] ^ crc >> 8;
        stream.Write(Number((int)~crc));
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}

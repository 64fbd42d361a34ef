using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace RlLeap.Environments;

/// <summary>Writes pictures as one PNG file; several become an animation (APNG), which all browsers play.</summary>
/// <remarks>
/// A PNG is zlib data with a few headers, and .NET has zlib. So this needs no image library. Source: W3C PNG
/// Specification, third edition (2025), which includes the animation chunks. Pictures are compressed when they are
/// added, to save memory.
/// </remarks>
public sealed class AnimatedPng
{
    private const byte UpFilter = 2;
    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(CrcOf)];

    private readonly List<byte[]> _frames = [];
    private readonly int _framesPerSecond;
    private readonly int _scale;
    private int _width, _height;

    /// <param name="framesPerSecond">The speed of the animation.</param>
    /// <param name="scale">Each pixel becomes a square with this side.</param>
    public AnimatedPng(int framesPerSecond = 15, int scale = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(framesPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        (_framesPerSecond, _scale) = (framesPerSecond, scale);
    }

    /// <summary>The number of pictures added.</summary>
    public int Count => _frames.Count;

    /// <summary>Adds a picture. All must have the size of the first.</summary>
    public void Add(Picture picture)
    {
        if (_frames.Count == 0) (_width, _height) = (_scale * picture.Width, _scale * picture.Height);
        picture = picture.Resize(_scale * picture.Width, _scale * picture.Height);
        if (picture.Width != _width || picture.Height != _height)
            throw new EnvironmentException(
                    $"The pictures of one recording have one size: the first was {_width} x {_height}, " +
                    $"number {_frames.Count + 1} is {picture.Width} x {picture.Height}.");
        _frames.Add(Pack(picture));
    }

    /// <summary>Writes the file. If that fails, there is no incomplete file.</summary>
    public void Save(string path) => AtomicFile.Write(path, Save);

    /// <summary>Writes the file's bytes.</summary>
    public void Save(Stream stream)
    {
        if (_frames.Count == 0) throw new EnvironmentException("There are no pictures to save.");
        stream.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        // 8 bits a channel, colour type RGB (2), deflate, standard filters, not interlaced.
        Chunk(stream, "IHDR", [.. Number(_width), .. Number(_height), 8, 2, 0, 0, 0]);
        if (_frames.Count > 1) Chunk(stream, "acTL", [.. Number(_frames.Count), .. Number(0)]);
        var sequence = 0;
        for (var i = 0; i < _frames.Count; i++)
        {
            if (_frames.Count > 1)
            {
                // The frame is at (0, 0), is shown for 1/fps seconds and replaces the one before.
                Chunk(stream, "fcTL",
                    [.. Number(sequence++), .. Number(_width), .. Number(_height), .. Number(0), .. Number(0),
                        0, 1, (byte)(_framesPerSecond >> 8), (byte)_framesPerSecond, 0, 0]);
            }
            if (i == 0) Chunk(stream, "IDAT", _frames[i]);
            else Chunk(stream, "fdAT", [.. Number(sequence++), .. _frames[i]]);
        }
        Chunk(stream, "IEND", []);
    }

    /// <summary>
    /// Compresses a picture. Each row is stored as the difference to the row above. The rows of an enlarged pixel are
    /// equal, so most differences are 0 and take almost no space.
    /// </summary>
    private static byte[] Pack(Picture picture)
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
        return packed.ToArray();
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

using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace RlLeap.Environments;

/// <summary>Pictures as one PNG file, animated when there are several (APNG: every browser and most viewers play it).</summary>
/// <remarks>PNG is a few headers around zlib, which .NET brings; an image library would be a dependency for eighty lines. Sources: W3C PNG
/// Specification, third edition (2025), which includes the animation chunks. Pictures are packed as they come; what is kept is the packed size.</remarks>
public sealed class AnimatedPng
{
    private const byte UpFilter = 2;
    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(n => Enumerable.Range(0, 8).Aggregate((uint)n, (c, _) => (c & 1) != 0 ? 0xEDB88320 ^ c >> 1 : c >> 1))];

    private readonly List<byte[]> _frames = [];
    private readonly int _framesPerSecond;
    private readonly int _scale;
    private int _width, _height;

    /// <param name="framesPerSecond">How fast it plays.</param>
    /// <param name="scale">Each pixel becomes a square of this side.</param>
    public AnimatedPng(int framesPerSecond = 15, int scale = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(framesPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        (_framesPerSecond, _scale) = (framesPerSecond, scale);
    }

    /// <summary>Pictures so far.</summary>
    public int Count => _frames.Count;

    /// <summary>Appends a picture; all have the size of the first.</summary>
    public void Add(Picture picture)
    {
        if (_frames.Count == 0) (_width, _height) = (_scale * picture.Width, _scale * picture.Height);
        picture = picture.Resize(_scale * picture.Width, _scale * picture.Height);
        if (picture.Width != _width || picture.Height != _height)
            throw new EnvironmentException($"The pictures of one recording have one size: the first was {_width} x {_height}, number {_frames.Count + 1} is {picture.Width} x {picture.Height}.");
        _frames.Add(Pack(picture));
    }

    /// <summary>Writes the file: whole, or not at all.</summary>
    public void Save(string path) => AtomicFile.Write(path, Save);

    /// <summary>Writes the file's bytes.</summary>
    public void Save(Stream stream)
    {
        if (_frames.Count == 0) throw new EnvironmentException("There are no pictures to save.");
        stream.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        // Eight bits a channel, RGB, deflate, the standard filters, not interlaced.
        Chunk(stream, "IHDR", [.. Number(_width), .. Number(_height), 8, 2, 0, 0, 0]);
        if (_frames.Count > 1) Chunk(stream, "acTL", [.. Number(_frames.Count), .. Number(0)]);
        var sequence = 0;
        for (var i = 0; i < _frames.Count; i++)
        {
            if (_frames.Count > 1)
            {
                // At (0, 0), shown for 1/fps seconds, replacing what was there.
                Chunk(stream, "fcTL", [.. Number(sequence++), .. Number(_width), .. Number(_height), .. Number(0), .. Number(0), 0, 1, (byte)(_framesPerSecond >> 8), (byte)_framesPerSecond, 0, 0]);
            }
            if (i == 0) Chunk(stream, "IDAT", _frames[i]);
            else Chunk(stream, "fdAT", [.. Number(sequence++), .. _frames[i]]);
        }
        Chunk(stream, "IEND", []);
    }

    /// <summary>Each row as its difference to the row above: enlarged pixels become zeros, which pack to almost nothing.</summary>
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
                for (var x = 0; x < stride; x++) row[1 + x] = (byte)(picture.Pixels[y * stride + x] - (y > 0 ? picture.Pixels[(y - 1) * stride + x] : 0));
                zlib.Write(row);
            }
        }
        return packed.ToArray();
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

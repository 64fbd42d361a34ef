using System.IO.Compression;

namespace RlLeap.Data;

/// <summary>Bounded reading of files and of gzip and zlib streams, and the CRC-32 that zip and PNG use.</summary>
/// <remarks>
/// A header of a damaged file can claim any size. So no reader allocates a claimed size before it is plausible: DEFLATE
/// cannot expand data by more than 1032 to 1.
/// </remarks>
internal static class Compressed
{
    // The base library's message would say that the compression method is not supported.
    private const string DamagedData = "its compressed data are damaged";

    /// <summary>The most bytes that so many of DEFLATE can expand to, with room for headers.</summary>
    public static long LargestExpansion(long compressed) => 1032 * compressed + 1024;

    /// <summary>Reads a file of at most <paramref name="limit"/> bytes, or the content of a gzipped one.</summary>
    public static byte[] ReadFile(string path, int limit = int.MaxValue - 64) => Guard(path, () =>
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        Span<byte> magic = stackalloc byte[2];
        var got = stream.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
        stream.Position = 0;
        if (got == 2 && magic[0] == 0x1F && magic[1] == 0x8B)
        {
            var compressed = stream.Length;
            using var gzip = new CheckedGzipStream(stream);
            var plausible = gzip.ClaimedLength <= LargestExpansion(compressed);
            return ReadToEnd(gzip, path, limit, guess: plausible ? gzip.ClaimedLength + 1 : 0);
        }
        if (stream.Length > limit)
            throw new DataException(path, $"has {stream.Length:N0} bytes where at most {limit:N0} are expected; " +
                "this is not the file of the data set");
        return ReadToEnd(stream, path, limit, guess: stream.Length + 1);
    });

    /// <summary>Inflates a zlib stream whose content must have exactly <paramref name="expected"/> bytes.</summary>
    public static byte[] Inflate(byte[] data, int offset, int count, long expected, string where)
    {
        if (expected > LargestExpansion(count))
            throw new DataException(where,
                $"claims {expected:N0} bytes of content, which {count:N0} compressed bytes " +
                "cannot hold; the file is damaged");
        return Guard(where, () =>
        {
            using var zlib = new ZLibStream(new MemoryStream(data, offset, count, writable: false),
                CompressionMode.Decompress);
            var content = new byte[expected];
            try
            {
                if (zlib.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length)
                    throw new DataException(where,
                        "the compressed data end too early; the file is truncated or damaged");
                if (zlib.ReadByte() >= 0)
                    throw new DataException(where,
                        $"holds more than the {expected:N0} bytes it should; the file is damaged");
            }
            catch (InvalidDataException e) { throw new DataException(where, DamagedData, e); }
            return content;
        });
    }

    /// <summary>Reads the rest of a stream, at most <paramref name="limit"/> bytes.</summary>
    public static byte[] ReadToEnd(Stream stream, string where, long limit, long guess = 0)
    {
        var buffer = new byte[Math.Min(Math.Max(guess, 256), limit + 1)];
        var length = 0;
        while (true)
        {
            int read;
            try { read = stream.Read(buffer, length, buffer.Length - length); }
            catch (InvalidDataException e) when (stream is DeflateStream)
            {
                throw new DataException(where, DamagedData, e);
            }
            if (read == 0) break;
            length += read;
            if (length > limit)
                throw new DataException(where,
                    $"holds more than {limit:N0} bytes; this is not the file of the data set");
            if (length == buffer.Length) Array.Resize(ref buffer, (int)Math.Min(2L * buffer.Length, limit + 1));
        }
        if (length != buffer.Length) Array.Resize(ref buffer, length);
        return buffer;
    }

    /// <summary>
    /// Runs <paramref name="read"/> and turns the exceptions that the base library's decoders throw on damaged input
    /// into a
    /// <see cref="DataException"/>.
    /// </summary>
    public static T Guard<T>(string where, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FileNotFoundException e) { throw new DataException(where, "is not there", e); }
        catch (DirectoryNotFoundException e) { throw new DataException(where, "is not there", e); }
        catch (EndOfStreamException e) { throw new DataException(where, "ends too early; the file is truncated", e); }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException
            or NotSupportedException)
        {
            throw new DataException(where,
                $"cannot be read ({e.Message.TrimEnd('.')}); the file is damaged, truncated or not the data set", e);
        }
    }

    /// <summary>As <see cref="Guard"/>, for tar and zip: these throw arithmetic and format errors too.</summary>
    public static T GuardArchive<T>(string where, Func<T> read) => Guard(where, () =>
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is OverflowException or FormatException or ArgumentException)
        {
            throw new InvalidDataException(e.Message, e);
        }
    });

    /// <summary>CRC-32 (IEEE 802.3), as zip and PNG use it.</summary>
    public static uint Crc32(ReadOnlySpan<byte> data, uint crc = 0)
    {
        crc = ~crc;
        foreach (var b in data) crc = CrcTable[(byte)crc ^ b] ^ (crc >> 8);
        return ~crc;
    }

    private static readonly uint[] CrcTable = MakeCrcTable();

    private static uint[] MakeCrcTable()
    {
        var table = new uint[256];
        for (var n = 0u; n < 256; n++)
        {
            var c = n;
            for (var k = 0; k < 8; k++) c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
            table[n] = c;
        }
        return table;
    }
}

using System.Buffers.Binary;
using System.IO.Compression;

namespace RlLeap.Data;

/// <summary>Reads a gzip file with one member. At the end it checks the trailer (CRC-32 and length).</summary>
/// <remarks>
/// The base library's stream reads a truncated file without an error. This one throws
/// <see cref="InvalidDataException"/>.
/// </remarks>
internal sealed class CheckedGzipStream : Stream
{
    private readonly GZipStream _gzip;
    private readonly uint _crc, _length;
    private uint _seenCrc, _seenLength;

    /// <summary>Takes ownership of a file whose position is 0.</summary>
    public CheckedGzipStream(FileStream file)
    {
        if (file.Length < 18) throw new InvalidDataException("the gzip file is cut off");
        file.Position = file.Length - 8;
        Span<byte> trailer = stackalloc byte[8];
        file.ReadExactly(trailer);
        file.Position = 0;
        _crc = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        _length = BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
        _gzip = new GZipStream(file, CompressionMode.Decompress);
    }

    /// <summary>The content's length modulo 2^32, as the trailer says; in a damaged file it may be wrong.</summary>
    public long ClaimedLength => _length;

    public override int Read(Span<byte> buffer)
    {
        int read;
        // For any damage, the base library's message says that the compression method is not supported.
        try { read = _gzip.Read(buffer); }
        catch (InvalidDataException e) { throw new InvalidDataException("the gzip data are damaged", e); }
        _seenCrc = Compressed.Crc32(buffer[..read], _seenCrc);
        _seenLength += (uint)read;
        if (read == 0 && buffer.Length > 0 && (_seenCrc != _crc || _seenLength != _length))
            throw new InvalidDataException("the gzip data end without their checksum");
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    protected override void Dispose(bool disposing)
    {
        if (disposing) _gzip.Dispose();
        base.Dispose(disposing);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

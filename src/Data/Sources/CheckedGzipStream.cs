using System.Buffers.Binary;
using System.IO.Compression;

namespace RlLeap.Data;

/// <summary>Reads a gzip file of one member and checks its trailer (CRC-32 and length) at the end.</summary>
/// <remarks>The base library's stream ends quietly where a file was cut off; this one throws <see cref="InvalidDataException"/>.</remarks>
internal sealed class CheckedGzipStream : Stream
{
    private readonly GZipStream _gzip;
    private readonly uint _crc, _length;
    private uint _seenCrc, _seenLength;

    /// <summary>Takes over a file that stands at its beginning.</summary>
    public CheckedGzipStream(FileStream file)
    {
        if (file.Length < 18) throw new InvalidDataException("the gzip file is cut off");
        file.Position = file.Length - 8;
        Span<byte> trailer = stackalloc byte[8];
        file.ReadExactly(trailer);
        file.Position = 0;
        (_crc, _length) = (BinaryPrimitives.ReadUInt32LittleEndian(trailer), BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]));
        _gzip = new GZipStream(file, CompressionMode.Decompress);
    }

    /// <summary>The content's length modulo 2^32 as the trailer claims it.</summary>
    public long ClaimedLength => _length;

    public override int Read(Span<byte> buffer)
    {
        int read;
        // The base library calls everything that its inflater rejects, a wrong checksum too, an unsupported compression method.
        try { read = _gzip.Read(buffer); }
        catch (InvalidDataException e) { throw new InvalidDataException("the gzip data are damaged", e); }
        _seenCrc = Compressed.Crc32(buffer[..read], _seenCrc);
        _seenLength += (uint)read;
        if (read == 0 && buffer.Length > 0 && (_seenCrc != _crc || _seenLength != _length)) throw new InvalidDataException("the gzip data end without their checksum");
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
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

using System.Security.Cryptography;

namespace RlLeap.Cli.Runs;

/// <summary>A file of a run that only grows, and the SHA-256 of its content, kept up as it is written.</summary>
internal sealed class AppendedFile : Stream
{
    private readonly FileStream _file;
    private readonly IncrementalHash _sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Opens a file, or makes it.</summary>
    /// <param name="keep">What lies behind so many bytes is cut off; null keeps all.</param>
    public AppendedFile(string path, long? keep = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete);
        try
        {
            if (keep < _file.Length) _file.SetLength(keep.Value);
            SumUp();
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The checksum of the content, in hexadecimal.</summary>
    public string Sum => Convert.ToHexStringLower(_sum.GetCurrentHash());

    /// <summary>Cuts a last line without an end, to which the next row would be appended.</summary>
    public void CutTornLine()
    {
        var end = _file.Length;
        for (; end > 0; end--)
        {
            _file.Position = end - 1;
            if (_file.ReadByte() == '\n') break;
        }
        if (end < _file.Length)
        {
            _file.SetLength(end);
            _sum.GetHashAndReset();
            SumUp();
        }
        _file.Position = end;
    }

    /// <summary>Writes to the disk itself what the system still holds.</summary>
    public void FlushToDisk() => _file.Flush(flushToDisk: true);

    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => true;
    public override long Length => _file.Length;
    public override long Position { get => _file.Position; set => _file.Position = value; }
    public override void Flush() => _file.Flush();
    public override int Read(byte[] buffer, int offset, int count) => _file.Read(buffer, offset, count);
    public override int Read(Span<byte> buffer) => _file.Read(buffer);
    public override long Seek(long offset, SeekOrigin origin) => _file.Seek(offset, origin);
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _file.Write(buffer);
        _sum.AppendData(buffer);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _file.Dispose();
        _sum.Dispose();
    }

    private void SumUp()
    {
        _file.Position = 0;
        var buffer = new byte[1 << 16];
        while (_file.Read(buffer) is > 0 and var read) _sum.AppendData(buffer.AsSpan(0, read));
    }
}

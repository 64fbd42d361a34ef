namespace RlLeap.Cli.Runs;

/// <summary>Reads a stream's lines as bytes, in constant memory: a line of more than 4 MB is passed over.</summary>
/// <remarks>A last line without its end of line is left out: whoever writes it is not done, or was stopped.</remarks>
internal sealed class LineReader(Stream stream) : IDisposable
{
    private const int Longest = 1 << 22;

    private byte[] _buffer = new byte[1 << 16];
    private int _start, _end, _length;
    private long _passed; // bytes of the stream before the buffer's first

    /// <summary>The line's number, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>The line without its end; valid until the next.</summary>
    public ReadOnlySpan<byte> Line => _buffer.AsSpan(_start - _length - 1, _length);

    /// <summary>Bytes of the stream up to the end of the line.</summary>
    public long Position => _passed + _start;

    /// <summary>Whether the line was too long to be kept.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>Goes to the next line; false where there is none.</summary>
    public bool Next()
    {
        IsTooLong = false;
        for (var seen = 0; ;)
        {
            if (_buffer.AsSpan(_start + seen, _end - _start - seen).IndexOf((byte)'\n') is >= 0 and var at)
            {
                _length = seen + at;
                _start += _length + 1;
                Number++;
                return true;
            }
            seen = _end - _start;
            if (seen > Longest) (IsTooLong, _start, seen) = (true, _end, 0);
            if (_start > 0) _buffer.AsSpan(_start, seen).CopyTo(_buffer);
            _passed += _start;
            (_start, _end) = (0, seen);
            if (_end == _buffer.Length) Array.Resize(ref _buffer, 2 * _buffer.Length);
            if (stream.Read(_buffer.AsSpan(_end)) is not (> 0 and var read)) return false;
            _end += read;
        }
    }

    public void Dispose() => _buffer = [];
}

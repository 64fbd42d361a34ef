namespace RlLeap.Cli.Watch;

/// <summary>Reads a file of rows piece by piece: each time what was appended since.</summary>
/// <remarks>A run that goes on cuts its metrics back to its last checkpoint: then all is read anew. A last line that is
/// only half written is read when it is whole.</remarks>
/// <param name="path">The file; it may not be there yet, or no more.</param>
internal sealed class TailedRows(string path)
{
    private const int MarkLength = 256;

    private long _read;
    private byte[] _mark = []; // what stood before the place up to which the file was read

    /// <summary>Reads what is new.</summary>
    /// <param name="anew">Is called before any row where the file is another one than it was.</param>
    public void Read(Action anew, Action<Row> add)
    {
        if (RunFile.Open(path) is not { } stream)
        {
            if (_read > 0) anew();
            (_read, _mark) = (0, []);
            return;
        }
        using (stream)
        {
            if (_read > 0 && !(stream.Length >= _read && Before(stream, _read).AsSpan().SequenceEqual(_mark)))
            {
                anew();
                _read = 0;
            }
            var from = _read;
            stream.Position = from;
            foreach (var row in JsonLines.Read(stream, path, _ => { }, at => _read = from + at)) add(row);
            if (_read > from) _mark = Before(stream, _read);
        }
    }

    private static byte[] Before(FileStream stream, long end)
    {
        var bytes = new byte[(int)Math.Min(end, MarkLength)];
        stream.Position = end - bytes.Length;
        return bytes[..stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
    }
}

/// <summary>Files of runs as a page may read them.</summary>
internal static class RunFile
{
    /// <summary>Opens a file while others write it; null where it cannot be read or leads elsewhere.</summary>
    public static FileStream? Open(string path)
    {
        try
        {
            return new FileInfo(path) is { Exists: true, LinkTarget: null }
                ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    /// <summary>A text's last lines, without one that is half written; empty where there is none.</summary>
    public static IReadOnlyList<string> LastLines(string path, int count, int bytes = 1 << 15)
    {
        using var stream = Open(path);
        if (stream is null) return [];
        var from = Math.Max(0, stream.Length - bytes);
        stream.Position = from;
        var text = new byte[(int)Math.Min(bytes, stream.Length)];
        var read = stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        var lines = System.Text.Encoding.UTF8.GetString(text, 0, read).Split('\n');
        // The first is a part of a line unless it is the file's first, the last is one that has not ended.
        return [.. lines.Skip(from > 0 ? 1 : 0).SkipLast(1).TakeLast(count)];
    }
}

// TensorBoard's files: one a series, however many series there are.
namespace RlLeap.Cli.Runs;

/// <summary>Files that are appended to in turn, of which only the last used few are open.</summary>
/// <param name="root">Full path of the run; files are named relative to it.</param>
internal sealed class EventFiles(string root) : IDisposable
{
    /// <summary>Files open at a time.</summary>
    private const int Open = 32;

    private readonly Dictionary<string, (FileStream Stream, long Used)> _open = [];
    private readonly SortedDictionary<string, long> _lengths = new(StringComparer.Ordinal);
    private long _time;

    /// <summary>How long each file is, of those that were written or cut here.</summary>
    public IEnumerable<KeyValuePair<string, long>> Lengths => _lengths
        .Select(file => _open.TryGetValue(file.Key, out var open) ? new(file.Key, open.Stream.Length) : file);

    /// <summary>A file at its end; valid until the next is asked for.</summary>
    public Stream Append(string relative)
    {
        if (!_open.TryGetValue(relative, out var open))
        {
            if (_open.Count == Open) Close(_open.MinBy(file => file.Value.Used).Key);
            open.Stream = OpenAtEnd(relative);
        }
        _open[relative] = (open.Stream, ++_time);
        _lengths.TryAdd(relative, open.Stream.Length);
        return open.Stream;
    }

    /// <summary>Cuts a file back to a length; one that is shorter or missing stays as it is.</summary>
    public void Cut(string relative, long length)
    {
        var path = Path.Combine(root, relative);
        if (!File.Exists(path)) return;
        using var stream = OpenAtEnd(relative);
        if (stream.Length > length) stream.SetLength(length);
        _lengths[relative] = stream.Length;
    }

    public void Dispose()
    {
        foreach (var file in _open.Keys.ToList()) Close(file);
    }

    private FileStream OpenAtEnd(string relative)
    {
        var path = Path.Combine(root, relative);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete);
        stream.Seek(0, SeekOrigin.End);
        return stream;
    }

    private void Close(string relative)
    {
        _open.Remove(relative, out var open);
        _lengths[relative] = open.Stream.Length;
        open.Stream.Dispose();
    }
}

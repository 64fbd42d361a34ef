namespace RlLeap;

/// <summary>Writes files whole or not at all: a temporary name beside it, flushed to disk, then renamed.</summary>
/// <remarks>
/// Everything RlLeap saves goes through here, so that a crash or a full disk never damages what was saved before.
/// </remarks>
public static class AtomicFile
{
    /// <summary>Writes <paramref name="path"/>; on any failure the old file stays, the temporary one goes.</summary>
    /// <exception cref="RlLeapException">The folder cannot be written or the disk is full; names the path.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var full = Path.GetFullPath(path);
        // A name that no other process uses, on this machine or on another that shares the folder; and not that of a
        // file which a killed process with our id left.
        var temporary = $"{full}.{Environment.MachineName}-{Environment.ProcessId}-{Started:x}-"
            + $"{Interlocked.Increment(ref _serial)}{TemporaryEnd}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            using (var stream =
                new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch (Exception e)
        {
            try { File.Delete(temporary); }
            catch (IOException) { /* The first error is the one to report. */ }
            catch (UnauthorizedAccessException) { /* likewise */ }
            if (e is IOException or UnauthorizedAccessException)
                throw new RlLeapException(
                    $"Cannot write {full}: {SystemErrors.Explain(e)} What was saved there before is unchanged.", e);
            throw;
        }
    }

    /// <summary>Writes text as UTF-8 without a byte-order mark.</summary>
    public static void WriteAllText(string path, string text) =>
        WriteAllBytes(path, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Writes bytes.</summary>
    public static void WriteAllBytes(string path, ReadOnlyMemory<byte> bytes) =>
        Write(path, stream => stream.Write(bytes.Span));

    /// <summary>Whether a file is a temporary one of this class: what a process that was killed left.</summary>
    public static bool IsTemporary(string path) => path.EndsWith(TemporaryEnd, StringComparison.Ordinal);

    private const string TemporaryEnd = ".tmp";
    private static readonly long Started = DateTime.UtcNow.Ticks;
    private static int _serial;
}

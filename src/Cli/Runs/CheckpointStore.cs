// Checkpoints: folders that are there whole or not at all.
using System.Security.Cryptography;
using System.Text.Json;

namespace RlLeap.Cli.Runs;

/// <summary>A whole checkpoint: step, folder, and the lengths of the run's appended files then (bytes).</summary>
public sealed record Checkpoint(long Step, string Folder, IReadOnlyDictionary<string, long> Lengths)
{
    /// <summary>SHA-256 of what the appended files held, for those whose content counts.</summary>
    public IReadOnlyDictionary<string, string> Sums { get; init; } = new Dictionary<string, string>();

    /// <summary>The plug-ins that the run used (<see cref="Plugins.Identity"/>); null for none.</summary>
    public string? Plugins { get; init; }

    public string PathOf(string file) => Path.Combine(Folder, file);
}

/// <summary>Numbered checkpoints in a folder. Each is a folder of files with a manifest of their SHA-256 sums, made
/// under a temporary name and renamed. One process at a time (the run's lock sees to that).</summary>
/// <param name="folder">Where they lie.</param>
/// <param name="keep">How many of the newest stay; at least two, so that a damaged newest one leaves one to go back to.
/// </param>
public sealed class CheckpointStore(string folder, int keep = 2)
{
    private const string ManifestName = "manifest.json";
    private const string Replaced = ".replaced";

    private sealed record Manifest(
        long Step, SortedDictionary<string, string> Sha256, SortedDictionary<string, long> Lengths)
    {
        public SortedDictionary<string, string>? Sums { get; init; }
        public string? Plugins { get; init; }
    }

    /// <summary>Saves one: <paramref name="write"/> fills its folder. Replaces one of the same step.</summary>
    /// <param name="write">Fills the folder.</param>
    /// <param name="lengths">How long the run's appended files are.</param>
    /// <param name="sums">SHA-256 of what they hold.</param>
    /// <exception cref="RlLeapException">It could not be written; earlier checkpoints are untouched.</exception>
    public Checkpoint Save(long step, Action<string> write, IReadOnlyDictionary<string, long>? lengths = null,
        IReadOnlyDictionary<string, string>? sums = null)
    {
        var name = $"{step:D12}";
        var (final, temporary) = (Path.Combine(folder, name), Path.Combine(folder, name + ".tmp"));
        try
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
            Directory.CreateDirectory(temporary);
            write(temporary);
            var manifest = new Manifest(step, Sums(temporary, flush: true), Sorted(lengths))
            {
                Sums = Sorted(sums), Plugins = Plugins.Identity,
            };
            SealedJson.Write(Path.Combine(temporary, ManifestName), manifest, Json.Readable);
            // A kill between any two of these leaves the old checkpoint or the new one whole.
            FinishReplacing();
            if (Directory.Exists(final)) Directory.Move(final, final + Replaced);
            Directory.Move(temporary, final);
            FinishReplacing();
            // What is ahead of the present was damaged when the run went on from before it: it must not count among
            // those kept.
            foreach (var ahead in Folders().Where(f => string.CompareOrdinal(Path.GetFileName(f), name) > 0))
                Directory.Delete(ahead, recursive: true);
            Prune(keep);
            return Of(manifest, final);
        }
        catch (Exception e)
        {
            try { if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true); }
            catch (IOException) { /* the first error is the one to report */ }
            // The cause is told, not AtomicFile's message, which is about another file.
            if ((e is RlLeapException ? e.InnerException : e) is { } cause
                and (IOException or UnauthorizedAccessException))
                throw new RlLeapException($"Cannot save a checkpoint in {folder}: {SystemErrors.Explain(cause)} "
                    + "Earlier checkpoints are whole: go on with --resume.", e);
            throw;
        }
    }

    /// <summary>The same checkpoint with other marks of how far the appended files are.</summary>
    public Checkpoint Mark(
        Checkpoint of, IReadOnlyDictionary<string, long> lengths, IReadOnlyDictionary<string, string> sums)
    {
        var manifest = Read(of.Folder) with { Lengths = Sorted(lengths), Sums = Sorted(sums) };
        SealedJson.Write(Path.Combine(of.Folder, ManifestName), manifest, Json.Readable);
        return Of(manifest, of.Folder);
    }

    /// <summary>The newest whole checkpoint, or null; damaged ones are warned of and passed over.</summary>
    /// <exception cref="RlLeapException">There are some, and all are damaged: beginning anew would overwrite what the
    /// run has recorded. Or one cannot be opened.</exception>
    public Checkpoint? Newest()
    {
        FinishReplacing();
        var all = Folders().ToList();
        return all.Select(Open).FirstOrDefault(c => c is not null) ?? (all.Count == 0 ? null
            : throw new RlLeapException(
            $"None of the checkpoints in {folder} can be read, so the run cannot go on. Bring one back, or begin it "
                + $"anew in another folder; nothing was changed."));
    }

    /// <summary>A file of the newest checkpoint in which it is whole; null where there is none.</summary>
    /// <remarks>Reads that file and the manifest alone.</remarks>
    public string? Find(string name)
    {
        foreach (var path in Folders())
            try
            {
                var file = Path.Combine(path, name);
                if (File.Exists(file) && Read(path).Sha256.GetValueOrDefault(name) == SumOf(file, flush: false))
                    return file;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException
                or RlLeapException)
            { }
        return null;
    }

    /// <summary>Deletes all but the newest few.</summary>
    public void Prune(int keep)
    {
        foreach (var old in Folders().Skip(Math.Max(1, keep))) Directory.Delete(old, recursive: true);
    }

    // A checkpoint that was moved away for another of its step is deleted where the other came, else moved back.
    private void FinishReplacing()
    {
        if (!Directory.Exists(folder)) return;
        foreach (var old in Directory.GetDirectories(folder, "*" + Replaced))
            if (Directory.Exists(old[..^Replaced.Length])) Directory.Delete(old, recursive: true);
            else Directory.Move(old, old[..^Replaced.Length]);
    }

    private IEnumerable<string> Folders() => !Directory.Exists(folder) ? []
        : Directory.GetDirectories(folder).Where(f => long.TryParse(Path.GetFileName(f), out _))
            .OrderByDescending(f => f, StringComparer.Ordinal);

    private static Checkpoint? Open(string path)
    {
        try
        {
            var manifest = Read(path);
            if (Sums(path, flush: false).SequenceEqual(manifest.Sha256)) return Of(manifest, path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException
            or DamagedFileException)
        { }
        // It may be whole; to go on from the one before would delete it.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RlLeapException($"Cannot read the checkpoint {path}: {SystemErrors.Explain(e)} Make it readable, "
                + "or delete it to go on from the one before; nothing was changed.", e);
        }
        Log.Warning("the checkpoint {Path} is damaged; trying the one before it", path);
        return null;
    }

    private static Manifest Read(string path) =>
        SealedJson.Read<Manifest>(Path.Combine(path, ManifestName), Json.Strict);

    private static Checkpoint Of(Manifest manifest, string path) => new(manifest.Step, path, manifest.Lengths)
    {
        Sums = manifest.Sums ?? [], Plugins = manifest.Plugins,
    };

    private static SortedDictionary<string, T> Sorted<T>(IReadOnlyDictionary<string, T>? values) =>
        new((values ?? new Dictionary<string, T>()).ToDictionary(), StringComparer.Ordinal);

    private static SortedDictionary<string, string> Sums(string path, bool flush)
    {
        var sums = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories))
            // A process that was killed while it marked the checkpoint left a temporary file beside the manifest.
            if (Path.GetFileName(file) != ManifestName && !AtomicFile.IsTemporary(file))
                sums[Path.GetRelativePath(path, file)] = SumOf(file, flush);
        return sums;
    }

    private static string SumOf(string file, bool flush)
    {
        using var stream = new FileStream(file, FileMode.Open, flush ? FileAccess.ReadWrite : FileAccess.Read);
        if (flush) stream.Flush(flushToDisk: true);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}

using System.Formats.Tar;
using System.IO.Compression;

namespace RlLeap.Data;

/// <summary>One file of a data set with its content, from a folder or an archive.</summary>
/// <param name="Path">Path inside the folder or archive, with '/'.</param>
/// <param name="Where">The file's name in error messages: "archive.zip!a/b.png" or the full path.</param>
internal readonly record struct SourceFile(string Path, string Where, byte[] Bytes)
{
    /// <summary>The names of the folders and of the file, in order.</summary>
    public string[] Parts => Path.Split('/');
}

/// <summary>Reads a data set's files in one pass from a folder, .zip, .tar or .tar.gz, unpacking nothing.</summary>
internal static class SourceFiles
{
    private const int MaxEntries = 4_000_000;

    /// <summary>
    /// Reads the wanted files; what a system adds (._x, __MACOSX, Thumbs.db) is passed over. A folder is read in
    /// ordinal order of paths, an archive in its own order.</summary>
    /// <param name="path">A folder or an archive.</param>
    /// <param name="wanted">Whether the file with this path inside the folder or archive is wanted.</param>
    /// <param name="limit">The most bytes that one file may have.</param>
    public static IEnumerable<SourceFile> Read(string path, Func<string, bool> wanted, int limit)
    {
        if (Directory.Exists(path)) return ReadFolder(path, wanted, limit);
        if (!File.Exists(path)) throw new DataException(path, "is not there");
        if (path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase)) return ReadZip(path, wanted, limit);
        if (IsTar(path)) return ReadTar(path, wanted, limit);
        throw new DataException(path, "is neither a folder nor a .zip, .tar, .tar.gz or .tgz archive");
    }

    /// <summary>Whether the file name is that of a tar archive, compressed or not.</summary>
    public static bool IsTar(string path) =>
        path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase)
            || path.EndsWith(".tgz", StringComparison.OrdinalIgnoreCase)
            || path.EndsWith(".tar.gz", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the file name is that of a picture.</summary>
    public static bool IsPicture(string path) => Path.GetExtension(path).ToLowerInvariant()
        is ".png" or ".ppm" or ".pgm" or ".jpg" or ".jpeg" or ".webp" or ".bmp";

    /// <summary>Whether the file name is that of a PNG.</summary>
    public static bool IsPng(string path) => path.EndsWith(".png", StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<SourceFile> ReadFolder(string folder, Func<string, bool> wanted, int limit)
    {
        var paths = Compressed.Guard(folder, () => SourceFolder.Files(folder).Where(wanted).ToArray());
        foreach (var path in paths)
        {
            var full = Path.Combine(folder, path);
            yield return new SourceFile(path, full, Compressed.Guard(full, () =>
            {
                using var stream = File.OpenRead(full);
                return Compressed.ReadToEnd(stream, full, limit, stream.Length);
            }));
        }
    }

    private static IEnumerable<SourceFile> ReadZip(string path, Func<string, bool> wanted, int limit)
    {
        using var archive = Compressed.GuardArchive(path, () => ZipFile.OpenRead(path));
        var entries = Compressed.GuardArchive(path, () => archive.Entries);
        if (entries.Count > MaxEntries)
            throw new DataException(path, $"claims {entries.Count:N0} entries; this is not the data set");
        var seen = new HashSet<string>();
        foreach (var entry in entries)
        {
            var inside = entry.FullName.Replace('\\', '/');
            if (inside.EndsWith('/') || SourceFolder.IsSystemFile(inside) || !wanted(inside)) continue;
            var where = $"{path}!{inside}";
            if (!seen.Add(inside)) throw new DataException(where, "is in the archive twice; the archive is damaged");
            var bytes = Compressed.Guard(where, () =>
            {
                // The sizes in the archive's directory may be wrong. So reading stops one byte after the claimed size.
                if (entry.Length > limit)
                    throw new DataException(where,
                        $"has {entry.Length:N0} bytes where at most {limit:N0} are expected; this is not the data set");
                if (entry.Length > Compressed.LargestExpansion(entry.CompressedLength))
                    throw new DataException(where,
                        "claims more bytes than its compressed size can hold; the archive is damaged");
                using var stream = Compressed.GuardArchive(where, entry.Open);
                return Compressed.ReadToEnd(stream, where, entry.Length, entry.Length + 1);
            });
            if (bytes.Length != entry.Length)
                throw new DataException(where,
                    $"has {bytes.Length:N0} of its {entry.Length:N0} bytes; the archive is truncated or damaged");
            if (Compressed.Crc32(bytes) != entry.Crc32)
                throw new DataException(where, "does not have its CRC-32 checksum; the archive is damaged");
            yield return new SourceFile(inside, where, bytes);
        }
    }

    private static IEnumerable<SourceFile> ReadTar(string path, Func<string, bool> wanted, int limit)
    {
        using var file = Compressed.Guard(path, () => File.OpenRead(path));
        using Stream stream = path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase)
            ? file
            : Compressed.Guard(path, () => new CheckedGzipStream(file));
        using var tar = new TarReader(stream);
        for (var count = 0; ; count++)
        {
            var entry = Compressed.GuardArchive(path, () => tar.GetNextEntry());
            if (entry is null) break;
            if (count >= MaxEntries)
                throw new DataException(path, $"has more than {MaxEntries:N0} entries; this is not the data set");
            var inside = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                || SourceFolder.IsSystemFile(inside) || !wanted(inside)) continue;
            var where = $"{path}!{inside}";
            var bytes = Compressed.Guard(where, () =>
            {
                if (entry.Length > limit)
                    throw new DataException(where,
                        $"has {entry.Length:N0} bytes where at most {limit:N0} are expected; this is not the data set");
                // This size may be wrong too. So the first buffer is at most 4 MB, and grows with the bytes that are
                // read.
                return entry.DataStream is { } content
                    ? Compressed.ReadToEnd(content, where, entry.Length, Math.Min(entry.Length + 1, 1 << 22))
                    : [];
            });
            if (bytes.Length != entry.Length)
                throw new DataException(where,
                    $"has {bytes.Length:N0} of its {entry.Length:N0} bytes; the archive is truncated");
            yield return new SourceFile(inside, where, bytes);
        }
        // Reading to the end makes the gzip stream check its checksum.
        Compressed.Guard(path, () =>
        {
            var rest = new byte[1 << 16];
            while (stream.Read(rest) > 0) { }
            return 0;
        });
    }
}

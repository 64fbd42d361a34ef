namespace RlLeap.Data;

/// <summary>The files below a data set's folder: each once, and none that a system added.</summary>
internal static class SourceFolder
{
    private static readonly string[] SystemNames =
        ["__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r", "System Volume Information", "$RECYCLE.BIN",
            "lost+found", "@eaDir"];

    /// <summary>Whether a path inside a folder or an archive is that of a file which a system or an editor put there: a
    /// part of it begins with a dot, or is a name such as __MACOSX or Thumbs.db.</summary>
    /// <param name="path">With '/' between its parts.</param>
    public static bool IsSystemFile(string path) => path.Split('/').Any(part => part.Length > 0
        && part is not ("." or "..")
        && (part[0] == '.' || SystemNames.Contains(part, StringComparer.OrdinalIgnoreCase)));

    /// <summary>Paths relative to the folder, with '/', in ordinal order.</summary>
    /// <remarks>A link is followed where it leads to what is not in the set yet. A link to a folder above is not.
    /// </remarks>
    public static IReadOnlyList<string> Files(string folder)
    {
        var root = Real(new DirectoryInfo(folder));
        var (files, seen) = (new List<string>(), new HashSet<string>());
        var links = new Queue<(string Path, FileSystemInfo Link)>();
        Walk(root, "");
        // After what lies in the folder itself: of two names for one file, the file's own counts.
        while (links.TryDequeue(out var link))
        {
            var target = TargetOf(link.Link);
            // One that leads nowhere is a file that cannot be read: an error, where it is wanted.
            if (target is not { Exists: true }) files.Add(link.Path);
            else if (target is FileInfo file)
            {
                if (seen.Add(RealPath(file))) files.Add(link.Path);
            }
            else if (target is DirectoryInfo inner && Real(inner) is var real
                && !IsIn(root.FullName, real.FullName)) Walk(real, link.Path + "/");
        }
        files.Sort(StringComparer.Ordinal);
        return files;

        void Walk(DirectoryInfo at, string prefix)
        {
            if (!seen.Add(at.FullName)) return;
            foreach (var entry in at.EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal))
            {
                var path = prefix + entry.Name;
                if (IsSystemFile(entry.Name)) continue;
                if (entry.LinkTarget is not null) links.Enqueue((path, entry));
                else if (entry is DirectoryInfo inner) Walk(inner, path + "/");
                else if (seen.Add(entry.FullName)) files.Add(path);
            }
        }
    }

    private static FileSystemInfo? TargetOf(FileSystemInfo link)
    {
        try { return link.ResolveLinkTarget(returnFinalTarget: true); }
        catch (IOException) { return null; } // a circle of links
    }

    private static bool IsIn(string path, string folder) => path == folder || path.StartsWith(
        System.IO.Path.EndsInDirectorySeparator(folder) ? folder : folder + System.IO.Path.DirectorySeparatorChar,
        StringComparison.Ordinal);

    private static string RealPath(FileInfo file) =>
        System.IO.Path.Combine(Real(file.Directory!).FullName, file.Name);

    // The folder's path without links on the way.
    private static DirectoryInfo Real(DirectoryInfo folder)
    {
        var full = new DirectoryInfo(System.IO.Path.GetFullPath(folder.FullName));
        if (full.ResolveLinkTarget(returnFinalTarget: true) is DirectoryInfo target) return Real(target);
        return full.Parent is { } parent
            ? new DirectoryInfo(System.IO.Path.Combine(Real(parent).FullName, full.Name)) : full;
    }
}

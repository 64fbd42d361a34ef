namespace RlLeap.Data;

/// <summary>The folders that data sets are read from and cached in.</summary>
/// <param name="Roots">Folders that are searched in this order. Downloads go to the first.</param>
/// <param name="Cache">Folder of decoded sets, or null for no cache.</param>
public sealed record DataLocation(IReadOnlyList<string> Roots, string? Cache)
{
    /// <summary>Data in $RLLEAP_DATA, then in ./data. The cache is $RLLEAP_CACHE or ./data/cache.</summary>
    public static DataLocation Default
    {
        get
        {
            var local = Path.Combine(Environment.CurrentDirectory, "data");
            var named = Environment.GetEnvironmentVariable("RLLEAP_DATA");
            var cache = Environment.GetEnvironmentVariable("RLLEAP_CACHE");
            string[] roots = string.IsNullOrEmpty(named) ? [local] : [Path.GetFullPath(named), local];
            return new DataLocation([.. roots.Distinct()],
                string.IsNullOrEmpty(cache) ? Path.Combine(local, "cache") : Path.GetFullPath(cache));
        }
    }

    /// <summary>One data folder, and by default no cache.</summary>
    public static DataLocation Folder(string root, string? cache = null) => new([Path.GetFullPath(root)], cache);

    /// <summary>The first of <paramref name="names"/>, the preferred one first, in any root; or null.</summary>
    internal string? Find(params ReadOnlySpan<string> names)
    {
        foreach (var root in Roots)
            foreach (var name in names)
            {
                var path = Path.Combine(root, name);
                if (File.Exists(path) || Directory.Exists(path)) return path;
            }
        return null;
    }

    /// <summary>Like <see cref="Find"/>, but it is an error if nothing is found.</summary>
    /// <exception cref="DataException">Says what was looked for, where, and how to get it.</exception>
    internal string Require(string set, params ReadOnlySpan<string> names)
    {
        if (Find(names) is { } path) return path;
        var help = DataCatalog.CanDownload(set)
            ? $"run `rlleap data get {set}`, or name the folder that holds it in RLLEAP_DATA"
            : "put it there, or name the folder that holds it in RLLEAP_DATA (see docs/data.md)";
        throw new DataException(set,
            $"not found: none of {string.Join(", ", names.ToArray())} is in {string.Join(" or ", Roots)}; {help}");
    }
}

namespace RlLeap.Data;

/// <summary>Where data sets lie and where decoded ones are cached.</summary>
/// <param name="Roots">Folders that are searched, in this order; downloads go to the first.</param>
/// <param name="Cache">Folder of decoded sets, or null for no cache.</param>
public sealed record DataLocation(IReadOnlyList<string> Roots, string? Cache)
{
    /// <summary>The folder named by $RLLEAP_DATA, then ./data; the cache in $RLLEAP_CACHE or ./data/cache.</summary>
    public static DataLocation Default
    {
        get
        {
            var local = Path.Combine(Environment.CurrentDirectory, "data");
            var named = Environment.GetEnvironmentVariable("RLLEAP_DATA");
            var cache = Environment.GetEnvironmentVariable("RLLEAP_CACHE");
            return new DataLocation(string.IsNullOrEmpty(named) ? [local] : [.. new[] { Path.GetFullPath(named), local }.Distinct()], string.IsNullOrEmpty(cache) ? Path.Combine(local, "cache") : Path.GetFullPath(cache));
        }
    }

    /// <summary>One folder and no cache.</summary>
    public static DataLocation Folder(string root, string? cache = null) => new([Path.GetFullPath(root)], cache);

    /// <summary>The first of <paramref name="names"/> (relative paths, the preferred first) that exists under a root, or null.</summary>
    public string? Find(params ReadOnlySpan<string> names)
    {
        foreach (var root in Roots)
            foreach (var name in names)
            {
                var path = Path.Combine(root, name);
                if (File.Exists(path) || Directory.Exists(path)) return path;
            }
        return null;
    }

    /// <summary>Like <see cref="Find"/>, or an error that says what was looked for, where, and how to get it.</summary>
    public string Require(string set, params ReadOnlySpan<string> names) =>
        Find(names) ?? throw new DataException(set, $"not found: none of {string.Join(", ", names.ToArray())} is in {string.Join(" or ", Roots)}; "
            + (DataCatalog.CanDownload(set) ? $"run `rlleap data get {set}`, or name the folder that holds it in RLLEAP_DATA" : "put it there, or name the folder that holds it in RLLEAP_DATA (see docs/data.md)"));
}

namespace RlLeap.Data;

/// <summary>Collects images one by one into an <see cref="ImageSet"/>, training and test mixed or not.</summary>
/// <remarks>
/// Each image has a key, and images are sorted by their keys alone. So a folder and an archive of the same files give
/// the same set.
/// </remarks>
internal sealed class ImageSetBuilder(string name, int channels, int height, int width, int classes)
{
    private readonly record struct Entry(bool Test, string Key, byte[] Pixels, int Label, int Group);

    private readonly List<Entry> _entries = [];

    public int Count => _entries.Count;

    public void Add(bool test, string key, byte[] pixels, int label, int group) =>
        _entries.Add(new Entry(test, key, pixels, label, group));

    /// <summary>Builds the set.</summary>
    /// <param name="groupsOf">Tells the groups by the pixels of all images; null to keep those given.</param>
    public ImageSet Build(Func<byte[], int[]>? groupsOf = null)
    {
        _entries.Sort((a, b) => a.Test != b.Test ? a.Test.CompareTo(b.Test) : string.CompareOrdinal(a.Key, b.Key));
        var size = channels * height * width;
        var pixels = new byte[checked(_entries.Count * size)];
        for (var i = 0; i < _entries.Count; i++) _entries[i].Pixels.CopyTo(pixels, i * size);
        return new ImageSet(name, channels, height, width, classes, pixels, [.. _entries.Select(e => e.Label)],
            _entries.Count(e => !e.Test), groupsOf?.Invoke(pixels) ?? [.. _entries.Select(e => e.Group)]);
    }
}

using System.Globalization;

namespace RlLeap.Data;

/// <summary>One alphabet of Omniglot: every character's 20 drawings at 28x28.</summary>
/// <param name="Name">The alphabet's folder name, "Greek".</param>
/// <param name="Characters">How many characters it has.</param>
/// <param name="Drawings">[Characters, 20, 28, 28]: ink is 0, background 1.</param>
public sealed record OmniglotAlphabet(string Name, int Characters, ReadOnlyMemory<byte> Drawings)
{
    /// <summary>One drawing, [28, 28].</summary>
    public ReadOnlySpan<byte> Drawing(int character, int drawing) =>
        Drawings.Span.Slice((character * OmniglotData.DrawingsPerCharacter + drawing) * OmniglotData.Pixels, OmniglotData.Pixels);
}

/// <summary>Omniglot (Lake, Salakhutdinov, Tenenbaum 2015): 50 alphabets, 1,623 characters, 20 drawings each, read from the original archives.</summary>
/// <remarks>Drawings of 105x105 are resized once to 28x28 by nearest neighbour with PIL's index rule, as in the Leap authors' code.</remarks>
public sealed class OmniglotData
{
    /// <summary>Side of a drawing after resizing.</summary>
    public const int Side = 28;

    /// <summary>Pixels of a drawing after resizing.</summary>
    public const int Pixels = Side * Side;

    /// <summary>Drawings of each character, by as many people.</summary>
    public const int DrawingsPerCharacter = 20;

    private const int OriginalSide = 105, MaxFile = 1 << 16;

    private OmniglotData(IReadOnlyList<OmniglotAlphabet> alphabets) => Alphabets = alphabets;

    /// <summary>All alphabets, in ordinal order of their names.</summary>
    public IReadOnlyList<OmniglotAlphabet> Alphabets { get; }

    /// <summary>The alphabet called <paramref name="name"/>.</summary>
    public OmniglotAlphabet this[string name] =>
        Alphabets.FirstOrDefault(a => a.Name == name) ?? throw new RlLeapException($"Omniglot has no alphabet called '{name}'; there are {string.Join(", ", Alphabets.Select(a => a.Name))}.");

    /// <summary>The two archives (or unpacked folders) of the complete set, decoded once and then read from the cache.</summary>
    /// <exception cref="DataException">Missing, damaged, or not the complete 50 alphabets with 1,623 characters.</exception>
    public static OmniglotData Load(DataLocation? location = null)
    {
        location ??= DataLocation.Default;
        var sources = Sources(location);
        var data = Load(sources, location.Cache);
        var characters = data.Alphabets.Sum(a => a.Characters);
        if (data.Alphabets.Count != 50 || characters != 1623)
            throw new DataException(string.Join(", ", sources), $"hold {data.Alphabets.Count} alphabets with {characters} characters where Omniglot has 50 with 1,623; not the data set, or only a part");
        return data;
    }

    /// <summary>Any archives or folders of Omniglot's layout (SET/ALPHABET/characterNN/IIII_DD.png), complete or not.</summary>
    public static OmniglotData Load(IReadOnlyList<string> sources, string? cache = null)
    {
        // Stored as one set whose labels are characters and whose groups are alphabets; the alphabets' names follow the set's own.
        var set = ImageCache.Load(cache, "omniglot", sources, () => Read(sources));
        var names = set.Name.Split('\n')[1..];
        var alphabets = new List<OmniglotAlphabet>();
        for (int a = 0, first = 0; a < names.Length; a++)
        {
            var count = set.Groups!.AsSpan().Count(a) / DrawingsPerCharacter;
            alphabets.Add(new OmniglotAlphabet(names[a], count, set.Pixels.AsMemory(first * DrawingsPerCharacter * Pixels, count * DrawingsPerCharacter * Pixels)));
            first += count;
        }
        return new OmniglotData(alphabets);
    }

    /// <summary>Where the complete set is read from.</summary>
    public static IReadOnlyList<string> Sources(DataLocation location)
    {
        return [Part("images_background"), Part("images_evaluation")];
        string Part(string name) => location.Require("omniglot", $"omniglot/{name}.zip", $"{name}.zip", $"omniglot_{name}.zip", $"omniglot/{name}", name);
    }

    private static ImageSet Read(IReadOnlyList<string> sources)
    {
        // Alphabet, then character, then drawing, each in ordinal order, wherever the files come from.
        var drawings = new SortedDictionary<(string Alphabet, string Character, int Drawing), byte[]>(
            Comparer<(string, string, int)>.Create((a, b) => string.CompareOrdinal(a.Item1, b.Item1) is var x and not 0 ? x : string.CompareOrdinal(a.Item2, b.Item2) is var y and not 0 ? y : a.Item3.CompareTo(b.Item3)));
        foreach (var source in sources)
            foreach (var file in SourceFiles.Read(source, p => p.EndsWith(".png", StringComparison.OrdinalIgnoreCase), MaxFile))
            {
                var parts = file.Parts;
                if (parts.Length < 3 || !parts[^2].StartsWith("character", StringComparison.Ordinal)) throw new DataException(file.Where, "does not lie in ALPHABET/characterNN/; not the Omniglot data set");
                if (!drawings.TryAdd((parts[^3], parts[^2], DrawingNumber(file)), Decode(file))) throw new DataException(file.Where, "is there twice");
            }
        if (drawings.Count == 0) throw new DataException(string.Join(", ", sources), "holds no drawings (ALPHABET/characterNN/IIII_DD.png)");
        var alphabets = drawings.Keys.Select(k => k.Alphabet).Distinct().ToList();
        var pixels = new byte[drawings.Count * Pixels];
        var labels = new int[drawings.Count];
        var groups = new int[drawings.Count];
        var (at, character) = (0, -1);
        foreach (var (key, drawing) in drawings)
        {
            if (at % DrawingsPerCharacter == 0) character++;
            // Exactly the drawings 1..20 of each character, or something is missing.
            if (key.Drawing != at % DrawingsPerCharacter + 1)
                throw new DataException(string.Join(", ", sources), $"{key.Alphabet}/{key.Character} does not have the drawings 1..{DrawingsPerCharacter}, each once");
            drawing.CopyTo(pixels, at * Pixels);
            (labels[at], groups[at]) = (character, alphabets.IndexOf(key.Alphabet));
            at++;
        }
        if (at % DrawingsPerCharacter != 0) throw new DataException(string.Join(", ", sources), $"{drawings.Keys.Last().Alphabet}/{drawings.Keys.Last().Character} does not have the drawings 1..{DrawingsPerCharacter}, each once");
        return new ImageSet("omniglot\n" + string.Join('\n', alphabets), 1, Side, Side, character + 1, pixels, labels, drawings.Count, groups);
    }

    // "IIII_DD.png": the image's number and the drawer's.
    private static int DrawingNumber(SourceFile file)
    {
        var name = Path.GetFileNameWithoutExtension(file.Parts[^1]);
        var at = name.LastIndexOf('_');
        return at > 0 && int.TryParse(name.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var drawing) && drawing is >= 1 and <= DrawingsPerCharacter
            ? drawing : throw new DataException(file.Where, $"is not named IIII_DD.png with a drawing of 01..{DrawingsPerCharacter}; not the Omniglot data set");
    }

    private static byte[] Decode(SourceFile file)
    {
        var image = Png.Decode(file.Bytes, file.Where);
        if (image.Width != OriginalSide || image.Height != OriginalSide || image.Channels != 1)
            throw new DataException(file.Where, $"has {image.Width}x{image.Height} pixels and {image.Channels} channel(s) where 105x105 and 1 are expected; not the Omniglot data set");
        var small = Resize.Nearest(image, Side, Side).Pixels;
        for (var i = 0; i < small.Length; i++)
            small[i] = small[i] switch { 0 => 0, 255 => 1, var v => throw new DataException(file.Where, $"has a gray pixel ({v}) where black and white are expected") };
        return small;
    }
}

using System.Globalization;

namespace RlLeap.Data;

/// <summary>One alphabet of Omniglot: 20 drawings of every character, at 28x28 pixels.</summary>
/// <param name="Name">The alphabet's folder name, such as "Greek".</param>
/// <param name="Characters">How many characters it has.</param>
/// <param name="Drawings">[Characters, 20, 28, 28]: ink is 0, paper is 1.</param>
public sealed record OmniglotAlphabet(string Name, int Characters, ReadOnlyMemory<byte> Drawings)
{
    /// <summary>One drawing, [28, 28].</summary>
    public ReadOnlySpan<byte> Drawing(int character, int drawing) =>
        Drawings.Span.Slice((character * OmniglotData.DrawingsPerCharacter + drawing) * OmniglotData.Pixels,
            OmniglotData.Pixels);
}

/// <summary>Omniglot (Lake et al. 2015), from the archives: 50 alphabets, 1,623 characters, 20 drawings each.</summary>
/// <remarks>
/// The original drawings of 105x105 pixels are resized to 28x28 by nearest neighbour, with PIL's choice of pixels, as
/// in the Leap authors' code.
/// </remarks>
public sealed class OmniglotData
{
    /// <summary>Side of a drawing after resizing.</summary>
    public const int Side = 28;

    /// <summary>Pixels of a drawing after resizing.</summary>
    public const int Pixels = Side * Side;

    /// <summary>Drawings of each character. Each is by another person.</summary>
    public const int DrawingsPerCharacter = 20;

    private const int OriginalSide = 105, MaxFile = 1 << 16;

    private OmniglotData(IReadOnlyList<OmniglotAlphabet> alphabets) => Alphabets = alphabets;

    /// <summary>All alphabets, in ordinal order of their names.</summary>
    public IReadOnlyList<OmniglotAlphabet> Alphabets { get; }

    /// <summary>The alphabet called <paramref name="name"/>.</summary>
    /// <exception cref="RlLeapException">There is none.</exception>
    public OmniglotAlphabet this[string name] =>
        Alphabets.FirstOrDefault(a => a.Name == name) ?? throw new RlLeapException(
            $"Omniglot has no alphabet called '{name}'; there are {string.Join(", ", Alphabets.Select(a => a.Name))}.");

    /// <summary>Loads the complete set from its archives or folders; decoded once, then from the cache.</summary>
    /// <exception cref="DataException">The set is missing, damaged, or not the complete 50 alphabets with 1,623
    /// characters.</exception>
    public static OmniglotData Load(DataLocation? location = null)
    {
        location ??= DataLocation.Default;
        var sources = Sources(location);
        var data = Load(sources, location.Cache);
        var characters = data.Alphabets.Sum(a => a.Characters);
        if (data.Alphabets.Count != 50 || characters != 1623)
            throw new DataException(string.Join(", ", sources),
                $"hold {data.Alphabets.Count} alphabets with {characters} characters where Omniglot has 50 with " +
                "1,623; not the data set, or only a part");
        return data;
    }

    /// <summary>Loads archives or folders of Omniglot's layout (SET/ALPHABET/characterNN/IIII_DD.png).</summary>
    /// <exception cref="DataException">A file is missing or damaged, or the layout is another one.</exception>
    public static OmniglotData Load(IReadOnlyList<string> sources, string? cache = null)
    {
        // The cache holds one ImageSet. Its labels are characters and its groups are alphabets. Its name is "omniglot"
        // followed by the alphabets' names, each on a line of its own.
        var set = ImageCache.Load(cache, "omniglot", sources, () => Read(sources));
        var names = set.Name.Split('\n')[1..];
        var alphabets = new List<OmniglotAlphabet>();
        for (int a = 0, first = 0; a < names.Length; a++)
        {
            var count = set.Groups!.AsSpan().Count(a) / DrawingsPerCharacter;
            var pixels = set.Pixels.AsMemory(first * DrawingsPerCharacter * Pixels,
                count * DrawingsPerCharacter * Pixels);
            alphabets.Add(new OmniglotAlphabet(names[a], count, pixels));
            first += count;
        }
        return new OmniglotData(alphabets);
    }

    /// <summary>The files or folders that the complete set is read from.</summary>
    internal static IReadOnlyList<string> Sources(DataLocation location)
    {
        return [Part("images_background"), Part("images_evaluation")];
        string Part(string name) => location.Require("omniglot",
            $"omniglot/{name}.zip", $"{name}.zip", $"omniglot_{name}.zip", $"omniglot/{name}", name);
    }

    private static ImageSet Read(IReadOnlyList<string> sources)
    {
        var read = new Dictionary<(string Alphabet, string Character, int Drawing), byte[]>();
        foreach (var source in sources)
            foreach (var file in SourceFiles.Read(source, SourceFiles.IsPng, MaxFile))
            {
                var parts = file.Parts;
                if (parts.Length < 3 || !parts[^2].StartsWith("character", StringComparison.Ordinal))
                    throw new DataException(file.Where,
                        "does not lie in ALPHABET/characterNN/; not the Omniglot data set");
                if (!read.TryAdd((parts[^3], parts[^2], DrawingNumber(file)), Decode(file)))
                    throw new DataException(file.Where, "is there twice");
            }
        if (read.Count == 0)
            throw new DataException(string.Join(", ", sources), "holds no drawings (ALPHABET/characterNN/IIII_DD.png)");
        // Sorted, so that the result does not depend on the order of the files.
        var drawings = read.OrderBy(d => d.Key.Alphabet, StringComparer.Ordinal)
            .ThenBy(d => d.Key.Character, StringComparer.Ordinal).ThenBy(d => d.Key.Drawing).ToList();
        var alphabets = drawings.Select(d => d.Key.Alphabet).Distinct().ToList();
        var pixels = new byte[drawings.Count * Pixels];
        var labels = new int[drawings.Count];
        var groups = new int[drawings.Count];
        var (at, character) = (0, -1);
        foreach (var (key, drawing) in drawings)
        {
            if (at % DrawingsPerCharacter == 0) character++;
            // Each character must have exactly the drawings 1..20.
            if (key.Drawing != at % DrawingsPerCharacter + 1)
                throw new DataException(string.Join(", ", sources),
                    $"{key.Alphabet}/{key.Character} does not have the drawings 1..{DrawingsPerCharacter}, each once");
            drawing.CopyTo(pixels, at * Pixels);
            (labels[at], groups[at]) = (character, alphabets.IndexOf(key.Alphabet));
            at++;
        }
        if (at % DrawingsPerCharacter != 0)
        {
            var last = drawings[^1].Key;
            throw new DataException(string.Join(", ", sources),
                $"{last.Alphabet}/{last.Character} does not have the drawings 1..{DrawingsPerCharacter}, each once");
        }
        return new ImageSet("omniglot\n" + string.Join('\n', alphabets), 1, Side, Side, character + 1, pixels, labels,
            drawings.Count, groups);
    }

    // The drawing's number in "IIII_DD.png" (image and drawing).
    private static int DrawingNumber(SourceFile file)
    {
        var name = Path.GetFileNameWithoutExtension(file.Parts[^1]);
        var at = name.LastIndexOf('_');
        return at > 0
            && int.TryParse(name.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var drawing)
            && drawing is >= 1 and <= DrawingsPerCharacter
                ? drawing
                : throw new DataException(file.Where,
                    $"is not named IIII_DD.png with a drawing of 01..{DrawingsPerCharacter}; not the Omniglot data " +
                    "set");
    }

    private static byte[] Decode(SourceFile file)
    {
        var image = Png.Decode(file.Bytes, file.Where);
        if (image.Width != OriginalSide || image.Height != OriginalSide || image.Channels != 1)
            throw new DataException(file.Where,
                $"has {image.Width}x{image.Height} pixels and {image.Channels} channel(s) where 105x105 and 1 are " +
                "expected; not the Omniglot data set");
        var small = Resize.Nearest(image, Side, Side).Pixels;
        for (var i = 0; i < small.Length; i++)
        {
            if (small[i] is not (0 or 255))
                throw new DataException(file.Where,
                    $"has a gray pixel ({small[i]}) where black and white are expected");
            small[i] /= 255;
        }
        return small;
    }
}

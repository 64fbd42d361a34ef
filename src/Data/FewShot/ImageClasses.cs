using static TorchSharp.torch;

namespace RlLeap.Data;

/// <summary>Images by class, of one size, as bytes: what episodes are drawn from.</summary>
/// <param name="Name">The set's name.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Side">Rows and columns of an image.</param>
/// <param name="Classes">Each class's name and how many images it has, in the order of the pixels.</param>
/// <param name="Pixels">[images, Channels, Side, Side], class after class.</param>
/// <param name="Split">The names of each part's classes, where the set itself divides them; else null.</param>
public sealed record ImageClasses(
    string Name, int Channels, int Side, IReadOnlyList<(string Name, int Count)> Classes, byte[] Pixels,
    ClassSplitOptions? Split = null)
{
    /// <summary>How many images every class has.</summary>
    /// <exception cref="RlLeapException">Not all have as many.</exception>
    public int ImagesPerClass => Classes.FirstOrDefault(c => c.Count != Classes[0].Count) is { Name: { } } other
        ? throw new RlLeapException($"{Name}: the class {other.Name} has {other.Count} images and {Classes[0].Name} "
            + $"{Classes[0].Count}. Give as many images of every class.")
        : Classes[0].Count;

    /// <summary>All images [images, Channels, Side, Side] as floats from 0 to 1, class after class.</summary>
    public Tensor ToTensor()
    {
        using var _ = no_grad();
        using var bytes = tensor(Pixels, [Classes.Sum(c => c.Count), Channels, Side, Side]);
        return bytes.to_type(ScalarType.Float32).div_(255);
    }

    /// <summary>The classes of a labelled set. Its own training and test parts are put together.</summary>
    /// <param name="set">The set; its images must be square.</param>
    /// <param name="names">Names of the labels; null for their numbers.</param>
    /// <exception cref="RlLeapException">The images are not square.</exception>
    public static ImageClasses Of(ImageSet set, IReadOnlyList<string>? names = null)
    {
        if (set.Height != set.Width)
            throw new RlLeapException($"{set.Name}: images of {set.Width}x{set.Height} are not square.");
        var order = Enumerable.Range(0, set.Count).GroupBy(i => set.Labels[i]).OrderBy(g => g.Key).ToList();
        var pixels = new byte[set.Pixels.Length];
        var at = 0;
        foreach (var image in order.SelectMany(g => g))
        {
            set.Image(image).CopyTo(pixels.AsSpan(at));
            at += set.ImageBytes;
        }
        return new ImageClasses(set.Name, set.Channels, set.Height,
            [.. order.Select(g => (names?[g.Key] ?? $"{g.Key}", g.Count()))], pixels);
    }

    /// <summary>Omniglot's characters as classes: ink is 255 on paper 0, as in the few-shot literature.</summary>
    public static ImageClasses Of(OmniglotData data)
    {
        var classes = data.Alphabets.SelectMany(alphabet => Enumerable.Range(0, alphabet.Characters)
            .Select(i => ($"{alphabet.Name}/character{i + 1:D2}", OmniglotData.DrawingsPerCharacter))).ToList();
        var pixels = new byte[(long)classes.Count * OmniglotData.DrawingsPerCharacter * OmniglotData.Pixels];
        var at = 0;
        foreach (var alphabet in data.Alphabets)
        {
            alphabet.Drawings.Span.CopyTo(pixels.AsSpan(at));
            at += alphabet.Drawings.Length;
        }
        for (var i = 0; i < pixels.Length; i++) pixels[i] = pixels[i] == 0 ? (byte)255 : (byte)0;
        return new ImageClasses("omniglot", 1, OmniglotData.Side, classes, pixels);
    }
}

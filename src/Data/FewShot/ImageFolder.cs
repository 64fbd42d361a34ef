namespace RlLeap.Data;

/// <summary>Images of one's own: a folder (or .zip, .tar, .tar.gz) with a folder for each class.</summary>
/// <remarks>
/// A class is named after the path of its folder. Where the outermost folders are train, val (or validation) and test,
/// they are the split, as in the distributions of miniImageNet.
/// </remarks>
public static class ImageFolder
{
    private const int MaxFile = 1 << 28;

    private static readonly Dictionary<string, Split> Parts = new(StringComparer.Ordinal)
    {
        ["train"] = Split.Train, ["val"] = Split.Validation, ["validation"] = Split.Validation, ["test"] = Split.Test,
    };

    /// <summary>Reads all images: PNG, JPEG, WebP, BMP and binary netpbm.</summary>
    /// <param name="path">The folder or archive.</param>
    /// <param name="side">Images are resized to this side (bilinear); null leaves them as they are.</param>
    /// <exception cref="DataException">
    /// There is no image, one is damaged or does not lie in a class's folder, or images differ in size and no side is
    /// given.
    /// </exception>
    /// <exception cref="RlLeapException">A class is in two of train, val and test.</exception>
    public static ImageClasses Read(string path, int? side = null)
    {
        var classes = new SortedDictionary<string, List<(string Key, RasterImage Image)>>(StringComparer.Ordinal);
        (RasterImage Image, string Where)? first = null;
        var channels = 1;
        foreach (var file in SourceFiles.Read(path, SourceFiles.IsPicture, MaxFile))
        {
            if (file.Parts.Length < 2)
                throw new DataException(file.Where,
                    "does not lie in a class's folder; put each class's images in a folder of its name");
            var image = RasterImage.Decode(file.Bytes, file.Where);
            if (side is { } wanted) image = Resize.Bilinear(image, wanted, wanted);
            first ??= (image, file.Where);
            RequireSize(first.Value, image, file.Where);
            channels = Math.Max(channels, image.Channels);
            var name = string.Join('/', file.Parts[..^1]);
            if (!classes.TryGetValue(name, out var images)) classes[name] = images = [];
            images.Add((file.Parts[^1], image));
        }
        if (first is null)
            throw new DataException(path, "holds no image (png, jpg, jpeg, webp, bmp, pgm, ppm) in a class's folder");

        var size = channels * first.Value.Image.Width * first.Value.Image.Height;
        var pixels = new byte[checked((long)classes.Values.Sum(c => c.Count) * size)];
        var at = 0;
        foreach (var (_, image) in classes.Values.SelectMany(c => c.OrderBy(i => i.Key, StringComparer.Ordinal)))
        {
            image.CopyPlanar(pixels.AsSpan(at, size), channels);
            at += size;
        }
        var name_ = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
        return new ImageClasses(name_, channels, first.Value.Image.Width,
            [.. classes.Select(c => (c.Key, c.Value.Count))], pixels, SplitOf(name_, [.. classes.Keys]));
    }

    private static void RequireSize((RasterImage Image, string Where) first, RasterImage image, string where)
    {
        const string Advice = "give the side to resize all images to (few-shot.side)";
        if (image.Width != first.Image.Width || image.Height != first.Image.Height)
            throw new DataException(where, $"has {image.Width}x{image.Height} pixels where {first.Where} has "
                + $"{first.Image.Width}x{first.Image.Height}; {Advice}");
        if (image.Width != image.Height)
            throw new DataException(where, $"has {image.Width}x{image.Height} pixels and is not square; {Advice}");
    }

    // The split that the outermost folders say; null where they say none.
    private static ClassSplitOptions? SplitOf(string set, IReadOnlyList<string> names)
    {
        var parts = names.Select(name => name.Split('/')).ToList();
        if (!parts.All(p => p.Length > 1 && Parts.ContainsKey(p[0]))) return null;
        var twice = parts.GroupBy(p => string.Join('/', p[1..])).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null)
            throw new RlLeapException($"The splits of {set} overlap: the class {twice.Key} is in "
                + $"{string.Join(" and in ", twice.Select(p => p[0]))}. A class belongs to one part.");
        return new ClassSplitOptions
        {
            TrainNames = Of(Split.Train), ValidationNames = Of(Split.Validation), TestNames = Of(Split.Test),
            Validation = 0, Test = 0,
        };

        string[] Of(Split split) => [.. names.Where(name => Parts[name.Split('/')[0]] == split)];
    }
}

namespace RlLeap.Data;

/// <summary>Classes of images by one name: a set that RlLeap knows, or a folder of one's own.</summary>
public static class FewShotData
{
    /// <summary>Omniglot's name.</summary>
    public const string Omniglot = "omniglot";

    /// <summary>The sets with a name.</summary>
    public static IReadOnlyList<string> Names { get; } = [Omniglot, .. MultiCv.Names];

    /// <summary>Loads a set.</summary>
    /// <param name="data">
    /// "omniglot", a set of Multi-CV ("mnist", "cifar100"; partial copies too), or the path of a folder or archive with
    /// a folder for each class.
    /// </param>
    /// <param name="side">
    /// Side to resize to; null leaves images as they are. Omniglot is always 28x28 and the sets of Multi-CV 32x32,
    /// unless resized. The classes of CIFAR-100 have names ("apple"), those of the other sets their numbers.
    /// </param>
    /// <param name="location">Where named sets lie; null for <see cref="DataLocation.Default"/>.</param>
    /// <exception cref="RlLeapException">There is no such set or folder, or it is damaged.</exception>
    public static ImageClasses Load(string data, int? side = null, DataLocation? location = null)
    {
        if (data == Omniglot) return Resized(ImageClasses.Of(OmniglotData.Load(location)), side);
        if (MultiCv.Names.Contains(data))
            return Resized(ImageClasses.Of(MultiCv.LoadImages(data, location, allowPartial: true),
                data == "cifar100" ? Cifar100Classes.Names : null), side);
        if (Directory.Exists(data) || File.Exists(data)) return ImageFolder.Read(data, side);
        throw new RlLeapException($"There is no few-shot data {data}: it is neither a folder or archive nor one of "
            + $"{string.Join(", ", Names)}.{RlLeap.Names.Suggest(data, Names)}");
    }

    private static ImageClasses Resized(ImageClasses set, int? side)
    {
        if (side is not { } wanted || wanted == set.Side) return set;
        var (from, to, images) = (set.Side * set.Side, wanted * wanted, set.Classes.Sum(c => c.Count) * set.Channels);
        var pixels = new byte[checked((long)images * to)];
        for (var i = 0; i < images; i++)
        {
            var plane = new RasterImage(set.Side, set.Side, 1, set.Pixels.AsSpan(i * from, from).ToArray());
            Resize.Bilinear(plane, wanted, wanted).Pixels.CopyTo(pixels.AsSpan(i * to));
        }
        return set with { Side = wanted, Pixels = pixels };
    }
}

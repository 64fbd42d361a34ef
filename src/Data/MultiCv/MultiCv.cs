namespace RlLeap.Data;

/// <summary>The eight data sets of Multi-CV by name (Flennerhag et al. 2019, section 4.2, appendix E).</summary>
public static class MultiCv
{
    private sealed record Entry(
        string Name,
        double[] Mean,
        double[] Deviation,
        int Train,
        int Test,
        Func<DataLocation, string[]> Sources,
        Func<string[], string, ImageSet> Read);

    // Mean and Deviation are on the 0..1 scale, with the values of the HAT work. Train and Test count the images of the
    // complete distribution. Test is 0 where it has no test part; both are 0 where the size of a copy is not known.
    private static readonly Entry[] Entries =
    [
        new("cifar10", [125.3 / 255, 123.0 / 255, 113.9 / 255], [63.0 / 255, 62.1 / 255, 66.7 / 255], 50_000, 10_000,
            l => [Cifar10(l)],
            (s, n) => MultiCvReaders.Cifar10(s[0], n)),
        new("cifar100", [125.3 / 255, 123.0 / 255, 113.9 / 255], [63.0 / 255, 62.1 / 255, 66.7 / 255], 50_000, 10_000,
            l => [l.Require("cifar100", "cifar-100-binary", "cifar100/cifar-100-binary",
                "cifar100/cifar-100-binary.tar.gz", "cifar-100-binary.tar.gz", "cifar100")],
            (s, n) => MultiCvReaders.Cifar100(s[0], n)),
        new("mnist", [0.1], [0.2752], 60_000, 10_000, l => [l.Require("mnist", "mnist", "MNIST/raw")],
            (s, n) => MultiCvReaders.IdxFolder(s[0], n)),
        // Pixels as a network sees them that learned MNIST.
        new("mnist-m", [0.1], [0.2752], 60_000, 10_000, l => [l.Require("mnist", "mnist", "MNIST/raw"), Cifar10(l)],
            (s, n) => BlendedDigits.Of(MultiCvReaders.IdxFolder(s[0], n), MultiCvReaders.Cifar10(s[1], n), n)),
        new("fashion-mnist", [0.2190], [0.3318], 60_000, 10_000,
            l => [l.Require("fashion-mnist", "fashion-mnist", "FashionMNIST/raw")],
            (s, n) => MultiCvReaders.IdxFolder(s[0], n)),
        new("notmnist", [0.4254], [0.4501], 18_724, 0,
            l => [l.Require("notmnist", "notMNIST_small", "notmnist/notMNIST_small", "notmnist/notMNIST_small.tar.gz",
                "notMNIST_small.tar.gz", "notmnist")],
            (s, n) => MultiCvReaders.NotMnist(s[0], n)),
        new("svhn", [0.4377, 0.4438, 0.4728], [0.198, 0.201, 0.197], 73_257, 26_032,
            l => [l.Require("svhn", "svhn", "SVHN")],
            (s, n) => MultiCvReaders.Svhn(s[0], n)),
        new("gtsrb", [0.3398, 0.3117, 0.3210], [0.2755, 0.2647, 0.2712], 39_209, 12_630, GtsrbSources,
            MultiCvReaders.Gtsrb),
        new("facescrub", [0.5163, 0.5569, 0.4695], [0.2307, 0.2272, 0.2479], 0, 0,
            l => [l.Require("facescrub", "facescrub", "FaceScrub", "facescrub.zip", "facescrub.tar.gz")],
            (s, n) => MultiCvReaders.Facescrub(s[0], n)),
    ];

    /// <summary>cifar10, cifar100, mnist, mnist-m, fashion-mnist, notmnist, svhn, gtsrb, facescrub.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Entries.Select(e => e.Name)];

    /// <summary>Loads a set and draws its split. The set is decoded once and then read from the cache.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="location">Where data lie; null for <see cref="DataLocation.Default"/>.</param>
    /// <param name="rng">The split depends only on this and on the set's name.</param>
    /// <param name="allowPartial">Whether a copy with fewer images than the distribution is accepted.</param>
    /// <param name="validationFraction">Share of the training images that become the validation part.</param>
    /// <param name="trainImages">How many of the shuffled training images to train on, or 0 for all. The other parts do
    /// not change.</param>
    /// <param name="testImages">How many of the shuffled test images to test on, or 0 for all.</param>
    /// <exception cref="DataException">The set is missing, damaged, another data set, or (unless allowed)
    /// incomplete.</exception>
    public static MultiCvSet Load(string name, Rng rng, DataLocation? location = null, bool allowPartial = false,
        double validationFraction = 0.15, int trainImages = 0, int testImages = 0)
    {
        var entry = Find(name);
        var images = LoadImages(name, location, allowPartial);
        var split = ImageSplit.Draw(images, rng.Split("split/" + name), validationFraction);
        if (trainImages > 0 && trainImages < split.Train.Length)
            split = split with { Train = split.Train[..trainImages] };
        if (testImages > 0 && testImages < split.Test.Length)
            split = split with { Test = split.Test[..testImages] };
        return new MultiCvSet(images, split, entry.Mean, entry.Deviation);
    }

    /// <summary>Loads a set's images without a split. See <see cref="Load"/>.</summary>
    public static ImageSet LoadImages(string name, DataLocation? location = null, bool allowPartial = false)
    {
        location ??= DataLocation.Default;
        var entry = Find(name);
        var sources = entry.Sources(location);
        var images = ImageCache.Load(location.Cache, name, sources, () => entry.Read(sources, name));
        var test = images.Count - images.TrainCount;
        if (!allowPartial && (images.TrainCount < entry.Train || test < entry.Test))
            throw new DataException(string.Join(", ", sources),
                $"holds {images.TrainCount:N0} training and {test:N0} test images where {name} has {entry.Train:N0} " +
                $"and {entry.Test:N0}; complete it (`rlleap data get {name}`) or allow partial sets");
        return images;
    }

    /// <summary>The files and folders that the set would be read from.</summary>
    internal static IReadOnlyList<string> Sources(string name, DataLocation? location = null) =>
        Find(name).Sources(location ?? DataLocation.Default);

    private static Entry Find(string name) =>
        Array.Find(Entries, e => e.Name == name) ?? throw new RlLeapException(
            $"There is no Multi-CV data set called '{name}'; there are {string.Join(", ", Names)}.");

    private static string Cifar10(DataLocation location) =>
        location.Require("cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin",
            "cifar10/cifar-10-binary.tar.gz", "cifar-10-binary.tar.gz", "cifar10", "cifar10-lossless-subset");

    private static string[] GtsrbSources(DataLocation location)
    {
        if (location.Find("gtsrb/GTSRB", "gtsrb/Final_Training", "GTSRB") is { } folder)
        {
            var isPart = folder.EndsWith("Final_Training", StringComparison.Ordinal);
            return [isPart ? Path.GetDirectoryName(folder)! : folder];
        }
        if (location.Find("gtsrb/GTSRB_Final_Training_Images.zip", "GTSRB_Final_Training_Images.zip") is { } training)
        {
            var home = DataLocation.Folder(Path.GetDirectoryName(training)!);
            return [training, home.Require("gtsrb", "GTSRB_Final_Test_Images.zip"),
                home.Require("gtsrb", "GTSRB_Final_Test_GT.zip")];
        }
        return [location.Require("gtsrb", "gtsrb.zip", "gtsrb_35x35_subset.zip")];
    }
}

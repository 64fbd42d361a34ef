namespace RlLeap.Data;

/// <summary>One file of a public distribution.</summary>
/// <param name="Name">File name in the set's folder.</param>
/// <param name="Urls">Addresses that are tried in order.</param>
/// <param name="Md5">The checksum that the distributors publish.</param>
public sealed record DataFile(string Name, IReadOnlyList<string> Urls, string Md5);

/// <summary>A data set that the program knows.</summary>
/// <param name="Name">The name in configs and of the folder that downloads go to.</param>
/// <param name="About">One line: what it is, its licence, its size.</param>
/// <param name="Files">What is downloaded. Empty if there is no public download.</param>
public sealed record DataSource(string Name, string About, IReadOnlyList<DataFile> Files);

/// <summary>The public data sets: names, addresses of the original distributions and checksums.</summary>
/// <remarks>The distributors publish MD5 checksums. They reveal damage but do not protect against an attack.</remarks>
public static class DataCatalog
{
    private const string Gtsrb = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/";

    /// <summary>All sets.</summary>
    public static IReadOnlyList<DataSource> Sets { get; } =
    [
        new("omniglot", "1,623 characters of 50 alphabets, 20 drawings each (Lake et al. 2015; MIT); 14 MB",
        [
            File("images_background.zip", "68d2efa1b9178cc56df9314c21c6e718",
                "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/images_background.zip"),
            File("images_evaluation.zip", "6b91aef0f799c5bb55b94e3f2daec811",
                "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/images_evaluation.zip"),
        ]),
        new("mnist", "handwritten digits, 60,000 + 10,000 (LeCun et al. 1998; CC BY-SA 3.0); 12 MB",
        [
            .. Idx("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/",
                "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c"),
        ]),
        new("mnist-m", "MNIST's digits blended with CIFAR-10's photographs, made here of these two sets (docs/data.md)",
            []),
        new("fashion-mnist", "pieces of clothing, 60,000 + 10,000 (Xiao et al. 2017; MIT); 31 MB",
        [
            .. Idx("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", null,
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310"),
        ]),
        new("notmnist", "letters A..J in many fonts, 18,724 (Bulatov 2011); 8 MB",
            [File("notMNIST_small.tar.gz", "c9890a473a9769fda4bdf314aaf500dd",
                "http://yaroslavvb.com/upload/notMNIST/notMNIST_small.tar.gz")]),
        new("cifar10", "tiny colour images of 10 classes, 50,000 + 10,000 (Krizhevsky 2009); 170 MB",
            [File("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530",
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz")]),
        new("cifar100", "tiny colour images of 100 classes, 50,000 + 10,000 (Krizhevsky 2009); 169 MB",
            [File("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8",
                "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz")]),
        new("svhn", "street view house numbers, cropped, 73,257 + 26,032 (Netzer et al. 2011; non-commercial); 246 MB",
        [
            File("train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373",
                "http://ufldl.stanford.edu/housenumbers/train_32x32.mat"),
            File("test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3",
                "http://ufldl.stanford.edu/housenumbers/test_32x32.mat"),
        ]),
        new("gtsrb", "German traffic signs, 39,209 + 12,630 (Stallkamp et al. 2012); 365 MB",
        [
            File("GTSRB_Final_Training_Images.zip", "f33fd80ac59bff73c82d25ab499e03a3",
                Gtsrb + "GTSRB_Final_Training_Images.zip"),
            File("GTSRB_Final_Test_Images.zip", "c7e4e6327067d32654124b0fe9e82185",
                Gtsrb + "GTSRB_Final_Test_Images.zip"),
            File("GTSRB_Final_Test_GT.zip", "fe31e9c9270bbcd7b84b7f21a9d9d9e5", Gtsrb + "GTSRB_Final_Test_GT.zip"),
        ]),
        new("facescrub",
            "faces of 100 people; no public download: put your own copy in facescrub/PERSON/*.png (docs/data.md)", []),
    ];

    /// <summary>The set called <paramref name="name"/>.</summary>
    /// <exception cref="RlLeapException">There is none.</exception>
    public static DataSource Get(string name) =>
        Sets.FirstOrDefault(s => s.Name == name) ?? throw new RlLeapException(
            $"There is no data set called '{name}'; there are {string.Join(", ", Sets.Select(s => s.Name))}.");

    /// <summary>Whether a set of that name has a public download.</summary>
    public static bool CanDownload(string name) => Sets.Any(s => s.Name == name && s.Files.Count > 0);

    /// <summary>Where the set would be read from on this machine, or null if it is not there.</summary>
    public static string? Present(string name, DataLocation location)
    {
        try
        {
            return name == "omniglot" ? OmniglotData.Sources(location)[0] : MultiCv.Sources(name, location)[0];
        }
        catch (DataException) { return null; }
    }

    /// <summary>Whether a complete copy is on this machine. Reads the set, which also fills the cache.</summary>
    public static bool IsComplete(string name, DataLocation location)
    {
        try
        {
            return name == "omniglot"
                ? OmniglotData.Load(location) is not null
                : MultiCv.LoadImages(name, location) is not null;
        }
        catch (DataException) { return false; }
    }

    private static DataFile File(string name, string md5, params string[] urls) => new(name, urls, md5);

    // The four files of an MNIST-like set, with checksums in the order of the names.
    private static IEnumerable<DataFile> Idx(string url, string? mirror, params string[] md5)
    {
        string[] names = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz"];
        return names.Zip(md5,
            (name, sum) => new DataFile(name, mirror is null ? [url + name] : [url + name, mirror + name], sum));
    }
}

using System.Globalization;

namespace RlLeap.Data;

/// <summary>
/// Reads each data set of Multi-CV in its original distribution format. The result is an <see cref="ImageSet"/> of
/// 32x32 images as bytes, not yet normalized.
/// </summary>
/// <remarks>
/// Gray sets keep one channel; it is repeated when batches are made. Images of 28x28 are padded with zeros to 32x32.
/// Images of any size (GTSRB, Facescrub) are resized by a bilinear filter. Every method throws
/// <see cref="DataException"/> for a file that is missing, damaged or not the data set.
/// </remarks>
internal static class MultiCvReaders
{
    /// <summary>Side of an image.</summary>
    public const int Side = 32;

    private const int MaxImageFile = 1 << 26;

    /// <summary>MNIST and Fashion-MNIST: four idx files, gzipped or plain.</summary>
    public static ImageSet IdxFolder(string folder, string name)
    {
        var train = IdxPart(folder, "train") ?? throw new DataException(folder,
            "has no training part (train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz)");
        var test = IdxPart(folder, "t10k") ?? throw new DataException(folder,
            "has no test part (t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz)");
        return new ImageSet(name, 1, Side, Side, 10, [.. train.Pixels, .. test.Pixels],
            [.. train.Labels, .. test.Labels], train.Labels.Length);
    }

    /// <summary>
    /// notMNIST, as idx files or as the original's letter folders A..J of PNG files. The folders may be unpacked or in
    /// notMNIST_small.tar.gz. With idx files of one part only, that part is split by us.
    /// </summary>
    /// <remarks>
    /// Equal images form a group, so copies of one image never get into different parts. Two files of the original
    /// cannot be read and are skipped.
    /// </remarks>
    public static ImageSet NotMnist(string path, string name)
    {
        if (!Directory.Exists(path) || Directory.Exists(Path.Combine(path, "A"))
            || SourceFolder.Files(path).Any(file => file.EndsWith(".png", StringComparison.Ordinal)))
            return NotMnistLetters(path, name);
        var train = IdxPart(path, "train");
        var test = IdxPart(path, "t10k");
        if (train is null && test is null)
            throw new DataException(path,
                "has neither letter folders A..J with PNG files nor idx files (train-*, t10k-*)");
        byte[] pixels = [.. train?.Pixels ?? [], .. test?.Pixels ?? []];
        int[] labels = [.. train?.Labels ?? [], .. test?.Labels ?? []];
        var trainCount = train?.Labels.Length ?? labels.Length;
        var groups = GroupsOfEqualImages(pixels, Side * Side);
        return new ImageSet(name, 1, Side, Side, 10, pixels, labels, trainCount, groups);
    }

    /// <summary>CIFAR-10: data_batch_N.bin and test_batch.bin in a folder, or inside cifar-10-binary.tar.gz.</summary>
    public static ImageSet Cifar10(string path, string name) =>
        Cifar(path, name, 1, 10, IsCifar10Train, "test_batch.bin", "data_batch_1.bin");

    /// <summary>CIFAR-100, fine labels: train.bin and test.bin, or cifar-100-binary.tar.gz.</summary>
    public static ImageSet Cifar100(string path, string name) =>
        Cifar(path, name, 2, 100, f => f == "train.bin", "test.bin", "train.bin");

    /// <summary>SVHN's cropped digits: train_32x32.mat and test_32x32.mat. The file's label 10 is digit 0.</summary>
    public static ImageSet Svhn(string folder, string name)
    {
        var (pixels, labels) = SvhnPart(Path.Combine(folder, "train_32x32.mat"));
        var (testPixels, testLabels) = SvhnPart(Path.Combine(folder, "test_32x32.mat"));
        return new ImageSet(name, 3, Side, Side, 10, [.. pixels, .. testPixels], [.. labels, .. testLabels],
            labels.Length);
    }

    /// <summary>
    /// GTSRB: the archives GTSRB_Final_Training_Images.zip, GTSRB_Final_Test_Images.zip and GTSRB_Final_Test_GT.zip, or
    /// any archives and folders that together hold their files.
    /// </summary>
    /// <remarks>
    /// Training images of one track (frames of one physical sign) form a group. The whole frame is resized, not the
    /// region of interest in the csv table, as in the HAT work's data. A csv table must agree with the folders. If test
    /// images lie in class folders, no ground-truth table is needed.
    /// </remarks>
    public static ImageSet Gtsrb(IReadOnlyList<string> paths, string name) => GtsrbReader.Read(paths, name);

    /// <summary>
    /// Facescrub: your own copy, a folder or archive with one folder of images for each person. Takes the
    /// <paramref name="people"/> with the most images. Equal images form a group, so that copies never get into
    /// different parts.
    /// </summary>
    /// <param name="path">Folder, .zip or .tar.gz.</param>
    /// <param name="people">How many people to take. It is an error if there are fewer.</param>
    public static ImageSet Facescrub(string path, string name, int people = 100)
    {
        var faces = new Dictionary<string, List<(string Key, byte[] Pixels)>>(StringComparer.Ordinal);
        foreach (var file in SourceFiles.Read(path, SourceFiles.IsPicture, MaxImageFile))
        {
            var parts = file.Parts;
            if (parts.Length < 2)
                throw new DataException(file.Where, "lies outside a person's folder; expected PERSON/IMAGE.png");
            var person = string.Join('/', parts[..^1]);
            if (!faces.TryGetValue(person, out var list)) faces[person] = list = [];
            var picture = Resize.Bilinear(RasterImage.Decode(file.Bytes, file.Where), Side, Side);
            list.Add((file.Path, Planar(picture, 3)));
        }
        if (faces.Count < people)
            throw new DataException(path,
                $"holds images of {faces.Count} people where {people} are needed; expected one folder a person with " +
                "PNG, JPEG, WebP, BMP or PPM images");
        var builder = new ImageSetBuilder(name, 3, Side, Side, people);
        var chosen = faces.OrderByDescending(f => f.Value.Count).ThenBy(f => f.Key, StringComparer.Ordinal).Take(people)
            .OrderBy(f => f.Key, StringComparer.Ordinal).ToArray();
        for (var label = 0; label < chosen.Length; label++)
            foreach (var (key, pixels) in chosen[label].Value) builder.Add(test: false, key, pixels, label, 0);
        return builder.Build(pixels => GroupsOfEqualImages(pixels, 3 * Side * Side));
    }

    /// <summary>Pads images [N, height, width] with zeros on all sides to 32x32.</summary>
    internal static byte[] Pad(byte[] pixels, int count, int height, int width)
    {
        var (top, left) = ((Side - height) / 2, (Side - width) / 2);
        var padded = new byte[checked(count * Side * Side)];
        for (var i = 0; i < count; i++)
            for (var y = 0; y < height; y++)
                pixels.AsSpan((i * height + y) * width, width)
                    .CopyTo(padded.AsSpan((i * Side + top + y) * Side + left));
        return padded;
    }

    /// <summary>The picture's pixels as [channels, height, width].</summary>
    internal static byte[] Planar(RasterImage image, int channels)
    {
        var pixels = new byte[channels * image.Width * image.Height];
        image.CopyPlanar(pixels, channels);
        return pixels;
    }

    /// <summary>[N] group numbers: equal images have the same number.</summary>
    internal static int[] GroupsOfEqualImages(byte[] pixels, int size)
    {
        var groups = new int[pixels.Length / size];
        var numbers = new Dictionary<UInt128, int>();
        for (var i = 0; i < groups.Length; i++)
        {
            // 128 bits of SHA-256 are enough: two different images of a set never share them.
            var hash = System.Security.Cryptography.SHA256.HashData(pixels.AsSpan(i * size, size));
            var key = new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash, 8));
            if (!numbers.TryGetValue(key, out groups[i])) numbers[key] = groups[i] = numbers.Count;
        }
        return groups;
    }

    private static (byte[] Pixels, int[] Labels)? IdxPart(string folder, string part)
    {
        if (File.Exists(folder))
            throw new DataException(folder, "is a file where the folder of the idx files is expected");
        if (!Directory.Exists(folder)) throw new DataException(folder, "is not there");
        var images = IdxFile(folder, $"{part}-images", "idx3-ubyte");
        var labels = IdxFile(folder, $"{part}-labels", "idx1-ubyte");
        if (images is null && labels is null) return null;
        if (images is null || labels is null)
            throw new DataException(folder, $"has only the {(images is null ? "labels" : "images")} of {part}");
        var (count, height, width, pixels) = Idx.Images(images);
        if (height != 28 || width != 28)
            throw new DataException(images,
                $"holds images of {width}x{height} where 28x28 are expected; not the data set");
        var numbers = Idx.Labels(labels, 10);
        if (numbers.Length != count)
            throw new DataException(labels, $"has {numbers.Length:N0} labels for {count:N0} images");
        return (Pad(pixels, count, height, width), numbers);
    }

    private static string? IdxFile(string folder, string start, string kind)
    {
        // The original's names, and the variant with a dot that many unpacked copies have.
        foreach (var name in new[] { $"{start}-{kind}.gz", $"{start}-{kind}", $"{start}.{kind}.gz", $"{start}.{kind}" })
            if (File.Exists(Path.Combine(folder, name))) return Path.Combine(folder, name);
        return null;
    }

    private static ImageSet NotMnistLetters(string path, string name)
    {
        var builder = new ImageSetBuilder(name, 1, Side, Side, 10);
        foreach (var file in SourceFiles.Read(path, SourceFiles.IsPng, MaxImageFile))
        {
            var parts = file.Parts;
            if (parts.Length < 2 || parts[^2] is not [>= 'A' and <= 'J'])
                throw new DataException(file.Where, "lies outside the letter folders A..J");
            if (Array.IndexOf(UnreadableInNotMnist, $"{parts[^2]}/{parts[^1]}") >= 0) continue;
            var image = RasterImage.Decode(file.Bytes, file.Where);
            if (image.Width != 28 || image.Height != 28)
                throw new DataException(file.Where,
                    $"has {image.Width}x{image.Height} pixels where 28x28 are expected; not the data set");
            var pixels = Pad(Planar(image, 1), 1, 28, 28);
            builder.Add(test: false, $"{parts[^2]}/{parts[^1]}", pixels, parts[^2][0] - 'A', 0);
        }
        if (builder.Count == 0) throw new DataException(path, "holds no PNG in letter folders A..J");
        var set = builder.Build(pixels => GroupsOfEqualImages(pixels, Side * Side));
        for (var letter = 0; letter < 10; letter++)
            if (!set.Labels.AsSpan().Contains(letter))
                throw new DataException(path, $"has no images of the letter {(char)('A' + letter)}");
        return set;
    }

    private static bool IsCifar10Train(string name) =>
        name.StartsWith("data_batch_", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal);

    // These two files are empty: their fonts could not be rendered when notMNIST_small was made.
    private static readonly string[] UnreadableInNotMnist =
    [
        "A/RGVtb2NyYXRpY2FCb2xkT2xkc3R5bGUgQm9sZC50dGY=.png",
        "F/Q3Jvc3NvdmVyIEJvbGRPYmxpcXVlLnR0Zg==.png",
    ];

    private static ImageSet Cifar(string path, string name, int labelBytes, int classes, Func<string, bool> isTrain,
        string test, string firstTrain)
    {
        var files = SourceFiles.Read(path, p => Path.GetFileName(p) is var f && (isTrain(f) || f == test), 200_000_000)
            .OrderBy(f => f.Parts[^1], StringComparer.Ordinal).ToArray();
        var labels = new List<int>();
        var pixels = new List<byte[]>();
        if (!files.Any(f => isTrain(f.Parts[^1])))
            throw new DataException(path, $"has no training part ({firstTrain} ...)");
        foreach (var file in files.Where(f => isTrain(f.Parts[^1])))
            CifarBinary.Parse(file.Bytes, labelBytes, classes, file.Where, labels, pixels);
        var trainCount = labels.Count;
        var tests = files.Where(f => f.Parts[^1] == test).ToArray();
        if (tests.Length == 0) throw new DataException(path, $"has no test part ({test})");
        if (tests.Length > 1) throw new DataException(path, $"has {tests.Length} files named {test}");
        CifarBinary.Parse(tests[0].Bytes, labelBytes, classes, tests[0].Where, labels, pixels);
        var joined = new byte[pixels.Sum(block => block.Length)];
        var at = 0;
        foreach (var block in pixels)
        {
            block.CopyTo(joined, at);
            at += block.Length;
        }
        return new ImageSet(name, 3, Side, Side, classes, joined, [.. labels], trainCount);
    }

    private static (byte[] Pixels, int[] Labels) SvhnPart(string path)
    {
        if (!File.Exists(path)) throw new DataException(path, "is not there");
        return SvhnPart(Compressed.ReadFile(path), path);
    }

    internal static (byte[] Pixels, int[] Labels) SvhnPart(byte[] file, string where)
    {
        var arrays = Mat5.Read(file, where);
        if (!arrays.TryGetValue("X", out var x) || !arrays.TryGetValue("y", out var y))
            throw new DataException(where, "does not hold the arrays X and y of SVHN's cropped digits");
        if (x.Type != 2 || x.Shape is not [Side, Side, 3, _])
            throw new DataException(where, $"has an X of {string.Join(" x ", x.Shape)} (type {x.Type}) " +
                "where bytes of 32 x 32 x 3 x N are expected");
        var count = x.Shape[3];
        if (count == 0) throw new DataException(where, "holds no images");
        if (y.Shape.Aggregate(1L, (a, b) => a * b) != count)
            throw new DataException(where, $"has {string.Join(" x ", y.Shape)} labels for {count:N0} images");
        var labels = new int[count];
        for (var i = 0; i < count; i++)
        {
            var label = y[i];
            if (label is not (>= 1 and <= 10) || label != Math.Floor(label))
                throw new DataException(where,
                    $"image {i} has label {label.ToString(CultureInfo.InvariantCulture)}, outside 1..10");
            labels[i] = (int)label % 10;
        }
        // MATLAB stores columns first: [row, column, channel, image] lies in memory as [image, channel, column, row].
        var pixels = new byte[x.Bytes.Length];
        for (var plane = 0; plane < 3 * count; plane++)
        {
            var from = x.Bytes.AsSpan(plane * Side * Side, Side * Side);
            var to = pixels.AsSpan(plane * Side * Side, Side * Side);
            for (var column = 0; column < Side; column++)
                for (var row = 0; row < Side; row++) to[row * Side + column] = from[column * Side + row];
        }
        return (pixels, labels);
    }
}

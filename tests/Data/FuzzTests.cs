// Every reader on thousands of damaged files. Each file must give a result or a DataException, and allocate little
// memory.
using System.IO.Compression;
using System.Text.Json;
using CsCheck;
using RlLeap.Data;
using Xunit;

namespace RlLeap.Tests.Data;

public sealed class FuzzTests : IDisposable
{
    private const long MostMemory = 64 << 20;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Readers => [.. Targets.Keys];

    private delegate Action<byte[]> Target(TempFolder folder, out byte[] good);

    private static readonly Dictionary<string, Target> Targets = new()
    {
        ["png"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.Png(9, 7, SampleFiles.Bytes(63));
            return file => RasterImage.Decode(file, "a");
        },
        ["jpeg"] = (TempFolder folder, out byte[] good) =>
        {
            good = JsonDocument.Parse(File.ReadAllText(SampleFiles.Golden))
                .RootElement.GetProperty("photos")[0].GetProperty("file").GetBytesFromBase64();
            return file => RasterImage.Decode(file, "a");
        },
        ["ppm"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.Ppm(5, 4, SampleFiles.Bytes(60));
            return file => RasterImage.Decode(file, "a");
        },
        ["idx images"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.Idx([2, 28, 28], SampleFiles.Bytes(2 * 784));
            return InFile(folder, "a", path => Idx.Images(path));
        },
        ["idx images, gzipped"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.Gzip(SampleFiles.Idx([2, 28, 28], SampleFiles.Bytes(2 * 784)));
            return InFile(folder, "a.gz", path => Idx.Images(path));
        },
        ["idx labels"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.Idx([9], [0, 1, 2, 3, 4, 5, 6, 7, 8]);
            return InFile(folder, "a", path => Idx.Labels(path, 10));
        },
        ["notmnist idx"] = (TempFolder folder, out byte[] good) =>
        {
            SampleFiles.MnistFolder(folder["nm"], train: 0);
            good = File.ReadAllBytes(folder["nm/t10k-labels-idx1-ubyte.gz"]);
            return InFile(folder, "nm/t10k-labels-idx1-ubyte.gz",
                path => MultiCvReaders.NotMnist(folder["nm"], "notmnist"));
        },
        ["notmnist letters"] = (TempFolder folder, out byte[] good) =>
        {
            var files = Enumerable.Range(0, 10)
                .Select(i =>
                    ($"notMNIST_small/{(char)('A' + i)}/x.png", SampleFiles.Png(28, 28, SampleFiles.Bytes(784, i))));
            good = SampleFiles.TarGz([.. files]);
            return InFile(folder, "a.tar.gz", path => MultiCvReaders.NotMnist(path, "notmnist"));
        },
        ["cifar10"] = (TempFolder folder, out byte[] good) =>
        {
            Directory.CreateDirectory(folder["c"]);
            File.WriteAllBytes(folder["c/test_batch.bin"], SampleFiles.CifarRecords(1));
            good = SampleFiles.CifarRecords(2);
            return InFile(folder, "c/data_batch_1.bin", path => MultiCvReaders.Cifar10(folder["c"], "cifar10"));
        },
        ["cifar10 archive"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.TarGz(SampleFiles.CifarArchive(1));
            return InFile(folder, "a.tar.gz", path => MultiCvReaders.Cifar10(path, "cifar10"));
        },
        ["cifar100 archive"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.TarGz(("train.bin", SampleFiles.CifarRecords(2, 2)),
                ("test.bin", SampleFiles.CifarRecords(1, 2)));
            return InFile(folder, "a.tgz", path => MultiCvReaders.Cifar100(path, "cifar100"));
        },
        ["cifar10 tar"] = (TempFolder folder, out byte[] good) =>
        {
            File.WriteAllBytes(folder["a.gz"], SampleFiles.TarGz(SampleFiles.CifarArchive(1)));
            good = new byte[32768];
            using var gzip = new GZipStream(File.OpenRead(folder["a.gz"]), CompressionMode.Decompress);
            good = good[..gzip.ReadAtLeast(good, good.Length, throwOnEndOfStream: false)];
            return InFile(folder, "a.tar", path => MultiCvReaders.Cifar10(path, "cifar10"));
        },
        ["svhn"] = (TempFolder folder, out byte[] good) => Svhn(folder, 0, out good),
        ["svhn, compressed"] = (TempFolder folder, out byte[] good) => Svhn(folder, 1, out good),
        ["gtsrb archive"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.Zip([.. SampleFiles.GtsrbFiles(side: 3)]);
            return InFile(folder, "a.zip", path => MultiCvReaders.Gtsrb([path], "gtsrb"));
        },
        ["gtsrb table"] = (TempFolder folder, out byte[] good) =>
        {
            foreach (var (name, content) in SampleFiles.GtsrbFiles(side: 3)
                .Where(file => !file.Name.Contains("Training/Images/00000")))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(folder["g/" + name])!);
                File.WriteAllBytes(folder["g/" + name], content);
            }
            good = File.ReadAllBytes(folder["g/GTSRB/Final_Training/Images/00001/GT-00001.csv"]);
            return InFile(folder, "g/GTSRB/Final_Training/Images/00001/GT-00001.csv",
                path => MultiCvReaders.Gtsrb([folder["g"]], "gtsrb"));
        },
        ["facescrub archive"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.Zip(("a/1.png", SampleFiles.Png(8, 8, SampleFiles.Bytes(64))),
                ("b/1.ppm", SampleFiles.Ppm(4, 4, SampleFiles.Bytes(48))));
            return InFile(folder, "a.zip", path => MultiCvReaders.Facescrub(path, "facescrub", people: 2));
        },
        ["omniglot archive"] = (TempFolder folder, out byte[] good) =>
        {
            good = SampleFiles.Zip(SampleFiles.OmniglotFiles(("A", 1)));
            return InFile(folder, "a.zip", path => OmniglotData.Load([path]));
        },
        ["cache"] = (TempFolder folder, out byte[] good) =>
        {
            // A damaged cache is not an error: the set is decoded again.
            var set = new ImageSet("s", 1, 4, 4, 3, SampleFiles.Bytes(80), [0, 1, 2, 0, 1], 4, [0, 0, 1, 2, 3]);
            ImageCache.Load(folder.Root, "s", [], () => set);
            good = File.ReadAllBytes(folder["s.images"]);
            return InFile(folder, "s.images",
                path => Assert.Equal(set.Pixels, ImageCache.Load(folder.Root, "s", [], () => set).Pixels));
        },
    };

    [Theory]
    [MemberData(nameof(Readers))]
    public void Damaged_files_give_a_result_or_a_data_error(string reader) => Fuzz(reader, 500);

    [LongTheory]
    [MemberData(nameof(Readers))]
    public void Ten_thousand_damaged_files_give_a_result_or_a_data_error(string reader) => Fuzz(reader, 10_000);

    private void Fuzz(string reader, int cases)
    {
        var read = Targets[reader](_folder, out var good);
        read(good); // the undamaged file must be read
        var refused = 0;
        // One thread, because every case writes the same file. CsCheck prints the seed and the smallest damage that
        // fails.
        Damage(good).Sample(damaged =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            try { read(damaged); }
            catch (DataException e)
            {
                refused++;
                Assert.False(string.IsNullOrWhiteSpace(e.File) || string.IsNullOrWhiteSpace(e.Reason));
            }
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < MostMemory,
                $"{reader} allocated {allocated:N0} bytes for a file of {damaged.Length:N0}");
        }, seed: Seed, iter: cases, threads: 1);
        if (reader != "cache") Assert.True(refused > 0);
    }

    private const string Seed = "0000KOIPe1Q1"; // the same cases in every run

    // Applies one to three kinds of damage: flip a bit, cut the end, remove, insert or overwrite bytes, or set a byte
    // of the header to an extreme value.
    private static Gen<byte[]> Damage(byte[] good)
    {
        var at = Gen.Double[0, 1];
        Gen<Func<byte[], byte[]>> flip = Gen.Select(at, Gen.Int[0, 7], (p, bit) =>
            Edit(f => f[At(f, p)] ^= (byte)(1 << bit)));
        Gen<Func<byte[], byte[]>> cut = at.Select(p => new Func<byte[], byte[]>(f => f[..(int)(p * f.Length)]));
        Gen<Func<byte[], byte[]>> remove = Gen.Select(at, Gen.Int[1, 16], (p, n) =>
            new Func<byte[], byte[]>(f => [.. f[..(int)(p * f.Length)], .. f.Skip((int)(p * f.Length) + n)]));
        Gen<Func<byte[], byte[]>> insert = Gen.Select(at, Gen.Byte.Array[1, 16], (p, bytes) =>
            new Func<byte[], byte[]>(f => [.. f[..(int)(p * f.Length)], .. bytes, .. f[(int)(p * f.Length)..]]));
        var fullOrAny = Gen.OneOf(Gen.Const((byte)0xFF), Gen.Byte).Array[1, 16];
        Gen<Func<byte[], byte[]>> overwrite = Gen.Select(at, fullOrAny, (p, bytes) =>
            Edit(f => bytes.AsSpan(0, Math.Min(bytes.Length, f.Length - At(f, p))).CopyTo(f.AsSpan(At(f, p)))));
        var extreme = Gen.OneOf(Gen.Const((byte)0), Gen.Const((byte)0x7F), Gen.Const((byte)0x80),
            Gen.Const((byte)0xFF));
        Gen<Func<byte[], byte[]>> header = Gen.Select(Gen.Int[0, 31], extreme, (i, value) =>
            Edit(f => f[Math.Min(i, f.Length - 1)] = value));
        return Gen.OneOf(flip, cut, remove, insert, overwrite, header)
            .Array[1, 3].Select(edits => edits.Aggregate(good, (file, edit) => edit(file)));

        static int At(byte[] file, double p) => Math.Min((int)(p * file.Length), file.Length - 1);
        static Func<byte[], byte[]> Edit(Action<byte[]> edit) => file =>
        {
            if (file.Length == 0) return file;
            var copy = file.ToArray();
            edit(copy);
            return copy;
        };
    }

    // Overwrites the file in place. Truncating it first would make ext4 flush it, which takes longer than all the
    // reading.
    private static Action<byte[]> InFile(TempFolder folder, string name, Action<string> read) => file =>
    {
        using (var stream = new FileStream(folder[name], FileMode.OpenOrCreate, FileAccess.Write))
        {
            stream.Write(file);
            stream.SetLength(file.Length);
        }
        read(folder[name]);
    };

    private static Action<byte[]> Svhn(TempFolder folder, int kind, out byte[] good)
    {
        good = JsonDocument.Parse(File.ReadAllText(SampleFiles.Golden))
            .RootElement.GetProperty("mat")[kind].GetBytesFromBase64();
        Directory.CreateDirectory(folder["s"]);
        File.WriteAllBytes(folder["s/test_32x32.mat"], good);
        return InFile(folder, "s/train_32x32.mat", path => MultiCvReaders.Svhn(folder["s"], "svhn"));
    }
}

// The readers of Multi-CV's original formats, on small files made by the tests and on damaged ones.
using System.Text.Json;
using RlLeap.Data;
using Xunit;

namespace RlLeap.Tests.Data;

public sealed class ReaderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Mnist_is_read_gzipped_or_plain_and_padded_with_zeros(bool gzip)
    {
        SampleFiles.MnistFolder(_folder["mnist"], gzip: gzip);
        var set = MultiCvReaders.IdxFolder(_folder["mnist"], "mnist");
        Assert.Equal((30, 20, 1, 32, 32), (set.Count, set.TrainCount, set.Channels, set.Height, set.Width));
        Assert.Equal(set.Labels[..20], Enumerable.Range(0, 20).Select(i => i % 10));
        var original = SampleFiles.Bytes(20 * 784);
        for (var y = 0; y < 32; y++)
            for (var x = 0; x < 32; x++)
            {
                var inside = x is >= 2 and < 30 && y is >= 2 and < 30;
                Assert.Equal(inside ? original[3 * 784 + (y - 2) * 28 + x - 2] : 0, set.Image(3)[y * 32 + x]);
            }
    }

    [Fact]
    public void A_damaged_idx_folder_is_refused_with_file_and_reason()
    {
        var folder = _folder["mnist"];
        Refused("is not there", () => MultiCvReaders.IdxFolder(folder, "mnist"));
        Refused("is a file where the folder", () => MultiCvReaders.IdxFolder(_folder.Write("file", "x"), "mnist"));
        Damaged("no test part", () => SampleFiles.MnistFolder(folder, test: 0));
        Damaged("only the images", () => File.Delete(Path.Combine(folder, "t10k-labels-idx1-ubyte.gz")));
        Damaged("train-images", () => Cut(Path.Combine(folder, "train-images-idx3-ubyte.gz"), 100));
        Damaged("train-images", () => Cut(Path.Combine(folder, "train-images-idx3-ubyte.gz"), 3));
        // Byte 6 from the end is in gzip's checksum.
        Damaged("gzip data are damaged", () => Flip(Path.Combine(folder, "train-images-idx3-ubyte.gz"), 6));
        Damaged("starts with 00000801",
            () => File.Copy(Path.Combine(folder, "train-labels-idx1-ubyte.gz"),
                Path.Combine(folder, "train-images-idx3-ubyte.gz"), overwrite: true));
        Damaged("label 10", () => Write("train-labels-idx1-ubyte", [20], Enumerable.Repeat((byte)10, 20).ToArray()));
        Damaged("19 labels for 20 images", () => Write("train-labels-idx1-ubyte", [19], new byte[19]));
        Damaged("27x28", () => Write("train-images-idx3-ubyte", [20, 28, 27], new byte[20 * 28 * 27]));
        Damaged("promises 20 x 28 x 28", () => Write("train-images-idx3-ubyte", [20, 28, 28], new byte[20 * 784 - 1]));
        Damaged("promises 2147483647",
            () => Write("train-images-idx3-ubyte", [int.MaxValue, int.MaxValue, int.MaxValue], new byte[3]));

        void Write(string name, int[] shape, byte[] content) =>
            File.WriteAllBytes(Path.Combine(folder, name + ".gz"), SampleFiles.Gzip(SampleFiles.Idx(shape, content)));

        void Damaged(string reason, Action damage)
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            SampleFiles.MnistFolder(folder);
            // This damage writes the folder itself, without a test part.
            if (reason == "no test part") Directory.Delete(folder, recursive: true);
            damage();
            Refused(reason, () => MultiCvReaders.IdxFolder(folder, "mnist"));
        }
    }

    [Fact]
    public void Notmnist_is_read_from_letters_or_idx_and_copies_form_groups()
    {
        var files = new List<(string, byte[])>();
        for (var letter = 0; letter < 10; letter++)
            for (var i = 0; i < 3; i++)
            {
                var pixels = SampleFiles.Bytes(784, i == 2 ? 50 : 10 * letter + i);
                files.Add(($"notMNIST_small/{(char)('A' + letter)}/{i}.png", SampleFiles.Png(28, 28, pixels)));
            }
        files.Add(("notMNIST_small/A/RGVtb2NyYXRpY2FCb2xkT2xkc3R5bGUgQm9sZC50dGY=.png", []));
        File.WriteAllBytes(_folder["notMNIST_small.tar.gz"], SampleFiles.TarGz([.. files]));
        Unpack(files);
        var archived = MultiCvReaders.NotMnist(_folder["notMNIST_small.tar.gz"], "notmnist");
        var unpacked = MultiCvReaders.NotMnist(_folder["notMNIST_small"], "notmnist");
        Assert.Equal(archived.Pixels, unpacked.Pixels);
        Assert.Equal(archived.Labels, unpacked.Labels);
        Assert.Equal(30, archived.Count);
        Assert.Equal(30, archived.TrainCount);
        // Image 2 is the same for all letters. Image 0 of letter F is the same too, since both have seed 50.
        Assert.Equal(11, archived.Groups!.GroupBy(g => g).Single(g => g.Count() > 1).Count());
        File.Delete(_folder["notMNIST_small/C/1.png"]);
        File.WriteAllBytes(_folder["notMNIST_small/C/1.png"], SampleFiles.Png(27, 28, new byte[27 * 28]));
        Refused("27x28", () => MultiCvReaders.NotMnist(_folder["notMNIST_small"], "notmnist"));
        Directory.Delete(_folder["notMNIST_small/C"], recursive: true);
        Refused("no images of the letter C", () => MultiCvReaders.NotMnist(_folder["notMNIST_small"], "notmnist"));

        SampleFiles.MnistFolder(_folder["idx"], train: 0);
        var idx = MultiCvReaders.NotMnist(_folder["idx"], "notmnist");
        Assert.Equal((10, 10), (idx.Count, idx.TrainCount)); // one part only, so the split is ours
        Directory.CreateDirectory(_folder["nothing"]);
        Refused("neither", () => MultiCvReaders.NotMnist(_folder["nothing"], "notmnist"));
    }

    [Fact]
    public void Cifar_is_read_from_files_or_the_archive_in_the_order_of_the_batches()
    {
        var files = SampleFiles.CifarArchive();
        File.WriteAllBytes(_folder["cifar-10-binary.tar.gz"], SampleFiles.TarGz(files));
        Unpack(files);
        var archived = MultiCvReaders.Cifar10(_folder["cifar-10-binary.tar.gz"], "cifar10");
        var unpacked = MultiCvReaders.Cifar10(_folder["cifar-10-batches-bin"], "cifar10");
        Assert.Equal(archived.Pixels, unpacked.Pixels);
        Assert.Equal((28, 24, 3), (archived.Count, archived.TrainCount, archived.Channels));
        Assert.Equal(files[2].Item2[1..3073], archived.Image(0).ToArray());
        Assert.Equal(files[1].Item2[1..3073], archived.Image(12).ToArray());
        Assert.Equal(3, archived.Labels[3]);

        File.WriteAllBytes(_folder["cifar-100-binary.tar.gz"],
            SampleFiles.TarGz(("cifar-100-binary/train.bin", SampleFiles.CifarRecords(5, 2)),
            ("cifar-100-binary/test.bin", SampleFiles.CifarRecords(2, 2))));
        var fine = MultiCvReaders.Cifar100(_folder["cifar-100-binary.tar.gz"], "cifar100");
        Assert.Equal([90, 91, 92, 93, 94, 90, 91], fine.Labels);
    }

    [Fact]
    public void A_damaged_cifar_is_refused_with_file_and_reason()
    {
        var folder = _folder["cifar"];
        Directory.CreateDirectory(folder);
        Refused("no training part", () => MultiCvReaders.Cifar10(folder, "cifar10"));
        File.WriteAllBytes(Path.Combine(folder, "data_batch_1.bin"), SampleFiles.CifarRecords(3));
        Refused("no test part", () => MultiCvReaders.Cifar10(folder, "cifar10"));
        File.WriteAllBytes(Path.Combine(folder, "test_batch.bin"), SampleFiles.CifarRecords(3)[..^1]);
        Refused("test_batch.bin: has 9,218 bytes, not a multiple", () => MultiCvReaders.Cifar10(folder, "cifar10"));
        var wrong = SampleFiles.CifarRecords(3);
        wrong[3073] = 10;
        File.WriteAllBytes(Path.Combine(folder, "test_batch.bin"), wrong);
        Refused("record 1 has label 10", () => MultiCvReaders.Cifar10(folder, "cifar10"));
        var archive = SampleFiles.TarGz(SampleFiles.CifarArchive());
        File.WriteAllBytes(_folder["cut.tar.gz"], archive[..(archive.Length / 2)]);
        Refused("cut.tar.gz", () => MultiCvReaders.Cifar10(_folder["cut.tar.gz"], "cifar10"));
        archive[^6] ^= 1; // gzip's checksum of the whole
        File.WriteAllBytes(_folder["flipped.tar.gz"], archive);
        Refused("flipped.tar.gz", () => MultiCvReaders.Cifar10(_folder["flipped.tar.gz"], "cifar10"));
    }

    [Fact]
    public void Svhn_is_read_as_scipy_wrote_it_plain_or_compressed()
    {
        var golden = JsonDocument.Parse(File.ReadAllText(SampleFiles.Golden)).RootElement;
        var parts = golden.GetProperty("mat").EnumerateArray().Select(m => m.GetBytesFromBase64()).ToArray();
        Directory.CreateDirectory(_folder["svhn"]);
        File.WriteAllBytes(_folder["svhn/train_32x32.mat"], parts[0]);
        Refused("test_32x32.mat: is not there", () => MultiCvReaders.Svhn(_folder["svhn"], "svhn"));
        File.WriteAllBytes(_folder["svhn/test_32x32.mat"], parts[1]);
        var set = MultiCvReaders.Svhn(_folder["svhn"], "svhn");
        var images = golden.GetProperty("mat_images").GetBytesFromBase64();
        Assert.Equal([.. images, .. images], set.Pixels);
        Assert.Equal([0, 3, 0, 3], set.Labels);
        Assert.Equal(2, set.TrainCount);
        foreach (var (reason, damaged) in new (string, byte[])[]
        {
            ("truncated", parts[0][..^9]),
            ("shorter", parts[0][..100]),
            ("not a MATLAB level 5", new byte[300]),
            ("does not hold", parts[0][..128]),
            ("7.3", [.. "MATLAB 7.3 MAT-file"u8, .. new byte[200]]),
            ("train_32x32.mat", Flipped(parts[1], parts[1].Length / 2)),
        })
        {
            File.WriteAllBytes(_folder["svhn/train_32x32.mat"], damaged);
            Refused(reason, () => MultiCvReaders.Svhn(_folder["svhn"], "svhn"));
        }
    }

    [Fact]
    public void Gtsrb_is_read_from_its_archives_or_folders_and_frames_of_a_track_form_a_group()
    {
        var files = SampleFiles.GtsrbFiles();
        File.WriteAllBytes(_folder["train.zip"], SampleFiles.Zip([.. files.Where(f => f.Name.Contains("Training"))]));
        File.WriteAllBytes(_folder["test.zip"], SampleFiles.Zip([.. files.Where(f => f.Name.Contains("Final_Test"))]));
        File.WriteAllBytes(_folder["gt.zip"], SampleFiles.Zip([.. files.Where(f => f.Name.StartsWith("GT-"))]));
        string[] archives = [_folder["train.zip"], _folder["test.zip"], _folder["gt.zip"]];
        var set = MultiCvReaders.Gtsrb(archives, "gtsrb");
        Assert.Equal((15, 12, 43), (set.Count, set.TrainCount, set.Classes));
        Assert.Equal([1, 0, 1], set.Labels[12..]);
        Assert.Equal(4 + 3, set.Groups!.Distinct().Count());
        Assert.All(set.Groups!.Take(12).Chunk(3), track => Assert.Single(track.Distinct()));
        // The pixels are those of PIL's resizing, one channel after the other.
        var first = Resize.Bilinear(Netpbm.Decode(files[0].Content, "first"), 32, 32);
        Assert.Equal(first.Pixels[4 * 3 + 2], set.Image(0)[2 * 1024 + 4]);

        Unpack([.. files.Select(f => f.Name.StartsWith("GT-") ? ("GTSRB/" + f.Name, f.Content) : f)]);
        Assert.Equal(set.Pixels, MultiCvReaders.Gtsrb([_folder["GTSRB"]], "gtsrb").Pixels);

        Refused("has no test part", () => MultiCvReaders.Gtsrb(archives[..1], "gtsrb"));
        Refused("ground-truth table", () => MultiCvReaders.Gtsrb(archives[..2], "gtsrb"));
        File.Delete(_folder["GTSRB/Final_Training/Images/00001/00001_00002.ppm"]);
        Refused("GT-00001.csv: lists 00001/00001_00002.ppm, which is not there",
            () => MultiCvReaders.Gtsrb([_folder["GTSRB"]], "gtsrb"));
        File.WriteAllText(_folder["GTSRB/Final_Training/Images/00001/GT-00001.csv"],
            "Filename;ClassId\n00000_00000.ppm;2\n");
        Refused("00000_00000.ppm: lies in class folder 00001 but",
            () => MultiCvReaders.Gtsrb([_folder["GTSRB"]], "gtsrb"));
        File.WriteAllText(_folder["GTSRB/Final_Training/Images/00001/GT-00001.csv"],
            "Filename;ClassId\n00000_00000.ppm;43\n");
        Refused("line 2", () => MultiCvReaders.Gtsrb([_folder["GTSRB"]], "gtsrb"));
        Directory.Move(_folder["GTSRB/Final_Training"], _folder["GTSRB/Elsewhere"]);
        Refused("neither under Final_Training", () => MultiCvReaders.Gtsrb([_folder["GTSRB"]], "gtsrb"));
    }

    [Fact]
    public void Gtsrb_with_test_images_in_class_folders_needs_no_table()
    {
        var files = SampleFiles.GtsrbFiles(csv: false).Where(f => !f.Name.StartsWith("GT-"))
            .Select(f => f.Name.Contains("Final_Test") ? (f.Name.Replace("Images/", "Images/00007/"), f.Content) : f);
        File.WriteAllBytes(_folder["all.zip"], SampleFiles.Zip([.. files]));
        Assert.Equal([7, 7, 7], MultiCvReaders.Gtsrb([_folder["all.zip"]], "gtsrb").Labels[12..]);
    }

    [Fact]
    public void A_zip_whose_content_was_changed_does_not_pass()
    {
        var files = SampleFiles.GtsrbFiles(csv: false).Where(f => !f.Name.StartsWith("GT-"))
            .Select(f => (f.Name.Replace("Final_Test/Images/", "Final_Test/Images/00007/"), f.Content));
        var zip = SampleFiles.Zip([.. files]);
        File.WriteAllBytes(_folder["a.zip"], zip);
        var caught = 0;
        for (var at = 80; at < 180; at++) // within the first picture's compressed bytes
        {
            File.WriteAllBytes(_folder["a.zip"], Flipped(zip, at));
            try { MultiCvReaders.Gtsrb([_folder["a.zip"]], "gtsrb"); }
            catch (DataException) { caught++; }
        }
        Assert.Equal(100, caught);
    }

    [Fact]
    public void Facescrub_takes_the_people_with_the_most_images_as_PNG_or_JPEG()
    {
        foreach (var (person, images) in new[] { ("b", 3), ("a", 2), ("c", 2), ("d", 1) })
            for (var i = 0; i < images; i++)
            {
                Directory.CreateDirectory(_folder["faces/" + person]);
                File.WriteAllBytes(_folder[$"faces/{person}/{i}.png"],
                    SampleFiles.Png(40, 50, SampleFiles.Bytes(2000, i)));
            }
        var set = MultiCvReaders.Facescrub(_folder["faces"], "facescrub", people: 3);
        Assert.Equal([0, 0, 1, 1, 1, 2, 2], set.Labels);
        Assert.Equal(3, set.Channels);
        Refused("4 people where 100", () => MultiCvReaders.Facescrub(_folder["faces"], "facescrub"));
        var photo = JsonDocument.Parse(File.ReadAllText(SampleFiles.Golden))
            .RootElement.GetProperty("photos")[0].GetProperty("file").GetBytesFromBase64();
        File.WriteAllBytes(_folder["faces/a/9.jpg"], photo);
        Assert.Equal([0, 0, 0, 1, 1, 1, 2, 2],
            MultiCvReaders.Facescrub(_folder["faces"], "facescrub", people: 3).Labels);
        File.WriteAllBytes(_folder["faces/a/9.jpg"], photo[..^300]);
        Refused("cannot be decoded to its end",
            () => MultiCvReaders.Facescrub(_folder["faces"], "facescrub", people: 3));
    }

    private static void Refused(string reason, Action read) =>
        Assert.Contains(reason, Assert.Throws<DataException>(read).Message);

    private static void Cut(string path, int bytes)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(file.Length - bytes);
    }

    private static void Flip(string path, int fromTheEnd)
    {
        var file = File.ReadAllBytes(path);
        File.WriteAllBytes(path, Flipped(file, file.Length - fromTheEnd));
    }

    private static byte[] Flipped(byte[] file, int at)
    {
        var copy = file.ToArray();
        copy[at] ^= 0x55;
        return copy;
    }

    private void Unpack(IEnumerable<(string Name, byte[] Content)> files)
    {
        foreach (var (name, content) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
            File.WriteAllBytes(_folder[name], content);
        }
    }
}

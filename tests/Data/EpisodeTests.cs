// Episodes: which classes and images are in them, what splits promise, and what is refused.
using RlLeap.Data;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Data;

public sealed class EpisodeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A set in which every pixel of an image says which class and which image it is.</summary>
    internal static ImageClasses Marked(int classes, int images, int side = 8)
    {
        var pixels = new byte[classes * images * side * side];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i / (side * side));
        return new ImageClasses("marked", 1, side,
            [.. Enumerable.Range(0, classes).Select(c => ($"class{c}", images))], pixels);
    }

    private static (int Train, int Validation, int Test) Counts(EpisodeImages source) =>
        (source.ClassCount(Split.Train), source.ClassCount(Split.Validation), source.ClassCount(Split.Test));

    private static EpisodeShape Shape(int way, int shot, int query) => new() { Way = way, Shot = shot, Query = query };

    [Fact]
    public void An_episode_has_the_classes_and_images_it_says_each_image_once()
    {
        using var source = new EpisodeImages(Marked(20, 10), new Rng(1));
        using var episode = source.Draw(Split.Train, Shape(4, 2, 3), new Rng(2), CPU);
        Assert.Equal([20, 1, 8, 8], episode.Images.shape);
        Assert.Equal(4, episode.Classes.Distinct().Count());
        // The first pixel, 0..255 again, is the number of the image; ten of them are a class.
        var first = episode.Images.flatten(1).select(1, 0).mul(255).round().to_type(ScalarType.Int32);
        int[] numbers = [.. first.contiguous().data<int>()];
        Assert.Equal(20, numbers.Distinct().Count());
        long[] labels = [.. episode.SupportLabels.data<long>(), .. episode.QueryLabels.data<long>()];
        Assert.Equal(numbers.Select(n => n / 10), labels.Select(label => episode.Classes[(int)label]));
        Assert.Equal([0, 0, 1, 1, 2, 2, 3, 3], labels[..8]);
    }

    [Fact]
    public void Equal_random_numbers_give_equal_episodes_and_others_give_others()
    {
        using var source = new EpisodeImages(Marked(20, 10), new Rng(1));
        Tensor Images(long seed) => source.Draw(Split.Test, Shape(3, 1, 2), new Rng(seed), CPU).Images;
        Assert.True(Images(5).equal(Images(5)).all().item<bool>());
        Assert.False(Images(5).equal(Images(6)).all().item<bool>());
    }

    [Fact]
    public void Splits_are_in_Omniglots_proportion_and_never_overlap()
    {
        var names = Enumerable.Range(0, 1623).Select(i => $"c{i}").ToList();
        var split = ClassSplit.Of("set", names, new Rng(1));
        Assert.Equal((1028, 172, 423), (split.Train.Count, split.Validation.Count, split.Test.Count));
        Assert.Equal(1623, split.Train.Concat(split.Validation).Concat(split.Test).Distinct().Count());
        Assert.NotEqual(split.Test, ClassSplit.Of("set", names, new Rng(2)).Test);
        var small = ClassSplit.Of("set", names[..10], new Rng(1), new() { Test = 4, ValidationNames = ["c3"] });
        Assert.Equal((5, 4, "c3"), (small.Train.Count, small.Test.Count, names[Assert.Single(small.Validation)]));
    }

    [Fact]
    public void Rotated_copies_are_classes_of_their_own_in_the_split_of_their_class()
    {
        var set = Marked(8, 3) with { Pixels = SampleFiles.Bytes(8 * 3 * 64) };
        using var source = new EpisodeImages(set, new Rng(1), new() { Test = 3, Validation = 0 }, rotations: true);
        Assert.Equal((20, 0, 12), Counts(source));
        using var episode = source.Draw(Split.Test, Shape(12, 1, 2), new Rng(1), CPU);
        Assert.Equal(3, episode.Classes.Select(c => c % 8).Distinct().Count());
        Assert.All(episode.Classes, c => Assert.Contains(c % 8, source.Split.Test));
        for (var i = 0; i < 12; i++)
        {
            var (upright, turn) = (episode.Classes[i] % 8, episode.Classes[i] / 8);
            var name = turn == 0 ? $"class{upright}" : $"class{upright} turned by {90 * turn}";
            Assert.Equal(name, source.NameOf(episode.Classes[i]));
            var image = episode.Images[i, 0].mul(255).round().to_type(ScalarType.Byte);
            var back = rot90(image, -turn).contiguous().data<byte>().ToArray();
            var images = Enumerable.Range(3 * upright, 3).Select(k => set.Pixels[(64 * k)..(64 * k + 64)]);
            Assert.Contains(images, pixels => pixels.SequenceEqual(back));
        }
    }

    [Theory]
    [InlineData("11 train classes; episodes of 12-way 1-shot need 12", 12, 1, 1)]
    [InlineData("has 6 images; 5 support and 2 query images need 7", 2, 5, 2)]
    public void Too_few_classes_or_images_are_one_clear_error(string expected, int way, int shot, int query)
    {
        using var source = new EpisodeImages(Marked(17, 6), new Rng(1), new() { Validation = 2, Test = 4 });
        var error = Assert.Throws<RlLeapException>(
            () => source.Draw(Split.Train, Shape(way, shot, query), new Rng(1), CPU));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Splits_that_overlap_do_not_exist_or_are_too_large_are_one_clear_error()
    {
        string Error(ClassSplitOptions options) => Assert.Throws<RlLeapException>(
            () => ClassSplit.Of("set", ["a", "b", "c", "dog"], new Rng(1), options)).Message;
        Assert.Contains("The splits of set overlap: the class b is named to train on and to test on",
            Error(new() { TrainNames = ["a", "b"], TestNames = ["b"] }));
        Assert.Contains("no class dig, which is named as one to validate on. Did you mean dog",
            Error(new() { ValidationNames = ["dig"] }));
        Assert.Contains("4 are free: they are too few for 3 to test on and 2 to validate on",
            Error(new() { Test = 3, Validation = 2 }));
    }

    private void Write(string path, int width, int height, int seed = 1) => _folder.WriteBytes(
        path, SampleFiles.Png(width, height, SampleFiles.Bytes(width * height, seed)));

    [Fact]
    public void A_folder_of_images_is_a_set_whose_classes_are_its_folders()
    {
        string[] files = ["cats/a.png", "cats/b.png", "dogs/a.png", "birds/owls/a.png"];
        foreach (var (i, name) in files.Index()) Write("pets/" + name, 8, 8, i);
        Write("pets/cats/notes.txt", 8, 8);
        var set = FewShotData.Load(_folder["pets"]);
        Assert.Equal(("pets", 1, 8), (set.Name, set.Channels, set.Side));
        Assert.Equal([("birds/owls", 1), ("cats", 2), ("dogs", 1)], set.Classes);
        Assert.Equal(SampleFiles.Bytes(64, 1), set.Pixels[128..192]); // cats/b.png
        var large = FewShotData.Load(_folder["pets"], side: 16);
        Assert.Equal((16, 4 * 256), (large.Side, large.Pixels.Length));
    }

    [Fact]
    public void Folders_train_val_and_test_are_the_split()
    {
        foreach (var name in new[] { "train/a/1.png", "train/b/1.png", "val/c/1.png", "test/d/1.png" })
            Write("mini/" + name, 8, 8);
        var set = FewShotData.Load(_folder["mini"]);
        using var source = new EpisodeImages(set, new Rng(1), new ClassSplitOptions());
        Assert.Equal(["train/a", "train/b"], source.Split.Train.Select(source.NameOf));
        Assert.Equal("test/d", source.NameOf(Assert.Single(source.Split.Test)));
        Assert.Contains("comes with its own split", Assert.Throws<RlLeapException>(
            () => new EpisodeImages(set, new Rng(1), new() { Test = 1 })).Message);
        Write("mini/test/a/1.png", 8, 8);
        Assert.Contains("overlap: the class a is in test and in train", Assert.Throws<RlLeapException>(
            () => FewShotData.Load(_folder["mini"])).Message);
    }

    [Fact]
    public void Images_of_several_sizes_a_stray_image_or_none_are_one_clear_error()
    {
        string Error() => Assert.Throws<DataException>(() => FewShotData.Load(_folder["odd"])).Message;
        Directory.CreateDirectory(_folder["odd"]);
        Assert.Contains("holds no image", Error());
        Write("odd/a/1.png", 8, 8);
        Write("odd/b/1.png", 8, 9);
        Assert.Matches("b/1.png.*has 8x9 pixels where .*a/1.png has 8x8; give the side", Error());
        Assert.Equal(12, FewShotData.Load(_folder["odd"], side: 12).Side);
        File.Delete(_folder["odd/a/1.png"]);
        Assert.Contains("has 8x9 pixels and is not square; give the side", Error());
        File.Delete(_folder["odd/b/1.png"]);
        Write("odd/1.png", 8, 8);
        Assert.Contains("does not lie in a class's folder", Error());
        Assert.Contains("There is no few-shot data omniglott",
            Assert.Throws<RlLeapException>(() => FewShotData.Load("omniglott")).Message);
    }

    [Fact]
    public void Sets_of_Multi_CV_are_few_shot_data_by_their_name()
    {
        SampleFiles.MnistFolder(_folder["data/mnist"], train: 40, test: 10);
        var set = FewShotData.Load("mnist", side: 28, DataLocation.Folder(_folder["data"]));
        Assert.Equal((28, 50), (set.Side, set.Classes.Sum(c => c.Count)));
    }

    [NeedsDataFact("omniglot_images_background.zip")]
    public void Omniglot_has_4112_training_688_validation_and_1692_test_classes_with_rotations()
    {
        var set = FewShotData.Load("omniglot", location: DataLocation.Folder(TestData.Root!));
        using var source = new EpisodeImages(set, new Rng(1), rotations: true);
        Assert.Equal((4112, 688, 1692), Counts(source));
        using var episode = source.Draw(Split.Train, Shape(60, 5, 5), new Rng(1), CPU);
        // Strokes are thin: ink is 1 on paper 0.
        Assert.InRange(episode.Images.mean().item<float>(), 0.03, 0.12);
    }
}

// Splits, batches, the cache of decoded sets and the search for data folders, on small sets.
using RlLeap.Data;
using Xunit;

namespace RlLeap.Tests.Data;

public sealed class SplitAndCacheTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static ImageSet Set(int count, int train, int[]? groups = null) =>
        new("s", 1, 1, 1, 10, SampleFiles.Bytes(count), [.. Enumerable.Range(0, count).Select(i => i % 10)], train,
            groups);

    [Fact]
    public void A_set_with_a_test_part_keeps_it_and_gives_15_percent_to_validation()
    {
        var split = ImageSplit.Draw(Set(1000, 800), new Rng(1));
        Assert.Equal((680, 120, 200), (split.Train.Length, split.Validation.Length, split.Test.Length));
        Assert.Equal(Enumerable.Range(800, 200), split.Test.Order());
        Assert.Equal(Enumerable.Range(0, 800), split.Train.Concat(split.Validation).Order());
        Assert.NotEqual(split.Validation.Order(), split.Validation); // so its first images are a random subset
    }

    [Fact]
    public void A_set_without_a_test_part_gives_10_percent_to_it()
    {
        var split = ImageSplit.Draw(Set(1000, 1000), new Rng(1));
        Assert.Equal((765, 135, 100), (split.Train.Length, split.Validation.Length, split.Test.Length));
        Assert.Equal(Enumerable.Range(0, 1000), split.Train.Concat(split.Validation).Concat(split.Test).Order());
    }

    [Fact]
    public void A_split_depends_on_the_seed_alone()
    {
        var a = ImageSplit.Draw(Set(100, 80), new Rng(1));
        var b = ImageSplit.Draw(Set(100, 80), new Rng(1));
        var c = ImageSplit.Draw(Set(100, 80), new Rng(2));
        Assert.Equal(a.Validation, b.Validation);
        Assert.Equal(a.Train, b.Train);
        Assert.NotEqual(a.Validation.Order(), c.Validation.Order());
    }

    [Theory]
    [InlineData(300)]
    [InlineData(200)]
    public void A_group_never_straddles_parts(int train)
    {
        // Groups have 1 to 25 images. With 200 training images, one group has images on both sides of the border to the
        // test part. Its training images are left out.
        var groups = Enumerable.Range(0, 300).Select(i => (int)Math.Sqrt(2 * i)).ToArray();
        var split = ImageSplit.Draw(Set(300, train, groups), new Rng(3));
        int[][] parts = [split.Train, split.Validation, split.Test];
        for (var i = 0; i < 3; i++)
            for (var j = 0; j < i; j++)
                Assert.Empty(parts[i].Select(n => groups[n]).Intersect(parts[j].Select(n => groups[n])));
        Assert.InRange(split.Validation.Length, 25, 60);
        if (train == 200) Assert.Equal(100, split.Test.Length);
    }

    [Fact]
    public void A_set_too_small_to_split_is_refused() =>
        Assert.Contains("needs at least one",
            Assert.Throws<RlLeapException>(() => ImageSplit.Draw(Set(3, 2), new Rng(1))).Message);

    [Fact]
    public void A_batch_is_normalized_channel_by_channel_and_gray_is_repeated()
    {
        var gray = new MultiCvSet(new ImageSet("g", 1, 32, 32, 10, SampleFiles.Bytes(2 * 1024), [4, 7], 2),
            new ImageSplit([0], [1], [1]), [0.1], [0.2752]);
        var (images, labels) = (new float[2 * 3072], new long[2]);
        gray.Fill([1, 0], images, labels);
        Assert.Equal([7, 4], labels);
        for (var c = 0; c < 3; c++)
            Assert.Equal((gray.Images.Image(1)[5] / 255f - 0.1f) / 0.2752f, images[c * 1024 + 5]);
        var colour = new MultiCvSet(new ImageSet("c", 3, 32, 32, 10, SampleFiles.Bytes(3072), [1], 1),
            new ImageSplit([0], [0], [0]), [0.1, 0.2, 0.3], [1, 2, 4]);
        colour.Fill([0], images, labels);
        for (var c = 0; c < 3; c++)
        {
            var (mean, deviation) = (new[] { 0.1f, 0.2f, 0.3f }[c], new[] { 1f, 2f, 4f }[c]);
            Assert.Equal((colour.Images.Image(0)[c * 1024 + 9] / 255f - mean) / deviation, images[c * 1024 + 9]);
        }
        Assert.Throws<ArgumentException>(() => gray.Fill([0, 1, 0], images, labels));
    }

    [Fact]
    public void The_cache_gives_the_same_set_without_decoding_and_notices_new_sources()
    {
        var source = _folder.Write("source", "one");
        var set = new ImageSet("s\nmore", 3, 2, 4, 5, SampleFiles.Bytes(72), [4, 0, 2], 2, [9, 9, 8]);
        var decoded = 0;
        ImageSet Load() => ImageCache.Load(_folder["cache"], "s", [source], () =>
        {
            decoded++;
            return set;
        });
        Load();
        var cached = Load();
        Assert.Equal(1, decoded);
        Assert.Equal(("s\nmore", 3, 2, 4, 5, 2),
            (cached.Name, cached.Channels, cached.Height, cached.Width, cached.Classes, cached.TrainCount));
        Assert.Equal(set.Pixels, cached.Pixels);
        Assert.Equal(set.Labels, cached.Labels);
        Assert.Equal(set.Groups, cached.Groups);
        File.WriteAllText(source, "other");
        Load();
        Assert.Equal(2, decoded);
        var bytes = File.ReadAllBytes(_folder["cache/s.images"]);
        bytes[^1] ^= 1;
        File.WriteAllBytes(_folder["cache/s.images"], bytes);
        Assert.Equal(set.Pixels, Load().Pixels);
        Assert.Equal(3, decoded);
    }

    [Fact]
    public void A_cache_that_cannot_be_written_is_no_error()
    {
        File.WriteAllText(_folder["file"], "in the way");
        Assert.Equal(3, ImageCache.Load(_folder["file"], "s", [], () => Set(3, 3)).Count);
    }

    [Fact]
    public void A_missing_or_partial_set_says_where_it_was_looked_for_and_what_to_do()
    {
        var location = DataLocation.Folder(_folder.Root, _folder["cache"]);
        var missing = Assert.Throws<DataException>(() => MultiCv.Load("svhn", new Rng(1), location));
        Assert.Contains(_folder.Root, missing.Message);
        Assert.Contains("rlleap data get svhn", missing.Message);
        Assert.DoesNotContain("data get",
            Assert.Throws<DataException>(() => MultiCv.Load("facescrub", new Rng(1), location)).Message);
        Assert.Contains("omniglot", Assert.Throws<DataException>(() => OmniglotData.Load(location)).Message);
        Assert.Contains("no Multi-CV data set called 'imagenet'",
            Assert.Throws<RlLeapException>(() => MultiCv.Load("imagenet", new Rng(1), location)).Message);
        SampleFiles.MnistFolder(_folder["mnist"]);
        Assert.Contains("20 training and 10 test images where mnist has 60,000 and 10,000",
            Assert.Throws<DataException>(() => MultiCv.Load("mnist", new Rng(1), location)).Message);
        Assert.Equal(17, MultiCv.Load("mnist", new Rng(1), location, allowPartial: true).Split.Train.Length);
    }

    [Fact]
    public void Every_downloadable_set_is_one_that_the_readers_know()
    {
        Assert.Equal(DataCatalog.Sets.Select(s => s.Name).Order(), MultiCv.Names.Append("omniglot").Order());
        Assert.All(DataCatalog.Sets.SelectMany(s => s.Files), f => Assert.Matches("^[0-9a-f]{32}$", f.Md5));
    }
}

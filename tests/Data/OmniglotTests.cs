// Omniglot, read from small archives with its layout.
using RlLeap.Data;
using Xunit;

namespace RlLeap.Tests.Data;

public sealed class OmniglotTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private OmniglotData Data(params (string, int)[] alphabets)
    {
        File.WriteAllBytes(_folder["a.zip"], SampleFiles.Zip(SampleFiles.OmniglotFiles(alphabets)));
        return OmniglotData.Load([_folder["a.zip"]]);
    }

    [Fact]
    public void Alphabets_characters_and_drawings_are_read_and_resized_by_pixel_centres()
    {
        var data = Data(("Beta", 2), ("Alpha", 3));
        Assert.Equal(["Alpha", "Beta"], data.Alphabets.Select(a => a.Name));
        Assert.Equal([3, 2], data.Alphabets.Select(a => a.Characters));
        // The drawing d (from 1) of the archive's character number n has ink in rows 10+d .. 49+d and columns 8+n ..
        // 27+n. Alpha comes second in the archive, so its character 1 is number 3.
        for (var y = 0; y < 28; y++)
            for (var x = 0; x < 28; x++)
            {
                var (row, column) = ((2 * y + 1) * 105 / 56, (2 * x + 1) * 105 / 56);
                var ink = row is >= 15 and < 55 && column is >= 11 and < 31;
                Assert.Equal(ink ? 0 : 1, data["Alpha"].Drawing(1, 4)[y * 28 + x]);
            }
        Assert.Contains("no alphabet called 'Gamma'", Assert.Throws<RlLeapException>(() => data["Gamma"]).Message);
    }

    [Fact]
    public void The_cache_gives_the_same_alphabets()
    {
        File.WriteAllBytes(_folder["a.zip"], SampleFiles.Zip(SampleFiles.OmniglotFiles(("Beta", 2), ("Alpha", 1))));
        var first = OmniglotData.Load([_folder["a.zip"]], _folder["cache"]);
        var second = OmniglotData.Load([_folder["a.zip"]], _folder["cache"]);
        Assert.Equal(first.Alphabets.Select(a => (a.Name, a.Characters)),
            second.Alphabets.Select(a => (a.Name, a.Characters)));
        Assert.Equal(first["Beta"].Drawings.ToArray(), second["Beta"].Drawings.ToArray());
    }

    [Fact]
    public void A_damaged_archive_is_refused_with_file_and_reason()
    {
        var files = SampleFiles.OmniglotFiles(("Alpha", 2));
        Refused("does not have the drawings 1..20", [.. files.Where((_, i) => i != 7)]);
        Refused("does not have the drawings 1..20", files[..^1]);
        Refused("105x105", [.. files[1..], (files[0].Item1, SampleFiles.Png(28, 28, new byte[784]))]);
        Refused("gray pixel",
            [.. files[1..],
                (files[0].Item1, SampleFiles.Png(105, 105, Enumerable.Repeat((byte)77, 105 * 105).ToArray()))]);
        Refused("IIII_DD.png", [.. files[1..], ("images_background/Alpha/character01/0001.png", files[0].Item2)]);
        Refused("ALPHABET/characterNN", [.. files[1..], ("images_background/0001_01.png", files[0].Item2)]);
        Refused("no drawings", [("readme.txt", [1])]);
        File.WriteAllBytes(_folder["a.zip"], SampleFiles.Zip(files)[..^30]);
        Assert.Contains("a.zip", Assert.Throws<DataException>(() => OmniglotData.Load([_folder["a.zip"]])).Message);

        void Refused(string reason, (string, byte[])[] files)
        {
            File.WriteAllBytes(_folder["a.zip"], SampleFiles.Zip(files));
            Assert.Contains(reason, Assert.Throws<DataException>(() => OmniglotData.Load([_folder["a.zip"]])).Message);
        }
    }

    [Fact]
    public void A_part_of_omniglot_is_not_taken_for_the_whole()
    {
        Directory.CreateDirectory(_folder["omniglot"]);
        File.WriteAllBytes(_folder["omniglot/images_background.zip"],
            SampleFiles.Zip(SampleFiles.OmniglotFiles(("Alpha", 1))));
        File.WriteAllBytes(_folder["omniglot/images_evaluation.zip"],
            SampleFiles.Zip(SampleFiles.OmniglotFiles(("Beta", 1))));
        Assert.Contains("2 alphabets with 2 characters where Omniglot has 50 with 1,623",
            Assert.Throws<DataException>(() => OmniglotData.Load(DataLocation.Folder(_folder.Root))).Message);
    }

    [Fact]
    public void A_split_holds_out_the_same_alphabets_for_every_pool_size_and_drops_small_ones()
    {
        var data = Data([.. Enumerable.Range(0, 12).Select(i => ($"A{i:D2}", i == 3 ? 1 : 2))]);
        var small = OmniglotSplit.Draw(data, new Rng(1), 2, evaluation: 3, classes: 2);
        var large = OmniglotSplit.Draw(data, new Rng(1), 6, evaluation: 3, classes: 2);
        Assert.Equal(["A03"], small.Dropped);
        Assert.Equal(small.Evaluation, large.Evaluation);
        Assert.Equal(small.Pretrain, large.Pretrain.Take(2));
        Assert.Equal((2, 6, 3), (small.Pretrain.Count, small.Validation.Count, small.Evaluation.Count));
        Assert.Equal(11, small.Pretrain.Concat(small.Validation).Concat(small.Evaluation).Distinct().Count());
        var otherSeed = OmniglotSplit.Draw(data, new Rng(2), 2, evaluation: 3, classes: 2);
        Assert.NotEqual(small.Evaluation, otherSeed.Evaluation);
        Assert.Contains("do not fit into the 11 alphabets", Assert.Throws<RlLeapException>(
            () => OmniglotSplit.Draw(data, new Rng(1), 9, evaluation: 3, classes: 2)).Message);
        Assert.Throws<RlLeapException>(() => OmniglotSplit.Draw(data, new Rng(1), 0, evaluation: 3, classes: 2));
    }

    [Fact]
    public void A_task_has_its_characters_fixed_and_drawings_of_validation_never_train()
    {
        var data = Data(("Alpha", 6));
        var task = new OmniglotClasses(data["Alpha"], new Rng(4), classes: 4);
        Assert.Equal(task.Characters, new OmniglotClasses(data["Alpha"], new Rng(4), classes: 4).Characters);
        Assert.Equal(4, task.Characters.Distinct().Count());
        Assert.Equal((60, 20), (task.TrainCount, task.ValidationCount));
        var counts = new int[4];
        for (var i = 0; i < 60; i++)
        {
            task.Drawing(false, i, out var label);
            counts[label]++;
        }
        Assert.Equal([15, 15, 15, 15], counts);
        // Together the two parts hold every drawing of each chosen character exactly once.
        for (var label = 0; label < 4; label++)
        {
            var used = Enumerable.Range(0, 60).Select(i => Picture(task, false, i))
                .Concat(Enumerable.Range(0, 20).Select(i => Picture(task, true, i)))
                .Where(d => d.Label == label).Select(d => d.Pixels);
            var all = Enumerable.Range(0, 20)
                .Select(d => Convert.ToHexString(data["Alpha"].Drawing(task.Characters[label], d)));
            Assert.Equal(all.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
        }
        Assert.Contains("6 characters; a task needs 7",
            Assert.Throws<RlLeapException>(() => new OmniglotClasses(data["Alpha"], new Rng(4), classes: 7)).Message);
    }

    private static (string Pixels, int Label) Picture(OmniglotClasses task, bool validation, int index)
    {
        var pixels = Convert.ToHexString(task.Drawing(validation, index, out var label));
        return (pixels, label);
    }
}

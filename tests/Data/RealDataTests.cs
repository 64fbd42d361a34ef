// The readers on the real files. These tests run only where RLLEAP_DATA has the files.
using RlLeap.Data;
using Xunit;

namespace RlLeap.Tests.Data;

public class RealDataTests
{
    private static DataLocation Location => DataLocation.Folder(TestData.Root!);

    [NeedsDataFact("omniglot_images_background.zip")]
    public void Omniglot_has_50_alphabets_of_which_4_are_too_small()
    {
        var data = OmniglotData.Load(Location);
        Assert.Equal(1623, data.Alphabets.Sum(a => a.Characters));
        Assert.Equal((24, 14),
            (data["Greek"].Characters, data["Blackfoot_(Canadian_Aboriginal_Syllabics)"].Characters));
        var split = OmniglotSplit.Draw(data, new Rng(1), 25);
        Assert.Equal((25, 11, 10, 4),
            (split.Pretrain.Count, split.Validation.Count, split.Evaluation.Count, split.Dropped.Count));
        // Two drawings of the original are equal: those of Braille, character 1, by the drawers 3 and 19.
        Assert.Equal(data["Braille"].Drawing(0, 2), data["Braille"].Drawing(0, 18));
        var greek = data["Greek"].Drawings.Span;
        // The strokes of ink are thin, so most pixels are paper.
        Assert.InRange(greek.Count((byte)0) / (double)greek.Length, 0.03, 0.12);
        Assert.Equal(greek.Length, greek.Count((byte)0) + greek.Count((byte)1));
    }

    [NeedsDataTheory("mnist")]
    [InlineData("mnist", 60_000, 10_000, 0.0)]
    [InlineData("fashion-mnist", 60_000, 10_000, 0.0)]
    [InlineData("notmnist", 10_000, 0, 0.25)]
    [InlineData("cifar10", 2_000, 1_000, 0.02)]
    [InlineData("gtsrb", 4_300, 860, 0.06)]
    public void A_set_has_its_images_and_nearly_zero_mean_and_unit_variance(string name, int train, int test,
        double tolerance)
    {
        // The HAT work's constants for notMNIST are those of the images before padding, hence the large tolerance.
        var set = MultiCv.Load(name, new Rng(1), Location, allowPartial: true);
        Assert.Equal((train, test), (set.Images.TrainCount, set.Images.Count - set.Images.TrainCount));
        Assert.Equal(set.Classes, set.Images.Labels.Distinct().Count());
        var (images, labels) = (new float[2000 * 3072], new long[2000]);
        var (sum, squares, count) = (0.0, 0.0, 0L);
        for (var at = 0; at < set.Split.Train.Length; at += 2000)
        {
            var batch = set.Split.Train.AsSpan(at, Math.Min(2000, set.Split.Train.Length - at));
            set.Fill(batch, images, labels);
            foreach (var v in images.AsSpan(0, batch.Length * 3072))
                (sum, squares, count) = (sum + v, squares + v * v, count + 1);
        }
        var mean = sum / count;
        Assert.InRange(mean, -tolerance - 0.005, tolerance + 0.005);
        Assert.InRange(Math.Sqrt(squares / count - mean * mean), 0.95, 1.05);
    }

    [NeedsDataFact("notmnist")]
    public void Copies_in_notmnist_do_not_straddle_splits()
    {
        var set = MultiCv.Load("notmnist", new Rng(2), Location, allowPartial: true);
        Assert.Equal(9804, set.Images.Groups!.Distinct().Count());
        HashSet<string>[] pictures = [Pictures(set.Split.Train), Pictures(set.Split.Validation),
            Pictures(set.Split.Test)];
        Assert.Empty(pictures[0].Intersect(pictures[1]));
        Assert.Empty(pictures[0].Intersect(pictures[2]));
        Assert.Empty(pictures[1].Intersect(pictures[2]));

        HashSet<string> Pictures(int[] part) => [.. part.Select(i => Convert.ToBase64String(set.Images.Image(i)))];
    }
}

namespace RlLeap.Data;

/// <summary>The images of a set for training, validation and test: their indices in random order.</summary>
/// <param name="Train">Images that gradients are computed from.</param>
/// <param name="Validation">Images that decide when training stops. The first ones are a random subset of the
/// part.</param>
/// <param name="Test">Images that reported scores are computed from.</param>
public sealed record ImageSplit(int[] Train, int[] Validation, int[] Test)
{
    /// <summary>
    /// Draws a split. If the distribution has a test part, it becomes the test part. Otherwise
    /// <paramref name="testFraction"/> of all images are drawn for it.
    /// </summary>
    /// <remarks>
    /// A group (<see cref="ImageSet.Groups"/>) is never divided. So a part can exceed its fraction by less than one
    /// group. A training image is left out if its group also occurs in the distribution's test part: it is a copy of a
    /// test image.
    /// </remarks>
    /// <exception cref="RlLeapException">A part would be empty.</exception>
    public static ImageSplit Draw(ImageSet set, Rng rng, double validationFraction = 0.15, double testFraction = 0.1)
    {
        int[] test, rest;
        if (set.TrainCount < set.Count)
        {
            test = Shuffled(Enumerable.Range(set.TrainCount, set.Count - set.TrainCount), rng.Split("test"));
            var seen = set.Groups is null ? [] : test.Select(i => set.Groups[i]).ToHashSet();
            rest = [.. Enumerable.Range(0, set.TrainCount)
                .Where(i => set.Groups is null || !seen.Contains(set.Groups[i]))];
        }
        else (rest, test) = Divide(set, [.. Enumerable.Range(0, set.Count)], testFraction, rng.Split("test"));
        var (train, validation) = Divide(set, rest, validationFraction, rng.Split("validation"));
        if (train.Length == 0 || validation.Length == 0 || test.Length == 0)
            throw new RlLeapException(
                $"{set.Name}: {set.Count} images give {train.Length} training, {validation.Length} validation and " +
                $"{test.Length} test images; every part needs at least one.");
        return new ImageSplit(train, validation, test);
    }

    // Takes whole groups in random order for the second part until it has the wanted number of images.
    private static (int[] First, int[] Second) Divide(ImageSet set, int[] indices, double fraction, Rng rng)
    {
        var wanted = (int)Math.Round(fraction * indices.Length);
        var groups = set.Groups is null
            ? [.. indices.Select(i => new[] { i })]
            : indices.GroupBy(i => set.Groups[i]).Select(g => g.ToArray()).ToArray();
        rng.Split("groups").Shuffle<int[]>(groups);
        var taken = 0;
        var count = 0;
        while (count < wanted && taken < groups.Length) count += groups[taken++].Length;
        return (Shuffled(groups.Skip(taken).SelectMany(g => g), rng.Split("first")),
            Shuffled(groups.Take(taken).SelectMany(g => g), rng.Split("second")));
    }

    private static int[] Shuffled(IEnumerable<int> indices, Rng rng)
    {
        int[] order = [.. indices];
        rng.Shuffle<int>(order);
        return order;
    }
}

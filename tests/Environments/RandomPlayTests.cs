// Random play must give the returns and lengths of MinAtar 1.0.15 with sticky 0.1 and ramping. The reference values are
// from 3,000 episodes a game (Freeway 200).
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class RandomPlayTests
{
    [Theory]
    [InlineData("Asterix-v0", 0.51, 0.02, 71, 1000)]
    [InlineData("Asterix-v1", 0.49, 0.02, 66, 1000)]
    [InlineData("Breakout-v0", 0.53, 0.01, 11, 3000)]
    [InlineData("Breakout-v1", 0.40, 0.01, 10, 3000)]
    [InlineData("Freeway-v0", 0.17, 0.03, 2501, 200)]
    [InlineData("Freeway-v1", 0.43, 0.04, 2501, 200)]
    [InlineData("Seaquest-v0", 0.11, 0.01, 31, 2000)]
    [InlineData("Seaquest-v1", 0.11, 0.01, 31, 2000)]
    [InlineData("SpaceInvaders-v0", 2.77, 0.04, 51, 1500)]
    [InlineData("SpaceInvaders-v1", 4.17, 0.06, 60, 1500)]
    public void Random_play_returns_what_the_original_returns_within_three_standard_errors(
        string game, double mean, double error, double length, int episodes)
    {
        using var vector = Registry.MakeVector($"MinAtar/{game}", episodes, new Rng(11), threads: 2);
        var rng = new Rng(12);
        // Only the first episode of every copy counts. Taking the first episodes to end would favour short ones.
        var first = new Dictionary<int, EpisodeRecord>();
        var actions = new int[episodes];
        vector.Reset();
        while (first.Count < episodes)
        {
            for (var i = 0; i < episodes; i++) actions[i] = rng.NextInt(((Discrete)vector.Spec.Action).Count);
            vector.Step(actions);
            foreach (var episode in vector.Finished) first.TryAdd(episode.Index, episode);
        }
        var (ourMean, ourError) = MeanAndError([.. first.Values.Select(episode => episode.Return)]);
        // Both means have an error, and the reference is rounded to two digits.
        var allowed = 3 * Math.Sqrt(ourError * ourError + error * error) + 0.005;
        Assert.True(Math.Abs(ourMean - mean) <= allowed,
            $"mean return {ourMean:F3} +- {ourError:F3}, reference {mean} +- {error}");
        var (ourLength, lengthError) = MeanAndError([.. first.Values.Select(episode => (double)episode.Length)]);
        Assert.True(Math.Abs(ourLength - length) <= 3 * Math.Sqrt(2) * lengthError + 0.5,
            $"mean length {ourLength:F1} +- {lengthError:F2}, reference {length}");
    }

    private static (double Mean, double Error) MeanAndError(double[] values)
    {
        var mean = values.Average();
        var squares = values.Sum(value => (value - mean) * (value - mean));
        return (mean, Math.Sqrt(squares / (values.Length - 1) / values.Length));
    }
}

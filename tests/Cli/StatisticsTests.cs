// Statistics against numpy and scipy (Golden/scores.py), against values worked out by hand, and against their limits.
using System.Text.Json;
using RlLeap.Cli.Statistics;
using Xunit;

namespace RlLeap.Tests.Cli;

public class StatisticsTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Cli", "Golden", "scores.json"))).RootElement;
    private static T Value<T>(string name) => Golden.GetProperty(name).Deserialize<T>()!;
    private static readonly double[][] Games = Value<double[][]>("games"), Others = Value<double[][]>("others");

    [Fact]
    public void Point_estimates_are_those_of_numpy_and_scipy()
    {
        Assert.Equal(Value<double>("mean"), Aggregates.Mean(Games), 12);
        Assert.Equal(Value<double>("median"), Aggregates.Median(Games), 12);
        Assert.Equal(Value<double>("iqm"), Aggregates.InterquartileMean(Games), 12);
        Assert.Equal(Value<double>("gap"), Aggregates.OptimalityGap(Games), 12);
        Assert.Equal(Value<double>("improvement"), Aggregates.ProbabilityOfImprovement(Games, Others), 12);
    }

    [Fact]
    public void Bootstrap_intervals_are_those_of_an_independent_resampling()
    {
        var mean = Aggregates.Bootstrap(Games, Aggregates.Mean, new Rng(3));
        var iqm = Aggregates.Bootstrap(Games, Aggregates.InterquartileMean, new Rng(4), 20_000);
        // Two Monte Carlo estimates of one quantile: within a few of their standard errors (about 0.001 here).
        Assert.Equal(Value<double[]>("mean_interval")[0], mean.Low, 0.006);
        Assert.Equal(Value<double[]>("mean_interval")[1], mean.High, 0.006);
        Assert.Equal(Value<double[]>("iqm_interval")[0], iqm.Low, 0.006);
        Assert.Equal(Value<double[]>("iqm_interval")[1], iqm.High, 0.006);
        Assert.InRange(mean.Value, mean.Low, mean.High);
    }

    private sealed record Case(double[][] x, double[][] y, double mean, double median, double iqm, double gap,
        double improvement, double[] iqm_interval, double[] improvement_interval);

    /// <summary>
    /// From one score to 26 games of ten runs, ties among them, games with different numbers of runs.
    /// </summary>
    [Fact]
    public void On_random_scores_of_many_shapes_they_are_those_of_numpy()
    {
        foreach (var (number, c) in Value<Case[]>("cases").Index())
        {
            Assert.Equal([c.mean, c.median, c.iqm, c.gap, c.improvement],
                [Aggregates.Mean(c.x), Aggregates.Median(c.x), Aggregates.InterquartileMean(c.x),
                    Aggregates.OptimalityGap(c.x), Aggregates.ProbabilityOfImprovement(c.x, c.y)],
                (expected, actual) => Math.Abs(expected - actual) < 1e-12);
            var iqm = Aggregates.Bootstrap(c.x, Aggregates.InterquartileMean, new Rng(number), 10_000);
            var improvement =
                Aggregates.Bootstrap(c.x, c.y, Aggregates.ProbabilityOfImprovement, new Rng(number), 10_000);
            // Scores have one digit: a quantile may fall on either side of a step of the distribution.
            Assert.Equal([.. c.iqm_interval, .. c.improvement_interval], [.. Ends(iqm), .. Ends(improvement)],
                (expected, actual) => Math.Abs(expected - actual) < 0.035);

            // Numpy gives one point where there is no interval.
            static double[] Ends(Interval i) => i.IsKnown ? [i.Low, i.High] : [i.Value, i.Value];
        }
    }

    [Theory]
    [InlineData(1, 12.706205)]
    [InlineData(2, 4.302653)]
    [InlineData(3, 3.182446)]
    [InlineData(4, 2.776445)]
    [InlineData(9, 2.262157)]
    [InlineData(30, 2.042272)]
    [InlineData(99, 1.984217)]
    public void Students_intervals_are_those_of_the_tables(int freedom, double t)
    {
        double[] values = [.. Enumerable.Range(0, freedom + 1).Select(i => (double)i)];
        var interval = Aggregates.Student(values);
        var error = Math.Sqrt(values.Sum(v => (v - interval.Value) * (v - interval.Value)) / freedom / (freedom + 1));
        Assert.Equal(t, (interval.High - interval.Value) / error, 6);
        Assert.Equal(t, (interval.Value - interval.Low) / error, 6);
    }

    [Fact]
    public void The_bootstrap_of_two_runs_has_the_percentiles_of_its_three_outcomes()
    {
        // The mean of two draws from {0, 1} is 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4.
        Assert.Equal(new Interval(0.5, 0, 1), Aggregates.Bootstrap([[0.0, 1.0]], Aggregates.Mean, new Rng(0)));
        Assert.Equal(Interval.None(0.5),
            Aggregates.Bootstrap([[0.0, 1.0]], Aggregates.Mean, new Rng(0), confidence: 0.3));
    }

    [Fact]
    public void The_bootstrap_resamples_runs_and_never_games()
    {
        // Games far apart, runs equal: nothing varies. Resampling games would give an interval from 0 to 100.
        Assert.Equal(Interval.None(50),
            Aggregates.Bootstrap([[0.0, 0.0], [100.0, 100.0]], Aggregates.Mean, new Rng(0), 1000));
        Assert.Equal(Interval.None(2), Aggregates.Bootstrap([[1.0], [3.0]], Aggregates.Mean, new Rng(0)));
    }

    [Fact]
    public void The_bootstrap_depends_on_its_seed_alone()
    {
        Interval Of(long seed) =>
            Aggregates.Bootstrap(Games, Others, Aggregates.ProbabilityOfImprovement, new Rng(seed));
        Assert.Equal(Of(1), Of(1));
        Assert.NotEqual(Of(1), Of(2));
    }

    [Fact]
    public void Improvement_over_itself_is_a_half_and_the_two_directions_add_to_one()
    {
        Assert.Equal(0.5, Aggregates.ProbabilityOfImprovement(Games, Games), 12);
        Assert.Equal(1, Aggregates.ProbabilityOfImprovement(Games, Others)
            + Aggregates.ProbabilityOfImprovement(Others, Games), 12);
    }

    [Fact]
    public void Curves_are_smoothed_integrated_and_resampled_as_by_numpy()
    {
        var (steps, values) = (Value<long[]>("steps"), Value<double[]>("values"));
        Equal(Value<double[]>("average"), LearningCurves.MovingAverage(values, 7));
        Assert.Equal(Value<double>("area"), LearningCurves.Area(steps, values), 12);
        Equal(Value<double[]>("at"), LearningCurves.At(steps, values, Value<double[]>("grid")));

        static void Equal(double[] expected, double[] actual)
        {
            Assert.Equal(expected.Length, actual.Length);
            foreach (var (e, a) in expected.Zip(actual)) Assert.Equal(e, a, 10);
        }
    }

    [Fact]
    public void A_constant_curve_has_itself_for_area_final_value_and_average()
    {
        long[] steps = [0, 1, 10, 100];
        double[] values = [3, 3, 3, 3];
        Assert.Equal((3.0, 3.0), (LearningCurves.Area(steps, values), LearningCurves.Final(values, 2)));
        Assert.Equal(values, LearningCurves.MovingAverage(values, 2));
        Assert.Equal(5.0, LearningCurves.Area([7], [5.0]));
    }

    [Fact]
    public void The_time_to_a_threshold_is_the_first_step_there_or_none()
    {
        long[] steps = [10, 20, 30];
        Assert.Equal(20, LearningCurves.StepsTo(steps, [0.0, 2.0, 1.0], 2));
        Assert.Null(LearningCurves.StepsTo(steps, [0.0, 2.0, 1.0], 3));
        Assert.Equal(30, LearningCurves.StepsTo(steps, [3.0, 2.0, 1.0], 1, higherIsBetter: false));
    }

    [Fact]
    public void Scores_are_normalized_between_random_and_the_best_known()
    {
        Assert.Equal(0, Scales.Of("ALE/Pong-v5")!.Normalize(-20.7), 12);
        Assert.Equal(1, Scales.Of("ALE/Pong-v5")!.Normalize(14.6), 12);
        Assert.Equal(1, Scales.Of("MinAtar/SpaceInvaders-v0")!.Normalize(183), 12);
        Assert.Equal(Scales.Of("ALE/YarsRevenge-v5"), Scales.Of("ALE/YarsRevenge-v4"));
        Assert.Null(Scales.Of("gym:CartPole-v1"));
    }
}

// Numbers over games and seeds, with intervals: the evaluation protocol of Agarwal et al. 2021, "Deep Reinforcement
// Learning at the Edge of the Statistical Precipice" (https://arxiv.org/abs/2108.13264), after the definitions of its
// library rliable.
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace RlLeap.Cli.Statistics;

/// <summary>
/// A value and its 95 % interval. One value, or values that all agree, say nothing of how far others would lie: then
/// there is no interval, and both ends are NaN.
/// </summary>
public readonly record struct Interval(double Value, double Low, double High)
{
    /// <summary>A value without an interval.</summary>
    public static Interval None(double value) => new(value, double.NaN, double.NaN);

    /// <summary>Whether there is an interval.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsKnown => double.IsFinite(Low) && double.IsFinite(High);

    /// <summary>An interval; none where its ends are one.</summary>
    public static Interval Of(double value, double low, double high) =>
        low < high ? new(value, low, high) : None(value);
}

/// <summary>Statistics of normalized scores <c>scores[game][run]</c>; games may differ in their runs.</summary>
public static class Aggregates
{
    /// <summary>Mean of the games' means.</summary>
    public static double Mean(double[][] scores) => scores.Average(game => game.Average());

    /// <summary>Median of the games' means.</summary>
    public static double Median(double[][] scores) => Quantile([.. scores.Select(game => game.Average()).Order()], 0.5);

    /// <summary>Interquartile mean: of all n scores, flattened and sorted, without ⌊n/4⌋ at each end.</summary>
    public static double InterquartileMean(double[][] scores)
    {
        double[] all = [.. scores.SelectMany(game => game)];
        Array.Sort(all);
        var cut = all.Length / 4;
        return all.AsSpan(cut, all.Length - 2 * cut).ToArray().Average();
    }

    /// <summary>How far scores stay below 1: 1 − mean over all scores of min(score, 1).</summary>
    public static double OptimalityGap(double[][] scores) =>
        1 - scores.SelectMany(game => game).Average(s => Math.Min(s, 1));

    /// <summary>P(X &gt; Y) for runs on one game, averaged over games: Mann-Whitney U / (n·m), ties half.</summary>
    public static double ProbabilityOfImprovement(double[][] x, double[][] y)
    {
        if (x.Length != y.Length)
            throw new ArgumentException($"both need the same games; got {x.Length} and {y.Length}");
        return x.Zip(y, (a, b) => a.Sum(s => b.Sum(t => s > t ? 1.0 : s == t ? 0.5 : 0.0)) / (a.Length * b.Length))
            .Average();
    }

    /// <summary>
    /// A statistic with its stratified bootstrap interval: runs are drawn with replacement within each game, games
    /// stay; the interval is from the percentiles of the replications.
    /// </summary>
    public static Interval Bootstrap(double[][] scores, Func<double[][], double> statistic, Rng rng,
        int replications = 50_000, double confidence = 0.95) =>
        Bootstrap([scores], s => statistic(s[0]), rng, replications, confidence);

    /// <summary>The same for a statistic of two methods, each resampled by itself.</summary>
    public static Interval Bootstrap(double[][] x, double[][] y, Func<double[][], double[][], double> statistic,
        Rng rng, int replications = 2_000, double confidence = 0.95) =>
        Bootstrap([x, y], s => statistic(s[0], s[1]), rng, replications, confidence);

    /// <summary>The mean of some numbers with its bootstrap interval.</summary>
    public static Interval Bootstrap(double[] values, Rng rng, int replications) =>
        Bootstrap([values], Mean, rng, replications);

    private static Interval Bootstrap(double[][][] groups, Func<double[][][], double> statistic, Rng rng,
        int replications, double confidence)
    {
        if (groups.Any(games => games.Length == 0 || games.Any(runs => runs.Length == 0)))
            throw new ArgumentException("every game needs at least one run");
        var value = statistic(groups);
        if (groups.All(games => games.All(runs => runs.Length == 1))) return Interval.None(value);
        double[][][] drawn = [.. groups.Select(games => games.Select(runs => new double[runs.Length]).ToArray())];
        var values = new double[replications];
        for (var r = 0; r < replications; r++)
        {
            for (var g = 0; g < groups.Length; g++)
                for (var i = 0; i < groups[g].Length; i++)
                    for (var k = 0; k < drawn[g][i].Length; k++)
                        drawn[g][i][k] = groups[g][i][rng.NextInt(drawn[g][i].Length)];
            values[r] = statistic(drawn);
        }
        Array.Sort(values);
        // Values that differ by rounding alone agree.
        var spread = values[^1] - values[0];
        if (spread <= 1e-12 * Math.Max(Math.Abs(values[0]), Math.Abs(values[^1]))) return Interval.None(value);
        return Interval.Of(
            value, Quantile(values, (1 - confidence) / 2), Quantile(values, (1 + confidence) / 2));
    }

    /// <summary>
    /// The mean of lines [line][point] at each point as a band: the percentiles of its bootstrap, in which all points
    /// share the drawn lines. It lies between the lowest and the highest line. NaN where a line has no value; of one
    /// line, the line itself.
    /// </summary>
    public static (double[] Low, double[] High) Band(double[][] lines, Rng rng, int replications = 1_000,
        double confidence = 0.95)
    {
        if (lines.Length == 1) return (lines[0], lines[0]);
        var drawn = new double[replications][];
        for (var r = 0; r < replications; r++)
        {
            drawn[r] = new double[lines.Length];
            for (var k = 0; k < lines.Length; k++) drawn[r][rng.NextInt(lines.Length)] += 1.0 / lines.Length;
        }
        double[] low = new double[lines[0].Length], high = new double[low.Length], values = new double[replications];
        for (var i = 0; i < low.Length; i++)
        {
            for (var r = 0; r < replications; r++)
            {
                values[r] = 0;
                for (var k = 0; k < lines.Length; k++) values[r] += drawn[r][k] * lines[k][i];
            }
            Array.Sort(values);
            (low[i], high[i]) = double.IsNaN(values[0]) ? (double.NaN, double.NaN)
                : (Quantile(values, (1 - confidence) / 2), Quantile(values, (1 + confidence) / 2));
        }
        return (low, high);
    }

    /// <summary>
    /// The performance profile: at each height τ the share of runs with a score above it, (1/M) Σ_m (1/N_m) Σ_n
    /// 1[x_mn &gt; τ], and its stratified bootstrap interval, point by point from replications that all heights share.
    /// </summary>
    public static (double[] Share, double[] Low, double[] High) Profile(double[][] scores,
        IReadOnlyList<double> heights, Rng rng, int replications = 2_000, double confidence = 0.95)
    {
        var sorted = scores.Select(game => game.Order().ToArray()).ToArray();
        var share = Above(sorted);
        var drawn = new double[replications][];
        for (var r = 0; r < replications; r++)
            drawn[r] = Above([.. sorted.Select(game =>
            {
                var again = new double[game.Length];
                for (var k = 0; k < again.Length; k++) again[k] = game[rng.NextInt(game.Length)];
                Array.Sort(again);
                return again;
            })]);
        double[] low = new double[heights.Count], high = new double[heights.Count];
        for (var i = 0; i < heights.Count; i++)
        {
            double[] values = [.. drawn.Select(line => line[i]).Order()];
            (low[i], high[i]) = (Quantile(values, (1 - confidence) / 2), Quantile(values, (1 + confidence) / 2));
        }
        return (share, low, high);

        double[] Above(double[][] games)
        {
            var line = new double[heights.Count];
            foreach (var game in games)
                for (int i = 0, passed = 0; i < line.Length; i++)
                {
                    while (passed < game.Length && game[passed] <= heights[i]) passed++;
                    line[i] += (double)(game.Length - passed) / game.Length / games.Length;
                }
            return line;
        }
    }

    /// <summary>
    /// Mean of independent values with Student's 95 % interval, mean ± t s/√n: for the few runs of a table, where a
    /// bootstrap is too narrow. The mean itself for one value.
    /// </summary>
    public static Interval Student(double[] values)
    {
        var mean = values.Average();
        if (values.Length < 2) return Interval.None(mean);
        var half =
            StudentT.InvCDF(0, 1, values.Length - 1, 0.975) * values.StandardDeviation() / Math.Sqrt(values.Length);
        return Interval.Of(mean, mean - half, mean + half);
    }

    /// <summary>The q-quantile of sorted values, linear between them (numpy's default; R's type 7).</summary>
    public static double Quantile(double[] sorted, double q) =>
        SortedArrayStatistics.QuantileCustom(sorted, q, QuantileDefinition.R7);
}

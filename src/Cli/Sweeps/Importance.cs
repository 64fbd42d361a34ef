// How much of the objective goes with a range, one range at a time.
using MathNet.Numerics.Distributions;
using Correlations = MathNet.Numerics.Statistics.Correlation;

namespace RlLeap.Cli.Sweeps;

/// <summary>What one range has to do with the objective, over all trials at the same budget.</summary>
/// <param name="Key">The range's key.</param>
/// <param name="Correlation">
/// Spearman's rank correlation with how good a trial is: above 0, larger values are better. Null for a choice.
/// </param>
/// <param name="Share">
/// Share of the ranks' variance that goes with it: the correlation's square, or between the choices.
/// </param>
/// <param name="ByChance">The share that a range without any effect exceeds in one of twenty sweeps.</param>
/// <param name="Means">Mean objective and count of each choice, the best first; empty for numbers.</param>
/// <param name="BestQuarter">The values of the best quarter of the trials, in order.</param>
internal sealed record Importance(
    string Key, double? Correlation, double Share, double ByChance, IReadOnlyList<ChoiceMean> Means,
    IReadOnlyList<string> BestQuarter)
{
    /// <summary>Trials from which there is something to say.</summary>
    public const int Fewest = 4;

    /// <summary>Computes it.</summary>
    /// <param name="objectives">Each trial's objective; NaN where it failed, which counts as worst.</param>
    public static Importance? Of(string key, RangeConfig range, IReadOnlyList<string> values,
        IReadOnlyList<double> objectives, Direction direction)
    {
        if (objectives.Count < Fewest) return null;
        var quarter = Ranking.Best(objectives, objectives.Count / 4, direction).Select(i => values[i]).ToList();
        // The best has the largest rank here, so that a positive correlation is a good one.
        double[] goodness = [.. Ranking.Ranks(objectives, direction).Select(rank => -rank)];
        if (range.IsNumber)
        {
            double[] numbers = [.. values.Select(value => (double)ScalarText.Parse(typeof(double), value)!)];
            var correlation = Correlations.Pearson(Ranking.Ranks(numbers, Direction.Minimize), goodness);
            if (double.IsNaN(correlation)) correlation = 0; // all values or all trials are equal
            // Student's t of a rank correlation.
            var t = StudentT.InvCDF(0, 1, objectives.Count - 2, 0.975);
            return new(key, correlation, correlation * correlation, t * t / (objectives.Count - 2 + t * t), [],
                [.. quarter.OrderBy(value => ScalarText.Parse(typeof(double), value))]);
        }
        var groups = values.Zip(goodness, objectives).GroupBy(v => v.First).ToList();
        var mean = goodness.Average();
        var all = goodness.Sum(g => (g - mean) * (g - mean));
        var between = groups.Sum(g => g.Count() * Math.Pow(g.Average(v => v.Second) - mean, 2));
        // Kruskal and Wallis: (n - 1) times the share is nearly chi-squared.
        var chance = groups.Count < 2 ? 1
            : Math.Min(1, ChiSquared.InvCDF(groups.Count - 1, 0.95) / (objectives.Count - 1));
        return new(key, null, all == 0 ? 0 : between / all, chance, [.. groups
            .OrderByDescending(g => g.Average(v => v.Second)).Select(g => new ChoiceMean(g.Key, g.Count(),
                g.Select(v => v.Third).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average()))],
            [.. quarter.Order(StringComparer.Ordinal)]);
    }
}

/// <summary>What the trials with one choice came to.</summary>
internal sealed record ChoiceMean(string Value, int Trials, double Mean);

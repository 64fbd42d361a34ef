using System.Globalization;

namespace RlLeap.Benchmarks;

/// <summary>What several rounds of one measurement say.</summary>
internal static class Rounds
{
    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>"median (lowest .. highest)".</summary>
    public static string Spread(IReadOnlyCollection<double> values, string format = "0.00")
    {
        return $"{Text(Median(values))} ({Text(values.Min())} .. {Text(values.Max())})";

        string Text(double value) => value.ToString(format, CultureInfo.InvariantCulture);
    }
}

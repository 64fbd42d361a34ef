
namespace RlLeap.Cli.Statistics;

/// <summary>Writes numbers: to the second figure of the interval's half width, or to three figures alone.</summary>
internal static class Rounded
{
    /// <summary>What is missing is not a number.</summary>
    public const string Missing = "–";

    /// <summary>"4.56 [3.62, 5.50]"; the value alone where there is no interval.</summary>
    public static string Text(Interval interval)
    {
        if (!interval.IsKnown) return Text(interval.Value);
        var decimals = Decimals((interval.High - interval.Low) / 2);
        return $"{At(interval.Value, decimals)} [{At(interval.Low, decimals)}, {At(interval.High, decimals)}]";
    }

    /// <summary>"0.86 [0.78, 0.93]": always two decimals.</summary>
    public static string Probability(Interval interval) => interval.IsKnown
        ? $"{At(interval.Value, 2)} [{At(interval.Low, 2)}, {At(interval.High, 2)}]" : At(interval.Value, 2);

    /// <summary>A number without an interval.</summary>
    public static string Text(double x) => !double.IsFinite(x) ? Missing : At(x, Math.Abs(x) switch
    {
        >= 100 => 0,
        >= 10 => 1,
        >= 1 => 2,
        _ => 3,
    });

    /// <summary>A number to four figures, whole from a thousand on: where nothing says how exact it is.</summary>
    public static string FourFigures(double x) => !double.IsFinite(x) ? Missing
        : x.ToString(Math.Abs(x) >= 1000 ? "#,0" : "G4");

    /// <summary>A number with so many decimals.</summary>
    public static string At(double x, int decimals)
    {
        if (!double.IsFinite(x)) return Missing;
        var text = x.ToString("#,0." + new string('0', decimals));
        // No minus sign before a zero.
        return text.Any(c => c is >= '1' and <= '9') ? text : text.TrimStart('-');
    }

    // Rounded so that the half width has two figures.
    private static int Decimals(double half) => Math.Clamp(1 - (int)Math.Floor(Math.Log10(half)), 0, 9);
}

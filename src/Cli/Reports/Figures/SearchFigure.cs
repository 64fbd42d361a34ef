// The objective of a sweep over each of its ranges.
using System.Globalization;
using RlLeap.Cli.Sweeps;
using ScottPlot;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>A panel a range: a dot for each trial at the end of the first rung.</summary>
internal static class SearchFigure
{
    private static readonly Color Blue = Color.FromHex("#0072B2"), Orange = Color.FromHex("#D55E00");

    public static FigurePage Of(SearchReport report)
    {
        string[] keys = [.. report.Ranges.Keys];
        var columns = FigurePage.ColumnsOf(keys.Length);
        var names = report.ShortKeys();
        return new([.. keys.Select((key, i) => Of(report, key, names[key], i % columns == 0))], FigureLegend.None,
            columns);
    }

    private static Panel Of(SearchReport report, string key, string name, bool left)
    {
        var range = report.Ranges[key];
        var values = report.Trials.Select(trial => trial.Values[key]);
        double At(TrialReport trial) => !range.IsNumber ? range.Choice!.ToList().IndexOf(trial.Values[key])
            : (double)ScalarText.Parse(typeof(double), trial.Values[key])! is var x && range.IsLog ? Math.Log10(x) : x;
        var panel = new Panel("")
        {
            XLabel = name.Replace('-', ' '), YLabel = left ? report.Objective : "", XMargin = 0.06,
            XTicks = range.IsNumber ? range.IsLog ? LogTicks(report.Trials.Select(At)) : null : Choices(range.Choice!),
        };
        foreach (var trial in report.Trials)
        {
            if (report.First[trial.Number] is not { } value || !double.IsFinite(value)) continue;
            var last = trial.Rung == report.Rungs.Count - 1;
            panel.Dots([At(trial)], [value], Blue, 4.5f, last ? 0.85 : 0.3);
        }
        if (report.Best is { } best && report.First[best.Number] is { } at)
            panel.Dots([At(best)], [at], Orange, 7, 1, MarkerShape.FilledDiamond);
        return panel;
    }

    private static AxisTicks Choices(IReadOnlyList<string> values) => new(-0.5, values.Count - 0.5,
        [.. values.Select((_, i) => (double)i)], values);

    // 1, 2 and 5 of each power of ten where the range is short, else the powers.
    private static AxisTicks LogTicks(IEnumerable<double> logs)
    {
        double[] all = [.. logs];
        var (low, high) = (all.Min(), all.Max());
        var room = Math.Max(0.05, 0.06 * (high - low));
        (low, high) = (low - room, high + room);
        double[] digits = high - low > 2.2 ? [1] : high - low > 1.2 ? [1, 3] : [1, 2, 5];
        double[] at = [.. Enumerable.Range((int)Math.Floor(low), (int)Math.Ceiling(high - low) + 2)
            .SelectMany(power => digits.Select(digit => Math.Log10(digit) + power)).Where(x => x >= low && x <= high)];
        return new(low, high, at, [.. at.Select(x => Text(Math.Pow(10, x)))]);
    }

    private static string Text(double x) =>
        x.ToString(x is >= 1e-4 and < 1e6 ? "0.#####" : "0.#E0", CultureInfo.InvariantCulture);
}

using RlLeap.Cli.Sweeps;
using ScottPlot;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>A panel a range: a dot for each trial at the end of the first rung.</summary>
internal static class SearchFigure
{
    private static readonly Color Blue = Color.FromHex("#0072B2"), Orange = Color.FromHex("#D55E00"),
        Grey = Color.FromHex("#8c8c8c");

    public static FigurePage Of(SearchReport report)
    {
        var names = report.ShortKeys();
        return new([.. report.Ranges.Keys.Select(key => Of(report, key, names[key]))]);
    }

    private static Panel Of(SearchReport report, string key, string name)
    {
        var range = report.Ranges[key];
        double At(TrialReport trial) => !range.IsNumber ? range.Choice!.ToList().IndexOf(trial.Values[key])
            : (double)ScalarText.Parse(typeof(double), trial.Values[key])! is var x && range.IsLog ? Math.Log10(x) : x;
        var panel = new Panel("")
        {
            XLabel = name.Replace('-', ' '), YLabel = report.Objective, XMargin = 0.06,
            XTicks = range.IsNumber ? range.IsLog ? LogTicks(report.Trials.Select(At)) : null : Choices(range.Choice!),
        };
        var drawn = report.Trials.Where(t => report.First[t.Number] is { } value && double.IsFinite(value)).ToList();
        foreach (var trial in drawn)
            panel.Dots([At(trial)], [Height(trial)], Blue, 4.5f, IsLast(trial) ? 0.85 : 0.3);
        if (report.Best is { } best) panel.Dots([At(best)], [Height(best)], Orange, 7, 1, MarkerShape.FilledDiamond);
        Mark("best", Orange, diamond: true, drawn.Where(trial => trial == report.Best));
        var several = report.Rungs.Count > 1;
        Mark(several ? "to the last budget" : "trials", Blue, diamond: false,
            drawn.Where(trial => trial != report.Best && IsLast(trial)));
        Mark("left behind", Grey, diamond: false, drawn.Where(trial => !IsLast(trial)));
        return panel;

        double Height(TrialReport trial) => report.First[trial.Number]!.Value;
        bool IsLast(TrialReport trial) => trial.Rung == report.Rungs.Count - 1;
        void Mark(string what, Color color, bool diamond, IEnumerable<TrialReport> trials)
        {
            var shown = trials.ToList();
            if (shown.Count == 0) return;
            panel.Marks.Add(new ChartMark("dots", what, color.ToStringRGB())
            {
                X = [.. shown.Select(At)], Y = [.. shown.Select(Height)], Size = diamond ? 7 : 4.5, Diamond = diamond,
                Names = [.. shown.Select(trial => Trial.NameOf(trial.Number))],
                Texts = [.. shown.Select(trial => trial.Values[key])],
            });
        }
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
        x.ToString(x is >= 1e-4 and < 1e6 ? "0.#####" : "0.#E0");
}

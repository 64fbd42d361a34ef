// Values of several methods below one another: each one's runs, their mean and its interval.
using ScottPlot;
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>A panel with a row for each name.</summary>
internal static class Intervals
{
    /// <summary>Height of a row in points.</summary>
    public const float RowHeight = 15;

    /// <summary>A dot for each value, a diamond at their mean, a line over its interval; maybe empty rows.</summary>
    /// <param name="xLabel">Stands below; empty for nothing.</param>
    /// <param name="names">The rows, from the top.</param>
    /// <param name="of">A row's values and their mean with its interval; null where it has none.</param>
    /// <param name="task">The task that the panel is about; null for none.</param>
    /// <param name="seeds">What the values of a row are of; null where nobody asks.</param>
    /// <param name="limits">Where the axis begins and ends; null for what shows all.</param>
    public static Panel Of(
        string title, string xLabel, IReadOnlyList<string> names,
        Func<string, (IReadOnlyList<double> Values, Interval Interval)?> of, Palette palette,
        string? task = null, Func<string, IReadOnlyList<ChartSeed>>? seeds = null,
        (double Low, double High)? limits = null)
    {
        var rows = names.Select(of).ToList();
        // An interval of two or three runs can be wider than all the rest: it is cut off rather than shrinking all.
        var known = rows.OfType<(IReadOnlyList<double> Values, Interval Interval)>().ToList();
        double[] seen = [.. known.SelectMany(r => r.Values.Append(r.Interval.Value)).Where(double.IsFinite)];
        double[] ends =
            [.. known.SelectMany(r => new[] { r.Interval.Low, r.Interval.High }).Where(double.IsFinite), .. seen];
        if (limits is null && seen.Length > 0)
        {
            var spread = seen.Max() - seen.Min();
            var room = spread > 0 ? 0.6 * spread : 0.1 * Math.Max(Math.Abs(seen[0]), 0.1);
            var low = Math.Max(ends.Min(), seen.Min() - room);
            var high = Math.Min(ends.Max(), seen.Max() + room);
            var margin = Math.Max(0.06 * (high - low), 0.02 * room);
            limits = (low - margin, high + margin);
        }
        var panel = new Panel(title)
        {
            XLabel = xLabel, Rows = names, XLimits = limits, Task = task,
        };
        panel.Extend(seen, []);
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i] is not var (values, interval)) continue;
            var color = palette[names[i]].Color;
            panel.Marks.Add(ChartMark.OfRow(names[i], palette[names[i]], i, interval, seeds is null ? null
                : [.. seeds(names[i]).Zip(values, (seed, value) => seed with { X = value })]));
            panel.Bar(interval.Low, -i, interval.High, -i, color, FigureStyle.IntervalWidth);
            panel.Dots([interval.Value], [-i], color, 6, 1, MarkerShape.FilledDiamond);
            if (values.Count > 1) panel.Dots(values, [.. values.Select(_ => -i - 0.3)], color, 3.2f, 0.6);
        }
        return panel;
    }
}

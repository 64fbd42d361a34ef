// All tasks together, on normalized scores: statistics, performance profiles, probabilities (Agarwal et al. 2021).
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>A panel a statistic: a row a method, its value with its interval.</summary>
internal static class AggregatesFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        string[] methods = [.. report.Aggregates.Select(a => a.Method).Distinct()];
        var shown = report.Aggregates.GroupBy(a => (a.Of, a.Statistic)).ToList();
        var columns = shown.Select(s => s.Key.Statistic).Distinct().Count();
        var panels = shown.Select((group, i) => Intervals.Of(
            $"{group.Key.Statistic}, {group.Key.Of}", i + columns >= shown.Count ? "normalized score" : "", methods,
            i % columns == 0, name => group.FirstOrDefault(a => a.Method == name) is { } a ? ([], a.Interval) : null,
            palette)).ToList();
        return new(panels, FigureLegend.None, columns, Math.Max(40, methods.Length * Intervals.RowHeight));
    }
}

/// <summary>The share of runs that score above each height.</summary>
internal static class ProfilesFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        var kinds = report.Profiles.GroupBy(p => p.Of).ToList();
        var panels = kinds.Select((kind, i) =>
        {
            var panel = new Panel(kind.Key)
            {
                XLabel = "normalized score τ", YLabel = i == 0 ? "share of runs above τ" : "",
            };
            foreach (var p in kind) panel.Band(p.Scores, p.Low, p.High, palette[p.Method].Color);
            foreach (var p in kind.Reverse()) panel.Line(p.Scores, p.Share, palette[p.Method]);
            panel.Marks.AddRange(kind.Select(p =>
                ChartMark.Curve(p.Method, palette[p.Method], p.Scores, p.Share, p.Low, p.High)));
            return panel;
        }).ToList();
        return new(panels, new FigureLegend(palette, report.Profiles.Select(p => p.Method).Distinct()), kinds.Count);
    }
}

/// <summary>The probability that a run of a method beats one of the reference's: a row a method.</summary>
internal static class ImprovementFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        string[] methods = [.. report.Improvements.Select(i => i.Method).Distinct()];
        var kinds = report.Improvements.GroupBy(i => i.Of).ToList();
        var panels = kinds.Select((kind, i) => Intervals.Of(
            kind.Key, $"P(better than {kind.First().Over})", methods, i == 0,
            name => kind.FirstOrDefault(p => p.Method == name) is { } p ? ([], p.Interval) : null, palette,
            limits: (-0.02, 1.02))).ToList();
        return new(panels, FigureLegend.None, kinds.Count, Math.Max(40, methods.Length * Intervals.RowHeight));
    }
}

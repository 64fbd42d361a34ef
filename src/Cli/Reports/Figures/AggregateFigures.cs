// All tasks together, on normalized scores: statistics, performance profiles, probabilities (Agarwal et al. 2021).

namespace RlLeap.Cli.Reports.Figures;

/// <summary>A panel a statistic: a row a method, its value with its interval.</summary>
internal static class AggregatesFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        string[] methods = [.. report.Aggregates.Select(a => a.Method).Distinct()];
        var shown = report.Aggregates.GroupBy(a => (a.Of, a.Statistic)).ToList();
        var columns = shown.Select(s => s.Key.Statistic).Distinct().Count();
        return new([.. shown.Select(group => Intervals.Of(
            $"{group.Key.Statistic}, {group.Key.Of}", "normalized score", methods,
            name => group.FirstOrDefault(a => a.Method == name) is { } a ? ([], a.Interval) : null, palette))],
            columns: columns);
    }
}

/// <summary>The share of runs that score above each height.</summary>
internal static class ProfilesFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        return new([.. report.Profiles.GroupBy(p => p.Of).Select(kind =>
        {
            var panel = new Panel(kind.Key) { XLabel = "normalized score τ", YLabel = "share of runs above τ" };
            panel.Curves([.. kind.Select(p => new PanelCurve(
                p.Method, palette[p.Method], p.Scores, p.Share, p.Low, p.High, HasBand: true))]);
            return panel;
        })], new FigureLegend(palette, report.Profiles.Select(p => p.Method).Distinct()));
    }
}

/// <summary>The probability that a run of a method beats one of the reference's: a row a method.</summary>
internal static class ImprovementFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        string[] methods = [.. report.Improvements.Select(i => i.Method).Distinct()];
        return new([.. report.Improvements.GroupBy(i => i.Of).Select(kind => Intervals.Of(
            kind.Key, $"P(better than {kind.First().Over})", methods,
            name => kind.FirstOrDefault(p => p.Method == name) is { } p ? ([], p.Interval) : null, palette,
            limits: (-0.02, 1.02)))]);
    }
}

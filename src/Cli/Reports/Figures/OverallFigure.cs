namespace RlLeap.Cli.Reports.Figures;

/// <summary>Left the mean curves over all tasks, right each unit's area.</summary>
internal static class OverallFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        var overall = report.Overall!;
        var left = new Panel("") { XLabel = report.Axis, YLabel = report.Measure, WholeSteps = true };
        left.Curves([.. overall.Methods.Select(m => new PanelCurve(m.Method, palette[m.Method], overall.Steps, m.Mean,
            m.Low, m.High, HasBand: m.Values[0].Count > 1) { Each = ChartSeed.LinesOf(m.Each) })]);
        string[] names = [.. overall.Methods.Select(m => m.Method)];
        var right = Intervals.Of("", $"area under the {report.Measure}, per step", names,
            name => (Of(name).Values[0], Of(name).Intervals[0]), palette,
            seeds: name => ChartSeed.NamesOf(Of(name).Each));
        return new([left, right], CurvesFigure.LegendOf(report, palette), height: 140, shares: [1.25f, 1]);

        OverallMethod Of(string name) => overall.Methods.First(m => m.Method == name);
    }
}

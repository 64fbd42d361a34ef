namespace RlLeap.Cli.Reports.Figures;

/// <summary>Left the mean curves over all tasks, right each unit's area.</summary>
internal static class OverallFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        var overall = report.Overall!;
        var left = new Panel("") { XLabel = report.Axis, YLabel = report.Measure, WholeSteps = true };
        foreach (var method in overall.Methods.Where(m => m.Values[0].Count > 1))
            left.Band(overall.Steps, method.Low, method.High, palette[method.Method].Color);
        foreach (var method in overall.Methods.Reverse()) left.Line(overall.Steps, method.Mean, palette[method.Method]);
        left.Marks.AddRange(overall.Methods.Select(m =>
            ChartMark.Curve(m.Method, palette[m.Method], overall.Steps, m.Mean, m.Low, m.High) with
            {
                Each = m.Each.Count < 2 ? null
                    : [.. m.Each.Select(unit => new ChartSeed(unit.Name, unit.Group) { Y = unit.Values })],
            }));
        string[] names = [.. overall.Methods.Select(m => m.Method)];
        var right = Intervals.Of("", $"area under the {report.Measure}, per step", names, true, name =>
        {
            var method = overall.Methods.First(m => m.Method == name);
            return (method.Values[0], method.Intervals[0]);
        }, palette, seeds: name => [.. overall.Methods.First(m => m.Method == name).Each
            .Select(unit => new ChartSeed(unit.Name, unit.Group))]);
        return new([left, right], CurvesFigure.LegendOf(report, palette), height: 140, shares: [1.25f, 1]);
    }
}

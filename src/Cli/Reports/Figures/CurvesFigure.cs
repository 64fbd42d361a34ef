namespace RlLeap.Cli.Reports.Figures;

/// <summary>Each task's mean curves with their bands.</summary>
internal static class CurvesFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        var names = FigureFiles.NamesOf(report.Tasks.Select(t => t.Task));
        var columns = FigurePage.ColumnsOf(report.Tasks.Count);
        var panels = report.Tasks.Select((task, i) =>
        {
            var panel = new Panel(names[task.Task])
            {
                Task = task.Task,
                XLabel = i + columns >= report.Tasks.Count ? report.Axis : "",
                YLabel = i % columns == 0 ? report.Measure : "",
            };
            foreach (var method in task.Methods.Where(m => m.Seeds > 1))
                panel.Band(method.Steps, method.Low, method.High, palette[method.Method].Color);
            // The first on top.
            foreach (var method in task.Methods.Reverse())
                panel.Line(method.Steps, method.Mean, palette[method.Method]);
            panel.Marks.AddRange(task.Methods.Select(m =>
                ChartMark.Curve(m.Method, palette[m.Method], m.Steps, m.Mean, m.Low, m.High) with
                {
                    Each = LinesOf(m),
                }));
            return panel;
        }).ToList();
        return new(panels, LegendOf(report, palette), columns);
    }

    private static IReadOnlyList<ChartSeed>? LinesOf(MethodReport method) => method.Each.Count < 2 ? null
        : [.. method.Each.Select(seed => new ChartSeed(seed.Name, seed.Group) { Y = seed.Values })];

    /// <summary>The report's methods.</summary>
    public static FigureLegend LegendOf(Report report, Palette palette) =>
        new(palette, report.Tasks.SelectMany(t => t.Methods).Select(m => m.Method).Distinct());
}

namespace RlLeap.Cli.Reports.Figures;

/// <summary>Each task's mean curves with their bands.</summary>
internal static class CurvesFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        var names = report.TaskNames;
        return new([.. report.Tasks.Select(task =>
        {
            var panel = new Panel(names[task.Task])
            {
                Task = task.Task, XLabel = report.Axis, YLabel = report.Measure,
            };
            panel.Curves([.. task.Methods.Select(m => new PanelCurve(
                m.Method, palette[m.Method], m.Steps, m.Mean, m.Low, m.High, HasBand: m.Seeds > 1)
            {
                Each = ChartSeed.LinesOf(m.Each),
            })]);
            return panel;
        })], LegendOf(report, palette));
    }

    /// <summary>The report's methods.</summary>
    public static FigureLegend LegendOf(Report report, Palette palette) =>
        new(palette, report.Methods);
}

using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>Each task's areas: a row a method.</summary>
internal static class AreaFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        var titles = FigureFiles.NamesOf(report.Tasks.Select(t => t.Task));
        string[] methods = [.. report.Tasks.SelectMany(t => t.Methods).Select(m => m.Method).Distinct()];
        var columns = FigurePage.ColumnsOf(report.Tasks.Count);
        var panels = report.Tasks.Select((task, i) =>
        {
            var label = i + columns >= report.Tasks.Count ? "mean " + report.Measure : "";
            return Intervals.Of(titles[task.Task], label, methods, i % columns == 0, AreasOf, palette, task.Task,
                name => [.. task.Methods.First(m => m.Method == name).Each
                    .Select(s => new ChartSeed(s.Name, s.Group))]);

            (IReadOnlyList<double>, Interval)? AreasOf(string name) =>
                task.Methods.FirstOrDefault(m => m.Method == name) is { } method ? (method.Areas, method.Area) : null;
        }).ToList();
        return new(panels, FigureLegend.None, columns, Math.Max(40, methods.Length * Intervals.RowHeight));
    }
}

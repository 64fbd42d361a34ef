namespace RlLeap.Cli.Reports.Figures;

/// <summary>Each task's areas: a row a method.</summary>
internal static class AreaFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        var titles = report.TaskNames;
        string[] methods = [.. report.Methods];
        return new([.. report.Tasks.Select(task => Intervals.Of(titles[task.Task], "mean " + report.Measure, methods,
            name => task.Methods.FirstOrDefault(m => m.Method == name) is { } method
                ? (method.Areas, method.Area) : null,
            palette, task.Task, name => ChartSeed.NamesOf(task.Methods.First(m => m.Method == name).Each)))]);
    }
}

using RlLeap.Cli.Reports.Figures;

namespace RlLeap.Cli.Watch;

/// <summary>The main curve of each run, those of one environment or suite in one plot.</summary>
internal static class SideBySide
{
    // In this order: the first that a run has is its main one.
    private static readonly string[] OfTasks = ["return/mean", "validation/error", "error/mean", "loss/mean"];

    /// <summary>The plots of some runs whose curves were just read.</summary>
    public static IReadOnlyList<WatchPanel> Of(IReadOnlyList<(ListedRun Run, RunCurves Curves)> runs)
    {
        var palette = new Palette(runs.Select(run => run.Run.Name));
        return [.. from run in runs
                   let main = CurveOf(run.Run, run.Curves)
                   where main.Points.Count > 0
                   group (run.Run.Name, main.Points) by (run.Run.Group, main.Measure, run.Run.Unit) into same
                   let panel = WatchPanel.Of($"{same.Key.Group}: {same.Key.Measure}", same.Key.Unit, palette,
                       [.. same])
                   where panel is not null
                   select panel];
    }

    private static (string Measure, IReadOnlyList<(long Step, double Value)> Points) CurveOf(ListedRun run,
        RunCurves curves)
    {
        if (run.Kind == "train") return ("return", curves.MeanReturns);
        foreach (var column in OfTasks)
            if (MetaPanels.OverTasks(curves.Metrics, column) is { Count: > 0 } points)
                return (column.Split('/') is ["validation", _] ? "validation error" : column.Split('/')[0], points);
        return ("", []);
    }
}

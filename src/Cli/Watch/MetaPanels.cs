using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Reports.Figures;

namespace RlLeap.Cli.Watch;

/// <summary>Tasks, paths, networks, throughput, and whatever else a meta-training recorded.</summary>
internal static class MetaPanels
{
    private const string Axis = "meta-steps", Mean = "all tasks", Prefix = MetaTrainMetrics.TaskSeries;

    // Lines that can be told apart.
    private const int MostLines = 12;

    /// <summary>A column over all tasks of each meta-step: as recorded, or averaged over single tasks.</summary>
    public static IReadOnlyList<(long Step, double Value)> OverTasks(RunCurves.Table metrics, string column) =>
        metrics["meta", column] is { Count: > 0 } all ? all
            : [.. metrics.Series.Where(series => series.StartsWith(Prefix, StringComparison.Ordinal))
                .SelectMany(series => metrics[series, column]).GroupBy(p => p.Step).OrderBy(same => same.Key)
                .Select(same => (same.Key, same.Average(p => p.Value)))];

    public static IReadOnlyList<WatchSection> Of(RunCurves curves)
    {
        var (metrics, times) = (curves.Metrics, curves.Times);
        string[] tasks = [.. Names(Prefix)];
        HashSet<string> seen = ["loss/first", "loss/last", "loss/mean", "meta/diverged"];
        // A task has one colour in all panels.
        var palette = new Palette([Mean, .. tasks, .. Names(MetaTrainMetrics.DiagnosisSeries)]);
        var diverged = metrics["meta", "meta/diverged"];
        List<WatchSection> sections =
        [
            new("Learning", TrainPanels.Some(
                ByTask("return over a task's training", "return/mean"),
                ByTask("error over a task's training", "error/mean"),
                WatchPanel.Of("loss over a task's training", Axis, ("first", metrics["meta", "loss/first"]),
                    ("mean", metrics["meta", "loss/mean"]), ("last", metrics["meta", "loss/last"])),
                One("validation error", "validation/error"))),
            new("Path", TrainPanels.Some(ByTask("path length", "path/length"), ByTask("path energy", "path/energy"),
                One("norm of the meta-gradient", "meta/gradient_norm"), WatchPanel.Of("diverged tasks", Axis,
                    ("tasks", diverged.Any(p => p.Value > 0) ? diverged : [])))),
            new("Network", TrainPanels.Some(
                WatchPanel.Of("dormant units where tasks begin, worst layer", Axis, palette,
                    Diagnosed("/dormant")),
                WatchPanel.Of("effective rank where tasks begin", Axis, palette, Diagnosed("start/rank")))),
            new("Throughput", TrainPanels.Some(
                WatchPanel.Of("seconds of a meta-step", Axis, ("seconds", times["meta", "time/wall"])),
                WatchPanel.Of("shares of the workers' time", Axis, ("training", times["meta", "workers/busy"]),
                    ("waiting", times["meta", "workers/waiting"]), ("else", times["meta", "workers/else"])),
                WatchPanel.Of("memory, GB", Axis, ("memory",
                    [.. times["meta", "memory/resident"].Select(p => (p.Step, p.Value / 1e9))])))),
        ];
        var others = metrics.Series.Where(series => !series.Contains('/') && series != "meta").SelectMany(series =>
            metrics.ColumnsOf(series).Select(column => WatchPanel.Of($"{series}: {WatchSection.Words(column)}", Axis,
                (series, metrics[series, column]))));
        sections.Add(new("Also recorded", TrainPanels.Some([.. metrics.ColumnsOf("meta")
            .Where(column => !seen.Contains(column)).Select(column => One(WatchSection.Words(column), column)),
            .. others])));
        return [.. sections.Where(section => section.Panels.Count > 0)];

        IEnumerable<string> Names(string prefix) => metrics.Series
            .Where(series => series.StartsWith(prefix, StringComparison.Ordinal)
                && !series.Contains(MetaTrainMetrics.FromWord))
            .Select(series => series[prefix.Length..]).Order(StringComparer.Ordinal);

        WatchPanel? One(string title, string column)
        {
            seen.Add(column);
            return WatchPanel.Of(title, Axis, (title, metrics["meta", column]));
        }

        WatchPanel? ByTask(string title, string column)
        {
            seen.Add(column);
            return WatchPanel.Of(title, Axis, palette, [(Mean, OverTasks(metrics, column)),
                .. tasks.Length is > 1 and <= MostLines
                    ? tasks.Select(task => (task, metrics[Prefix + task, column])) : []]);
        }

        // Of each task, the largest among the columns of the network where it began.
        IReadOnlyList<(string, IReadOnlyList<(long, double)>)> Diagnosed(string ending) =>
            [.. Names(MetaTrainMetrics.DiagnosisSeries).Take(MostLines).Select(task =>
            {
                var series = MetaTrainMetrics.DiagnosisSeries + task;
                var all = metrics.ColumnsOf(series).Where(column =>
                    column.StartsWith("start/", StringComparison.Ordinal) && column.EndsWith(ending,
                        StringComparison.Ordinal)).Select(column => metrics[series, column]).ToList();
                return (task, (IReadOnlyList<(long, double)>)(all.Count == 0 ? [] : [.. all[0].Select((p, i) =>
                    (p.Step, all.Max(points => i < points.Count ? points[i].Value : double.NaN)))]));
            })];
    }
}

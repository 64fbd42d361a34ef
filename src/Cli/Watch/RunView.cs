using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Watch;

/// <summary>A run as the page shows it.</summary>
/// <param name="Run">Its row of the list.</param>
/// <param name="Facts">What it is, and what it found.</param>
/// <param name="Left">The time left, in seconds; null where that is not known.</param>
/// <param name="Sections">Its figures.</param>
/// <param name="Tasks">Its tasks; null where there are none.</param>
/// <param name="Log">The last lines of its log.</param>
internal sealed record RunView(
    ListedRun Run, IReadOnlyList<KeyValuePair<string, string>> Facts, double? Left,
    IReadOnlyList<WatchSection> Sections, WatchTable? Tasks, IReadOnlyList<string> Log)
{
    private const int LogLines = 60;

    /// <summary>The view of a run whose curves were just read.</summary>
    public static RunView Of(ListedRun run, RunCurves curves)
    {
        var isMeta = run.Kind == "meta-train";
        IReadOnlyList<KeyValuePair<string, string>> facts = [];
        try { facts = RunFacts.Of(run.Id).Facts; }
        catch (Exception e) when (e is RlLeapException or IOException or UnauthorizedAccessException)
        {
            // It is gone, or damaged: its row says so.
        }
        if (run.State == "complete") facts = [.. facts, .. RunFacts.OfResult(run.Id)];
        facts = [.. facts.Where(fact => fact.Value.Length > 0).DistinctBy(fact => fact.Key)];
        return new(run, facts, LeftOf(run, curves, isMeta),
            isMeta ? MetaPanels.Of(curves) : TrainPanels.Of(curves), isMeta ? TaskTable(curves) : null,
            RunFile.LastLines(Path.Combine(run.Id, RunLog.FileName), LogLines));
    }

    private static double? LeftOf(ListedRun run, RunCurves curves, bool isMeta)
    {
        if (run.State != "running" || run.Total is not { } total || total <= run.Done) return null;
        // The last ones: a machine is not always as busy.
        const int Recent = 10;
        var recent = (isMeta ? curves.Times["meta", "time/wall"] : curves.Times["train", "charts/SPS"])
            .Where(p => p.Value > 0).TakeLast(Recent).Select(p => isMeta ? p.Value : 1 / p.Value).ToList();
        return recent.Count > 0 ? (total - run.Done) * recent.Average() : null;
    }

    // A row a task: how often it was trained, and what the last time came to.
    private static WatchTable? TaskTable(RunCurves curves)
    {
        const string Prefix = MetaTrainMetrics.TaskSeries;
        var tasks = curves.Metrics.Series.Where(series => series.StartsWith(Prefix, StringComparison.Ordinal)).ToList();
        if (tasks.Count == 0) return null;
        string[] columns = [.. tasks.SelectMany(curves.Metrics.ColumnsOf).Distinct()];
        return new(["task", "times trained", "last meta-step", .. columns.Select(WatchSection.Words)],
            [.. tasks.Order(StringComparer.Ordinal).Select(task =>
            {
                var (row, count) = curves.Metrics.Last(task)!.Value;
                return (IReadOnlyList<string>)[task[Prefix.Length..], $"{count}", $"{row.Step}",
                    .. columns.Select(column => Rounded.FourFigures(
                        curves.Metrics.Value(task, column) ?? double.NaN))];
            })]);
    }
}

/// <summary>A table of texts.</summary>
internal sealed record WatchTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>Figures under one title, as chart.js draws them.</summary>
internal sealed record WatchSection(string Title, IReadOnlyList<WatchPanel> Panels)
{
    /// <summary>The names that need to be told apart: a plot of one curve says by its title what it shows.</summary>
    public IReadOnlyList<string> Legend => [.. Panels.Where(panel => panel.Marks.Count > 1)
        .SelectMany(panel => panel.Marks).Select(mark => mark.Name).Distinct()];

    /// <summary>A column's name as a page writes it: "path length" for "path/length".</summary>
    public static string Words(string column) => column.Replace("charts/", "")
        .Replace("losses/", "").Replace('/', ' ').Replace('_', ' ');
}

/// <summary>One plot.</summary>
internal sealed record WatchPanel(string Title, string XLabel, bool WholeSteps, IReadOnlyList<WatchMark> Marks)
{
    /// <summary>A panel of curves; null where all are empty. Colours are in the order of the curves.</summary>
    public static WatchPanel? Of(string title, string axis,
        params IReadOnlyList<(string Name, IReadOnlyList<(long Step, double Value)> Points)> curves) =>
        Of(title, axis, new Palette(curves.Select(curve => curve.Name)), curves);

    /// <summary>The same with colours that several panels share.</summary>
    public static WatchPanel? Of(string title, string axis, Palette palette,
        params IReadOnlyList<(string Name, IReadOnlyList<(long Step, double Value)> Points)> curves)
    {
        var drawn = curves.Where(curve => curve.Points.Any(p => double.IsFinite(p.Value))).ToList();
        if (drawn.Count == 0) return null;
        return new(title, axis, axis == "meta-steps", [.. drawn.Select(curve => new WatchMark("curve", curve.Name,
            palette[curve.Name].Color.ToHex()[..7], [.. curve.Points.Select(p => p.Step)],
            [.. curve.Points.Select(p => double.IsFinite(p.Value) ? (double?)p.Value : null)]))]);
    }
}

/// <summary>One curve.</summary>
internal sealed record WatchMark(
    string Kind, string Name, string Color, IReadOnlyList<long> X, IReadOnlyList<double?> Y);

// In which state networks were where learning started: of a report, the table that shows a collapse.
using RlLeap.Cli.MetaTraining;

namespace RlLeap.Cli.Reports;

/// <summary>The network that a task was learned from, averaged over runs, and over seeds if held out.</summary>
/// <param name="Label">The run, or the method where runs are pooled.</param>
/// <param name="Task">The task on whose inputs it was measured.</param>
/// <param name="From">"meta-step 3" for the initialization at the last meta-step in which the task took part; for a
/// held-out task what it was learned from.</param>
/// <param name="Layer">The layer with the most dormant units.</param>
/// <param name="Dormant">The share of its units that are dormant, in 0 .. 1.</param>
public sealed record DiagnosisReport(string Label, string Task, string From, string Layer, double Dormant, double Rank)
{
    private const string Series = MetaTrainMetrics.DiagnosisSeries, Prefix = "start/", DormantSuffix = "/dormant";

    /// <summary>What runs recorded, for each task the last that there is; empty where they recorded nothing.</summary>
    public static IReadOnlyList<DiagnosisReport> Of(
        IReadOnlyList<(string Name, Result Result)> runs, bool pool, IReadOnlyList<string>? labels = null) =>
        [.. runs.SelectMany((run, i) => run.Result.MetaCurves.Where(IsAboutTheStart)
                .Select(curve => (Label: labels?[i] ?? (pool ? run.Result.Method : null) ?? run.Name, Curve: curve)))
            .GroupBy(c => (c.Label, c.Curve.Task))
            .Select(group => Of(group.Key.Label, group.Key.Task[Series.Length..], [.. group.Select(c => c.Curve)]))];

    private static bool IsAboutTheStart(MetaCurve curve) =>
        curve.Task.StartsWith(Series, StringComparison.Ordinal)
        && curve.Quantity.StartsWith(Prefix, StringComparison.Ordinal);

    private static DiagnosisReport Of(string label, string series, IReadOnlyList<MetaCurve> curves)
    {
        // A held-out task's points are seeds, to be averaged; a pool task's are meta-steps: the last one counts.
        var at = series.LastIndexOf(MetaTrainMetrics.FromWord, StringComparison.Ordinal);
        var means = curves.GroupBy(c => c.Quantity).ToDictionary(
            same => same.Key, same => same.Average(curve => at < 0 ? curve.Values[^1] : curve.Values.Average()));
        var (quantity, dormant) = means.Where(m => m.Key.EndsWith(DormantSuffix, StringComparison.Ordinal))
            .DefaultIfEmpty(new("", double.NaN)).MaxBy(m => m.Value);
        var layer = quantity.Length == 0 ? "" : quantity[Prefix.Length..^DormantSuffix.Length];
        var rank = means.GetValueOrDefault(Prefix + "rank", double.NaN);
        return at < 0 ? new(label, series, $"meta-step {curves.Max(c => c.MetaSteps[^1])}", layer, dormant, rank)
            : new(label, series[..at], series[(at + MetaTrainMetrics.FromWord.Length)..], layer, dormant, rank);
    }
}

// What meta-training recorded, as the report shows it: by task for one run, by run or method for several.
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>One quantity over meta-steps: the mean over <c>Runs</c> runs with its 95 % bootstrap interval.</summary>
/// <param name="Label">The run, or the method where runs are pooled.</param>
/// <param name="Task">A task's id, or "meta" for what is about the whole batch.</param>
/// <param name="Quantity">As in metrics.jsonl, and "return/normalized": a task's mean return while it was trained, on
/// the scale of its game.</param>
public sealed record MetaReport(string Label, string Task, string Quantity, int Runs, IReadOnlyList<long> MetaSteps,
    IReadOnlyList<double> Mean, IReadOnlyList<double> Low, IReadOnlyList<double> High)
{
    /// <summary>That of all runs: each under its label where given, its method where pooled, else its name.</summary>
    public static IReadOnlyList<MetaReport> Of(IReadOnlyList<(string Name, Result Result)> runs, bool pool, Rng rng,
        IReadOnlyList<string>? labels = null) =>
        [.. runs.SelectMany((run, i) => Shown(run.Result.MetaCurves).Concat(Normalized(run.Result.MetaCurves))
            .Select(Curve => (Label: labels?[i] ?? (pool ? run.Result.Method : null) ?? run.Name, Curve)))
            .GroupBy(c => (c.Label, c.Curve.Task, c.Curve.Quantity))
            .Select(group => Of(group.Key.Label, [.. group.Select(c => c.Curve)], rng.Split($"{group.Key}")))];

    // The state of networks has a table of its own (DiagnosisReport).
    private static IEnumerable<MetaCurve> Shown(IReadOnlyList<MetaCurve> curves) =>
        curves.Where(c => !c.Task.StartsWith(MetaTrainMetrics.DiagnosisSeries, StringComparison.Ordinal));

    // Runs may differ in length: their mean is over the meta-steps that all have made.
    private static MetaReport Of(string label, IReadOnlyList<MetaCurve> curves, Rng rng)
    {
        long[] steps = [.. curves.Select(c => c.MetaSteps).Aggregate<IEnumerable<long>>((a, b) => a.Intersect(b))];
        double[][] lines = [.. curves.Select(c => c.MetaSteps.Zip(c.Values).ToDictionary(p => p.First, p => p.Second))
            .Select(at => steps.Select(step => at[step]).ToArray())];
        var (low, high) = Aggregates.Band(lines, rng);
        return new(label, curves[0].Task, curves[0].Quantity, curves.Count, steps,
            LearningCurves.Mean(lines), low, high);
    }

    // Raw returns of different games do not fit one axis, nor have a mean.
    private static List<MetaCurve> Normalized(IReadOnlyList<MetaCurve> curves)
    {
        const string Raw = "return/mean", Scaled = "return/normalized",
            Task = MetaTrainMetrics.TaskSeries;
        List<MetaCurve> scaled = [.. from curve in curves
                                     where curve.Quantity == Raw
                                         && curve.Task.StartsWith(Task, StringComparison.Ordinal)
                                     let scale = Scales.Of(curve.Task[Task.Length..])
                                     where scale is not null
                                     select curve with { Quantity = Scaled,
                                         Values = [.. curve.Values.Select(scale.Normalize)] }];
        var raw = curves.Where(c => c.Quantity == Raw && c.Task.StartsWith(Task, StringComparison.Ordinal)).ToList();
        if (scaled.Count > 0 && scaled.Count < raw.Count || raw.Count == 0) return scaled;
        // Where no task has a scale, the mean of raw returns is what there is to compare runs by.
        return [.. scaled, Together(scaled.Count > 0 ? scaled : raw, scaled.Count > 0 ? Scaled : Raw)];
    }

    private static MetaCurve Together(List<MetaCurve> scaled, string quantity)
    {
        var steps = scaled.Select(c => c.MetaSteps).Aggregate<IEnumerable<long>>((a, b) => a.Union(b)).Order().ToList();
        var at = scaled.SelectMany(c => c.MetaSteps.Zip(c.Values)).Where(p => !double.IsNaN(p.Second))
            .ToLookup(p => p.First, p => p.Second);
        return new MetaCurve("meta", quantity, steps,
            [.. steps.Select(step => at[step].DefaultIfEmpty(double.NaN).Average())]);
    }
}

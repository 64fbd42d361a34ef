using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>A table as text: for the terminal and for the page.</summary>
public sealed record TextTable(string Title, string Caption, IReadOnlyList<string> Columns,
    IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>Makes tables of a report's numbers.</summary>
public static class ReportTables
{
    /// <summary>Titles of tables.</summary>
    internal const string AllTasks = "All tasks", LeftOut = "Left out", Tasks = "Tasks", Scores = "Scores",
        OverAll = "Statistics over tasks", Probability = "Probability of improvement", Episodes = "Test episodes",
        State = "State of the network where learning started";

    private const int MostTasks = 12;

    /// <summary>What the report is about, in a sentence.</summary>
    internal static string Summary(Report report) => report.Episodes.Count > 0
        ? $"Classes that were never seen, from a few images of each: {report.Episodes[0].Episodes} test episodes a "
            + $"kind, from {string.Join(" and ", report.Episodes.Select(e => e.Data).Distinct())}."
        : $"{report.Tasks.Count} {(report.Tasks.Count == 1 ? "task" : "tasks")}, {report.Measure} over {report.Axis}"
            + $"{(report.HigherIsBetter ? "" : " (lower is better)")}.";

    /// <summary>Columns that say what a row is about, before its values: the first always does.</summary>
    internal static int ColumnsAbout(TextTable table)
    {
        return 1 + Enumerable.Range(1, table.Columns.Count - 1)
            .TakeWhile(i => table.Rows.All(row => !IsValue(row[i]))).Count();

        static bool IsValue(string cell) => cell.Length > 0 && (char.IsDigit(cell[0]) || cell[0] is '-' or '–');
    }

    /// <summary>The tables of a report; the long form has those of single tasks also where there are many.</summary>
    public static IEnumerable<TextTable> Of(Report report, bool @long = true)
    {
        if (report.Overall is { } overall)
        {
            var compared = overall.Methods.Any(m => m.Difference is not null);
            string[] against = compared ? [$"area minus {overall.Compared}'s"] : [];
            yield return new(AllTasks,
                $"Means over tasks, then over {overall.Unit}s, in brackets Student's 95 % interval."
                + (compared ? $" Last column: the difference over {overall.Unit}s of the same seed, which have the "
                    + "same held-out tasks." : ""),
                ["method", overall.Unit + "s", $"area under {report.Measure}", .. overall.Quantities.Skip(1),
                    .. against],
                [.. overall.Methods.Select(m => (IReadOnlyList<string>)[m.Method, Units(m.Values[0].Count,
                    report.Tasks.Sum(t => t.Methods.Where(x => x.Method == m.Method).Sum(x => x.Diverged)), "curves "),
                    .. m.Intervals.Select(I), .. compared ? new[] { m.Difference is { } d ? I(d) : "" } : []])]);
            if (!@long && report.Tasks.Count > MostTasks) yield break;
        }
        if (report.Missing.Count > 0)
        {
            yield return new(LeftOut,
                "In these learning processes no episode ended: they have no return, and no mean counts them. "
                + "Give them more agent steps (evaluation.agent-steps) where all are to be compared.",
                ["task", "method", "seeds without an episode"],
                [.. report.Missing.Select(m => (IReadOnlyList<string>)[m.Task, m.Method,
                    $"{m.Count} of {m.Of} (seed{(m.Count == 1 ? "" : "s")} {string.Join(", ", m.Seeds)})"])]);
        }
        if (report.Tasks.Count > 0)
        {
            var paired = report.Tasks.Any(t => t.Methods.Any(m => m.Difference is not null));
            var ofRuns = report.Tasks.Any(t => t.Methods.Any(m => m.DifferenceOfRuns is not null));
            var diverged = report.Tasks.Any(t => t.Methods.Any(m => m.Diverged > 0));
            string[] goal = report.Reference is null ? [] : [.. paired ? new[] { $"area minus {report.Reference}'s" }
                : [], .. ofRuns ? new[] { "the same over runs" } : [], $"{report.Axis} to {report.Reference}'s final"];
            yield return new(Tasks, $"Final: "
                + $"{(report.Window > 1 ? $"mean of the last {report.Window} values" : "the last value")}"
                + $"{(report.Smoothing is { } smoothing ? $" (each the mean of {smoothing})" : "")}. Area: mean height "
                + $"of the curve. {(diverged ? "A seed that diverged counts with its last value. " : "")}In brackets "
                + "95 % bootstrap intervals over seeds; one seed, or seeds that agree, have none."
                + (paired ? $" Area minus {report.Reference}'s: mean over pairs of the same seed, in brackets "
                    + "Student's 95 % interval." : "")
                + (ofRuns ? " Over runs: each run's pairs, which share the initialization that it learned, are "
                    + "averaged first." : "")
                + (report.Reference is null ? "" : $" Last column: median over seeds of when the moving average first "
                    + $"reaches the mean final value of {report.Reference}, where most do (seeds that did)."),
                ["task", "method", "seeds", $"final {report.Measure}", "area", .. goal],
                [.. report.Tasks.SelectMany(t => t.Methods.Select(m =>
                    (IReadOnlyList<string>)[t.Task, m.Method, Units(m.Seeds, m.Diverged), I(m.Final), I(m.Area),
                    .. paired ? new[] { m.Difference is { } d ? I(d) : "" } : [],
                    .. ofRuns ? new[] { m.DifferenceOfRuns is { } r ? I(r) : "" } : [],
                    .. m.Reached is { } reached ? new[] {
                        $"{(m.StepsToGoal is { } steps ? Rounded.At(steps, 0) : Rounded.Missing)} ("
                            + $"{reached}/{m.Seeds})" } : []]))]);
        }
        if (report.Scores.Count > 0)
        {
            string[] quantities = [.. report.Scores.Select(s => s.Quantity).Distinct()];
            var published = report.Scores.Any(s => s.Published is not null);
            yield return new(Scores,
                "Means over seeds, in brackets 95 % bootstrap intervals." + (published ? " In parentheses what the "
                    + "paper reports for its own, full budget (docs/fidelity.md says how its setting differs)." : ""),
                ["task", "method", "seeds", .. quantities.Select(q => published
                    && report.Scores.Any(s => s.Quantity == q && s.Published is not null) ? q + " (paper)" : q)],
                [.. report.Scores.GroupBy(s => (s.Task, s.Method)).Select(g => (IReadOnlyList<string>)[g.Key.Task,
                    g.Key.Method, $"{g.Max(s => s.Seeds)}", .. quantities.Select(q =>
                    g.FirstOrDefault(s => s.Quantity == q) is not { } score ? "" : I(score.Mean) + (score.Published
                        is { } paper ? $" ({paper:0.0})" : ""))])]);
        }
        if (DiagnosesOf(report) is { Rows.Count: > 0 } state) yield return state;
        if (report.Episodes.Count > 0) yield return EpisodesOf(report);
        if (report.Aggregates.Count > 0 && report.Tasks.Count > 1) // over one task they would say the same again
            yield return new(OverAll, $"Scores normalized per task. 95 % stratified bootstrap intervals, "
                + $"{report.Replications} replications (Agarwal et al. 2021).",
                ["method", "of", .. report.Aggregates.Select(a => a.Statistic).Distinct()],
                [.. report.Aggregates.GroupBy(a => (a.Method, a.Of))
                    .Select(g => (IReadOnlyList<string>)[g.Key.Method, g.Key.Of, .. g.Select(a => I(a.Interval))])]);
        if (report.Improvements.Count > 0)
            yield return new(Probability, "Probability that a run of the method beats one of the "
                + "other, averaged over tasks; 95 % bootstrap intervals, which few seeds make too narrow.",
                ["method", "over", "of", "probability"],
                [.. report.Improvements.Select(i => (IReadOnlyList<string>)[i.Method, i.Over, i.Of, P(i)])]);
    }

    private static TextTable EpisodesOf(Report report)
    {
        var (transductive, published) = (report.Episodes.Any(e => e.Transductive),
            report.Episodes.Any(e => e.Published is not null));
        var several = report.Episodes.Any(e => e.Runs.Count > 1);
        string[] kinds = [.. report.Episodes.Select(e => e.Kind).Distinct()];
        return new(Episodes,
            "Accuracy in percent: mean over test episodes, in brackets its 95 % interval over episodes."
                + (published ? " In parentheses what the paper reports." : "")
                + (transductive ? " Transductive: batch norm used the statistics of the queries." : ""),
            ["method", .. several ? new[] { "seeds" } : [], .. kinds],
            [.. report.Episodes.GroupBy(e => (e.Label, e.Transductive)).Select(g => (IReadOnlyList<string>)
            [
                g.Key.Label + (g.Key.Transductive ? ", transductive" : ""),
                .. several ? new[] { $"{g.Max(e => e.Runs.Count)}" } : [],
                .. kinds.Select(kind => g.FirstOrDefault(e => e.Kind == kind) is { } e ? Text(e) : ""),
            ])]);

        static string Text(EpisodeReport e) =>
            $"{e.Accuracy.Value:0.00} [{e.Accuracy.Low:0.00}, {e.Accuracy.High:0.00}]"
            + (e.Published is { } paper ? $" ({paper:0.0})" : "");
    }

    // Of the pool's tasks only those with a collapsed layer, where there are many: the table is there to be looked at.
    private static TextTable DiagnosesOf(Report report)
    {
        var collapsed = report.Diagnoses.Any(d => d.Dormant > NetworkDiagnosis.Alarm);
        var shown = report.Diagnoses.Count <= MostTasks
            ? report.Diagnoses : [.. report.Diagnoses.Where(d => d.Dormant > NetworkDiagnosis.Alarm)];
        return new(State,
            "Dormant: the share of the layer's units that are active on less than 1 % of the inputs; the layer with "
                + "the most is shown. "
                + "Rank: effective rank of the features. docs/diagnosis.md explains both."
                + (collapsed ? $" More than half of a layer is dormant: learning from there is slow. "
                    + $"{NetworkDiagnostics.Advice}" : ""),
            ["task", "learned from", "layer", "dormant", "rank"],
            [.. shown.Select(d => (IReadOnlyList<string>)[d.Task,
                d.From.StartsWith("meta-step", StringComparison.Ordinal) ? $"{d.Label}, {d.From}" : d.From,
                // A network that does not name its hidden layers is measured by its features alone.
                d.Layer.Length > 0 ? d.Layer : N(double.NaN),
                double.IsNaN(d.Dormant) ? N(d.Dormant) : $"{100 * d.Dormant:0} %",
                double.IsNaN(d.Rank) ? N(d.Rank) : $"{d.Rank:0.#}"])]);
    }

    private static string Units(int count, int diverged, string of = "") =>
        diverged == 0 ? $"{count}" : $"{count} ({diverged} {of}diverged)";

    private static string N(double x) => Rounded.Text(x);

    private static string I(Interval interval) => Rounded.Text(interval);

    private static string P(Improvement i) => Rounded.Probability(i.Interval)
        + (i.Interval.IsKnown ? "" : i.Seeds == 1 ? " (one seed, no interval)"
            : $" ({i.Seeds} seeds that agree, no interval)");
}

// The files of a report: report.json, figures (PNG, SVG, PDF), and one self-contained report.html.
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>Writes a report into a folder.</summary>
public static class ReportFiles
{
    private static readonly (string Name, string Title, Func<Report, string> Caption)[] Captions =
    [
        ("overall", "All tasks", report =>
            $"Left: mean curve over all tasks, with a 95 % bootstrap interval over {report.Overall?.Unit}s. Right: "
                + $"area under each {report.Overall?.Unit}'s mean curve (dots), their mean and its 95 % t-interval."),
        ("sweep", "Over a setting of the runs", _ => "Each dot is a run, averaged over its tasks; lines are means, "
            + "bars their 95 % bootstrap intervals over runs."),
        ("curves", "Learning curves", report =>
            $"Mean over seeds{(report.Window > 1 ? $" of the moving average over {report.Window} points" : "")}; the "
                + "band is its 95 % bootstrap interval."
            + (report.Smoothing is { } smoothing ? $" Each value is the mean of {smoothing}." : "")),
        ("area", "Area under the curve", _ =>
            "Mean height of the curve (diamonds) with its 95 % bootstrap interval over seeds; a dot is a seed."),
        ("episodes", "Test episodes", report => "Mean accuracy (diamonds) with its 95 % interval over test episodes."
            + (report.Episodes.Any(e => e.Published is not null) ? " Upright strokes: the published numbers." : "")),
        ("embedding", "Embedding", _ => "The features of one test episode in the plane of their two largest principal "
            + "components: a colour a class, diamonds the support images, dots the queries."),
        ("meta", "Meta-training", report => report.Meta.Select(m => m.Label).Distinct().Count() > 1
            ? "What the meta-training recorded over meta-steps, averaged over the tasks of a meta-batch"
                + (report.Meta.Any(m => m.Runs > 1) ? "; mean over runs with its 95 % bootstrap interval." : ".")
            : "What the meta-training recorded over meta-steps, task by task and averaged over the tasks of a "
                + "meta-batch."),
    ];

    // Somewhat larger than in print.
    private const double CssDpi = 130;

    /// <summary>The file that every report has.</summary>
    public const string JsonName = "report.json";

    /// <summary>Writes everything.</summary>
    public static void Write(Report report, string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteAllText(Path.Combine(folder, JsonName), JsonSerializer.Serialize(report, Json.Shown) + "\n");
        AtomicFile.WriteAllText(Path.Combine(folder, "report.html"),
            Html(report, folder, FigureFiles.Write(report, folder)));
    }

    private static string Html(Report report, string folder, IReadOnlyDictionary<string, double> widths)
    {
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
            + "content=\"width=device-width\">\n");
        html.Append(
            $"<title>{E(report.Name)}</title>\n<style>{Style}</style></head><body>\n<h1>{E(report.Name)}</h1>\n");
        html.Append($"<p class=\"lead\">{E(Summary(report))}</p>\n");
        foreach (var (name, title, caption) in Captions)
        {
            if (!widths.TryGetValue(name, out var inches)) continue;
            // Figures of any width are shown with letters of one size.
            var png = Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, name + ".png")));
            html.Append($"<h2>{title}</h2>\n<figure><img alt=\"{title}\" width=\""
                + $"{inches * CssDpi:0}\" src=\"data:image/png;base64,{png}\">");
            html.Append($"<figcaption>{E(caption(report))}</figcaption></figure>\n");
        }
        foreach (var table in Tables(report))
        {
            html.Append($"<h2>{E(table.Title)}</h2>\n<table><thead><tr>"
                + $"{string.Concat(table.Columns.Select(c => $"<th>{E(c)}</th>"))}</tr></thead><tbody>\n");
            foreach (var row in table.Rows)
                html.Append($"<tr>{string.Concat(row.Select(c => $"<td>{E(c)}</td>"))}</tr>\n");
            html.Append($"</tbody></table>\n<p class=\"caption\">{E(table.Caption)}</p>\n");
        }
        foreach (var run in report.Runs.Where(r => r.Record.Count > 0))
        {
            html.Append($"<details><summary>Record of {E(run.Name)} ({E(run.Kind)})</summary><table><tbody>\n");
            foreach (var (key, value) in run.Record.OrderBy(r => r.Key, StringComparer.Ordinal))
                html.Append($"<tr><td>{E(key)}</td><td><pre>{E(value)}</pre></td></tr>\n");
            html.Append("</tbody></table></details>\n");
        }
        return html.Append("</body></html>\n").ToString();
    }

    private static string Summary(Report report)
    {
        if (report.Episodes.Count > 0)
            return $"Classes that were never seen, from a few images of each: {report.Episodes[0].Episodes} test "
                + $"episodes a kind, from {string.Join(" and ", report.Episodes.Select(e => e.Data).Distinct())}.";
        var what = $"{report.Tasks.Count} {(report.Tasks.Count == 1 ? "task" : "tasks")}, {report.Measure} over "
            + $"{report.Axis}{(report.HigherIsBetter ? "" : " (lower is better)")}.";
        return report.Improvements.Where(i => i.Of == "area").Aggregate(what, (text, i) =>
            $"{text} Started from {i.Method}, a run has the {(report.HigherIsBetter ? "larger" : "smaller")} area "
                + $"under its curve than one started from {i.Over} with probability {P(i)}.");
    }

    private const int MostTasks = 12;

    /// <summary>A table as text: for the terminal and for the page.</summary>
    public sealed record TextTable(string Title, string Caption, IReadOnlyList<string> Columns,
        IReadOnlyList<IReadOnlyList<string>> Rows);

    /// <summary>
    /// The tables of a report; without <paramref name="long"/>, those of single tasks are left out where there are many
    /// and one of all together.
    /// </summary>
    public static IEnumerable<TextTable> Tables(Report report, bool @long = true)
    {
        if (report.Overall is { } overall)
        {
            var compared = overall.Methods.Any(m => m.Difference is not null);
            string[] against = compared ? [$"area minus {overall.Compared}'s"] : [];
            yield return new("All tasks",
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
            yield return new("Left out",
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
            yield return new("Tasks", $"Final: "
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
                        $"{(m.StepsToGoal is { } steps ? steps.ToString("#,0", CultureInfo.InvariantCulture) : "–")} ("
                            + $"{reached}/{m.Seeds})" } : []]))]);
        }
        if (report.Scores.Count > 0)
        {
            string[] quantities = [.. report.Scores.Select(s => s.Quantity).Distinct()];
            var published = report.Scores.Any(s => s.Published is not null);
            yield return new("Scores",
                "Means over seeds, in brackets 95 % bootstrap intervals." + (published ? " In parentheses what the "
                    + "paper reports for its own, full budget (docs/fidelity.md says how its setting differs)." : ""),
                ["task", "method", "seeds", .. quantities.Select(q => published
                    && report.Scores.Any(s => s.Quantity == q && s.Published is not null) ? q + " (paper)" : q)],
                [.. report.Scores.GroupBy(s => (s.Task, s.Method)).Select(g => (IReadOnlyList<string>)[g.Key.Task,
                    g.Key.Method, $"{g.Max(s => s.Seeds)}", .. quantities.Select(q =>
                    g.FirstOrDefault(s => s.Quantity == q) is not { } score ? "" : I(score.Mean) + (score.Published
                        is { } paper ? $" ({paper.ToString("0.0", CultureInfo.InvariantCulture)})" : ""))])]);
        }
        if (Diagnoses(report) is { Rows.Count: > 0 } state) yield return state;
        if (report.Episodes.Count > 0) yield return Episodes(report);
        if (report.Aggregates.Count > 0 && report.Tasks.Count > 1) // over one task they would say the same again
            yield return new("Over all tasks", $"Scores normalized per task. 95 % stratified bootstrap intervals, "
                + $"{report.Replications} replications (Agarwal et al. 2021).",
                ["method", "of", .. report.Aggregates.Select(a => a.Statistic).Distinct()],
                [.. report.Aggregates.GroupBy(a => (a.Method, a.Of))
                    .Select(g => (IReadOnlyList<string>)[g.Key.Method, g.Key.Of, .. g.Select(a => I(a.Interval))])]);
        if (report.Improvements.Count > 0)
            yield return new("Probability of improvement", "Probability that a run of the method beats one of the "
                + "other, averaged over tasks; 95 % bootstrap intervals, which few seeds make too narrow.",
                ["method", "over", "of", "probability"],
                [.. report.Improvements.Select(i => (IReadOnlyList<string>)[i.Method, i.Over, i.Of, P(i)])]);
    }

    private static TextTable Episodes(Report report)
    {
        var (transductive, published) = (report.Episodes.Any(e => e.Transductive),
            report.Episodes.Any(e => e.Published is not null));
        var several = report.Episodes.Any(e => e.Runs.Count > 1);
        string[] kinds = [.. report.Episodes.Select(e => e.Kind).Distinct()];
        return new("Test episodes",
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

        static string Text(EpisodeReport e) => string.Create(CultureInfo.InvariantCulture,
            $"{e.Accuracy.Value:0.00} [{e.Accuracy.Low:0.00}, {e.Accuracy.High:0.00}]")
            + (e.Published is { } paper ? $" ({paper.ToString("0.0", CultureInfo.InvariantCulture)})" : "");
    }

    // Of the pool's tasks only those with a collapsed layer, where there are many: the table is there to be looked at.
    private static TextTable Diagnoses(Report report)
    {
        var collapsed = report.Diagnoses.Any(d => d.Dormant > NetworkDiagnosis.Alarm);
        var shown = report.Diagnoses.Count <= MostTasks
            ? report.Diagnoses : [.. report.Diagnoses.Where(d => d.Dormant > NetworkDiagnosis.Alarm)];
        return new("State of the network where learning started",
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
                double.IsNaN(d.Dormant) ? N(d.Dormant)
                    : string.Create(CultureInfo.InvariantCulture, $"{100 * d.Dormant:0} %"),
                double.IsNaN(d.Rank) ? N(d.Rank) : string.Create(CultureInfo.InvariantCulture, $"{d.Rank:0.#}")])]);
    }

    private static string Units(int count, int diverged, string of = "") =>
        diverged == 0 ? $"{count}" : $"{count} ({diverged} {of}diverged)";
    // What is missing is not a number.
    private static string N(double x) => !double.IsFinite(x) ? "–" : x.ToString(Math.Abs(x) switch
    {
        >= 1000 => "#,0",
        >= 10 => "0.0",
        >= 1 => "0.00",
        _ => "0.000"
    }, CultureInfo.InvariantCulture);
    private static string P(Improvement i) => i.Interval.IsKnown
        ? string.Create(CultureInfo.InvariantCulture,
            $"{i.Interval.Value:0.00} [{i.Interval.Low:0.00}, {i.Interval.High:0.00}]")
        : string.Create(CultureInfo.InvariantCulture, $"{i.Interval.Value:0.00} ({NoInterval(i.Seeds)})");
    private static string NoInterval(int seeds) => seeds == 1 ? "one seed, no interval"
        : $"{seeds} seeds that agree, no interval";
    private static string I(Interval i) => i.IsKnown ? $"{N(i.Value)} [{N(i.Low)}, {N(i.High)}]" : N(i.Value);
    private static string E(string text) => WebUtility.HtmlEncode(text);

    private const string Style = """
        body{font:16px/1.5 Georgia,'Times New Roman',serif;max-width:62rem;margin:2.5rem auto;padding:0 1.2rem}
        body{color:#1a1a1a}
        h1{font-size:1.9rem;margin-bottom:.2rem}
        h2{font-size:1.25rem;margin:2.2rem 0 .6rem;border-bottom:1px solid #ddd;padding-bottom:.2rem}
        .lead{color:#444}
        figure{margin:0}img{max-width:100%;height:auto}figcaption,.caption{font-size:.87rem;color:#555;margin:.3rem 0}
        table{border-collapse:collapse;font-size:.9rem;width:100%}
        th,td{text-align:left;padding:.3rem .7rem .3rem 0;border-bottom:1px solid #eee;vertical-align:top}
        th{border-bottom:2px solid #888}td{font-variant-numeric:tabular-nums}
        pre{margin:0;white-space:pre-wrap}details{margin-top:1.5rem}
        """;
}

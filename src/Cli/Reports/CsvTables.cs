using System.Text;
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>Tables for programs: RFC 4180, decimal points, an interval as three columns, missing as nothing.</summary>
internal static class CsvTables
{
    /// <summary>Names of all files that a report can have, without ".csv".</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["tasks", "seeds", "curves", "overall", "aggregates", "profiles", "improvement", "scores", "episodes", "meta"];

    /// <summary>The tables that a report has numbers for, by name.</summary>
    public static IEnumerable<(string Name, string Text)> Of(Report report)
    {
        var methods = report.Tasks.SelectMany(t => t.Methods.Select(m => (t.Task, Method: m))).ToList();
        if (methods.Count > 0)
        {
            yield return ("tasks", Text(
                ["task", "method", "seeds", "diverged", .. Three("final"), .. Three("area"), .. Three("difference"),
                    .. Three("difference over runs"), "reached", "steps to goal"],
                methods.Select(m => (object?[])[m.Task, m.Method.Method, m.Method.Seeds, m.Method.Diverged,
                    .. Three(m.Method.Final), .. Three(m.Method.Area), .. Three(m.Method.Difference),
                    .. Three(m.Method.DifferenceOfRuns), m.Method.Reached, m.Method.StepsToGoal])));
            yield return ("seeds", Text(["task", "method", "seed", "final", "area"],
                methods.SelectMany(m => m.Method.Areas.Select((area, i) => (object?[])[m.Task, m.Method.Method,
                    m.Method.Each.Count > i ? m.Method.Each[i].Name : i, m.Method.Finals[i], area]))));
            yield return ("curves", Text(["task", "method", "step", .. Three("mean")],
                methods.SelectMany(m => m.Method.Steps.Select((step, i) => (object?[])[m.Task, m.Method.Method, step,
                    m.Method.Mean[i], m.Method.Low[i], m.Method.High[i]]))));
        }
        if (report.Overall is { } overall)
            yield return ("overall", Text(["method", "quantity", overall.Unit + "s", .. Three("mean")],
                overall.Methods.SelectMany(m => overall.Quantities.Select((quantity, i) => (object?[])[m.Method,
                    quantity, m.Values[i].Count, .. Three(m.Intervals[i])]))));
        if (report.Aggregates.Count > 0)
            yield return ("aggregates", Text(["method", "of", "statistic", .. Three("value")],
                report.Aggregates.Select(a => (object?[])[a.Method, a.Of, a.Statistic, .. Three(a.Interval)])));
        if (report.Profiles.Count > 0)
            yield return ("profiles", Text(["method", "of", "score", .. Three("share above")],
                report.Profiles.SelectMany(p => p.Scores.Select((score, i) => (object?[])[p.Method, p.Of, score,
                    p.Share[i], p.Low[i], p.High[i]]))));
        if (report.Improvements.Count > 0)
            yield return ("improvement", Text(["method", "over", "of", .. Three("probability")],
                report.Improvements.Select(p => (object?[])[p.Method, p.Over, p.Of, .. Three(p.Interval)])));
        if (report.Scores.Count > 0)
            yield return ("scores", Text(["task", "method", "quantity", "seeds", .. Three("mean"), "published"],
                report.Scores.Select(s => (object?[])[s.Task, s.Method, s.Quantity, s.Seeds, .. Three(s.Mean),
                    s.Published])));
        if (report.Episodes.Count > 0)
            yield return ("episodes", Text(["method", "data", "way", "shot", "transductive", "episodes", "runs",
                .. Three("accuracy"), "published"],
                report.Episodes.Select(e => (object?[])[e.Label, e.Data, e.Way, e.Shot, e.Transductive, e.Episodes,
                    e.Runs.Count, .. Three(e.Accuracy), e.Published])));
        if (report.Meta.Count > 0)
            yield return ("meta", Text(["label", "task", "quantity", "runs", "meta-step", .. Three("mean")],
                report.Meta.SelectMany(m => m.MetaSteps.Select((step, i) => (object?[])[m.Label, m.Task, m.Quantity,
                    m.Runs, step, m.Mean[i], m.Low[i], m.High[i]]))));
    }

    private static string[] Three(string name) => [name, name + " low", name + " high"];

    private static object?[] Three(Interval? interval) =>
        interval is { } i ? [i.Value, i.Low, i.High] : [null, null, null];

    /// <summary>A table: texts, numbers, true or false, nothing where a cell is null or no number.</summary>
    internal static string Text(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows)
    {
        var text = new StringBuilder(string.Join(',', columns.Select(Quoted))).Append('\n');
        foreach (var row in rows) text.AppendJoin(',', row.Select(Cell)).Append('\n');
        return text.ToString();
    }

    private static string Cell(object? value) => value switch
    {
        double number when !double.IsFinite(number) => "",
        bool flag => flag ? "true" : "false",
        _ => Quoted($"{value}"),
    };

    private static string Quoted(string text) => text.IndexOfAny([',', '"', '\n', '\r']) < 0 ? text
        : $"\"{text.Replace("\"", "\"\"")}\"";
}

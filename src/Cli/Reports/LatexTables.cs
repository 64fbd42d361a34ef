using System.Text;
using System.Text.RegularExpressions;

namespace RlLeap.Cli.Reports;

/// <summary>
/// Writes tables for LaTeX: \input them into a document that uses booktabs. All text is escaped; what names of tasks
/// and methods are made of stays text.
/// </summary>
internal static partial class LatexTables
{
    private static readonly Dictionary<string, string> Files = new()
    {
        [ReportTables.AllTasks] = "overall", [ReportTables.Tasks] = "tasks", [ReportTables.Scores] = "scores",
        [ReportTables.OverAll] = "aggregates", [ReportTables.Probability] = "improvement",
        [ReportTables.Episodes] = "episodes",
    };

    /// <summary>Names of all files that a report can have, without ".tex".</summary>
    public static IReadOnlyCollection<string> Names => Files.Values;

    /// <summary>The name of a table's files; null where it has none.</summary>
    public static string? NameOf(TextTable table) => Files.GetValueOrDefault(table.Title);

    /// <summary>The tables that a report has, by name.</summary>
    public static IEnumerable<(string Name, string Text)> Of(Report report)
    {
        var tasks = report.TaskNames;
        foreach (var table in ReportTables.Of(report))
            if (Files.TryGetValue(table.Title, out var name)) yield return (name, Text(table, name, tasks));
    }

    /// <summary>A text as LaTeX writes it.</summary>
    public static string Escaped(string text)
    {
        var escaped = new StringBuilder();
        foreach (var c in text)
            escaped.Append(c switch
            {
                '\\' => @"\textbackslash{}",
                '~' => @"\textasciitilde{}",
                '^' => @"\textasciicircum{}",
                '<' => @"\textless{}",
                '>' => @"\textgreater{}",
                '|' => @"\textbar{}",
                '–' => "--",
                '{' or '}' or '$' or '&' or '#' or '_' or '%' => $"\\{c}",
                _ => char.IsControl(c) ? " " : c.ToString(),
            });
        return escaped.ToString();
    }

    private static string Text(TextTable table, string name, IReadOnlyDictionary<string, string> tasks)
    {
        var about = ReportTables.ColumnsAbout(table);
        var columns = new string('l', about) + new string('r', table.Columns.Count - about);
        var text = new StringBuilder();
        text.Append("% \\usepackage{booktabs}\n\\begin{table}\n  \\centering\\small\n");
        text.Append($"  \\caption{{{Escaped(table.Title)}. {Escaped(table.Caption)}}}\n  \\label{{tab:{name}}}\n");
        text.Append($"  \\begin{{tabular}}{{{columns}}}\n    \\toprule\n    ");
        text.AppendJoin(" & ", table.Columns.Select(Escaped)).Append(" \\\\\n    \\midrule\n");
        var before = "";
        foreach (var row in table.Rows)
        {
            // A task is named once, above its methods.
            var isTask = table.Columns[0] == "task" && tasks.ContainsKey(row[0]);
            if (isTask && before.Length > 0 && before != row[0]) text.Append("    \\addlinespace\n");
            var first = !isTask ? Escaped(row[0]) : before == row[0] ? "" : Escaped(tasks[row[0]]);
            text.Append("    ").AppendJoin(" & ", row.Skip(1).Select((cell, i) => i + 1 < about ? Escaped(cell)
                : Number(cell)).Prepend(first)).Append(" \\\\\n");
            before = row[0];
        }
        return text.Append("    \\bottomrule\n  \\end{tabular}\n\\end{table}\n").ToString();
    }

    // A minus is not a hyphen, and an interval is smaller than its value.
    private static string Number(string cell)
    {
        var text = Minus().Replace(Escaped(cell), "$-$");
        var (from, to) = (text.IndexOf('['), text.IndexOf(']'));
        return from < 0 || to < from ? text
            : $"{text[..from]}{{\\footnotesize {text[from..(to + 1)]}}}{text[(to + 1)..]}";
    }

    [GeneratedRegex(@"(?<![\w-])-(?=[0-9])")]
    private static partial Regex Minus();
}

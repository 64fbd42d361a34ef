// A table for a terminal that is narrower than it.
using System.Text.RegularExpressions;

namespace RlLeap.Cli.Reports;

/// <summary>Writes the rows of a table one below the other: what a row is about, then "column: value" for the rest.
/// </summary>
internal static partial class StackedTable
{
    /// <summary>Whether a table has room in its columns.</summary>
    public static bool Fits(ReportFiles.TextTable table, int width) =>
        table.Columns.Select((column, i) => table.Rows.Select(row => row[i].Length).Append(column.Length).Max())
            .Sum(wide => wide + 3) <= width;

    /// <summary>Its lines. None is wider than <paramref name="width"/> but where a single value is.</summary>
    public static IEnumerable<string> Lines(ReportFiles.TextTable table, int width)
    {
        yield return table.Title;
        var about = Enumerable.Range(0, table.Columns.Count).TakeWhile(i => table.Rows.All(row => !IsValue(row[i])))
            .Count();
        about = Math.Clamp(about, 1, table.Columns.Count);
        foreach (var row in table.Rows)
        {
            var name = string.Join("  ", row.Take(about).Where(cell => cell.Length > 0));
            if (name.Length > width) name = Options().Replace(name, "?…");
            foreach (var line in Flow([.. name.Split("  ")], width, "  ")) yield return line;
            List<string> values =
                [.. row.Skip(about).Select((cell, i) => (Column: table.Columns[about + i], Cell: cell))
                .Where(value => value.Cell.Length > 0).Select(value => $"{value.Column}: {value.Cell}")];
            foreach (var line in Flow(values, width - 4, "   ")) yield return "    " + line;
        }
        yield return "";
    }

    private static IEnumerable<string> Flow(IReadOnlyList<string> parts, int width, string between)
    {
        var line = "";
        foreach (var part in parts)
        {
            if (line.Length > 0 && line.Length + between.Length + part.Length > width)
            {
                yield return line;
                line = "";
            }
            line += (line.Length > 0 ? between : "") + part;
        }
        if (line.Length > 0) yield return line;
    }

    private static bool IsValue(string cell) => cell.Length > 0 && (char.IsDigit(cell[0]) || cell[0] is '-' or '–');

    [GeneratedRegex(@"(?<=\S)\?\S*")]
    private static partial Regex Options();
}

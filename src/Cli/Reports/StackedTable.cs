using System.Text.RegularExpressions;

namespace RlLeap.Cli.Reports;

/// <summary>Writes a table's rows below each other: what a row is about, then "column: value".</summary>
internal static partial class StackedTable
{
    /// <summary>Whether a table has room in its columns.</summary>
    public static bool Fits(TextTable table, int width) =>
        table.Columns.Select((column, i) => table.Rows.Select(row => row[i].Length).Append(column.Length).Max())
            .Sum(wide => wide + 3) <= width;

    /// <summary>Its lines. None is wider than <paramref name="width"/> but where a single value is.</summary>
    public static IEnumerable<string> Lines(TextTable table, int width)
    {
        yield return table.Title;
        var about = ReportTables.ColumnsAbout(table);
        foreach (var row in table.Rows)
        {
            var name = string.Join("  ", row.Take(about).Where(cell => cell.Length > 0));
            if (name.Length > width) name = Options().Replace(name, "?…");
            foreach (var line in Flow(name.Split("  "), width, "  ")) yield return line;
            var values = table.Columns.Zip(row).Skip(about).Where(value => value.Second.Length > 0)
                .Select(value => $"{value.First}: {value.Second}");
            foreach (var line in Flow(values, width - 4, "   ")) yield return "    " + line;
        }
        yield return "";
    }

    /// <summary>As many parts on each line as it has room for.</summary>
    public static IEnumerable<string> Flow(IEnumerable<string> parts, int width, string between)
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

    [GeneratedRegex(@"(?<=\S)\?\S*")]
    private static partial Regex Options();
}

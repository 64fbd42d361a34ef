using System.Net;
using System.Text;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Web;

namespace RlLeap.Cli.Reports;

/// <summary>The parts of a page in one file: head, figures, end.</summary>
internal static class HtmlPage
{
    // Cells that are not broken into lines.
    private const int Short = 30;

    /// <summary>A text as HTML has it.</summary>
    public static string Escaped(string text) => WebUtility.HtmlEncode(text);

    /// <summary>Everything up to where the content begins.</summary>
    public static string Begin(string title) => "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        + $"<title>{Escaped(title)}</title>\n<style>{WebFiles.Text(WebFiles.Style)}</style></head>\n"
        + $"<body><header><h1>{Escaped(title)}</h1><span data-theme-switch></span></header>\n<main>\n";

    /// <summary>Everything from where the content ends.</summary>
    public static string End()
    {
        var html = new StringBuilder("</main>\n");
        foreach (var script in WebFiles.Scripts) html.Append($"<script>\n{WebFiles.Text(script)}</script>\n");
        return html.Append("</body></html>\n").ToString();
    }

    /// <summary>A figure as the scripts draw it, and for a reader without scripts as a picture.</summary>
    /// <param name="name">Its name: its file is NAME.png.</param>
    /// <param name="about">What it shows, for those who do not see it.</param>
    /// <param name="page">The figure.</param>
    /// <param name="folder">Where its file lies.</param>
    /// <param name="caption">What stands below it, as HTML.</param>
    /// <param name="width">The picture's width in pixels; null as it is.</param>
    public static string Figure(string name, string about, FigurePage page, string folder, string caption,
        string? width = null)
    {
        var png = Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, name + ".png")));
        var size = width is null ? "" : $" width=\"{width}\"";
        return $"<figure><div class=\"figure\" data-figure=\"data-{name}\"></div>\n"
            + $"<script type=\"application/json\" id=\"data-{name}\">{page.Data().ToJson()}</script>\n"
            + $"<noscript><img alt=\"{Escaped(about)}\"{size} src=\"data:image/png;base64,{png}\"></noscript>\n"
            + $"<figcaption>{caption}</figcaption></figure>\n";
    }

    /// <summary>A table and what stands below it.</summary>
    /// <param name="table">The table.</param>
    /// <param name="tasks">Rows that begin with one of these are that task's.</param>
    /// <param name="more">What follows its caption, as HTML.</param>
    public static string Table(TextTable table, IReadOnlyCollection<string>? tasks = null, string more = "")
    {
        var about = ReportTables.ColumnsAbout(table);
        var html = new StringBuilder($"<table{(table.Columns.Count > 5 ? " class=\"wide\"" : "")}><thead><tr>"
            + string.Concat(table.Columns.Select(c => $"<th scope=\"col\">{Escaped(c)}</th>"))
            + "</tr></thead><tbody>\n");
        foreach (var row in table.Rows)
            html.Append($"<tr{(tasks?.Contains(row[0]) == true ? $" data-task=\"{Escaped(row[0])}\"" : "")}>"
                + string.Concat(row.Select((cell, i) => $"<td data-column=\"{Escaped(table.Columns[i])}\" class=\""
                    + $"{(i < about ? "about" : cell.Length < Short ? "number" : "")}\">{Escaped(cell)}</td>"))
                + "</tr>\n");
        return html.Append($"</tbody></table>\n<p class=\"caption\">{Escaped(table.Caption)}{more}</p>\n").ToString();
    }
}

// The files of a sweep's report.
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Web;

namespace RlLeap.Cli.Sweeps;

/// <summary>Writes report.json, trials.csv, best.yaml, a figure and report.html.</summary>
internal static class SearchFiles
{
    /// <summary>The settings of the best trial.</summary>
    public const string BestName = "best.yaml";

    private static string FigureCaption(SearchReport report) => "Each dot is a trial, over one range"
        + (report.Rungs.Count > 1 ? ", at the end of the first budget. Dark ones went on to the last budget" : "")
        + ". The diamond is the best trial.";

    /// <summary>Writes them into a folder.</summary>
    public static void Write(SearchReport report, string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteAllText(Path.Combine(folder, ReportFiles.JsonName),
            JsonSerializer.Serialize(report, Json.Shown) + "\n");
        AtomicFile.WriteAllText(Path.Combine(folder, "trials.csv"), Csv(report));
        AtomicFile.WriteAllText(Path.Combine(folder, BestName), report.Best is { } best ? SearchReport.Yaml(best.Values)
            : "");
        var figure = SearchFigure.Of(report);
        figure.Save(Path.Combine(folder, "ranges"));
        AtomicFile.WriteAllText(Path.Combine(folder, "report.html"), Html(report, figure, folder));
    }

    private static string Csv(SearchReport report)
    {
        string[] keys = [.. report.Ranges.Keys];
        var text = new StringBuilder("trial");
        foreach (var key in keys) text.Append(',').Append(Cell(key));
        text.Append(",budget,objective,failed\n");
        foreach (var trial in report.Trials.OrderBy(trial => trial.Number))
            text.Append(CultureInfo.InvariantCulture, $"{trial.Number},").AppendJoin(',', keys.Select(key =>
                Cell(trial.Values[key]))).Append(CultureInfo.InvariantCulture, $",{trial.Budget},")
                .Append(double.IsFinite(trial.Objective) ? ScalarText.Text(trial.Objective) : "")
                .Append(trial.Failed ? ",true\n" : ",false\n");
        return text.ToString();

        static string Cell(string value) => value.AsSpan().IndexOfAny(",\"\n") < 0 ? value
            : $"\"{value.Replace("\"", "\"\"")}\"";
    }

    private static string Html(SearchReport report, FigurePage figure, string folder)
    {
        var html = new StringBuilder("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.Append($"<title>{E(report.Name)}</title>\n<style>{WebFiles.Text(WebFiles.Style)}</style></head>\n");
        html.Append($"<body><header><h1>{E(report.Name)}</h1><span data-theme-switch></span></header>\n<main>\n");
        var sentences = report.Conclusion();
        html.Append($"<p class=\"headline\">{E(sentences[0])}</p>\n");
        foreach (var sentence in sentences.Skip(1)) html.Append($"<p class=\"lead\">{E(sentence)}</p>\n");
        if (report.Best is { } best)
            html.Append($"<h2>Best settings</h2>\n<pre>{E(SearchReport.Yaml(best.Values))}</pre>\n");
        var png = Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, "ranges.png")));
        // What the scripts draw, and for a reader without scripts the same as a picture.
        html.Append($"<h2>{E(report.Objective)} over each range</h2>\n<figure>"
            + "<div class=\"figure\" data-figure=\"data-ranges\"></div>\n"
            + $"<script type=\"application/json\" id=\"data-ranges\">{figure.Data().ToJson()}</script>\n"
            + $"<noscript><img alt=\"the objective over each range\" src=\"data:image/png;base64,{png}\"></noscript>"
            + $"<figcaption>{FigureCaption(report)} For papers: <a href=\"ranges.pdf\">ranges.pdf</a>, "
            + "<a href=\"ranges.svg\">ranges.svg</a>.</figcaption></figure>\n");
        foreach (var table in report.Tables().Reverse())
        {
            html.Append($"<h2>{E(table.Title)}</h2>\n<table class=\"wide\"><thead><tr>"
                + string.Concat(table.Columns.Select(c => $"<th scope=\"col\">{E(c)}</th>"))
                + "</tr></thead><tbody>\n");
            foreach (var row in table.Rows)
                html.Append("<tr>" + string.Concat(row.Select((cell, i) => $"<td data-column=\"{E(table.Columns[i])}\""
                    + $"{(i == 0 ? " class=\"about\"" : "")}>{E(cell)}</td>")) + "</tr>\n");
            html.Append($"</tbody></table>\n<p class=\"caption\">{E(table.Caption)}</p>\n");
        }
        html.Append("</main>\n");
        foreach (var script in WebFiles.Scripts) html.Append($"<script>\n{WebFiles.Text(script)}</script>\n");
        return html.Append("</body></html>\n").ToString();
    }

    private static string E(string text) => WebUtility.HtmlEncode(text);
}

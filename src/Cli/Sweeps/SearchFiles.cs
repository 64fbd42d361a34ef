// The files of a sweep's report.
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Runs;

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
        SearchFigure.Of(report).Save(Path.Combine(folder, "ranges"));
        AtomicFile.WriteAllText(Path.Combine(folder, "report.html"), Html(report, folder));
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

    private static string Html(SearchReport report, string folder)
    {
        var html = new StringBuilder("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.Append("<meta name=\"viewport\" content=\"width=device-width\">\n");
        html.Append($"<title>{E(report.Name)}</title>\n<style>{Style}</style></head><body>\n");
        html.Append($"<h1>{E(report.Name)}</h1>\n");
        html.Append($"<p>{E(report.Conclusion())}</p>\n");
        if (report.Best is { } best)
            html.Append($"<h2>Best settings</h2>\n<pre>{E(SearchReport.Yaml(best.Values))}</pre>\n");
        var png = Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, "ranges.png")));
        html.Append($"<h2>{E(report.Objective)} over each range</h2>\n<figure>"
            + $"<img alt=\"the objective over each range\" "
            + $"src=\"data:image/png;base64,{png}\"><figcaption>{FigureCaption(report)}</figcaption></figure>\n");
        foreach (var table in report.Tables().Reverse())
        {
            html.Append($"<h2>{E(table.Title)}</h2>\n<div class=\"wide\"><table><thead><tr>"
                + $"{string.Concat(table.Columns.Select(c => $"<th>{E(c)}</th>"))}</tr></thead><tbody>\n");
            foreach (var row in table.Rows)
                html.Append($"<tr>{string.Concat(row.Select(c => $"<td>{E(c)}</td>"))}</tr>\n");
            html.Append($"</tbody></table></div>\n<p class=\"caption\">{E(table.Caption)}</p>\n");
        }
        return html.Append("</body></html>\n").ToString();
    }

    private static string E(string text) => WebUtility.HtmlEncode(text);

    private const string Style = """
        :root{color-scheme:light dark;--ink:#1a1a1a;--soft:#555;--line:#ddd;--page:#fff;--code:#f4f4f2}
        @media(prefers-color-scheme:dark){:root{--ink:#e8e6e3;--soft:#a8a49e;--line:#3a3a3a;--page:#161616;--code:#222}}
        body{font:16px/1.5 Georgia,'Times New Roman',serif;max-width:62rem;margin:2.5rem auto;padding:0 1.2rem}
        body{color:var(--ink);background:var(--page)}
        h1{font-size:1.9rem;margin-bottom:.2rem}
        h2{font-size:1.25rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
        figure{margin:0}img{max-width:100%;height:auto;background:#fff;padding:.4rem;box-sizing:border-box}
        figcaption,.caption{font-size:.87rem;color:var(--soft);margin:.3rem 0}
        pre{background:var(--code);padding:.7rem 1rem;overflow-x:auto;font-size:.9rem}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;font-size:.9rem;width:100%}
        th,td{text-align:left;padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}
        td{font-variant-numeric:tabular-nums}
        """;
}

using System.Text;
using System.Text.Json;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Reports.Figures;

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
        return CsvTables.Text(["trial", .. keys, "budget", "objective", "failed"],
            report.Trials.OrderBy(trial => trial.Number).Select(trial => (object?[])[trial.Number,
                .. keys.Select(key => trial.Values[key]), trial.Budget, trial.Objective, trial.Failed]));
    }

    private static string Html(SearchReport report, FigurePage figure, string folder)
    {
        var html = new StringBuilder(HtmlPage.Begin(report.Name));
        var sentences = report.Conclusion();
        html.Append($"<p class=\"headline\">{E(sentences[0])}</p>\n");
        foreach (var sentence in sentences.Skip(1)) html.Append($"<p class=\"lead\">{E(sentence)}</p>\n");
        if (report.Best is { } best)
            html.Append($"<h2>Best settings</h2>\n<pre>{E(SearchReport.Yaml(best.Values))}</pre>\n");
        html.Append($"<h2>{E(report.Objective)} over each range</h2>\n" + HtmlPage.Figure("ranges",
            "the objective over each range", figure, folder,
            $"{FigureCaption(report)} For papers: <a href=\"ranges.pdf\">ranges.pdf</a>, "
            + "<a href=\"ranges.svg\">ranges.svg</a>."));
        foreach (var table in report.Tables().Reverse())
            html.Append($"<h2>{E(table.Title)}</h2>\n{HtmlPage.Table(table)}");
        return html.Append(HtmlPage.End()).ToString();
    }

    private static string E(string text) => HtmlPage.Escaped(text);
}

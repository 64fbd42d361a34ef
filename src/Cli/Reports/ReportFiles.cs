// The files of a report: report.json, figures (PNG, SVG, PDF), and one self-contained report.html.
using System.Text.Json;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Runs;

namespace RlLeap.Cli.Reports;

/// <summary>Writes a report into a folder.</summary>
public static class ReportFiles
{
    /// <summary>The file that every report has.</summary>
    public const string JsonName = "report.json";

    /// <summary>Writes everything.</summary>
    public static void Write(Report report, string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteAllText(Path.Combine(folder, JsonName), JsonSerializer.Serialize(report, Json.Shown) + "\n");
        var figures = FigureFiles.Write(report, folder);
        AtomicFile.WriteAllText(Path.Combine(folder, "report.html"), ReportPage.Of(report, figures, folder));
    }
}

using System.Text.Json;
using RlLeap.Cli.Reports.Figures;

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
        Write(folder, ".csv", CsvTables.Names, CsvTables.Of(report));
        Write(folder, ".tex", LatexTables.Names, LatexTables.Of(report));
        var figures = FigureFiles.Write(report, folder);
        AtomicFile.WriteAllText(Path.Combine(folder, "report.html"), ReportPage.Of(report, figures, folder));
    }

    // Those of an earlier report that this one does not have are removed.
    private static void Write(string folder, string kind, IEnumerable<string> names,
        IEnumerable<(string Name, string Text)> tables)
    {
        foreach (var name in names) File.Delete(Path.Combine(folder, name + kind));
        foreach (var (name, text) in tables) AtomicFile.WriteAllText(Path.Combine(folder, name + kind), text);
    }
}

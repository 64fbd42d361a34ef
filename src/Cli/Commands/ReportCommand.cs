using System.CommandLine;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Sweeps;
using Spectre.Console;

namespace RlLeap.Cli.Commands;

/// <summary>Reads result.json of each run and writes report.json, figures and report.html.</summary>
public static class ReportCommand
{
    public static Command Create()
    {
        var runs = new Argument<string[]>("RUN")
        {
            Description = "Folders of finished runs, or of grids of them; they must measure the same thing",
            Arity = ArgumentArity.OneOrMore
        };
        var output = new Option<string?>("--output", "-o")
        { Description = "Folder to write; RUN/report for one folder, ./report for several", HelpName = "FOLDER" };
        var window = CheckedOption.Number<int>(
            "--window", "Points of the moving average (default: as the run recorded)", min: 1, max: 1e9);
        var replications = CheckedOption.Number<int>(
            "--bootstrap", "Replications of the bootstrap (default: 10000)", min: 100, max: 1e6);
        var pool = new Option<bool>("--pool")
        { Description = "Count equally named methods of several runs as one with more seeds" };
        var by = new Option<string[]>("--by")
        {
            Description = "A key of the runs' configs whose value names the method, instead of the method's own name; "
                + "can be given several times", HelpName = "KEY", DefaultValueFactory = _ => []
        };
        var over = new Option<string?>("--over")
        {
            Description = "A key of the runs' configs with numbers: draws the runs' areas and scores over it (implies "
                + "--pool)", HelpName = "KEY"
        };
        var against = new Option<string?>("--against")
        {
            Description = "The method that the others are compared with (default: none, random initialization; over "
                + "all tasks together: leap)", HelpName = "METHOD"
        };
        var command = new Command("report", "Tables and figures of one or several runs.")
            { runs, output, window, replications, pool, by, over, against };
        command.SetAction(parsed =>
        {
            // A grid keeps its runs' output beside their folders, its report lies there too, and a shell's * names all
            // of them.
            string[] folders = [.. parsed.GetRequiredValue(runs).Select(Path.TrimEndingDirectorySeparator)
                .Where(f => !IsLog(f) && !IsReport(File.Exists(f) ? Path.GetDirectoryName(f)! : f)).Distinct()];
            if (folders.Length == 0) throw new RlLeapException(
                "there is no run among these, only logs and reports. Give folders of finished runs.");
            if (folders is [var only] && File.Exists(Path.Combine(only, SweepRuns.ConfigName)))
            {
                ShowSweep(only, parsed.GetValue(output) ?? Path.Combine(only, "report"));
                return;
            }
            var given = folders;
            folders = [.. given.SelectMany(RunsIn)];
            // The runs of a grid that differ by their seed are one method.
            var pooled = parsed.GetValue(pool) || folders.Length > given.Length;
            var read = folders.Select(f => (Folder: f, Result: ResultIn(f, isAlone: folders.Length == 1)))
                .Where(run => run.Result is not null).ToList();
            if (read.Count == 0) throw new RlLeapException("no run of these has recorded anything yet.");
            folders = [.. read.Select(run => run.Folder)];
            var places = new RunNames(folders);
            var results = read.Select((run, i) => (places.Names[i], Timed(run.Result!, run.Folder))).ToList();
            var report = Report.Of(results, new Rng(0).Split("report"), parsed.GetValue(replications) ?? 10_000,
                parsed.GetValue(window), pooled,
                parsed.GetValue(by) is { Length: > 0 } keys
                    ? places.Labels(keys, [.. results.Select(r => r.Item2.Method)]) : null,
                parsed.GetValue(over) is { } key ? (key, places.Values(key)) : null, parsed.GetValue(against));
            report = WithProvenance(report, places.Names, folders);
            if (results.Count > 1) report = report with { Name = places.Title };
            Show(report,
                parsed.GetValue(output) ?? (given.Length == 1 ? Path.Combine(given[0], "report") : "report"));
        });
        return command;
    }

    // On the terminal, as many trials as a screen takes.
    private const int TrialsShown = 20;

    /// <summary>Reports on a sweep: tables here, all trials and the figure in a folder.</summary>
    internal static void ShowSweep(string sweep, string folder)
    {
        var report = SearchReport.Of(sweep);
        Write(() => SearchFiles.Write(report, folder), folder);
        foreach (var table in report.Tables(TrialsShown)) Print(table);
        Console.WriteLine(string.Join(" ", report.Conclusion()));
        if (report.Best is { } best) Console.Write($"\n{SearchReport.Yaml(best.Values)}\n");
        Console.WriteLine($"Written: {Path.Combine(folder, "report.html")}, {SearchFiles.BestName}, trials.csv, "
            + "report.json, ranges (PNG, SVG, PDF)");
    }

    private static void Write(Action write, string folder)
    {
        try { write(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !SystemErrors.IsDiskFull(e))
        {
            throw new RlLeapException($"the report cannot be written to {folder}: {SystemErrors.Explain(e)} Name "
                + $"another folder with --output.", e);
        }
    }

    // A folder of runs, as a grid makes one, stands for all of them.
    private static IEnumerable<string> RunsIn(string folder)
    {
        if (!Directory.Exists(folder) || IsRun(folder)) return [folder];
        var found = Below(folder).ToList();
        return found.Count > 0 ? found : [folder];

        static IEnumerable<string> Below(string folder) =>
            Directory.GetDirectories(folder).Order(StringComparer.Ordinal).SelectMany(f => IsRun(f) ? [f] : Below(f));

        static bool IsRun(string folder) => File.Exists(Path.Combine(folder, RunDirectory.ResultName))
            || File.Exists(Path.Combine(folder, RunDirectory.ConfigName));
    }

    // Of several runs, as of a grid that is under way, a report tells what there is.
    private static Result? ResultIn(string folder, bool isAlone)
    {
        try { return UnfinishedRun.ResultOf(folder); }
        catch (NothingRecordedException e) when (!isAlone)
        {
            Log.Warning("{Why} It is left out", e.Message);
            return null;
        }
    }

    private static bool IsLog(string path) => path.EndsWith(".log", StringComparison.Ordinal) && File.Exists(path);

    private static bool IsReport(string folder) => File.Exists(Path.Combine(folder, ReportFiles.JsonName))
        && !File.Exists(Path.Combine(folder, RunDirectory.ResultName));

    /// <summary>Reports on a run that has just finished: tables here, figures and the page in FOLDER/report.</summary>
    internal static void Show(Result result, string folder)
    {
        if (result.Curves.Count == 0 && result.Episodes is not { Count: > 0 }) return;
        var report = WithProvenance(
            Report.Of([(result.Name, Timed(result, folder))], new Rng(0).Split("report")), [result.Name], [folder]);
        Show(report, Path.Combine(folder, "report"));
    }

    private static Report WithProvenance(Report report, IReadOnlyList<string> names, IReadOnlyList<string> folders)
    {
        var known = names.Zip(folders).DistinctBy(n => n.First).ToDictionary(n => n.First, n => n.Second);
        return report with
        {
            Runs = [.. report.Runs.Select(run => run with
            {
                Provenance = Provenance.Of(known[run.Name]), Recorded = RecordedEpisodes.Of(known[run.Name]),
            })],
        };
    }

    // What depends on the clock is not part of a result, and belongs to its report.
    private static Result Timed(Result result, string folder)
    {
        var record = new Dictionary<string, string>(result.Record ?? new Dictionary<string, string>());
        foreach (var (fact, value) in StepTimes.Facts(folder)) record[fact] = value;
        return result with { Record = record };
    }

    private static void Show(Report report, string folder)
    {
        Write(() => ReportFiles.Write(report, folder), folder);
        foreach (var table in ReportTables.Of(report, @long: false)) Print(table);
        Console.WriteLine($"Written: {Path.Combine(folder, "report.html")}, report.json, tables (CSV, LaTeX), figures "
            + "(PNG, SVG, PDF)");
    }

    /// <summary>Prints a table: in columns where they fit, else row by row. Nothing is left out or broken.</summary>
    internal static void Print(TextTable table)
    {
        if (!StackedTable.Fits(table, AnsiConsole.Profile.Width))
        {
            Console.WriteLine();
            foreach (var line in StackedTable.Lines(table, AnsiConsole.Profile.Width)) Console.WriteLine(line);
            return;
        }
        var view = new Table().Title(table.Title).Border(TableBorder.Simple);
        foreach (var column in table.Columns) view.AddColumn(new TableColumn(Markup.Escape(column)).NoWrap());
        foreach (var row in table.Rows) view.AddRow(row.Select(Markup.Escape).ToArray());
        AnsiConsole.Write(view);
    }
}

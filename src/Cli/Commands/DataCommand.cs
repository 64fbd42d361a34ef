using System.CommandLine;
using RlLeap.Gymnasium;
using RlLeap.Data;
using Spectre.Console;

namespace RlLeap.Cli.Commands;

/// <summary>Lists the known data sets and downloads those that have a public download.</summary>
public static class DataCommand
{
    public static Command Create()
    {
        var command = new Command("data", "Data sets: what is known and present, and downloads with checksums.");
        var list = new Command("list", "Every data set: where it is on this machine, or how to get it.");
        list.SetAction(_ => List());
        command.Add(list);
        command.Add(Get());
        return command;
    }

    private static int List()
    {
        var location = DataLocation.Default;
        foreach (var set in DataCatalog.Sets)
        {
            var present = DataCatalog.Present(set.Name, location);
            Console.WriteLine($"{set.Name,-14} {set.About}");
            Console.WriteLine($"{"",-14} "
                + $"{present ?? (set.Files.Count > 0 ? $"not here: ./rlleap data get {set.Name}" : "not here")}");
        }
        Console.WriteLine($"\nSearched: {string.Join(", ", location.Roots)} (RLLEAP_DATA names another folder). "
            + $"Decoded sets are cached in {location.Cache}.");
        return 0;
    }

    private static Command Get()
    {
        var names = new Argument<string[]>("name")
        {
            Arity = ArgumentArity.OneOrMore, Description = $"One or several of "
                + $"{string.Join(", ", DataCatalog.Sets.Where(s => s.Files.Count > 0).Select(s => s.Name))}; ale "
                + "installs gymnasium and ale-py with its ROMs."
        };
        var get = new Command("get",
            "Downloads data sets, going on where an interrupted download ended, and checks their checksums.") { names };
        get.SetAction(async (parsed, stop) =>
        {
            var asked = parsed.GetRequiredValue(names);
            // All names are checked before the first byte
            var sets = asked.Where(name => name != "ale").Select(DataCatalog.Get).ToList();
            if (asked.Contains("ale")) Console.WriteLine(
                $"ale: {PythonSetup.Install(PythonSetup.Folder, line => Console.WriteLine($"ale: {line}"))}, in "
                    + $"{PythonSetup.Folder}");
            var location = DataLocation.Default;
            using var http = new HttpClient();
            foreach (var set in sets)
            {
                // A copy under another name or in another folder will do, when it is whole.
                if (DataCatalog.Present(set.Name, location) is { } present && !set.Files.Any(f => File.Exists(
                    Path.Combine(location.Roots[0], set.Name, f.Name))) && DataCatalog.IsComplete(set.Name, location))
                {
                    Console.WriteLine($"{set.Name}: already here, {present}");
                    continue;
                }
                var folder = await Download(new DataDownload(http), set, location.Roots[0], stop);
                Console.WriteLine($"{set.Name}: complete and checked, {folder}");
            }
            return 0;
        });
        return get;
    }

    private static Task<string> Download(DataDownload download, DataSource set, string root, CancellationToken stop)
    {
        if (Console.IsOutputRedirected) return download.Get(set, root, progress: null, stop);
        return AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(),
            new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn())
            .StartAsync(async context =>
            {
                var bars = new Dictionary<string, ProgressTask>();
                return await download.Get(set, root, progress =>
                {
                    if (!bars.TryGetValue(progress.File, out var bar))
                        bars[progress.File] = bar = context.AddTask(Markup.Escape(progress.File));
                    if (progress.Total is { } total) bar.MaxValue = total;
                    bar.Value = progress.Done;
                }, stop);
            });
    }
}

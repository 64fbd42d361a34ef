using System.CommandLine;
using RlLeap.Cli.Watch;

namespace RlLeap.Cli.Commands;

/// <summary>Serves the page until it is stopped.</summary>
public static class WatchCommand
{
    public static Command Create()
    {
        var folders = Status.Folders();
        var port = CheckedOption.Number<int>("--port", "Port of the page (default: a free one)", min: 1, max: 65535);
        var command = new Command("watch", "A page on this machine that shows runs live: curves, tasks, logs.")
            { folders, port };
        // A method of its own: only this command loads the web server.
        command.SetAction((parsed, stop) => Serve(parsed.GetValue(folders), parsed.GetValue(port) ?? 0, stop));
        return command;
    }

    private static async Task<int> Serve(string[]? given, int port, CancellationToken stop)
    {
        var roots = Status.Roots(given, " Name the folder to watch; it may be empty.");
        await using var server = await WatchServer.Start([.. roots.Select(Path.TrimEndingDirectorySeparator)], port);
        Console.WriteLine($"{server.Address} shows the runs in {string.Join(", ", roots)}. Ctrl-C ends it.");
        Console.Out.Flush();
        Shell.HasNothingToSave = true;
        try { await Task.Delay(Timeout.Infinite, stop); }
        catch (OperationCanceledException) { Log.Information("the page is closed"); }
        return 0;
    }
}

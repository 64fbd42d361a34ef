using System.CommandLine;

namespace RlLeap.Cli.Commands;

/// <summary>Lists runs by their folders alone; touches none of them.</summary>
public static class Status
{
    public static Command Create()
    {
        var folders = Folders();
        var command = new Command("status", "Which runs there are, and how far each is.") { folders };
        command.SetAction(parsed =>
        {
            var roots = Roots(parsed.GetValue(folders));
            var runs = roots.SelectMany(root => RunFolders.Under(root, (folder, e) =>
                Log.Warning("{Folder} is passed over: {Reason}", folder, SystemErrors.Explain(e))))
                .Distinct().Order(StringComparer.Ordinal).ToList();
            if (runs.Count == 0) throw new RlLeapException($"there is no run in {string.Join(", ", roots)}.");
            ReportCommand.Print(
                new("Runs", "", ["run", "state", "recorded", "newest checkpoint", "written"], [.. runs.Select(RowOf)]));
        });
        return command;
    }

    /// <summary>The argument of commands that look at runs.</summary>
    internal static Argument<string[]> Folders() => new("RUN")
    {
        Description = "Folders of runs, or folders that hold such; ./runs by default",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>The folders to look in.</summary>
    /// <exception cref="RlLeapException">One is not there; <paramref name="advice"/> follows where none was given.
    /// </exception>
    internal static string[] Roots(string[]? given, string advice = "")
    {
        string[] roots = given is { Length: > 0 } ? given : ["runs"];
        if (Array.Find(roots, folder => !Directory.Exists(folder)) is { } missing)
            throw new RlLeapException($"{missing} is not there"
                + (roots == given ? "." : ": no run was started from this folder." + advice));
        return roots;
    }

    // One run that cannot be read must not hide the others.
    private static IReadOnlyList<string> RowOf(string run)
    {
        try { return Row(run); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or RlLeapException)
        {
            return [run, $"cannot be read: {(e is RlLeapException ? e.Message : SystemErrors.Explain(e))}", "", "", ""];
        }
    }

    private static IReadOnlyList<string> Row(string run)
    {
        var metrics = Path.Combine(run, RunDirectory.MetricsName);
        BadLine? bad = null;
        var count = 0;
        // Series with a slash are parts of a whole: the tasks of a meta-step.
        var last = File.Exists(metrics)
            ? JsonLines.Last(metrics, row => !row.Series.Contains('/'), line => (bad, count) = (bad ?? line, count + 1))
                : null;
        if (bad is { } first)
            Log.Warning("{Line}{More}: the metrics are damaged there, what is whole is used", first,
                count > 1 ? $" (and {count - 1} more)" : "");
        var checkpoints = Path.Combine(run, "checkpoints");
        var newest = !Directory.Exists(checkpoints) ? null
            : Directory.EnumerateDirectories(checkpoints).Select(Path.GetFileName)
                .Where(n => long.TryParse(n, out _)).Max();
        var recorded = last?.Series switch
        {
            null => "",
            "meta" => $"{last?.Step + 1} meta-steps",
            var series => $"{series} {last?.Step:N0}",
        };
        var written = File.Exists(metrics) ? File.GetLastWriteTime(metrics) : Directory.GetLastWriteTime(run);
        return
        [
            run, StateOf(run) + (bad is null ? "" : " (damaged metrics)"), recorded,
            newest is null ? "" : $"{long.Parse(newest)}",
            $"{written:yyyy-MM-dd HH:mm:ss}",
        ];
    }

    private static string StateOf(string run) => RunState.Of(run) switch
    {
        { Kind: RunStateKind.Complete } => "complete",
        { Kind: RunStateKind.Running, Holder: var (process, host) } => $"running: process {process} on {host}",
        { Kind: RunStateKind.Killed } => $"killed: --resume {run}",
        _ => $"stopped: --resume {run}",
    };
}

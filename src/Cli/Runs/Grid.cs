using System.Diagnostics;

namespace RlLeap.Cli.Runs;

/// <summary>Jobs through a grid. A run that fails does not stop the others.</summary>
/// <param name="file">The grid's file; the runs' config is relative to it.</param>
/// <param name="start">Runs the program with arguments, its output to a file; answers its exit code. Replaced in
/// tests.</param>
public sealed class Grid(GridConfig config, string file,
    Func<IReadOnlyList<string>, string, CancellationToken, Task<int>>? start = null)
{
    /// <summary>Path of a run's config.</summary>
    public string ConfigOf(GridRun run) => Absolute(run.Config);

    /// <summary>A path in the grid's config, which is relative to that.</summary>
    internal string Absolute(string path) => Path.GetFullPath(path, Path.GetDirectoryName(Path.GetFullPath(file))!);

    public string FolderOf(GridRun run) => Path.Combine(config.Directory, run.Name);

    /// <summary>Executes what is not complete; answers the runs that failed.</summary>
    /// <exception cref="OperationCanceledException">It was stopped; the runs in progress have checkpointed and
    /// left.</exception>
    public async Task<IReadOnlyList<GridRun>> Execute(CancellationToken stop)
    {
        var runs = config.Runs();
        RequireConfigs(runs);
        var left = runs.Where(r => !RunDirectory.IsComplete(FolderOf(r))).ToList();
        using var progress = new Progress(file, runs.Count, "runs", runs.Count - left.Count);
        var failed = await Execute([.. left.Select(run => new GridCall(run.Name, FolderOf(run), ArgumentsOf(run)))],
            progress, runs.Count - left.Count, stop);
        return [.. left.Where(run => failed.Contains(run.Name))];
    }

    /// <exception cref="RlLeapException">The config of a run is not there.</exception>
    internal void RequireConfigs(IEnumerable<GridRun> runs)
    {
        if (runs.Select(ConfigOf).FirstOrDefault(path => !File.Exists(path)) is { } missing)
            throw new RlLeapException($"{file}: key 'config': there is no file {missing}.");
    }

    /// <summary>Makes calls of the program, side by side as configured; answers the names that failed.</summary>
    /// <param name="done">How many are done already.</param>
    /// <param name="completed">Is told of each that did not fail; what it throws ends the others too.</param>
    internal async Task<IReadOnlySet<string>> Execute(IReadOnlyList<GridCall> calls, Progress progress, int done,
        CancellationToken stop, Action<GridCall>? completed = null)
    {
        var failed = new HashSet<string>();
        await Parallel.ForEachAsync(calls, new ParallelOptions
        {
            MaxDegreeOfParallelism = config.Parallel,
            CancellationToken = stop
        }, async (call, token) =>
            {
                Log.Information("{Run}: {What}", call.Name, RunDirectory.Holds(call.Folder) ? "goes on" : "begins");
                var log = Path.TrimEndingDirectorySeparator(call.Folder) + ".log";
                var code = await (start ?? Process)(call.Arguments, log, token);
                token.ThrowIfCancellationRequested();
                lock (failed)
                {
                    done++;
                    if (code != 0 || !RunDirectory.IsComplete(call.Folder))
                    {
                        failed.Add(call.Name);
                        Log.Error("{Run} failed with exit code {Code}; its output is in {Log}", call.Name, code, log);
                    }
                    else completed?.Invoke(call);
                    progress.Report(done, failed.Count == 0 ? "" : $"{failed.Count} failed");
                }
            });
        return failed;
    }

    /// <summary>The program's arguments that begin a run or go on with it.</summary>
    public IReadOnlyList<string> ArgumentsOf(GridRun run) => ArgumentsOf(run, FolderOf(run));

    /// <summary>The same in a folder of its own.</summary>
    internal IReadOnlyList<string> ArgumentsOf(GridRun run, string folder) => RunDirectory.Holds(folder)
        ? [config.Command, "--resume", folder]
        : [config.Command, .. config.Command == "train" ? ["--config", ConfigOf(run)] : new[] { ConfigOf(run) },
            .. run.Settings.Append($"run.directory={folder}").SelectMany(s => new[] { "--set", s })];

    // A process of its own: its memory is given back, and its death is its alone.
    private static async Task<int> Process(IReadOnlyList<string> arguments, string log, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        await using var output = new StreamWriter(log, append: true) { AutoFlush = true };
        using var process = new Process
        {
            StartInfo = new(Shell.Program[0], [.. Shell.Program.Skip(1), .. arguments])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            },
        };
        process.OutputDataReceived += Write;
        process.ErrorDataReceived += Write;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using (stop.Register(() => ProcessSignals.AskToLeave(process)))
            await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;

        void Write(object _, DataReceivedEventArgs line)
        {
            if (line.Data is not null) lock (output) output.WriteLine(line.Data);
        }
    }
}

/// <summary>A call of the program that makes, continues or extends the run in a folder.</summary>
internal sealed record GridCall(string Name, string Folder, IReadOnlyList<string> Arguments);

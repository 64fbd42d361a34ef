// Runs of a grid, each a process: what is complete is left alone, what was begun is resumed.
using System.Diagnostics;
using System.Runtime.InteropServices;
using RlLeap.Cli.Config;
using Serilog;

namespace RlLeap.Cli.Runs;

/// <summary>Jobs through a grid. A run that fails does not stop the others.</summary>
/// <param name="file">The grid's file; the runs' config is relative to it.</param>
/// <param name="start">Runs the program with arguments, its output to a file; answers its exit code. Replaced in
/// tests.</param>
public sealed partial class Grid(GridConfig config, string file,
    Func<IReadOnlyList<string>, string, CancellationToken, Task<int>>? start = null)
{
    /// <summary>Path of a run's config.</summary>
    public string ConfigOf(GridRun run) => Path.GetFullPath(run.Config, Path.GetDirectoryName(Path.GetFullPath(file))!);

    public string FolderOf(GridRun run) => Path.Combine(config.Directory, run.Name);

    /// <summary>Executes what is not complete; answers the runs that failed.</summary>
    /// <exception cref="OperationCanceledException">It was stopped; the runs in progress have checkpointed and
    /// left.</exception>
    public async Task<IReadOnlyList<GridRun>> Execute(CancellationToken stop)
    {
        var runs = config.Runs();
        if (runs.Select(ConfigOf).FirstOrDefault(path => !File.Exists(path)) is { } missing)
            throw new RlLeapException($"{file}: key 'config': there is no file {missing}.");
        var left = runs.Where(r => !RunDirectory.IsComplete(FolderOf(r))).ToList();
        var (done, failed) = (runs.Count - left.Count, new List<GridRun>());
        using var progress = new Progress(file, runs.Count, "runs", done);
        await Parallel.ForEachAsync(left, new ParallelOptions
        {
            MaxDegreeOfParallelism = config.Parallel,
            CancellationToken = stop
        }, async (run, token) =>
            {
                var folder = FolderOf(run);
                Log.Information("{Run}: {What}", run.Name, RunDirectory.Holds(folder) ? "goes on" : "begins");
                var code = await (start ?? Process)(ArgumentsOf(run), folder.TrimEnd('/') + ".log", token);
                token.ThrowIfCancellationRequested();
                lock (failed)
                {
                    done++;
                    if (code != 0 || !RunDirectory.IsComplete(folder))
                    {
                        failed.Add(run);
                        Log.Error("{Run} failed with exit code {Code}; its output is in {Log}", run.Name, code,
                            folder + ".log");
                    }
                    progress.Report(done, failed.Count == 0 ? "" : $"{failed.Count} failed");
                }
            });
        return failed;
    }

    /// <summary>The program's arguments that begin a run or go on with it.</summary>
    public IReadOnlyList<string> ArgumentsOf(GridRun run) => RunDirectory.Holds(FolderOf(run))
        ? [config.Command, "--resume", FolderOf(run)]
        : [config.Command, .. config.Command == "train" ? ["--config", ConfigOf(run)] : new[] { ConfigOf(run) },
            .. run.Settings.Append($"run.directory={FolderOf(run)}").SelectMany(s => new[] { "--set", s })];

    // A process of its own: its memory is given back, and its death is its alone.
    private static async Task<int> Process(IReadOnlyList<string> arguments, string log, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        await using var output = new StreamWriter(log, append: true) { AutoFlush = true };
        var info = new ProcessStartInfo(Environment.ProcessPath!,
            [.. Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
                ? [typeof(Grid).Assembly.Location] : Array.Empty<string>(), .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = new Process { StartInfo = info };
        process.OutputDataReceived += Write;
        process.ErrorDataReceived += Write;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using (stop.Register(() => kill(process.Id, 15))) // SIGTERM: checkpoint and leave
            await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;

        void Write(object _, DataReceivedEventArgs line)
        {
            if (line.Data is not null) lock (output) output.WriteLine(line.Data);
        }
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}

// The program rlleap as a process of its own, for tests that kill it, signal it or read its exit code.
using System.Diagnostics;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests;

/// <summary>Starts the program that was built with the tests, as the launcher does.</summary>
public static class ProgramProcess
{
    /// <summary>Starts it; output and errors are redirected and must be read.</summary>
    public static Process Start(params string[] arguments) => StartWith(new Dictionary<string, string>(), arguments);

    /// <summary>Starts it with some environment variables of its own.</summary>
    public static Process StartWith(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Waits for its end.</summary>
    public static (int ExitCode, string Output, string Error) Wait(Process process)
    {
        using (process)
        {
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, error.Result);
        }
    }

    /// <summary>Runs it to its end.</summary>
    public static (int ExitCode, string Output, string Error) Run(params string[] arguments) => Wait(Start(arguments));

    /// <summary>Runs it to its end, which must be a good one.</summary>
    public static string Succeed(params string[] arguments)
    {
        var (code, output, error) = Run(arguments);
        Assert.True(code == 0, $"rlleap {string.Join(' ', arguments)} ended with {code}:\n{error}\n{output}");
        return output;
    }

    /// <summary>Sends a signal by name ("TERM", "KILL").</summary>
    public static void Signal(Process process, string name)
    {
        Signal(process.Id, name);
    }

    /// <summary>
    /// Sends a signal by name to a process by its id. The shell's own kill: a small system has no other.
    /// </summary>
    public static void Signal(int process, string name)
    {
        using var shell = Process.Start("bash", ["-c", $"kill -{name} {process}"]);
        shell.WaitForExit();
    }

    /// <summary>Waits until something holds or the process has ended, whichever comes first.</summary>
    public static void Until(Process process, Func<bool> holds)
    {
        while (!holds() && !process.HasExited) Thread.Sleep(2);
    }

    /// <summary>
    /// Starts the run in the folder <paramref name="run"/> and kills it when <paramref name="due"/> holds. One that
    /// ended before it could be killed begins anew.
    /// </summary>
    public static void StartAndKill(string run, Func<bool> due, params string[] start)
    {
        for (var tries = 0; tries < Tries; tries++)
        {
            if (Directory.Exists(run)) Directory.Delete(run, recursive: true);
            Kill(Start(start), due, pause: 0);
            if (!RunDirectory.IsComplete(run)) return;
        }
        Assert.Fail($"{Tries} runs ended before they were killed.");
    }

    /// <summary>
    /// A run in the folder <paramref name="run"/>, killed on its way so many times and gone on with each time, to its
    /// end.
    /// </summary>
    /// <remarks>
    /// Killed at random moments of its progress, which is how much of metrics.jsonl is written: a slower or faster
    /// machine changes nothing. A run that ended before it could be killed begins anew.
    /// </remarks>
    /// <param name="run">The run's folder.</param>
    /// <param name="whole">An uninterrupted run of the same config.</param>
    /// <param name="kills">How many times.</param>
    /// <param name="pause">The kill comes up to so many milliseconds after the progress, so that it hits what happens
    /// between two rows.</param>
    /// <param name="start">Arguments that start it.</param>
    /// <param name="resume">Arguments that resume it.</param>
    public static void KillAndResume(string run, string whole, int kills, int pause, string[] start, string[] resume)
    {
        var rng = new Rng(kills);
        var (all, early) = (Written(whole), 0);
        for (var left = kills; left > 0;)
        {
            if (RunDirectory.IsComplete(run))
            {
                Assert.True(++early < Tries, $"{Tries} runs ended before they were killed.");
                Directory.Delete(run, recursive: true);
            }
            var done = Written(run);
            var due = done + (long)((all - done) * rng.NextDouble() * 2 / (left + 1));
            if (Kill(Start(RunDirectory.Holds(run) ? resume : start), () => Written(run) > due, rng.NextInt(pause + 1)))
                left--;
        }
        if (!RunDirectory.IsComplete(run)) Succeed(resume);
    }

    /// <summary>
    /// Runs the program with a folder that is a disk of its own and small; null where one may not mount.
    /// </summary>
    /// <param name="disk">An existing folder; in the program's eyes the disk, afterwards a copy of what was on
    /// it.</param>
    /// <param name="megabytes">The disk's size.</param>
    /// <param name="arguments">What to run.</param>
    public static (int ExitCode, string Output, string Error)? RunOnSmallDisk(string disk, int megabytes,
        params string[] arguments)
    {
        // A private mount namespace, which ends with the process: what is on the disk must leave it before.
        const string Script = """
            mount -t tmpfs -o "size=$2m" tmpfs "$1" && echo mounted || exit 77
            disk=$1; shift 2
            "$@"; code=$?
            cp -a "$disk" "$disk.copy"
            exit $code
            """;
        var start = new ProcessStartInfo("unshare", ["--mount", "--map-root-user", "bash", "-c", Script,
            "x", disk, $"{megabytes}", "dotnet", Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        var (code, output, error) = Wait(Process.Start(start)!);
        if (!output.StartsWith("mounted", StringComparison.Ordinal)) return null;
        Directory.Delete(disk);
        Directory.Move(disk + ".copy", disk);
        return (code, output, error);
    }

    /// <summary>The whole checkpoints in a run's folder, oldest first.</summary>
    public static IReadOnlyList<string> Checkpoints(string run) =>
        !Directory.Exists(Path.Combine(run, "checkpoints")) ? []
        : [.. Directory.GetDirectories(Path.Combine(run, "checkpoints"))
            .Where(f => !f.EndsWith(".tmp", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private const int Tries = 20;

    private static long Written(string run) =>
        new FileInfo(Path.Combine(run, RunDirectory.MetricsName)) is { Exists: true } file ? file.Length : 0;

    private static bool Kill(Process process, Func<bool> due, int pause)
    {
        Until(process, due);
        var killed = !process.WaitForExit(pause);
        if (killed) process.Kill();
        Wait(process);
        return killed;
    }
}

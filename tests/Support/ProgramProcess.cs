// The program rlleap as a process of its own, for tests that kill it, signal it or read its exit code.
using System.Diagnostics;
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
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["OPENBLAS_NUM_THREADS"] = "1";
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
        using var kill = Process.Start("kill", [$"-{name}", $"{process.Id}"]);
        kill.WaitForExit();
    }
}

// The Python outside the process: figures are drawn by it, and doctor asks it what is installed.
using System.Diagnostics;

namespace RlLeap.Experiments;

/// <summary>An installed Python interpreter, run as a process of its own.</summary>
public sealed record PythonInterpreter(string Path)
{
    /// <summary>The first that exists and imports all <paramref name="modules"/>, or null. In order: $RLLEAP_PYTHON, the active
    /// virtual or conda environment, python3 on the PATH, /usr/bin/python3.</summary>
    public static PythonInterpreter? Find(params string[] modules) =>
        Candidates().Distinct().Where(File.Exists).Select(path => new PythonInterpreter(path))
            .FirstOrDefault(python => python.Run(["-c", "import sys" + string.Concat(modules.Select(m => ", " + m))]).ExitCode == 0);

    private static IEnumerable<string> Candidates()
    {
        static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
        if (Variable("RLLEAP_PYTHON") is { } chosen) yield return chosen;
        foreach (var folder in new[] { Variable("VIRTUAL_ENV"), Variable("CONDA_PREFIX") }.OfType<string>())
            yield return System.IO.Path.Combine(folder, "bin", "python3");
        foreach (var folder in (Variable("PATH") ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return System.IO.Path.Combine(folder, "python3");
        yield return "/usr/bin/python3";
    }

    /// <summary>Runs it to its end. Standard input is <paramref name="input"/>.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">It cannot be started.</exception>
    public (int ExitCode, string Output, string Error) Run(IEnumerable<string> arguments, string input = "")
    {
        var start = new ProcessStartInfo(Path, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        start.Environment.Remove("LD_PRELOAD"); // the allocator is for our own process
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException) { } // it ended without reading all; its exit code and error output say why
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}

using System.Diagnostics;
using RlLeap.Gymnasium;

namespace RlLeap.Cli;

/// <summary>An installed Python interpreter, run as a process of its own.</summary>
public sealed record PythonInterpreter(string Path)
{
    /// <summary>The first interpreter, in the order of candidates, that imports all modules; or null.</summary>
    public static PythonInterpreter? Find(params string[] modules) =>
        PythonInstallation.Candidates(PythonHost.Asked).Select(candidate => candidate.Path).Distinct()
            .Where(File.Exists).Select(path => new PythonInterpreter(path))
            .FirstOrDefault(python =>
                python.Run(["-c", "import sys" + string.Concat(modules.Select(m => ", " + m))]).ExitCode == 0);

    /// <summary>Runs it to its end. Standard input is <paramref name="input"/>.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">It cannot be started.</exception>
    public (int ExitCode, string Output, string Error) Run(IEnumerable<string> arguments, string input = "")
    {
        var start = new ProcessStartInfo(Path, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            UseShellExecute = false,
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

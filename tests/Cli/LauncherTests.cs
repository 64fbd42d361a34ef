// The script ./rlleap, with a stand-in for dotnet that notes what it is asked to do.
using System.Diagnostics;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class LauncherTests : IDisposable
{
    private readonly TempFolder _folder = new();

    // As a fresh clone: all of it older than what a build makes.
    private void Clone()
    {
        File.Copy(Path.Combine(Repository.Root, "rlleap"), _folder["rlleap"]);
        foreach (var project in new[] { "src/Cli/Cli", "examples/Mine/Mine", "benchmarks/Bench", "tests/Tests" })
            _folder.Write(project + ".csproj", "");
        _folder.Write("RlLeap.sln", """
            Project("{A}") = "Cli", "src\Cli\Cli.csproj", "{B}"
            Project("{A}") = "Tests", "tests\Tests.csproj", "{C}"

            """);
        _folder.Write("Directory.Build.props", "");
        _folder.Write("path/dotnet", """
            #!/bin/sh
            cd "$(dirname "$0")/.."
            echo "$1" >> calls
            case $1 in
                --list-sdks) echo "10.0.100 [/sdk]" ;;
                restore) mkdir -p src/Cli/obj tests/obj ;;
                build) [ ! -e interrupt ] || { kill -INT $PPID; exit 1; }
                       mkdir -p src/Cli/bin/Release/net10.0 examples/Mine/obj examples/Mine/bin
                       touch src/Cli/bin/Release/net10.0/rlleap.dll ;;
                test) kill -INT $PPID; exit 1 ;;
            esac
            """);
        foreach (var entry in Directory.GetFileSystemEntries(_folder.Root, "*", SearchOption.AllDirectories))
            File.SetLastWriteTimeUtc(entry, DateTime.UtcNow.AddMinutes(-1));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_fresh_clone_is_built_once_and_a_changed_file_once_more()
    {
        if (OperatingSystem.IsWindows()) return;
        Clone();
        File.SetUnixFileMode(_folder["path/dotnet"], (UnixFileMode)0b111_101_101);
        await Call();
        Assert.Single(Calls(), "build");
        await Call();
        Assert.Single(Calls(), "build");

        File.SetLastWriteTimeUtc(_folder.Write("src/Cli/New.cs", ""), DateTime.UtcNow.AddSeconds(1));
        await Call();
        Assert.Equal(2, Calls().Count(call => call == "build"));
    }

    [Fact]
    public async Task A_build_replaces_what_it_makes_and_leaves_an_example_that_its_reader_built()
    {
        if (OperatingSystem.IsWindows()) return;
        Clone();
        File.SetUnixFileMode(_folder["path/dotnet"], (UnixFileMode)0b111_101_101);
        var old = _folder.Write("tests/bin/Release/net10.0/Old.dll", "");
        var mine = _folder.Write("examples/Mine/bin/Release/net10.0/Mine.dll", "");
        await Call();
        Assert.False(File.Exists(old));
        Assert.True(File.Exists(mine));
    }

    [Fact]
    public async Task A_build_that_Ctrl_C_ended_is_no_failed_build()
    {
        if (!OperatingSystem.IsLinux()) return;
        Clone();
        File.SetUnixFileMode(_folder["path/dotnet"], (UnixFileMode)0b111_101_101);
        _folder.Write("interrupt", "");
        var (code, said) = await Launch();
        Assert.Equal(130, code);
        Assert.Contains("stopped before the build was done; the next call builds again", said,
            StringComparison.Ordinal);
        File.Delete(_folder["interrupt"]);
        await Call();
        Assert.Equal(2, Calls().Count(call => call == "build"));
    }

    [Fact]
    public async Task Tests_that_Ctrl_C_ended_have_not_failed()
    {
        if (!OperatingSystem.IsLinux()) return;
        Clone();
        File.SetUnixFileMode(_folder["path/dotnet"], (UnixFileMode)0b111_101_101);
        var (code, said) = await Launch("test");
        Assert.Equal(130, code);
        Assert.Contains("stopped before all tests had run", said, StringComparison.Ordinal);
        Assert.DoesNotContain("failed", said, StringComparison.Ordinal);
    }

    private string[] Calls() => File.ReadAllLines(_folder["calls"]);

    private async Task Call()
    {
        var (code, said) = await Launch();
        Assert.True(code == 0, said);
    }

    private async Task<(int Code, string Said)> Launch(string command = "--version")
    {
        // A process in the background may have been started to ignore Ctrl-C, and so would its children.
        string[] launcher = ["bash", _folder["rlleap"], command];
        if (OperatingSystem.IsLinux()) launcher = ["env", "--default-signal=INT", .. launcher];
        var start = new ProcessStartInfo(launcher[0], launcher[1..])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = _folder["path"] + ":" + Environment.GetEnvironmentVariable("PATH");
        start.Environment["RLLEAP_CUDA"] = "no";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + error);
    }
}

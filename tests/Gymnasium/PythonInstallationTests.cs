// Interpreters that pythonnet cannot use are refused in words: here scripts that answer as such a Python would.
using RlLeap.Gymnasium;
using Xunit;

namespace RlLeap.Tests.PythonBridge;

public sealed class PythonInstallationTests
{
    [Theory]
    [InlineData("3.9.19", "3.9", false, "it is Python 3.9.19; 3.10 to 3.15 is needed")]
    [InlineData("3.16.0", "3.16", false, "it is Python 3.16.0; 3.10 to 3.15 is needed")]
    [InlineData("3.13.1", "3.13", true, "it is Python 3.13.1; a build without the GIL can be used from 3.14 on")]
    [InlineData("3.14.0", "3.14", true, "it has no shared libpython (built without --enable-shared)")]
    [InlineData("3.12.3", "3.12", false, "it has no shared libpython (built without --enable-shared)")]
    public void A_version_that_pythonnet_does_not_support(string version, string minor, bool freeThreaded,
        string refusal)
    {
        if (OperatingSystem.IsWindows()) return;
        using var folder = new TempFolder();
        var answer = $$"""
            {"executable": "", "version": "{{version}}", "minor": "{{minor}}", "library": null, "missing": null,
             "free_threaded": {{(freeThreaded ? "true" : "false")}}}
            """;
        folder.Write("python3", $"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n");
        File.SetUnixFileMode(folder["python3"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Null(PythonInstallation.Examine(folder["python3"], out var said));
        Assert.Equal(refusal, said);
    }

    [Fact]
    public void An_interpreter_that_Ctrl_C_ended_is_not_said_to_be_unusable()
    {
        if (OperatingSystem.IsWindows()) return;
        using var folder = new TempFolder();
        folder.Write("python3", "#!/bin/sh\nexit 130\n"); // .NET says the same of a process that SIGINT ended
        File.SetUnixFileMode(folder["python3"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Throws<OperationCanceledException>(() => PythonInstallation.Examine(folder["python3"], out _));
    }

    [Fact]
    public void The_command_names_the_library_of_the_version_that_is_there()
    {
        Assert.EndsWith("python3-numpy libpython3.11", PythonInstallation.InstallCommand("3.11.2"));
        Assert.EndsWith("python3-numpy libpython3-dev", PythonInstallation.InstallCommand());
    }
}

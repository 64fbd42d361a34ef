// The user's own environment, as docs/environments.md tells it: its commands are run as they stand there.
using System.Diagnostics;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class UserExampleTests
{
    [Fact]
    public async Task The_commands_of_the_page_work_as_written()
    {
        var root = Root();
        var page = File.ReadAllLines(Path.Combine(root, "docs", "environments.md"));
        List<string> commands = [];
        var inside = false;
        foreach (var line in page)
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) inside = line == "```sh";
            else if (inside) commands.Add(line);
        }
        Assert.Equal(5, commands.Count);
        List<string> outputs = [];
        foreach (var command in commands)
        {
            // The launcher would set the machine up first; what it then starts is this program.
            var started = command.Replace("./rlleap ", $"dotnet \"{Path.Combine(AppContext.BaseDirectory, "rlleap.dll")}\" ");
            using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", started]) { WorkingDirectory = root, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, $"{command}\n{output}\n{await error}");
            outputs.Add(output);
        }
        Assert.Contains($"my/Treasure-v1 keeps all {RlLeap.Environments.EnvironmentCheck.Rules.Count} rules", outputs[1]);
        Assert.Contains("my/Treasure-v1  ", outputs[2]);
        Assert.Contains("walk to the treasure", outputs[2]);
        Assert.Contains("time_limit=12 keeps all", outputs[3]);
        Assert.Contains("515 episodes, mean return 0.37", outputs[4]);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "RlLeap.sln"))) folder = folder.Parent ?? throw new DirectoryNotFoundException("RlLeap.sln is above the tests");
        return folder.FullName;
    }
}

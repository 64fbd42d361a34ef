// The user's own environment, network and method, as their pages tell it: the commands are run as they stand there.
using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed partial class UserPagesTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_commands_of_the_page_on_environments_work_as_written()
    {
        var outputs = await Run("environments.md", expected: 5);
        // It cannot draw itself: that rule is not among those that it keeps.
        Assert.Contains($"my/Treasure-v1 keeps all {RlLeap.Environments.EnvironmentCheck.Rules.Count - 1} rules that "
            + "apply", outputs[1]);
        Assert.Contains("Drawing it changes nothing: does not apply", outputs[1]);
        Assert.StartsWith("my/  (yours)", outputs[2]);
        Assert.Contains("?size=10", outputs[2]);
        Assert.Contains("my/Treasure-v1  ", outputs[2]);
        Assert.Contains("walk to the treasure", outputs[2]);
        Assert.Contains("time_limit=12 keeps all", outputs[3]);
        Assert.Contains("515 episodes, mean return 0.37", outputs[4]);
    }

    [Fact]
    public async Task The_commands_of_the_page_on_networks_work_as_written()
    {
        var outputs = await Run("networks.md", expected: 4);
        Assert.Contains("mean return of the last 100 episodes", outputs[1]);
        Assert.Contains("network: my/two-layers", File.ReadAllText(_folder["my-network/config.yaml"]));
        Assert.Contains("two-layers", File.ReadAllText(_folder["my-network-meta/result.json"]));
        Assert.Contains("result: ", outputs[3]);
    }

    [Fact]
    public async Task The_commands_of_the_page_on_methods_work_as_written()
    {
        var outputs = await Run("own-methods.md", expected: 3);
        Assert.Contains("my/part-way", outputs[1]);
        Assert.Contains("{name: my/part-way, fraction: 0.25}", File.ReadAllText(_folder["my-method/result.json"]));
        Assert.Contains("result: ", outputs[2]);

        // The project was built without a copy of RlLeap: what is in the program is what it runs with.
        var assembly = Path.Combine(Repository.Root, "examples/MyMethod/bin/Release/net10.0/MyMethod.dll");
        Assert.False(File.Exists(Path.Combine(Path.GetDirectoryName(assembly)!, "RlLeap.Core.dll")));

        // An assembly that moved since.
        Directory.CreateDirectory(_folder["moved"]);
        File.Copy(assembly, _folder["moved/MyMethod.dll"]);
        var config = File.ReadAllText(_folder["my-method/config.yaml"]);
        File.WriteAllText(_folder["my-method/config.yaml"],
            config.Replace(Path.Combine(Repository.Root, "examples"), "/nowhere"));
        var (code, _, error) = ProgramProcess.Run("evaluate", _folder["my-method"], "--seeds", "1");
        Assert.Equal(1, code);
        Assert.Contains("/nowhere/MyMethod/bin/Release/net10.0/MyMethod.dll: there is no such assembly", error);
        ProgramProcess.Succeed("evaluate", _folder["my-method"], "--seeds", "1", "--assembly",
            _folder["moved/MyMethod.dll"]);
    }

    [Fact]
    public async Task The_commands_of_the_page_on_few_shot_learning_work_as_written()
    {
        RlLeap.Tests.Data.SampleFiles.ClassFolder(_folder["photos"], 0, 12, images: 6);
        var outputs = await Run("few-shot.md", expected: 2, ("data=photos",
            $"data={_folder["photos"]} --set run.directory={_folder["few-shot-own"]} --set meta.batch=5"));
        Assert.Contains("photos, 3-way 1-shot", outputs[0]);
        Assert.Contains("photos, 3-way 3-shot", outputs[1]);
    }

    [Fact]
    public async Task The_commands_of_the_page_on_export_work_as_written()
    {
        await Run("export.md", expected: 2, ("shared/pole", _folder["shared"]));
        Assert.True(File.Exists(_folder["shared/README.md"]));
    }

    [Fact]
    public async Task The_tutorial_works_as_written()
    {
        Directory.CreateDirectory(_folder["mine"]);
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs/tutorial.md"));
        foreach (Match file in FileBlock().Matches(page))
            File.WriteAllText(_folder[file.Groups[1].Value], file.Groups[2].Value
                .Replace("$(MSBuildThisFileDirectory)..", Repository.Root)
                .Replace("runs/", _folder.Root + "/").Replace("mine/bin", _folder["mine/bin"]));
        Assert.Equal(5, Directory.GetFiles(_folder["mine"]).Length);
        var outputs = await Run("tutorial.md", expected: 12,
            (" mine/", $" {_folder["mine"]}/"), ("Release mine", $"Release {_folder["mine"]}"),
            (_folder["mine"] + "/Corridor-v0 ", "mine/Corridor-v0 "), (_folder["mine"] + "/wide ", "mine/wide "),
            (_folder["mine"] + "/toward-the-end ", "mine/toward-the-end "));
        Assert.Contains("mine/Corridor-v0 keeps all", outputs[4]);
        Assert.Contains("mine/wide keeps all", outputs[7]);
        Assert.Contains("mine/toward-the-end keeps all", outputs[8]);
        Assert.Contains("area minus none's", outputs[9]);
        Assert.Contains("toward-the-end", outputs[11]);
    }

    // A block whose file the text before it names: `mine/Corridor.cs`.
    [GeneratedRegex(@"`(mine/[\w.]+)`[^`]*\n\n```(?:xml|csharp|yaml)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex FileBlock();

    /// <summary>Every line of the page's shell blocks; runs go to a folder of the test's.</summary>
    private async Task<IReadOnlyList<string>> Run(string page, int expected,
        params (string From, string To)[] replacements)
    {
        List<string> commands = [];
        var inside = false;
        foreach (var line in File.ReadAllLines(Path.Combine(Repository.Root, "docs", page)))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) inside = line == "```sh";
            else if (inside) commands.Add(line);
        }
        Assert.Equal(expected, commands.Count);
        List<string> outputs = [];
        foreach (var command in commands)
        {
            // The launcher would set the machine up first; what it then starts is this program.
            var started =
                command.Replace("./rlleap ", $"dotnet \"{Path.Combine(AppContext.BaseDirectory, "rlleap.dll")}\" ")
                    .Replace("runs/", _folder.Root + "/");
            foreach (var (from, to) in replacements) started = started.Replace(from, to);
            using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", started])
            { WorkingDirectory = Repository.Root, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, $"{command}\n{output}\n{await error}");
            outputs.Add(output);
        }
        return outputs;
    }
}

// The NuGet packages as somebody else has them: packed to a feed, used outside the repository.
using System.Diagnostics;
using System.IO.Compression;
using System.Text.RegularExpressions;
using Xunit;

namespace RlLeap.Tests.Packages;

/// <summary>The feed, packed once for all tests under a version of its own.</summary>
public sealed class PackedFeed : IDisposable
{
    public TempFolder Folder { get; } = new();

    public string Version { get; } = $"0.0.{Environment.ProcessId}-test";

    public string Feed => Folder["feed"];

    public PackedFeed()
    {
        if (!Tier.Long) return;
        Directory.CreateDirectory(Feed);
        // The packages that RlLeap stands on come from wherever this machine has them.
        Folder.Write("nuget.config",
            $"<configuration><packageSources><add key=\"packed\" value=\"{Feed}\" /></packageSources></configuration>");
        string[] rooms = ["Core", "Environments", "Gymnasium", "Agents", "Data", "MetaLearning", "Testing", "Cli"];
        foreach (var project in rooms.Select(room => $"src/{room}").Append("templates"))
            Dotnet(Repository.Root, "pack", project, "-c", "Release", $"-p:PackageVersion={Version}", "-o", Feed,
                "-nologo", "-v", "q", project == "templates" ? "-tl:off" : "--no-build");
    }

    /// <summary>Runs dotnet to a good end; what it printed.</summary>
    public string Dotnet(string folder, params string[] arguments) => Run("dotnet", folder, arguments);

    public static string Run(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        // The test host's own settings are not the user's.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.Ordinal))
            .ToList()) start.Environment.Remove(name);
        start.Environment["DOTNET_NOLOGO"] = "1";
        var (code, output, error) = ProgramProcess.Wait(Process.Start(start)!);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)} ended with {code}:\n{output}\n{error}");
        return output;
    }

    public void Dispose()
    {
        if (Tier.Long)
        {
            // What NuGet kept of this version.
            var kept = Dotnet(Folder.Root, "nuget", "locals", "global-packages", "--list").Split(": ")[^1].Trim();
            foreach (var package in Directory.GetDirectories(kept, "rlleap*"))
            {
                if (Directory.Exists(Path.Combine(package, Version)))
                    Directory.Delete(Path.Combine(package, Version), recursive: true);
                if (!Directory.EnumerateFileSystemEntries(package).Any()) Directory.Delete(package);
            }
        }
        Folder.Dispose();
    }
}

public sealed class PackagesTests(PackedFeed packed) : IClassFixture<PackedFeed>
{
    private readonly TempFolder _folder = packed.Folder;

    private const string Agent = """
        using RlLeap;
        using RlLeap.Agents;

        var options = ActorCriticOptions.Presets["classic"];
        var task = new ActorCriticTask("Classic/CartPole-v1", options);
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(agentSteps: 8_000), new Rng(1));
        while (!learner.IsDone) learner.TrainStep();
        Console.WriteLine($"return {((IAgentStream)learner.Stream).Episodes.MeanReturn:0}");
        """;

    [LongFact]
    public void Every_package_says_what_it_is_and_has_documentation_licence_icon_and_symbols()
    {
        var all = Directory.GetFiles(packed.Feed, "*.nupkg");
        Assert.Equal(9, all.Length);
        foreach (var path in all)
        {
            using var package = ZipFile.OpenRead(path);
            var name = Path.GetFileName(path)[..^(packed.Version.Length + ".nupkg".Length + 1)];
            using var reader = new StreamReader(package.Entries.Single(e => e.Name == $"{name}.nuspec").Open());
            var about = reader.ReadToEnd();
            string[] parts = ["<description>", "<license type=\"expression\">MIT", "<readme>", "<icon>", "<tags>"];
            foreach (var part in parts)
                Assert.Contains(part, about, StringComparison.Ordinal);
            Assert.DoesNotContain("Package Description", about, StringComparison.Ordinal);
            Assert.True(new FileInfo(path).Length < 250_000_000, $"{name} is larger than nuget.org takes");
            if (name == "RlLeap.Templates") continue;
            Assert.True(File.Exists(Path.ChangeExtension(path, "snupkg")), name);
            var library = name == "rlleap" ? "RlLeap.Core" : name;
            Assert.Contains(package.Entries, e => e.Name == library + ".dll");
            Assert.Contains(package.Entries, e => e.Name == library + ".xml");
        }
    }

    [LongFact]
    public void A_program_trains_an_agent_and_leap_meta_learns_a_module_of_its_own()
    {
        var example = File.ReadAllText(Path.Combine(Repository.Root, "examples/LeapOnAnyModule/Program.cs"));
        _folder.Write("app/Leap.cs", example.Replace("public static void Main() => Run(metaSteps: 300, Console.Out);",
            "", StringComparison.Ordinal));
        _folder.Write("app/Program.cs", Agent + """

            LeapOnAnyModule.Program.Run(metaSteps: 20, Console.Out);
            """);
        Project("app/app.csproj", "<OutputType>Exe</OutputType>", "RlLeap.Agents", "RlLeap.MetaLearning");
        var output = packed.Dotnet(_folder["app"], "run", "-c", "Release");
        Assert.Matches("return [0-9]+", output);
        Assert.Contains("after 20 meta-steps", output, StringComparison.Ordinal);
        // The mends of TorchSharp came along.
        Assert.Equal(2, Directory.GetFiles(_folder["app/obj/torchsharp"], "*", SearchOption.AllDirectories).Length);
    }

    [LongFact]
    public void A_single_file_is_a_program()
    {
        _folder.Write("one/agent.cs", $"#:package RlLeap.Agents@{packed.Version}\n{Agent}");
        Assert.Matches("return [0-9]+", packed.Dotnet(_folder["one"], "run", "agent.cs"));
    }

    [LongFact]
    public void The_tool_is_installed_trains_and_reports()
    {
        packed.Dotnet(_folder.Root, "tool", "install", "rlleap", "--tool-path", _folder["tool"], "--version",
            packed.Version, "--configfile", _folder["nuget.config"]);
        var tool = Path.Combine(_folder["tool"], "rlleap");
        PackedFeed.Run(tool, _folder.Root, "train", "Classic/CartPole-v1", "--agent-steps", "4000", "--directory", "r");
        Assert.Contains("report.html", PackedFeed.Run(tool, _folder.Root, "report", "r"), StringComparison.Ordinal);
        Assert.Contains("size=10", PackedFeed.Run(tool, _folder.Root, "envs", "list", "my/", "--assembly",
            Path.Combine(Repository.Root, "examples/MyEnvironment/bin/Release/net10.0/MyEnvironment.dll")),
            StringComparison.Ordinal);
    }

    [LongTheory]
    [InlineData("env", 13, "episodes; the last hundred took")]
    [InlineData("network", 10, "mean return of the last hundred: ")]
    [InlineData("method", 10, "meta-step 2: return")]
    public void A_template_builds_keeps_its_contract_and_runs(string kind, int least, string expected)
    {
        var hive = _folder["hive"];
        if (!Directory.Exists(hive))
            packed.Dotnet(_folder.Root, "new", "install", Path.Combine(packed.Feed,
                $"RlLeap.Templates.{packed.Version}.nupkg"), "--debug:custom-hive", hive);
        var name = $"Own{char.ToUpperInvariant(kind[0])}{kind[1..]}";
        packed.Dotnet(_folder.Root, "new", $"rlleap-{kind}", "-n", name, "-o", name, "--rlleap-version", packed.Version,
            "--debug:custom-hive", hive);
        Assert.Contains(expected, packed.Dotnet(_folder[name], "run"), StringComparison.Ordinal);
        var passed = Regex.Match(packed.Dotnet(_folder[name], "test", "--no-build"), @"Passed:\s+(\d+)");
        Assert.True(int.Parse(passed.Groups[1].Value) >= least, passed.Value);
    }

    private void Project(string path, string properties, params string[] packages) => _folder.Write(path, $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            {properties}
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <Nullable>enable</Nullable>
            <CreateSymbolicLinksForCopyLocalIfPossible>true</CreateSymbolicLinksForCopyLocalIfPossible>
          </PropertyGroup>
          <ItemGroup>
            {string.Join("\n    ", packages.Select(package =>
                $"<PackageReference Include=\"{package}\" Version=\"{packed.Version}\" />"))}
          </ItemGroup>
        </Project>
        """);
}

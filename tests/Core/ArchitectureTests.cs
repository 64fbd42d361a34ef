// The direction between the rooms (docs/architecture.md), read from the sources.
using System.Text.RegularExpressions;
using Xunit;

namespace RlLeap.Tests.Core;

public sealed class ArchitectureTests
{
    [Theory]
    [InlineData("src/Core", "")]
    [InlineData("src/Environments", "Core")]
    [InlineData("src/Agents", "Core Environments")]
    [InlineData("src/MetaLearning", "Core")]
    [InlineData("src/Data", "Core")]
    [InlineData("src/Gymnasium", "Environments")]
    public void RoomsReferenceOnlyTheRoomsBelowThem(string room, string below)
    {
        var project = Directory.GetFiles(Path.Combine(Repository.Root, room), "*.csproj").Single();
        var references = Regex.Matches(File.ReadAllText(project), @"<ProjectReference Include=""\.\./(\w+)/")
            .Select(m => m.Groups[1].Value).Order();
        Assert.Equal(below.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), references);
    }

    [Theory]
    [InlineData("src/Agents", @"Serilog|Console\.|IMetricSink")]
    [InlineData("src/MetaLearning", @"Serilog|Console\.|RlLeap\.(Agents|Environments)")]
    [InlineData("src/Core", @"Serilog|Console\.")]
    [InlineData("src/Data", @"Serilog|Console\.")]
    [InlineData("src", @"Serilog|Spectre|YamlDotNet", "src/Cli")]
    [InlineData("src", @"Python\.Runtime", "src/Gymnasium")]
    [InlineData("src", @"Microsoft\.AspNetCore", "src/Cli/Watch")]
    public void RoomsDoNotSpeakOf(string room, string pattern, string except = "none")
    {
        var forbidden = new Regex(pattern);
        var found = Directory.EnumerateFiles(Path.Combine(Repository.Root, room), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/") && !path.Contains($"/{except}/"))
            .SelectMany(path => File.ReadLines(path)
                .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && forbidden.IsMatch(line))
                .Select(line => $"{Path.GetRelativePath(Repository.Root, path)}: {line.Trim()}")).ToList();
        Assert.True(found.Count == 0, string.Join("\n", found));
    }

    [Fact]
    public void OnlyTestingReferencesXunit()
    {
        var found = Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Where(path => !path.EndsWith("RlLeap.Testing.csproj", StringComparison.Ordinal))
            .Where(path => Regex.IsMatch(File.ReadAllText(path), @"xunit|RlLeap\.Testing\.csproj"))
            .ToList();
        Assert.Empty(found);
    }

    // What others wrote is exempt: results of runs, and configs that are kept as released.
    [Theory]
    [InlineData("cs")]
    [InlineData("yaml", "/results/|/configs-of-")]
    [InlineData("sh")]
    [InlineData("py")]
    [InlineData("csproj")]
    [InlineData("props")]
    [InlineData("targets")]
    public void LinesHaveAtMost120Columns(string extension, string except = "^$")
    {
        const int Limit = 120;
        var folders = new[] { "src", "tests", "benchmarks", "examples", "experiments" }
            .Select(name => Path.Combine(Repository.Root, name)).Where(Directory.Exists);
        var found = folders
            .SelectMany(folder => Directory.EnumerateFiles(folder, $"*.{extension}", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Repository.Root, $"*.{extension}"))
            .Where(path => !Regex.IsMatch(path, $"/obj/|/bin/|{except}"))
            .SelectMany(path => File.ReadLines(path).Index().Where(line => line.Item.Length > Limit).Select(line =>
                $"{Path.GetRelativePath(Repository.Root, path)}:{line.Index + 1} has {line.Item.Length} columns"))
            .ToList();
        Assert.True(found.Count == 0, string.Join("\n", found));
    }

    [Fact]
    public void SourcesHaveNoRegionsAndNoConditionalCompilation()
    {
        var found = new[] { "src", "benchmarks", "tests",
            "examples" }.Select(room => Path.Combine(Repository.Root, room)).Where(Directory.Exists)
            .SelectMany(room => Directory.EnumerateFiles(room, "*.cs", SearchOption.AllDirectories))
            .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/"))
            .Where(path => File.ReadLines(path).Any(line => Regex.IsMatch(line, @"^\s*#(region|if)\b"))).ToList();
        Assert.Empty(found);
    }
}

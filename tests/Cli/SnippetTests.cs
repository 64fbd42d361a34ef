// The C# of the pages, compiled: a member that was renamed breaks a page as it breaks a program.
using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed partial class SnippetTests : IDisposable
{
    // What the pages' statements speak of without declaring it.
    private const string Context = """
        private static ITask task = null!, heldOut = null!;
        private static IReadOnlyList<ITask> tasks = [];
        private static Network network = null!;
        private static Rng rng = new(1);
        private static string file = "", known = "", unknown = "";
        private static int episodes = 0, steps = 0;
        private const int Side = 28;
        private static Network Encoder(int channels) => network;
        private static nn.Module<Tensor, Tensor> net = null!;
        private static optim.Optimizer optimizer = null!;
        private static IReadOnlyList<IReadOnlyList<Supervised>> metaBatches = [];
        private sealed class Supervised { public Tensor Loss(nn.Module<Tensor, Tensor> net) => net.call(zeros(1)); }
        """;

    private const string Usings = """
        using System.ComponentModel.DataAnnotations; using RlLeap; using RlLeap.Agents; using RlLeap.Data;
        using RlLeap.Environments; using RlLeap.MetaLearning; using RlLeap.Testing;
        using TorchSharp; using static TorchSharp.torch; using F = TorchSharp.torch.nn.functional;
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_csharp_of_the_pages_compiles()
    {
        var count = 0;
        foreach (var page in Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md")
            .Append(Path.Combine(Repository.Root, "README.md")))
        {
            var name = NotAWord().Replace(Path.GetFileNameWithoutExtension(page), "_");
            foreach (var (at, block) in Block().Matches(File.ReadAllText(page)).Index())
            {
                var code = block.Groups[1].Value;
                // An outline, whose example is built for itself.
                if (code.Split('\n').Any(line => line.Trim() == "...")) continue;
                File.WriteAllText(_folder[$"{name}_{at}.cs"], FileOf(code, name, at));
                count++;
            }
        }
        Assert.InRange(count, 15, 1000);
        // The class that the page on environments tests.
        File.Copy(Path.Combine(Repository.Root, "examples/MyEnvironment/Treasure.cs"), _folder["Treasure.cs"]);
        File.WriteAllText(_folder["Snippets.csproj"], $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
              <ItemGroup>
                <Using Include="MyEnvironment" />
                <Reference Include="{AppContext.BaseDirectory}RlLeap.*.dll"
                           Exclude="{AppContext.BaseDirectory}*Tests.dll" />
                <Reference Include="{AppContext.BaseDirectory}TorchSharp.dll;{AppContext.BaseDirectory}xunit.*.dll" />
              </ItemGroup>
            </Project>
            """);
        using var build = Process.Start(new ProcessStartInfo("dotnet", ["build", "-nologo", "-v", "q", _folder.Root])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = build.StandardError.ReadToEndAsync();
        var output = await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.True(build.ExitCode == 0,
            string.Join("\n", output.Split('\n').Where(line => line.Contains("error")).Distinct()) + await error);
    }

    // Declarations stand in the page's namespace; statements, paragraph by paragraph, in methods of a class.
    private static string FileOf(string code, string page, int at)
    {
        var lines = code.Split('\n');
        var body = string.Join('\n', lines.Where(line => !line.StartsWith("using RlLeap", StringComparison.Ordinal)
            && !line.StartsWith("using TorchSharp", StringComparison.Ordinal)
            && !line.StartsWith("using static", StringComparison.Ordinal)
            && !line.StartsWith("using F =", StringComparison.Ordinal)));
        var text = new StringBuilder($"{Usings}\nnamespace Page_{page};\n");
        if (TypeDeclaration().IsMatch(body)) return text.Append(body).ToString();
        text.Append($"internal static class Snippet{at}\n{{\n{Context}\n");
        if (Member().IsMatch(body)) text.Append($"private sealed class Options\n{{\n{body}\n}}\n");
        else
            foreach (var (i, part) in body.Trim().Split("\n\n").Index())
                text.Append($"private static void Run{i}()\n{{\n{part}\n}}\n");
        return text.Append("}\n").ToString();
    }

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\W")]
    private static partial Regex NotAWord();

    [GeneratedRegex(@"^public [\w ]*\b(class|record|interface|struct)\b", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"^public ", RegexOptions.Multiline)]
    private static partial Regex Member();
}

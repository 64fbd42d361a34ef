// The site that `./rlleap docs` builds of the pages and of the XML documentation.
using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed partial class DocsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("docs"), InlineData("experiments"), InlineData("benchmarks")]
    public void Every_page_is_in_the_table_of_contents(string room)
    {
        var folder = Path.Combine(Repository.Root, room);
        var contents = File.ReadAllText(Path.Combine(folder, "toc.yml"));
        var missing = Directory.GetFiles(folder, "*.md", SearchOption.AllDirectories)
            .Where(page => !page.Contains("/bin/") && !page.Contains("/obj/"))
            .Select(page => Path.GetRelativePath(folder, page))
            .Where(page => !contents.Contains($"href: {page}\n")).ToList();
        Assert.Empty(missing);
    }

    [LongFact]
    public async Task It_is_built_without_a_warning_and_every_link_of_it_leads_to_a_file()
    {
        await Run("tool", "restore");
        var output = await Run("docfx", "docfx.json", "--warningsAsErrors", "-o", _folder["site"]);
        Assert.Contains("0 warning(s)", output);
        Assert.Contains("to the same bits", File.ReadAllText(_folder["site/docs/tutorial.html"]));
        var learner = File.ReadAllText(_folder["site/api/RlLeap.Learner.html"]);
        Assert.Contains("One task being learned by one model", learner);
        Assert.Contains("href=\"RlLeap.LearnerOptions.html\"", learner);

        var broken = new List<string>();
        foreach (var page in Directory.GetFiles(_folder["site"], "*.html", SearchOption.AllDirectories))
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                var target = Uri.UnescapeDataString(link.Groups[1].Value.Split('#', '?')[0]);
                Assert.DoesNotMatch("^http.*(script|style|font)", target); // looked at without a network
                if (target.Length > 0 && !target.Contains(':')
                    && !File.Exists(Path.Combine(Path.GetDirectoryName(page)!, target)))
                    broken.Add($"{Path.GetRelativePath(_folder["site"], page)}: {target}");
            }
        Assert.Empty(broken.Distinct());
    }

    private static async Task<string> Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        { WorkingDirectory = Repository.Root, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("LD_PRELOAD"); // DocFX crashes with jemalloc
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output + await error);
        return output;
    }

    [GeneratedRegex("""<(?:a|link|script|img)[^>]*? (?:href|src)="([^"]*)""")]
    private static partial Regex Link();
}

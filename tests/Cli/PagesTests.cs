// README, docs, experiments and benchmarks: their links, their commands and their length.
using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed partial class PagesTests
{
    private static readonly string[] Pages = [.. new[] { "docs", "experiments", "benchmarks" }
        .SelectMany(folder => Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.md",
            SearchOption.AllDirectories))
        .Where(path => !path.Contains("/bin/") && !path.Contains("/obj/"))
        .Concat(new[] { "README.md", "CONTRIBUTING.md" }.Select(page => Path.Combine(Repository.Root, page)))];

    [Fact]
    public void Links_lead_somewhere()
    {
        var broken = Pages.SelectMany(page => Link().Matches(File.ReadAllText(page)).Select(m => m.Groups[1].Value)
            .Where(link => !link.StartsWith("http", StringComparison.Ordinal) && link[0] != '#')
            // A folder is no page in the site that `./rlleap docs` builds.
            .Where(link => !File.Exists(Path.Combine(Path.GetDirectoryName(page)!, link.Split('#')[0])))
            .Select(link => $"{Short(page)}: {link}"));
        Assert.Empty(broken);
    }

    [Fact]
    public void Lines_have_at_most_120_columns_outside_tables_and_code()
    {
        var found = new List<string>();
        foreach (var page in Pages.Where(page => !page.EndsWith("config-keys.md", StringComparison.Ordinal)))
        {
            var code = false;
            foreach (var (at, line) in File.ReadLines(page).Index())
            {
                code ^= line.StartsWith("```", StringComparison.Ordinal);
                var free = code || line.StartsWith('|') || line.StartsWith("![", StringComparison.Ordinal)
                    || line.StartsWith("    ", StringComparison.Ordinal);
                if (line.Length > 120 && !free) found.Add($"{Short(page)}:{at + 1} has {line.Length} columns");
            }
        }
        Assert.Empty(found);
    }

    // Two screens. The list of keys is made by the program, the list of differences has to be complete, and the
    // tutorial holds whole files.
    [Fact]
    public void Pages_of_docs_have_two_screens()
    {
        var found = Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md")
            .Where(page => Path.GetFileName(page) is not ("config-keys.md" or "fidelity.md" or "tutorial.md"))
            .Select(page => (Page: Short(page), Lines: File.ReadAllLines(page).Length)).Where(p => p.Lines > 125);
        Assert.Empty(found);
    }

    [Fact]
    public void Commands_are_understood_and_name_files_and_keys_that_exist()
    {
        var (checkedCommands, wrong) = (0, new List<string>());
        foreach (var page in Pages)
            foreach (var command in Commands(File.ReadAllText(page)))
            {
                checkedCommands++;
                if (Fault(command) is { } fault) wrong.Add($"{Short(page)}: {command}\n    {fault}");
            }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        Assert.InRange(checkedCommands, 60, 1000);
    }

    // A comment that was wrapped would be typed as a command.
    [Fact]
    public void Shell_blocks_hold_nothing_but_commands()
    {
        string[] starts = ["./rlleap", "rlleap", "experiments/", "dotnet ", "cd ", "python3 ", "export ", "grep ",
            "for ", "done", "ssh ", "/usr/bin/time", "ONE_NODE_CPUS="];
        var wrong = new List<string>();
        foreach (var page in Pages)
            foreach (Match block in ShellBlock().Matches(File.ReadAllText(page)))
                wrong.AddRange(block.Groups[1].Value.Replace("\\\n", " ").Split('\n').Where(line => line.Length > 0)
                    .Where(line => !starts.Any(start => line.StartsWith(start, StringComparison.Ordinal)))
                    .Select(line => $"{Short(page)}: {line}"));
        Assert.Empty(wrong);
    }

    private static string? Fault(string command)
    {
        string[] words = [.. Word().Matches(command).Select(m => m.Value.Replace("'", "").Replace("\"", "")).Skip(1)];
        if (words is [] or ["test" or "bench" or "docs" or "COMMAND", ..]) return null;
        // What a shell variable or an assembly brings is not known here.
        if (command.Contains('$')) return null;
        var parsed = Program.Commands().Parse(words);
        if (parsed.Errors is [var error, ..]) return error.Message;
        if (words.FirstOrDefault(w => w.StartsWith("experiments/", StringComparison.Ordinal) && !w.Contains('*')
            && !Path.Exists(Path.Combine(Repository.Root, w))) is { } missing) return $"there is no {missing}";
        // The tutorial's config is the reader's own.
        if (words.Contains("--assembly") || words is not ["meta-train", var file, ..]
            || !file.EndsWith(".yaml", StringComparison.Ordinal)
            || file.StartsWith("mine/", StringComparison.Ordinal)) return null;
        string[] settings = [.. words.Index().Where(w => w.Index > 0 && words[w.Index - 1] == "--set")
            .Select(w => w.Item)];
        try
        {
            ConfigFile.Load<MetaTrainConfig>(Path.Combine(Repository.Root, file), settings);
            return null;
        }
        catch (RlLeapException e)
        {
            return e.Message;
        }
    }

    // Lines of code blocks that call the program; a backslash joins a line with the next, # begins a comment.
    private static IEnumerable<string> Commands(string page)
    {
        var text = new StringBuilder();
        var code = false;
        foreach (var line in page.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) code = line is "```sh" or "```bash";
            else if (code || line.StartsWith("    ", StringComparison.Ordinal)) text.Append(line).Append('\n');
        }
        return text.ToString().Replace("\\\n", " ").Split('\n')
            .Select(line => Comment().Replace(line, "")).SelectMany(line => line.Split("&&"))
            .Select(command => command.Trim())
            .Where(command => command.StartsWith("./rlleap ", StringComparison.Ordinal) && !command.Contains("..."));
    }

    private static string Short(string page) => Path.GetRelativePath(Repository.Root, page);

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(@"\s#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"(?:'[^']*'|""[^""]*""|\S)+")]
    private static partial Regex Word();
}

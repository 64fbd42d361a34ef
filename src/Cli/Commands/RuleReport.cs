using System.CommandLine;

namespace RlLeap.Cli.Commands;

/// <summary>A contract's rules on the terminal: a line each; for broken ones what happened and why.</summary>
internal static class RuleReport
{
    /// <summary>The command of a kind of parts: `list`, which it does alone too, and `check`.</summary>
    public static Command Command(string name, string about, Command list, Command check) =>
        new(name, about) { Action = list.Action, Subcommands = { list, check }, Options = { Plugins.Option() } };

    /// <summary>Checks and prints every rule; the exit code.</summary>
    /// <param name="check">Checks one; null when it holds.</param>
    /// <param name="whyNot">Why a rule does not apply; null where it does.</param>
    /// <param name="more">Goes after the line of one that keeps all rules.</param>
    public static int Print(string name, IReadOnlyList<string> rules, Func<string, Finding?> check,
        Func<string, string?>? whyNot = null, Func<string>? more = null)
    {
        var (broken, stopped, apply) = (0, 0, 0);
        var errors = new HashSet<string>();
        foreach (var rule in rules)
        {
            if (whyNot?.Invoke(rule) is { } reason)
            {
                Console.WriteLine($"-   {rule}: does not apply, {reason}");
                continue;
            }
            apply++;
            var finding = check(rule);
            if (finding?.StoppedBy is { } error && !errors.Add(error))
            {
                stopped++;
                Console.WriteLine($"--  {rule}\n      not checked: the same error stops it");
                continue;
            }
            Console.WriteLine($"{(finding is null ? "ok " : "!! ")} {rule}");
            if (finding is null) continue;
            broken++;
            Console.WriteLine($"      what happened: {finding.What}");
            Console.WriteLine($"      likely cause:  {finding.LikelyCause}");
        }
        var rest = stopped > 0 ? $"; {stopped} more could not be checked for the same error" : "";
        var all = apply == rules.Count ? $"{apply} rules" : $"{apply} rules that apply";
        Console.WriteLine(broken == 0 ? $"{name} keeps all {all}.{more?.Invoke()}"
            : $"{name} breaks {broken} of {all}{rest}.");
        return broken == 0 ? 0 : Shell.Failed;
    }
}

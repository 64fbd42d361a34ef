using System.CommandLine;
using System.Diagnostics;

namespace RlLeap.Cli.Commands;

/// <summary>`envs list` and `envs check ID`; alone it lists.</summary>
public static class EnvsCommand
{
    public static Command Create()
    {
        var prefix = new Argument<string?>("PREFIX")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "Only ids that begin so, each in a line of its own: ALE/, my/Maze.",
        };
        var list = new Command("list", "Every environment that can be named now, with its options; yours come first.")
        {
            prefix,
        };
        list.SetAction(result => List(result.GetValue(prefix)));

        var id = new Argument<string>("ID")
        { Description = "For example MinAtar/Breakout-v1, or \"MinAtar/Breakout-v1?sticky=0&stack=4\"." };
        var steps = CheckedOption.Number<int>(
            "--steps", "How long each rule is played for, in agent steps; left out: 2000.", min: 1, max: 1e8);
        var check = new Command("check",
            "Plays an environment at random and says which rules it breaks and why that happens.") { id, steps };
        check.SetAction(result => Check(result.GetValue(id)!, result.GetValue(steps) ?? 2000));
        return RuleReport.Command("envs",
            "Environments by id: list them, or check one against the rules in plain words.", list, check);
    }

    private static void List(string? prefix)
    {
        var all = Registry.List();
        var builtIn = all.Select(entry => entry.Id).Except(Plugins.Environments).ToHashSet();
        EnvironmentList.Print(all, builtIn, prefix, Console.Out);
    }

    private static int Check(string id, int steps)
    {
        EnvironmentSpec spec;
        Dictionary<string, string?> whyNot;
        using (var environment = Registry.Make(id, new Rng(0)))
        {
            spec = environment.Spec;
            whyNot = EnvironmentCheck.Rules.ToDictionary(rule => rule,
                rule => EnvironmentCheck.WhyNotApplied(rule, environment));
        }
        Console.WriteLine($"{id}: shows {spec.Observation}, takes {spec.Action}"
            + $"{(spec.ActionNames.Count > 0 ? $" ({string.Join(", ", spec.ActionNames)})" : "")}");
        return RuleReport.Print(id, EnvironmentCheck.Rules, rule => EnvironmentCheck.Run(rule, id, steps),
            rule => whyNot[rule], () => $" Random play: {Rate(id):N0} steps/s alone.");
    }

    private static double Rate(string id)
    {
        var rng = new Rng(1);
        using var environment = Registry.Make(id, rng.Split("environment"));
        var action = new float[environment.Spec.Action.Length];
        environment.Reset();
        var (steps, start) = (0, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < 0.2)
        {
            steps++;
            ActionNumbers.Sample(environment.Spec.Action, rng, action);
            if (environment.Step(action).IsLast) environment.Reset();
        }
        return steps / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}

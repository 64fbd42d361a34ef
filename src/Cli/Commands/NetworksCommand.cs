using System.CommandLine;
using RlLeap.Agents;

namespace RlLeap.Cli.Commands;

/// <summary>`networks list` and `networks check NAME`; alone it lists.</summary>
public static class NetworksCommand
{
    public static Command Create()
    {
        var list = new Command("list", "Every network that can be named now.");
        list.SetAction(_ => AgentNetworks.Names.Concat(Networks.Ids).ToList().ForEach(Console.WriteLine));

        var name = new Argument<string>("NAME")
        {
            Description = "For example mlp, or my/two-layers?units=64 with --assembly.",
        };
        var input = new Option<string>("--input")
        {
            Description = "Shape of one input, without the batch axis.", DefaultValueFactory = _ => "4,10,10",
        };
        var check = new Command("check",
            "Runs a network on random inputs and says which rules it breaks and why that happens.") { name, input };
        check.SetAction(result => Check(result.GetValue(name)!, result.GetValue(input)!));
        return RuleReport.Command("networks",
            "Networks of agents by name: list them, or check one against the rules in plain words.", list, check);
    }

    private static int Check(string name, string input)
    {
        var sizes = input.Split(',', StringSplitOptions.TrimEntries);
        if (!sizes.All(size => long.TryParse(size, out var n) && n is > 0 and <= 100_000) || sizes.Length > 8)
            throw new RlLeapException(
                $"--input has to be sizes above zero with commas between, for example 4,10,10; it is '{input}'.");
        var shape = Array.ConvertAll(sizes, long.Parse);
        if (shape.Aggregate(1.0, (product, size) => product * size) > 10_000_000)
            throw new RlLeapException($"--input {input} is more than ten million numbers.");
        Network Make() => AgentNetworks.Create(name, Box.Bytes(1, shape));
        var network = Make();
        var parameters = network.Parameters.Sum(p => p.Count);
        Console.WriteLine($"{name}: reads {Shape.Text(network.InputShape)}, "
            + $"gives {network.Features} features, {parameters} parameters");
        return RuleReport.Print(name, NetworkCheck.Rules, rule => NetworkCheck.Run(rule, Make),
            rule => NetworkCheck.WhyNotApplied(rule, network));
    }
}

/// <summary>`methods list` and `methods check NAME`; alone it lists.</summary>
public static class MethodsCommand
{
    private static readonly string[] BuiltIn =
        ["none", "leap", "reptile", "fomaml", "maml", "finetuning", "hat", "progressive"];

    public static Command Create()
    {
        var list = new Command("list", "Every method that can be named now.");
        list.SetAction(_ => BuiltIn.Concat(Methods.Ids).ToList().ForEach(Console.WriteLine));

        var name = new Argument<string>("NAME")
        {
            Description = "For example leap, or my/part-way?fraction=0.25 with --assembly.",
        };
        var check = new Command("check",
            "Meta-learns small tasks (sine waves) and says which rules a method breaks and why that happens.") { name };
        check.SetAction(result => Check(result.GetValue(name)!));
        return RuleReport.Command("methods",
            "Methods of meta-learning by name: list them, or check one against the rules in plain words.", list, check);
    }

    private static int Check(string name)
    {
        if (!BuiltIn.Contains(name) && !name.Contains('/'))
            throw new RlLeapException(
                $"No method is named {name}; there are {string.Join(", ", BuiltIn.Concat(Methods.Ids))}. "
                + "Yours comes in with --assembly path.dll.");
        var method = Methods.Create(name);
        Console.WriteLine($"{name}: {method}");
        var problem = new MethodProblem { Method = method };
        return RuleReport.Print(name, MethodCheck.Rules, rule => MethodCheck.Run(rule, problem));
    }
}

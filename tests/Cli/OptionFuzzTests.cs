// Options of every command with generated values, on runs that are there: no defect, and no result is lost.
using System.CommandLine;
using System.Diagnostics;
using CsCheck;
using RlLeap.Cli;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class OptionFuzzTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Left out is what would change this machine, what needs a cluster, and what has no options.
    private static readonly string[] Names =
        ["train", "meta-train", "evaluate", "report", "grid", "status", "play", "envs check", "networks check"];

    // As people and scripts write them: huge, negative, text, empty, not a number, exponents.
    private static readonly Gen<string> Value = Gen.OneOf(
        OneOf("", " ", "abc", "-1", "0", "1", "2", "3", "1e2", "1E2", "0x10", "1_000", "1.5", "1e400", "-0",
            "NaN", "-inf", "1,000", "99999999999999999999", "true", "null", "a=b", "agent-steps=-1", "=", "--", "@x",
            "../..", "/dev/null", "none", "none,none", "MinAtar/Breakout-v1", "Classic/CartPole-v1?time_limit=5",
            "Classic/CartPole-v1?time_limit=NaN", "run.seed=1e3", "record.every=0", "agent.optimizer={", "cuda:99",
            "x.png", "x.gif", "x.jpg", "x.mp4", "ppo-sb3", "minatar"),
        Gen.Int.Select(n => $"{n}"), Gen.Long.Select(n => $"{n}"),
        Gen.Double.Select(x => x.ToString("R", System.Globalization.CultureInfo.InvariantCulture)),
        Gen.String[Gen.Char[' ', '~'], 0, 12]);

    private static Gen<string> OneOf(params string[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    [LongFact]
    public void Whatever_is_given_there_is_no_defect_and_no_result_is_emptied()
    {
        var config = _folder.Write("c.yaml", """
            suite: games
            games: {pool: [Classic/CartPole-v1], agent-steps: 400, agent: {environments: 8, rollout-length: 10} }
            meta: {steps: 1, batch: 1, optimizer: {learning-rate: 1} }
            evaluation: {tasks: [Classic/CartPole-v1], seeds: 1, against: [] }
            """);
        var grid = _folder.Write("grid.yaml", """
            command: meta-train
            config: c.yaml
            directory: runs/g
            axes: {run.seed: [1]}
            """);
        ProgramProcess.Succeed("train", "Classic/CartPole-v1", "--agent-steps", "800", "--directory",
            _folder["runs/t"], "--set", "record.evaluation-episodes=2");
        ProgramProcess.Succeed("meta-train", config, "--set", $"run.directory={_folder["runs/m"]}");
        ProgramProcess.Succeed("evaluate", _folder["runs/m"], "--output", _folder["runs/m/evaluations/e"]);
        var results = Directory.GetFiles(_folder["runs"], "result.json", SearchOption.AllDirectories);
        Assert.Equal(3, results.Length);

        var commands = Names.ToDictionary(name => name, name => Find(name));
        var call =
            from name in OneOf(Names)
            let options = commands[name].Options.Where(option => option.Name is not ("--help" or "--version")).ToList()
            from subject in Gen.OneOf(Gen.Const(""), Gen.Const(""), Gen.Const(""), Value)
            from chosen in Gen.Select(Gen.Int[0, Math.Max(0, options.Count - 1)], Value).Array[1, 3]
            select (Name: name, Arguments: (string[])
            [
                .. name.Split(' '), .. Subject(name, subject),
                .. options.Count == 0 ? [] : chosen.SelectMany(c => Given(options[c.Item1], c.Item2)),
            ]);
        call.Sample(c => Check(c.Arguments, results), iter: 120, threads: 1,
            print: c => string.Join(' ', c.Arguments.Select(a => $"'{a}'")));

        string[] Subject(string name, string other) => other.Length > 0 ? [other] : name switch
        {
            "train" => ["Classic/CartPole-v1"],
            "meta-train" => [config],
            "evaluate" => [_folder["runs/m"]],
            "report" => [_folder["runs/t"], _folder["runs/m"]],
            "grid" => [grid],
            "play" => [_folder["runs/t"]],
            "envs check" => ["Classic/CartPole-v1"],
            "networks check" => ["mlp"],
            _ => [],
        };

        string[] Given(Option option, string value) => option.Arity.MaximumNumberOfValues == 0 ? [option.Name]
            : option.Name == "--resume" && value.Length % 2 == 0 ? [option.Name, _folder["runs/t"]]
            : [option.Name, value];
    }

    private void Check(string[] arguments, string[] results)
    {
        var before = results.Select(File.ReadAllBytes).ToList();
        var start = new ProcessStartInfo("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            WorkingDirectory = _folder.Root,
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        // What was asked for may be long: then it is left as a user leaves it.
        if (!process.WaitForExit(4000)) ProgramProcess.Signal(process, "TERM");
        process.WaitForExit();
        var call = $"{string.Join(' ', arguments.Select(a => $"'{a}'"))}: exit {process.ExitCode}: {error.Result}";
        Assert.True(process.ExitCode is 0 or Shell.Failed or Shell.WrongUsage or Shell.Terminated, call);
        Assert.DoesNotContain("   at ", error.Result, StringComparison.Ordinal);
        for (var i = 0; i < results.Length; i++)
        {
            var now = File.ReadAllBytes(results[i]);
            if (now.AsSpan().SequenceEqual(before[i])) continue;
            Assert.True(Result.Load(results[i]).Curves.Any(curve => curve.Values.Count > 0),
                $"{call}: {results[i]} is empty now");
        }
        // Runs that were begun here would be in the way of the next.
        foreach (var folder in Directory.GetDirectories(_folder["runs"]))
            if (Path.GetFileName(folder) is not ("t" or "m")) Directory.Delete(folder, recursive: true);
    }

    private static Command Find(string name) => name.Split(' ').Aggregate((Command)Program.Commands(),
        (command, word) => command.Subcommands.Single(sub => sub.Name == word));
}

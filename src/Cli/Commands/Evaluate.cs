// rlleap evaluate: learn held-out tasks from a run's initialization, against others.
using System.CommandLine;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;

namespace RlLeap.Cli.Commands;

/// <summary>Learns held-out tasks from what a run meta-learned, and from what it is compared with.</summary>
public static class Evaluate
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "Folder of a finished meta-training run" };
        var tasks = new Option<string[]>("--tasks")
        {
            Description = "Tasks by id, with spaces or commas between; left out: the config's",
            AllowMultipleArgumentsPerToken = true,
        };
        var seeds = CheckedOption.Number<int>("--seeds", "Seeds of each; left out: the config's", min: 1, max: 1e6);
        var against = new Option<string[]>("--against")
        {
            Description = "none (random initialization) or folders of other runs", AllowMultipleArgumentsPerToken = true
        };
        var steps = CheckedOption.Number<long>(
            "--agent-steps", "Agent steps of each, for games; left out: the config's", min: 1);
        var output = new Option<string?>("--output")
        { Description = "Folder of the result; left out: RUN/evaluations/ with a name from the tasks" };
        var parallel = CheckedOption.Number<int>("--parallel", "Learners side by side; 0 for one a core", max: 1024);
        var set =
            new Option<string[]>("--set") { Description = "Change where it is computed: --set executor.kind=slurm" };
        var assembly = Plugins.Option();
        var command = new Command("evaluate", "Learn held-out tasks from a run's initialization and from what it is "
            + "compared with; goes on where it was stopped.")
            {
                run, tasks, seeds, against, steps, output, parallel, set, assembly
            };
        command.SetAction((parsed, stop) =>
        {
            Plugins.LoadByHand(parsed.GetValue(assembly)!);
            var folder = Path.GetFullPath(parsed.GetValue(run)!);
            var config = RunConfig.Of(folder, parsed.GetValue(set) ?? []) with { Assemblies = Plugins.Loaded };
            var wanted = config.Evaluation ?? new EvaluationSection();
            wanted = wanted with
            {
                Tasks = parsed.GetValue(tasks) is { Length: > 0 } named ? CheckedOption.Names(named) : wanted.Tasks,
                Seeds = parsed.GetValue(seeds) ?? wanted.Seeds,
                AgentSteps = parsed.GetValue(steps) ?? wanted.AgentSteps,
                Against = parsed.GetValue(against) is { Length: > 0 } others ? others : wanted.Against,
            };
            config = config with
            {
                Evaluation = wanted,
                Run = config.Run with { Parallel = parsed.GetValue(parallel) ?? config.Run.Parallel }
            };
            var suite = Suite.Open(config);
            Shell.GoesOnBy = Shell.Arguments;
            using var learner = MetaTrainRun.Load(folder, suite, config);
            var name = RlLeap.MetaLearning.Methods.NameOf(config.Method);
            var finished =
                MetaTrainRun.EvaluateFrom(config, suite, folder, wanted, StartingPoint.Of(name, learner), stop);
            var result = MetaTrainRun.ResultOf(config, suite, folder, "evaluate", finished);
            var words = wanted.Tasks.Count > 0 ? string.Join('+', wanted.Tasks) : "held-out";
            var path = Path.Combine(parsed.GetValue(output) ?? Path.Combine(folder, "evaluations",
                string.Concat(words.Select(c => char.IsLetterOrDigit(c) || c is '-' or '+' or '.' ? c : '_'))),
                RunDirectory.ResultName);
            result.Save(path);
            ReportCommand.Show(result, Path.GetDirectoryName(path)!);
            Console.WriteLine($"result: {path}");
            return Task.CompletedTask;
        });
        return command;
    }
}

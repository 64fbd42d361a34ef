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
        var tasks = new Option<string[]>("--tasks") { Description = "Tasks by id; left out: the config's", AllowMultipleArgumentsPerToken = true };
        var seeds = new Option<int?>("--seeds") { Description = "Seeds of each; left out: the config's" };
        var against = new Option<string[]>("--against") { Description = "none (random initialization) or folders of other runs", AllowMultipleArgumentsPerToken = true };
        var steps = new Option<long?>("--agent-steps") { Description = "Agent steps of each, for games; left out: the config's" };
        var output = new Option<string?>("--output") { Description = "Folder of the result; left out: RUN/evaluations/ with a name from the tasks" };
        var parallel = new Option<int?>("--parallel") { Description = "Learners side by side" };
        var set = new Option<string[]>("--set") { Description = "Change where it is computed: --set executor.kind=slurm" };
        var assembly = Plugins.Option();
        var command = new Command("evaluate", "Learn held-out tasks from a run's initialization and from what it is compared with; goes on where it was stopped.") { run, tasks, seeds, against, steps, output, parallel, set, assembly };
        command.SetAction((parsed, stop) =>
        {
            Plugins.LoadByHand(parsed.GetValue(assembly)!);
            var folder = Path.GetFullPath(parsed.GetValue(run)!);
            var config = RunConfig.Of(folder, parsed.GetValue(set) ?? []) with { Assemblies = Plugins.Loaded };
            var wanted = config.Evaluation ?? new EvaluationSection();
            wanted = wanted with
            {
                Tasks = parsed.GetValue(tasks) is { Length: > 0 } named ? named : wanted.Tasks,
                Seeds = parsed.GetValue(seeds) ?? wanted.Seeds,
                AgentSteps = parsed.GetValue(steps) ?? wanted.AgentSteps,
                Against = parsed.GetValue(against) is { Length: > 0 } others ? others : wanted.Against,
            };
            if (wanted.Seeds < 1) throw new RlLeapException($"--seeds is {wanted.Seeds}; it must be at least 1.");
            config = config with { Evaluation = wanted, Run = config.Run with { Parallel = parsed.GetValue(parallel) ?? config.Run.Parallel } };
            var suite = Suite.Open(config);
            Shell.GoesOnBy = Shell.Arguments;
            using var learner = MetaTrainRun.Load(folder, suite, config);
            var name = config.Method.Name;
            var finished = MetaTrainRun.EvaluateFrom(config, suite, folder, wanted, StartingPoint.Of(name, learner), stop);
            var result = MetaTrainRun.ResultOf(config, suite, folder, "evaluate", finished);
            var words = wanted.Tasks.Count > 0 ? string.Join('+', wanted.Tasks) : "held-out";
            var path = Path.Combine(parsed.GetValue(output) ?? Path.Combine(folder, "evaluations", string.Concat(words.Select(c => char.IsLetterOrDigit(c) || c is '-' or '+' or '.' ? c : '_'))), RunDirectory.ResultName);
            result.Save(path);
            ReportCommand.Show(result, Path.GetDirectoryName(path)!);
            Console.WriteLine($"result: {path}");
            return Task.CompletedTask;
        });
        return command;
    }
}

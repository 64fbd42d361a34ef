using System.CommandLine;
using RlLeap.Cli.MetaTraining;

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
        var way = CheckedOption.Number<int>(
            "--way", "Classes of a few-shot test episode; left out: the config's", min: 2);
        var shot = CheckedOption.Number<int>("--shot", "Support images of a class; left out: the config's", min: 1);
        var query = CheckedOption.Number<int>("--query", "Query images of a class; left out: the config's", min: 1);
        var episodes = CheckedOption.Number<int>(
            "--episodes", "Few-shot test episodes; left out: the config's", min: 2);
        var output = new Option<string?>("--output")
        { Description = "Folder of the result; left out: RUN/evaluations/ with a name from the tasks" };
        var parallel = CheckedOption.Number<int>("--parallel", "Learners side by side; 0 for one a core", max: 1024);
        var set =
            new Option<string[]>("--set") { Description = "Change where it is computed: --set executor.kind=slurm" };
        var command = new Command("evaluate", "Learn held-out tasks from a run's initialization and from what it is "
            + "compared with; goes on where it was stopped.")
            {
                run, tasks, seeds, against, steps, way, shot, query, episodes, output, parallel, set, Plugins.Option()
            };
        command.SetAction((parsed, stop) =>
        {
            var folder = Path.GetFullPath(parsed.GetValue(run)!);
            var config = RunConfig.Of(folder, asWasRun: true, parsed.GetValue(set) ?? []) with
            {
                Assemblies = Plugins.Loaded
            };
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
            using var learner = TrainedInitialization.Load(folder, suite, config);
            if (suite is FewShotSuite fewShot)
            {
                var first = fewShot.Tests[0];
                List<EpisodeShape> shapes = [new()
                {
                    Way = parsed.GetValue(way) ?? first.Way,
                    Shot = parsed.GetValue(shot) ?? first.Shot,
                    Query = parsed.GetValue(query) ?? first.Query,
                }];
                var given = parsed.GetValue(way) ?? parsed.GetValue(shot) ?? parsed.GetValue(query);
                var tested = given is null ? fewShot.Tests : shapes;
                var count = parsed.GetValue(episodes) ?? config.FewShot!.TestEpisodes;
                Save(FewShotTest.Run(config, fewShot, learner, tested, count,
                    HeldOutEvaluation.ResultOf(config, suite, folder, "evaluate", []), stop),
                    string.Join('+', tested.Select(shape => $"{shape.Way}-way-{shape.Shot}-shot")));
                return Task.CompletedTask;
            }
            var name = RlLeap.MetaLearning.Methods.NameOf(config.Method);
            var finished =
                HeldOutEvaluation.Run(config, suite, folder, wanted, StartingPoint.Of(name, learner), stop);
            // An earlier result is worth more than an empty one.
            if (finished.All(f => f.Curve.Values.Count == 0))
                throw new RlLeapException("no episode of a held-out task ended, so there is nothing to report, and no "
                    + "result was written: give more --agent-steps, or a time limit (?time_limit=1000 after the id).");
            Save(HeldOutEvaluation.ResultOf(config, suite, folder, "evaluate", finished),
                wanted.Tasks.Count > 0 ? string.Join('+', wanted.Tasks) : "held-out");
            return Task.CompletedTask;

            void Save(Result result, string words)
            {
                var home = parsed.GetValue(output) ?? Path.Combine(folder, "evaluations",
                    string.Concat(words.Select(c => char.IsLetterOrDigit(c) || c is '-' or '+' or '.' ? c : '_')));
                var path = Path.Combine(home, RunDirectory.ResultName);
                result.Save(path);
                ReportCommand.Show(result, home);
                Console.WriteLine($"result: {path}");
            }
        });
        return command;
    }
}

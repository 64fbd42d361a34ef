using System.CommandLine;
using System.Diagnostics;

namespace RlLeap.Cli.Commands;

/// <summary>Starts or resumes a <see cref="TrainRun"/>.</summary>
public static class Train
{
    public static Command Create()
    {
        var id = new Argument<string?>("id")
        {
            Arity = ArgumentArity.ZeroOrOne, Description = "Environment, as `rlleap envs list` names it.",
        };
        var config = new Option<string?>("--config") { Description = "Config file (YAML); options go on top of it." };
        var set = new Option<string[]>("--set")
        {
            Description = "A key of the config: --set agent.optimizer.learning-rate=0.001",
            DefaultValueFactory = _ => [],
        };
        var preset = new Option<string?>("--preset")
        {
            Description = "Named setting of the agent: classic, minatar, a2c, leap or one of PPO's.",
        };
        var steps =
            CheckedOption.Number<long>("--agent-steps", "Agent steps to train for (5e6 is understood).", min: 1);
        var seed = CheckedOption.Number<long>(
            "--seed", "Seed of everything that is random.", min: long.MinValue, max: long.MaxValue);
        var device = new Option<string?>("--device") { Description = "cpu, cuda or cuda:i." };
        var directory = new Option<string?>("--directory") { Description = "Folder of the run." };
        var resume = new Option<string?>("--resume") { Description = "Go on with the run in this folder." };
        var (accept, extend) = (ResumeOptions.AcceptChanges(), ResumeOptions.Extend("agent steps"));
        var from = ResumeOptions.From();
        var dryRun = new Option<bool>("--dry-run")
        {
            Description = "Print what would run, with an estimate of time, memory and disk.",
        };
        var command = new Command("train", "Train one agent on one environment.")
        {
            id, config, set, preset, steps, seed, device, directory, from, resume, extend, accept, Plugins.Option(),
            dryRun,
        };
        command.SetAction((parsed, stop) =>
        {
            ResumeOptions.Check(parsed.GetValue(resume), parsed.GetValue(extend), parsed.GetValue(from));
            List<string> settings = [.. parsed.GetValue(set)!];
            Add("environment", parsed.GetValue(id));
            Add("from", parsed.GetValue(from));
            Add("agent.preset", parsed.GetValue(preset));
            Add("agent-steps", parsed.GetValue(steps) is { } count ? ScalarText.Text(count) : null);
            Add("run.seed", parsed.GetValue(seed) is { } number ? ScalarText.Text(number) : null);
            Add("run.device", parsed.GetValue(device));
            Add("run.directory", parsed.GetValue(directory));
            if (parsed.GetValue(resume) is { } folder)
                return Task.FromResult(Resume(folder, parsed.GetValue(config), settings, parsed.GetValue(accept),
                    parsed.GetValue(extend), parsed.GetValue(dryRun), stop));
            var chosen = Resolve(Read(parsed.GetValue(config), settings));
            return Task.FromResult(parsed.GetValue(dryRun) ? DryRun(chosen) : Start(chosen, stop));

            void Add(string key, string? value)
            {
                if (value is not null) settings.Add($"{key}={Quoted(value)}");
            }
        });
        return command;
    }

    /// <summary>A config with everything filled in that it left open.</summary>
    public static TrainConfig Resolve(TrainConfig config)
    {
        Registry.Spec(config.Environment); // an unknown one is said before a folder is named after it
        var agent = config.Agent;
        var name = string.Concat(config.Environment
            .Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '-'));
        // Emulation and the large networks of images fill every core; small games are learned fastest one agent a core.
        var fits = Enumerable.Range(1, Environment.ProcessorCount)
            .Last(w => agent.Ppo is not null || agent.Environments % w == 0);
        return config with
        {
            Workers = config.Workers ?? (config.Environment.StartsWith("ALE/", StringComparison.Ordinal) ? fits : 1),
            Assemblies = Plugins.Loaded,
            Run = config.Run with
            {
                Directory = config.Run.Directory
                    ?? $"runs/{name}-{agent.Preset}{WarmStart.Tail(config.From)}-seed-{config.Run.Seed}",
            },
        };
    }

    /// <summary>The canonical text of what decides a run's results.</summary>
    internal static string Identity(TrainConfig config) =>
        ConfigFile.ToYaml(
            config with { Run = new() { Seed = config.Run.Seed }, EnvironmentThreads = 1, Assemblies = [] });

    private static TrainConfig Read(string? file, IEnumerable<string> settings) =>
        file is not null ? ConfigFile.Load<TrainConfig>(file, settings)
            : ConfigFile.Parse<TrainConfig>("", "rlleap train", settings);

    private static int Start(TrainConfig config, CancellationToken stop)
    {
        TrainRun.OpenNew(config).Learner.Dispose(); // what cannot be trained is an error before a folder is made
        using var run = RunDirectory.Start(config.Run.Directory!, ConfigFile.ToYaml(config),
            config.Record.CheckpointsKept);
        return Execute(config, run, stop);
    }

    private static int Resume(string folder, string? file, List<string> settings, bool acceptChanges, long? more,
        bool dryRun, CancellationToken stop)
    {
        // Where a run lies and what it computes on may change when a run goes on; what it computes may not.
        var own = ConfigFile.LoadRun<TrainConfig>(folder);
        var asked = file is not null ? Resolve(ConfigFile.Load<TrainConfig>(file, settings))
            : settings.Count > 0 ? Resolve(ConfigFile.LoadRun<TrainConfig>(folder, settings)) : own;
        var difference = RunDirectory.FirstDifference(Identity(Resolve(own)), Identity(asked));
        if (difference is { } odd && !acceptChanges)
            throw new RlLeapException(
                $"the run in {folder} was started with another config: it has '{odd.Kept}', asked for was '"
                    + $"{odd.Asked}'. Resume "
                + "with its own, choose another run.directory, or accept the change with --accept-changes.");
        var config = (difference is null ? own : asked) with
        {
            EnvironmentThreads = asked.EnvironmentThreads,
            Run = own.Run with { Device = asked.Run.Device },
        };
        if (more is { } steps) config = Extension.Of(config, folder, steps);
        if (dryRun) return DryRun(config);
        using var run = RunDirectory.Resume(folder, keep: own.Record.CheckpointsKept, acceptChanges,
            difference is not null || more is not null ? ConfigFile.ToYaml(config) : null,
            more is null ? null : Extension.OfTraining);
        if (RunDirectory.IsComplete(run.Root))
        {
            Console.WriteLine($"{run.Root} is complete: see {RunDirectory.ResultName} there.");
            return 0;
        }
        return Execute(config, run, stop);
    }

    private static int Execute(TrainConfig config, RunDirectory run, CancellationToken stop)
    {
        using var log = new RunLog(run, Doctor.Versions());
        Shell.GoesOnBy = ["train", "--resume", run.Root];
        using var training = new TrainRun(config, run);
        var result = training.Execute(stop);
        if (result.Record!["episodes"] == "0")
        {
            Console.WriteLine($"no episode ended in {result.Record["agent-steps"]} agent steps ({run.Root}). "
                + "A time limit cuts episodes off: ?time_limit=1000 after the id.");
            return 0;
        }
        Console.WriteLine(
            $"mean return of the last 100 episodes: {Shown(result.Record!["mean-return-last-100"])} ({run.Root})");
        return 0;
    }

    // As many digits as a mean of returns is worth.
    private static string Shown(string number) =>
        double.TryParse(number, out var value) && double.IsFinite(value) ? $"{value:0.###}" : "none (no episode ended)";

    private static int DryRun(TrainConfig config)
    {
        Console.Write(ConfigFile.ToYaml(config));
        var (task, learner) = TrainRun.OpenNew(config);
        using var _ = learner;
        var options = learner.Options;
        // Whole rollouts, where one gives several updates.
        var (warm, timed) = task.Options.UpdatesPerRollout == 1 ? (10, 40)
            : (task.Options.UpdatesPerRollout, 2 * task.Options.UpdatesPerRollout);
        for (var k = 0; k < warm; k++) learner.TrainStep();
        var clock = Stopwatch.StartNew();
        for (var k = 0; k < timed; k++) learner.TrainStep();
        var perStep = (double)task.Options.BatchSize / task.Options.UpdatesPerRollout;
        var rate = timed * perStep / clock.Elapsed.TotalSeconds;
        var row = task.Spec.Observation.Length * (task.Spec.Observation.Element == ElementType.Byte ? 1L : 4L);
        var memory = Process.GetCurrentProcess().WorkingSet64;
        var checkpoint = learner.Model.Parameters.Layout.Count * 4L * 4;
        Console.WriteLine();
        var perUpdate = task.Options.UpdatesPerRollout == 1 ? "updates of"
            : $"updates, {task.Options.UpdatesPerRollout} for each rollout of";
        Console.WriteLine($"# {options.GradientSteps} {perUpdate} {task.Options.BatchSize} agent steps; "
            + $"{learner.Model.Parameters.Layout.Count} parameters in {learner.Model.Network.Name}");
        var seconds = Math.Round(options.GradientSteps * perStep / rate);
        Console.WriteLine($"# time:   about {TimeSpan.FromSeconds(seconds)} at {rate:0} agent steps/s "
            + $"(measured now, {timed} updates; evaluations come on top)");
        Console.WriteLine($"# memory: about {memory >> 20} MiB, "
            + $"{(task.Options.RolloutLength + 1) * task.Options.Environments * row >> 10} KiB of it a rollout");
        Console.WriteLine(
            $"# disk:   {config.Record.CheckpointsKept} checkpoints of about {(checkpoint >> 10) + 64} KiB, and about "
                + $"100 bytes for each row of metrics{(config.Record.Episodes ? " (every episode has one)" : "")}");
        return 0;
    }

    // A value from the command line is a text to YAML unless it reads as a number there.
    private static string Quoted(string value) =>
        double.TryParse(value, out _) ? value
        : $"\"{value.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
}

using System.CommandLine;
using RlLeap.Cli.Slurm;
using RlLeap.Cli.MetaTraining;

namespace RlLeap.Cli.Commands;

/// <summary>Meta-trains over many tasks, then learns held-out ones from the result.</summary>
public static class MetaTrain
{
    public static Command Create()
    {
        var config = new Argument<string?>("config")
        {
            Description = "Config file (experiments/ holds some); left out with --resume",
            Arity = ArgumentArity.ZeroOrOne
        };
        var set = new Option<string[]>("--set")
        {
            Description = "Change a key: --set meta.steps=5; with --resume a key of executor",
            AllowMultipleArgumentsPerToken = false
        };
        var resume = new Option<string?>("--resume") { Description = "Go on with the run in this folder" };
        var parallel = CheckedOption.Number<int>(
            "--parallel",
            "Tasks trained side by side (run.parallel); 0 for one a core; no result depends on it", max: 1024);
        var (accept, extend) = (ResumeOptions.AcceptChanges(), ResumeOptions.Extend("meta-steps"));
        var from = ResumeOptions.From();
        var dry = new Option<bool>("--dry-run")
        { Description = "Print what would run, with an estimate of its cost, and stop" };
        var command = new Command("meta-train", "Launch a meta-training run, or go on with one.")
            { config, set, from, resume, extend, parallel, accept, Plugins.Option(), dry };
        command.SetAction((parsed, stop) =>
        {
            var (file, folder) = (parsed.GetValue(config), parsed.GetValue(resume));
            if ((file is null) == (folder is null))
                throw new RlLeapException("Give either a config file or --resume RUN.");
            var (more, start) = (parsed.GetValue(extend), parsed.GetValue(from));
            ResumeOptions.Check(folder, more, start);
            var wanted = folder is null ? ConfigFile.Load<MetaTrainConfig>(file!, parsed.GetValue(set) ?? [])
                : RunConfig.Of(folder, asWasRun: false, parsed.GetValue(set) ?? []);
            if (start is not null) wanted = wanted with { From = start };
            if (more is { } steps) wanted = Extension.Of(wanted, folder!, steps);
            var directory = wanted.Run.Directory
                ?? $"runs/{Path.GetFileNameWithoutExtension(file)}{WarmStart.Tail(wanted.From)}";
            wanted = wanted with { Assemblies = Plugins.Loaded, Run = wanted.Run with { Directory = directory } };
            if (parsed.GetValue(dry))
            {
                Estimate.Print(wanted);
                return Task.CompletedTask;
            }
            Launch(wanted, folder, parsed.GetValue(parallel), stop, parsed.GetValue(accept),
                extended: more is not null);
            return Task.CompletedTask;
        });
        return command;
    }

    /// <summary>Runs a config in a new folder, or goes on in <paramref name="folder"/>; prints the result.</summary>
    internal static void Launch(MetaTrainConfig config, string? folder, int? parallel, CancellationToken stop,
        bool acceptChanges = false, bool extended = false)
    {
        // What cannot work is an error before a folder is made, not after hours.
        var suite = Suite.Open(config);
        if (folder is null) MetaTrainRun.Check(config, suite);
        SlurmExecutor.Of(config, config.Run.Directory!);
        using var run = folder is null ? RunDirectory.Start(config.Run.Directory!, ConfigFile.ToYaml(config))
            : RunDirectory.Resume(folder, acceptChanges: acceptChanges,
                config: extended ? Longer(folder, config) : null,
                extension: extended ? Extension.OfMetaTraining : null);
        using var log = new RunLog(run, Doctor.Versions());
        Shell.GoesOnBy = ["meta-train", "--resume", folder ?? config.Run.Directory!,
            .. parallel is { } side ? new[] { "--parallel", $"{side}" } : []];
        if (RunDirectory.IsComplete(run.Root))
        {
            TrainedInitialization.Restore(run.Root);
            Console.WriteLine($"{run.Root} is complete.");
        }
        var result = RunDirectory.IsComplete(run.Root)
            ? Result.Load(run.PathOf(RunDirectory.ResultName))
            : new MetaTrainRun(parallel is { } n ? config with { Run = config.Run with { Parallel = n } } : config,
                run).Execute(suite, stop);
        ReportCommand.Show(result, run.Root);
        Console.WriteLine($"result: {run.PathOf(RunDirectory.ResultName)}");
    }

    // As the folder has it, but for the meta-steps: where tasks are trained this time is not kept.
    private static string Longer(string folder, MetaTrainConfig config)
    {
        var own = ConfigFile.LoadRun<MetaTrainConfig>(folder);
        return ConfigFile.ToYaml(own with { Meta = own.Meta with { Steps = config.Meta.Steps } });
    }
}

/// <summary>The config that a run's folder holds.</summary>
internal static class RunConfig
{
    /// <param name="asWasRun">Whether the config must be the one that was run; a resume looks at that itself.</param>
    /// <param name="settings">Keys of executor, which change no result.</param>
    /// <exception cref="RlLeapException">The folder holds no run, or one of another kind; or its config was changed.
    /// </exception>
    public static MetaTrainConfig Of(string folder, bool asWasRun, params IReadOnlyList<string> settings)
    {
        // What decides results is fixed when a run begins; where it is computed is not.
        if (settings.FirstOrDefault(setting => !setting.StartsWith("executor.", StringComparison.Ordinal)) is { } other)
            throw new RlLeapException($"--set {other}: a run goes on with its own config; only keys of executor can be "
                + "changed, which change no result.");
        var config = ConfigFile.LoadRun<MetaTrainConfig>(folder, settings);
        if (asWasRun) RunChanges.RequireOwnConfig(folder);
        return config with { Run = config.Run with { Directory = folder } };
    }
}

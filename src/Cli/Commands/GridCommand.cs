using System.CommandLine;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Sweeps;

namespace RlLeap.Cli.Commands;

/// <summary>Runs every combination of a grid's axes that is not complete yet.</summary>
public static class GridCommand
{
    public static Command Create()
    {
        var file =
            new Argument<string>("CONFIG") { Description = "Config of the grid: command, config, directory, axes" };
        var set = new Option<string[]>("--set")
        {
            Description = "A key of the grid's config: --set parallel=2", DefaultValueFactory = _ => []
        };
        var list = new Option<bool>("--list", "--dry-run")
        { Description = "Print the runs and the command of each (of a search: its trials); run nothing" };
        var command = new Command("grid",
            "A matrix of runs, or a search in ranges; what is complete is left alone, what was begun goes on.")
            { file, set, list };
        command.SetAction(async (parsed, stop) =>
        {
            var path = parsed.GetRequiredValue(file);
            var config = ConfigFile.Load<GridConfig>(path, parsed.GetValue(set)!);
            if (config.Search is not null) return await Search(config, path, parsed.GetValue(list), stop);
            var grid = new Grid(config, path);
            if (parsed.GetValue(list))
            {
                foreach (var run in config.Runs())
                    Console.WriteLine($"{run.Name}: " + (RunDirectory.IsComplete(grid.FolderOf(run))
                        ? "complete" : $"{Shell.Name} {string.Join(' ', grid.ArgumentsOf(run).Select(Shell.Quoted))}"));
                return 0;
            }
            grid.RequireConfigs(config.Runs());
            foreach (var run in config.Runs())
                try
                {
                    Check(run.Name, config.Command, grid.FolderOf(run), grid.ConfigOf(run), run.Settings);
                }
                catch (ConfigException e) { throw new ConfigException($"{path}: {run.Name}: {e.Message}"); }
            Shell.GoesOnBy = Shell.Arguments;
            var failed = await grid.Execute(stop);
            Console.WriteLine($"{config.Runs().Count - failed.Count} of {config.Runs().Count} runs are complete in "
                + $"{config.Directory}.");
            return failed.Count == 0 ? 0 : Shell.Failed;
        });
        return command;
    }

    private static async Task<int> Search(GridConfig config, string path, bool list, CancellationToken stop)
    {
        var sweep = new Sweep(config, path);
        if (list)
        {
            var plan = sweep.Plan();
            foreach (var rung in plan.Rungs.Where(rung => rung.Budget is not null))
                Console.WriteLine($"{config.Search!.Budget}={rung.Budget}: {rung.Trials} trials");
            foreach (var trial in plan.Trials)
                Console.WriteLine($"{trial.Name}: "
                    + string.Join(' ', trial.Values.Select(value => Shell.Quoted($"{value.Key}={value.Value}"))));
            return 0;
        }
        Shell.GoesOnBy = Shell.Arguments;
        var failed = await sweep.Execute(stop);
        ReportCommand.ShowSweep(config.Directory, Path.Combine(config.Directory, "report"));
        if (failed > 0) Console.WriteLine($"{failed} runs failed: a .log beside each one's folder says why.");
        return 0;
    }

    // Before anything runs: the config of a run must be one. A run made before the grid was changed must not pass for
    // one of it; where it was computed may differ.
    internal static void Check(string run, string command, string folder, string path, IReadOnlyList<string> settings)
    {
        settings = [.. settings, $"run.directory={folder}"];
        var now = command == "train"
            ? Train.Identity(Train.Resolve(ConfigFile.Load<TrainConfig>(path, settings)))
            : Text(ConfigFile.Load<MetaTrainConfig>(path, settings));
        var kept = Path.Combine(folder, RunDirectory.ConfigName);
        if (!File.Exists(kept)) return;
        var there = command == "train" ? Train.Identity(Train.Resolve(ConfigFile.LoadRun<TrainConfig>(folder)))
            : Text(ConfigFile.LoadRun<MetaTrainConfig>(folder));
        if (RunDirectory.FirstDifference(there, now) is { } odd)
            throw new RlLeapException($"{run} was begun with another config: {kept} has {odd.Kept}, now it would be "
                + $"{odd.Asked}. Choose another directory for the grid, or delete that run.");
    }

    private static string Text(MetaTrainConfig config) =>
        ConfigFile.ToYaml(config with { Run = new() { Seed = config.Run.Seed }, Executor = new(), Assemblies = [] });
}

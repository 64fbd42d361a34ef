// The runs of a sweep: where each lies, how it begins or goes on, and what it came to. All of it stands in the runs'
// own folders; a sweep keeps nothing that its config and its runs do not say.
using RlLeap.Cli.Commands;
using RlLeap.Cli.MetaTraining;
using YamlDotNet.RepresentationModel;

namespace RlLeap.Cli.Sweeps;

/// <summary>A sweep as its config lays it out.</summary>
/// <param name="config">The grid with its search. Where it extends is settled.</param>
internal sealed class SweepRuns(GridConfig config)
{
    /// <summary>The file in a sweep's folder that holds its config, from which a report is made.</summary>
    public const string ConfigName = "sweep.yaml";

    /// <summary>The file that names the runs that failed the last time they were tried, a line each.</summary>
    public const string FailedName = "failed.txt";

    private string Budget => config.Search!.Budget!;

    /// <summary>The config.</summary>
    public GridConfig Config => config;

    /// <summary>The trials.</summary>
    public IReadOnlyList<Trial> Trials { get; } = Trial.Draw(config.Search!, config.Ranges);

    /// <summary>The steps of the search.</summary>
    public IReadOnlyList<Rung> Rungs { get; } = config.Search!.Rungs();

    /// <summary>What each trial runs: one run, or every combination of the axes.</summary>
    public IReadOnlyList<GridRun> Combinations { get; } = config.Runs();

    private bool Extends => config.Search!.Extend == true;

    /// <summary>The runs of a trial at a rung.</summary>
    public IReadOnlyList<GridRun> RunsOf(Trial trial, Rung rung) => [.. Combinations.Select(combination =>
        new GridRun(NameOf(trial, rung, combination), combination.Config,
        [
            .. combination.Settings, .. trial.Values.Select(value => $"{value.Key}={value.Value}"),
            .. rung.Budget is { } budget ? new[] { $"{Budget}={budget}" } : [],
        ]))];

    /// <summary>A run's folder.</summary>
    public string FolderOf(GridRun run) => Path.Combine(config.Directory, run.Name);

    /// <summary>Whether a run has been trained to the end of a rung.</summary>
    public bool IsDone(GridRun run, Rung rung) => ResultAt(run, rung) is not null;

    /// <summary>The call that brings a run nearer to the end of a rung.</summary>
    public GridCall CallOf(GridRun run, Rung rung, Grid grid)
    {
        var folder = FolderOf(run);
        if (rung.Budget is not { } budget || !RunDirectory.IsComplete(folder) || BudgetOf(folder) is not { } had)
            return new(run.Name, folder, grid.ArgumentsOf(run, folder));
        if (had >= budget)
            throw new RlLeapException($"{folder} was trained with {Budget}: {had} and does not tell what it was like "
                + $"at {budget}. Choose another directory for the sweep, or delete that run.");
        return new(run.Name, folder, [config.Command, "--resume", folder, "--extend", $"{budget - had}"]);
    }

    /// <summary>The numbers of a run at the end of a rung; null where it has not come so far.</summary>
    public Objective? ObjectiveOf(GridRun run, Rung rung) => ResultAt(run, rung) is not { } at ? null
        : new Objective(FolderOf(run), Result.Load(at.Path), config.Command == "train" ? at.Step : at.Step - 1);

    /// <summary>What a trial counts with: the mean over its runs; NaN for no value, null for not so far yet.</summary>
    public double? ValueOf(Trial trial, Rung rung)
    {
        var sum = 0.0;
        foreach (var run in RunsOf(trial, rung))
        {
            if (ObjectiveOf(run, rung) is not { } objective) return null;
            sum += objective.Require(config.Objective!, run.Name);
        }
        return sum / Combinations.Count;
    }

    /// <summary>Reads every run's config as it will be, and compares it with the one that its folder holds.</summary>
    /// <returns>Why runs cannot be extended, in words; null where they can.</returns>
    /// <exception cref="RlLeapException">A key or a value is wrong, or a run was begun with another config.</exception>
    public string? Check(Grid grid, string file)
    {
        var obstacle = Rungs.Count > 1 && Budget != (config.Command == "train" ? "agent-steps" : "meta.steps")
            ? $"{Budget} is no number of steps that --extend adds to" : null;
        foreach (var trial in Trials)
            foreach (var run in RunsOf(trial, Rungs[0]))
                try
                {
                    if (config.Command == "train")
                    {
                        var loaded = Train.Resolve(ConfigFile.Load<TrainConfig>(grid.ConfigOf(run), run.Settings));
                        obstacle ??= Extension.Obstacle(loaded) ?? Rollouts(loaded);
                    }
                    else obstacle ??= Extension.Obstacle(
                        ConfigFile.Load<MetaTrainConfig>(grid.ConfigOf(run), run.Settings));
                }
                catch (ConfigException e) { throw new ConfigException($"{file}: {run.Name}: {e.Message}"); }
        return obstacle;
    }

    /// <summary>Compares the runs that are there with what they would be now.</summary>
    /// <exception cref="RlLeapException">One was begun with another config.</exception>
    public void Compare(Grid grid)
    {
        foreach (var trial in Trials)
            foreach (var rung in Extends ? Rungs.Take(1) : Rungs)
                foreach (var run in RunsOf(trial, rung).Where(run => RunDirectory.Holds(FolderOf(run))))
                {
                    var folder = FolderOf(run);
                    // How far it has come is its own.
                    string[] own = Extends && BudgetOf(folder) is { } had ? [$"{Budget}={had}"] : [];
                    GridCommand.Check(run.Name, config.Command, folder, grid.ConfigOf(run), [.. run.Settings, .. own]);
                }
    }

    // Runs that are extended lie where they began; others have a folder for each budget.
    private string NameOf(Trial trial, Rung rung, GridRun combination)
    {
        var name = combination.Name.Length == 0 ? trial.Name : $"{trial.Name}/{combination.Name}";
        return Extends || rung.Budget is not { } budget ? name : $"budget-{budget}/{name}";
    }

    // A rollout is never cut, so two budgets of one rollout are the same training.
    private string? Rollouts(TrainConfig loaded)
    {
        long batch = loaded.Agent.BatchSize;
        return Rungs.Count > 1 && Rungs.Select(rung => (rung.Budget!.Value + batch - 1) / batch).Distinct().Count()
            < Rungs.Count ? $"two budgets are within one rollout of {batch} agent steps" : null;
    }

    // Where a run that went on keeps what it ended with at a rung, and the step of that end; null for the last one.
    private (string Path, long? Step)? ResultAt(GridRun run, Rung rung)
    {
        var folder = FolderOf(run);
        if (!RunDirectory.Holds(folder)) return null;
        var whole = Path.Combine(folder, RunDirectory.ResultName);
        var had = rung.Budget is null ? null : BudgetOf(folder);
        if (had is null || had == rung.Budget) return File.Exists(whole) ? (whole, null) : null;
        if (had < rung.Budget) return null;
        var ends = Directory.GetFiles(folder, "result-at-*.json")
            .Select(path => (path, Step: long.TryParse(Path.GetFileNameWithoutExtension(path)["result-at-".Length..],
                out var step) ? step : -1))
            .Where(end => end.Step >= rung.Budget).OrderBy(end => end.Step).ToList();
        return ends.Count > 0 ? (ends[0].path, ends[0].Step) : null;
    }

    private long? BudgetOf(string folder) =>
        ConfigTree.Load(RunDirectory.ConfigOf(folder), typeof(GridConfig)).Find(Budget) is YamlScalarNode
        { Value: { } text } && ScalarText.Parse(typeof(long), text) is long budget ? budget : null;
}

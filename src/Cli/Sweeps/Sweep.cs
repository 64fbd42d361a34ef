namespace RlLeap.Cli.Sweeps;

/// <summary>A search that a grid's config asks for. Calling it again goes on where it was.</summary>
/// <param name="config">The grid's config, with search.</param>
/// <param name="file">The grid's file; the runs' config is relative to it.</param>
/// <param name="start">As in <see cref="Grid"/>; replaced in tests.</param>
internal sealed class Sweep(GridConfig config, string file,
    Func<IReadOnlyList<string>, string, CancellationToken, Task<int>>? start = null)
{
    private readonly Grid _grid = new(config, file, start);

    /// <summary>The runs as they are laid out.</summary>
    /// <exception cref="RlLeapException">A trial's config is wrong, or extending was asked for and cannot be done.
    /// </exception>
    public SweepRuns Plan()
    {
        var runs = new SweepRuns(config);
        _grid.RequireConfigs(runs.Combinations);
        var obstacle = runs.Check(_grid, file);
        if (runs.Rungs.Count == 1) return runs;
        if (config.Search!.Extend == true && obstacle is not null)
            throw new RlLeapException($"{file}: key 'search.extend': the runs cannot be extended: {obstacle}. "
                + "Leave extend out to train them anew at each budget.");
        if (config.Search.Extend is null && obstacle is not null)
            Log.Information("trials that go on are trained anew, not extended: {Obstacle}", obstacle);
        return new SweepRuns(config with
        {
            Search = config.Search with { Extend = config.Search.Extend ?? obstacle is null },
        });
    }

    /// <summary>Runs what is not done yet.</summary>
    /// <returns>How many runs failed.</returns>
    /// <exception cref="OperationCanceledException">It was stopped; the runs in progress have checkpointed and
    /// left.</exception>
    /// <exception cref="RlLeapException">The objective is in no run; or no trial of a rung came to an end.</exception>
    public async Task<int> Execute(CancellationToken stop)
    {
        var runs = Plan();
        runs.Compare(_grid);
        AtomicFile.WriteAllText(Path.Combine(config.Directory, SweepRuns.ConfigName),
            ConfigFile.ToYaml(runs.Config with { Config = _grid.Absolute(config.Config) }));
        var all = runs.Rungs.Sum(rung => rung.Trials) * runs.Combinations.Count;
        using var progress = new Progress(file, all, "runs", 0);
        IReadOnlyList<Trial> left = runs.Trials;
        var failed = new HashSet<string>();
        var done = 0;
        foreach (var (k, rung) in runs.Rungs.Index())
        {
            var ofRung = left.SelectMany(trial => runs.RunsOf(trial, rung)).ToList();
            done += ofRung.Count(run => runs.IsDone(run, rung));
            // A run that was stopped as it was to be extended first comes to its old end, and then goes on.
            for (var open = Open(ofRung, rung, []); open.Count > 0; open = Open(open, rung, failed))
            {
                var calls = open.Select(run => runs.CallOf(run, rung, _grid)).ToList();
                failed.UnionWith(await _grid.Execute(calls, progress, done, stop, call =>
                    runs.ObjectiveOf(open.Single(run => run.Name == call.Name), rung)
                        ?.Require(config.Objective!, call.Name)));
                RequireOwn(runs, open.Where(run => failed.Contains(run.Name)));
                done += open.Count(run => failed.Contains(run.Name) || runs.IsDone(run, rung));
            }
            Remember(failed);
            double[] values = [.. left.Select(trial => runs.ValueOf(trial, rung) ?? double.NaN)];
            if (values.All(double.IsNaN))
                throw new RlLeapException($"no trial{(rung.Budget is null ? "" : $" with {config.Search!.Budget}: "
                    + $"{rung.Budget}")} has a value of {config.Objective}: the output of each run is in a .log beside "
                    + $"its folder in {config.Directory}.");
            if (k + 1 == runs.Rungs.Count) break;
            left = [.. Ranking.Best(values, runs.Rungs[k + 1].Trials, config.Direction!.Value).Select(i => left[i])];
        }
        return failed.Count;

        List<GridRun> Open(IEnumerable<GridRun> among, Rung rung, HashSet<string> failed) =>
            [.. among.Where(run => !failed.Contains(run.Name) && !runs.IsDone(run, rung))];
    }

    private void Remember(HashSet<string> failed)
    {
        var path = Path.Combine(config.Directory, SweepRuns.FailedName);
        if (failed.Count == 0) File.Delete(path);
        else AtomicFile.WriteAllText(path,
            string.Concat(failed.Order(StringComparer.Ordinal).Select(name => name + "\n")));
    }

    // What another process trains has not failed, and must not count last.
    private static void RequireOwn(SweepRuns runs, IEnumerable<GridRun> failed)
    {
        foreach (var run in failed)
            if (RunLock.HolderOf(runs.FolderOf(run)) is { } holder && RunLock.IsAlive(holder))
                throw new RlLeapException($"{runs.FolderOf(run)} is in use by process {holder.Process} on "
                    + $"{holder.Host}: wait for it, or stop it, and give the command again.");
    }
}

using System.Text;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Sweeps;

/// <summary>A trial of a report.</summary>
/// <param name="Rung">The last rung that it came to the end of; -1 where it came to none.</param>
/// <param name="Budget">That rung's budget; null where rungs have none.</param>
/// <param name="Objective">The mean of its runs there; NaN where it failed or has no value.</param>
/// <param name="Runs">Each run's own.</param>
/// <param name="Failed">Whether a run of it failed.</param>
internal sealed record TrialReport(
    int Number, IReadOnlyDictionary<string, string> Values, int Rung, long? Budget, double Objective,
    IReadOnlyList<double> Runs, bool Failed);

/// <summary>Every number of a sweep's report.</summary>
/// <param name="Name">The sweep's folder.</param>
/// <param name="Objective">What was made best.</param>
/// <param name="Trials">Those that came furthest first, then the best first.</param>
/// <param name="First">Each trial's objective at the end of the first rung, by number; null where it is not there yet,
/// NaN where it failed.</param>
/// <param name="Importance">What each range had to do with it, the largest share first.</param>
internal sealed record SearchReport(
    string Name, string Objective, Direction Direction, SearchKind Kind, IReadOnlyList<TrialReport> Trials,
    IReadOnlyList<double?> First, IReadOnlyList<Importance> Importance)
{
    /// <summary>The ranges, by key.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyDictionary<string, RangeConfig> Ranges { get; init; } = new Dictionary<string, RangeConfig>();

    /// <summary>The rungs.</summary>
    public IReadOnlyList<Rung> Rungs { get; init; } = [];

    /// <summary>The best trial; null where none has a value.</summary>
    public TrialReport? Best => Trials is [{ Objective: var value } best, ..] && double.IsFinite(value) ? best : null;

    /// <summary>The report of the sweep in a folder, as far as it is.</summary>
    /// <exception cref="RlLeapException">There is no sweep, or nothing of it is done.</exception>
    public static SearchReport Of(string folder)
    {
        var config = ConfigFile.Load<GridConfig>(Path.Combine(folder, SweepRuns.ConfigName)) with
        {
            Directory = folder,
        };
        var runs = new SweepRuns(config);
        var failures = Path.Combine(folder, SweepRuns.FailedName);
        var failed = File.Exists(failures) ? File.ReadAllLines(failures).ToHashSet() : [];
        List<TrialReport> trials = [];
        List<double?> first = [];
        foreach (var trial in runs.Trials)
        {
            var report = new TrialReport(trial.Number, trial.Values, -1, null, double.NaN, [], false);
            first.Add(null);
            foreach (var (k, rung) in runs.Rungs.Index())
            {
                var ofRung = runs.RunsOf(trial, rung);
                if (runs.ValueOf(trial, rung) is not { } value)
                {
                    if (!ofRung.Any(run => failed.Contains(run.Name))) break;
                    report = report with { Failed = true };
                    if (k == 0) first[^1] = double.NaN;
                    break;
                }
                if (k == 0) first[^1] = value;
                report = report with
                {
                    Rung = k,
                    Budget = rung.Budget,
                    Objective = value,
                    Runs = [.. ofRung.Select(run => runs.ObjectiveOf(run, rung)!.Require(config.Objective!, run.Name))],
                };
            }
            trials.Add(report);
        }
        if (trials.All(trial => trial.Rung < 0))
            throw new RlLeapException($"no trial of {folder} is done yet: go on with {Shell.Name} grid, or look at "
                + $"{Shell.Name} status {folder}.");
        var direction = config.Direction!.Value;
        List<TrialReport> ordered = [];
        foreach (var rung in trials.GroupBy(trial => trial.Rung).OrderByDescending(rung => rung.Key))
        {
            var same = rung.ToList();
            ordered.AddRange(Ranking.Order([.. same.Select(trial => trial.Objective)], direction).Select(i => same[i]));
        }
        var known = Enumerable.Range(0, trials.Count).Where(i => first[i] is not null).ToList();
        double[] objectives = [.. known.Select(i => first[i]!.Value)];
        return new(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), config.Objective!,
            direction, config.Search!.Kind, ordered, first,
            [.. config.Ranges.Select(range => Sweeps.Importance.Of(range.Key, range.Value,
                [.. known.Select(i => trials[i].Values[range.Key])], objectives, direction))
                .OfType<Importance>().OrderByDescending(i => i.Share)])
        {
            Ranges = config.Ranges,
            Rungs = runs.Rungs,
        };
    }

    /// <summary>The settings of a trial as a config has them, to copy.</summary>
    public static string Yaml(IReadOnlyDictionary<string, string> values)
    {
        var text = new StringBuilder();
        string[] open = [];
        foreach (var (key, value) in values.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            var parts = key.Split('.');
            var common = open.Zip(parts[..^1]).TakeWhile(pair => pair.First == pair.Second).Count();
            for (var i = common; i < parts.Length - 1; i++) text.Append($"{new string(' ', 2 * i)}{parts[i]}:\n");
            text.Append($"{new string(' ', 2 * (parts.Length - 1))}{parts[^1]}: {value}\n");
            open = parts[..^1];
        }
        return text.ToString();
    }

    /// <summary>What was found, in sentences: the first one alone says the most important.</summary>
    public IReadOnlyList<string> Conclusion()
    {
        if (Best is not { } best) return ["No trial has a value yet."];
        var budget = best.Budget is { } steps ? $" at a budget of {steps:#,0}" : "";
        var failed = Trials.Count(trial => trial.Failed);
        return
        [
            $"The {(Direction == Direction.Maximize ? "largest" : "smallest")} {Objective} is "
            + $"{Rounded.FourFigures(best.Objective)}, of {Trial.NameOf(best.Number)}{budget}.",
            $"{First.Count(value => value is not null)} of {First.Count} trials are done"
            + $"{(failed > 0 ? $", {failed} failed" : "")}. The best of many is partly luck: train it again with other "
            + "seeds before you quote it.",
        ];
    }

    /// <summary>The tables: trials, and what mattered.</summary>
    /// <param name="most">Trials to show; null for all.</param>
    public IEnumerable<TextTable> Tables(int? most = null)
    {
        var keys = ShortKeys();
        var several = Trials.Any(trial => trial.Runs.Count > 1);
        var shown = most is { } few ? Trials.Take(few).ToList() : Trials;
        yield return new($"Trials by {Objective}"
            + (shown.Count < Trials.Count ? $", the first {shown.Count} of {Trials.Count}" : ""),
            (Rungs.Count > 1 ? "Those that came furthest come first: objectives at different budgets are not compared. "
                : "") + (several ? "The objective is the mean over a trial's runs; in brackets the runs' own." : ""),
            ["trial", .. Rungs.Count > 1 ? new[] { "budget" } : [], Objective, .. keys.Values],
            [.. shown.Select(trial => (IReadOnlyList<string>)[Trial.NameOf(trial.Number),
                .. Rungs.Count > 1 ? new[] { trial.Budget?.ToString("#,0") ?? "" } : [],
                (trial.Failed ? "failed" : Rounded.FourFigures(trial.Objective)) + (several && trial.Runs.Count > 0
                    ? $" [{string.Join(", ", trial.Runs.Select(Rounded.FourFigures))}]" : ""),
                .. keys.Keys.Select(key => trial.Values[key])])]);
        if (Importance.Count == 0) yield break;
        yield return new("What mattered",
            "Each range by itself, from the ranks of all trials at the same budget"
            + (Rungs.Count > 1 ? $", {Rungs[0].Budget:#,0}" : "")
            + ". Share: how much of the ranks' variance goes with the range. By chance: the share that a range without "
            + "any effect exceeds in one of twenty sweeps; a smaller share says nothing. A rank correlation sees only "
            + "what rises or falls throughout: a best value in the middle of a range shows in the figure, and in the "
            + "values of the best quarter of the trials. Ranges that work only together are not seen, and a wider "
            + "range has a larger share.",
            ["range", "share", "by chance", "what is better", "best quarter"],
            [.. Importance.Select(i => (IReadOnlyList<string>)[i.Key, Share(i.Share), Share(i.ByChance), Better(i),
                Quarter(i)])]);
    }

    // As short as tells them apart.
    internal IReadOnlyDictionary<string, string> ShortKeys()
    {
        string Last(string key) => key[(key.LastIndexOf('.') + 1)..];
        var twice = Ranges.Keys.GroupBy(Last).Where(same => same.Count() > 1).Select(same => same.Key).ToHashSet();
        return Ranges.Keys.ToDictionary(key => key, key => twice.Contains(Last(key)) ? key : Last(key));
    }

    private static string Better(Importance i)
    {
        if (i.Share <= i.ByChance) return "not to be told";
        return i.Correlation is { } correlation
            ? $"{(correlation > 0 ? "larger" : "smaller")} (rank correlation {correlation:0.00})"
            : string.Join(", ", i.Means.Select(mean => $"{mean.Value} {Rounded.FourFigures(mean.Mean)}"));
    }

    private static string Quarter(Importance i) => i.BestQuarter.Count == 0 ? ""
        : i.Correlation is not null ? i.BestQuarter.Count == 1 ? i.BestQuarter[0]
            : $"{i.BestQuarter[0]} to {i.BestQuarter[^1]}"
        : string.Join(", ", i.BestQuarter.GroupBy(value => value).Select(same => $"{same.Count()} {same.Key}"));

    private static string Share(double share) => $"{share:0.00}";
}

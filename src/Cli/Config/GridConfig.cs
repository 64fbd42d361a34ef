// A grid: one config, run for every combination of some keys' values.
using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;

namespace RlLeap.Cli.Config;

/// <summary>
/// Config of `rlleap grid`: the runs are all combinations of the axes' values; with search, of each trial's drawn
/// settings too.
/// </summary>
public sealed partial record GridConfig : ICheckedConfig
{
    /// <summary>Command that makes one run.</summary>
    [AllowedValues("meta-train", "train")]
    public string Command { get; init; } = "meta-train";

    /// <summary>
    /// Config of every run, relative to this file; {key} stands for a run's value of that axis:
    /// omniglot-{method.name}.yaml.
    /// </summary>
    public required string Config { get; init; }

    /// <summary>Folder of the runs: each gets a folder in it, named by its values.</summary>
    public required string Directory { get; init; }

    /// <summary>Runs side by side, each a process of its own.</summary>
    [Range(1, 1024)]
    public int Parallel { get; init; } = 1;

    /// <summary>Values that all runs share, by key as for --set.</summary>
    public IReadOnlyDictionary<string, string> Set { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Values to combine, by key as for --set: method: [leap, reptile]. With search, each trial runs all combinations
    /// (seeds, environments) and counts with their mean.
    /// </summary>
    [MinLength(1)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Axes { get; init; } =
        new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>
    /// Combinations to leave out, each as key=value of some axes with spaces between: method.loss=false
    /// method.stabilizer=true.
    /// </summary>
    public IReadOnlyList<string> Except { get; init; } = [];

    /// <summary>How settings are searched for in ranges; null for the axes alone.</summary>
    public SearchConfig? Search { get; init; }

    /// <summary>
    /// Where search draws values, by key as for --set: agent.optimizer.learning-rate: {log: [1e-4, 1e-2]}.
    /// </summary>
    public IReadOnlyDictionary<string, RangeConfig> Ranges { get; init; } = new Dictionary<string, RangeConfig>();

    /// <summary>
    /// What search makes best: area, final, a number of result.json's record, a score, or the last value of a column
    /// of metrics.jsonl, such as evaluation/greedy_return.
    /// </summary>
    public string? Objective { get; init; }

    /// <summary>Whether the objective is to be large or small.</summary>
    public Direction? Direction { get; init; }

    public IEnumerable<(string Key, string Expected)> Check() =>
        Search is null ? CheckAxes() : [.. CheckAxes(), .. CheckSearch(Search)];

    private IEnumerable<(string Key, string Expected)> CheckAxes()
    {
        if (Search is null)
        {
            if (Axes.Count == 0) yield return ("axes", "at least one key with its values");
            var odd = Ranges.Count > 0 ? "ranges" : Objective is not null ? "objective"
                : Direction is not null ? "direction" : null;
            if (odd is not null) yield return (odd, "search beside it: {kind: random, trials: 20}");
        }
        if (Axes.FirstOrDefault(axis => axis.Value.Distinct().Count() < axis.Value.Count).Key is { } twice)
            yield return ("axes", $"each value of {twice} once");
        if (Axes.Keys.FirstOrDefault(Set.ContainsKey) is { } both)
            yield return ("set", $"keys that are not axes too: {both}");
        if (Axes.ContainsKey("run.directory") || Set.ContainsKey("run.directory"))
            yield return ("directory", "run.directory to be left to the grid");
        if (Except.SelectMany(Conditions).FirstOrDefault(IsOfNoAxis) is { Key: { } key } wrong)
            yield return ("except", "key=value with a key and a value of axes, not "
                + (wrong.Value is { } value ? $"{key}={value}" : key));
        else if (Runs().Count == 0) yield return ("except", "less than all combinations");
        if (Placeholder().Matches(Config).Select(match => match.Groups[1].Value)
            .FirstOrDefault(name => !Axes.ContainsKey(name)) is { } unknown)
            yield return ("config", $"keys of axes in braces, not {{{unknown}}}");
        if (Axes.Keys.Select(LastWord).Distinct().Count() < Axes.Count)
            yield return ("axes", "keys whose last words differ: they name the folders");
        else if (Runs().GroupBy(run => run.Name).FirstOrDefault(runs => runs.Count() > 1) is { } same)
            yield return ("axes",
                $"values that differ in their folders too: {same.Count()} runs would share {same.Key}");

        bool IsOfNoAxis((string Key, string? Value) condition) =>
            condition.Value is null || !Axes.TryGetValue(condition.Key, out var values)
            || !values.Contains(condition.Value);
    }

    private IEnumerable<(string Key, string Expected)> CheckSearch(SearchConfig search)
    {
        if (Ranges.Count == 0) yield return ("ranges", "at least one key with its range");
        if (Objective is null) yield return ("objective", "what to make best: area, final, or a metric of the runs");
        if (Direction is null) yield return ("direction", "maximize or minimize");
        if (Ranges.Keys.FirstOrDefault(key => Set.ContainsKey(key) || Axes.ContainsKey(key) || key == search.Budget
            || key == "run.directory") is { } twice)
            yield return ("ranges", $"keys that nothing else sets: {twice}");
        if (search.Budget is { } budget && (Set.ContainsKey(budget) || Axes.ContainsKey(budget)))
            yield return ("search.budget", $"a key that neither set nor axes has: {budget}");
    }

    /// <summary>All runs: the last axis varies fastest. Names are like "method-leap/seed-3".</summary>
    public IReadOnlyList<GridRun> Runs()
    {
        IEnumerable<GridRun> runs = [new("", Config, [.. Set.Select(s => $"{s.Key}={s.Value}")])];
        foreach (var (key, values) in Axes)
            runs = from run in runs
                   from value in values
                   let name = $"{run.Name}/{LastWord(key)}-{FileName(value)}".TrimStart('/')
                   let config = run.Config.Replace($"{{{key}}}", value)
                   select new GridRun(name, config, [.. run.Settings, $"{key}={value}"]);
        return [.. runs.Where(run => !Except.Any(left =>
            Conditions(left).All(condition => run.Settings.Contains($"{condition.Key}={condition.Value}"))))];
    }

    private static IEnumerable<(string Key, string? Value)> Conditions(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(c => c.Split('=', 2))
            .Select(c => (c[0], c.Length > 1 ? c[1] : null));

    [GeneratedRegex(@"\{([^{}]*)\}")]
    private static partial Regex Placeholder();

    private static string LastWord(string key) => key[(key.LastIndexOf('.') + 1)..];
    private static string FileName(string value) =>
        string.Concat(value.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+' ? c.ToString()
        : c is '[' or ']' or '{' or '}' or ' ' ? "" : "-"));
}

/// <summary>
/// One run of a grid: its name (also its folder), its config as the grid names it, and its settings (key=value).
/// </summary>
public sealed record GridRun(string Name, string Config, IReadOnlyList<string> Settings);

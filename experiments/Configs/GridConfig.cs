// A grid: one config, run for every combination of some keys' values.
using System.Globalization;

namespace RlLeap.Experiments.Configs;

/// <summary>Config of `rlleap grid`: the runs are all combinations of the axes' values.</summary>
public sealed record GridConfig : ICheckedConfig
{
    [Key("Command that makes one run", OneOf = ["meta-train", "train"])]
    public string Command { get; init; } = "meta-train";

    [Key("Config of every run, relative to this file")]
    public required string Config { get; init; }

    [Key("Folder of the runs: each gets a folder in it, named by its values")]
    public required string Directory { get; init; }

    [Key("Runs side by side, each a process of its own", Min = 1, Max = 1024)]
    public int Parallel { get; init; } = 1;

    [Key("Values that all runs share, by key as for --set")]
    public IReadOnlyDictionary<string, string> Set { get; init; } = new Dictionary<string, string>();

    [Key("Values to combine, by key as for --set: method: [leap, reptile]", AtLeast = 1)]
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Axes { get; init; }

    public IEnumerable<(string Key, string Expected)> Check()
    {
        if (Axes.Count == 0) yield return ("axes", "at least one key with its values");
        if (Axes.FirstOrDefault(a => a.Value.Distinct().Count() < a.Value.Count) is { Key: { } twice }) yield return ("axes", $"each value of {twice} once");
        if (Axes.Keys.FirstOrDefault(k => Set.ContainsKey(k)) is { } both) yield return ("set", $"keys that are not axes too: {both}");
        if (Axes.ContainsKey("run.directory") || Set.ContainsKey("run.directory")) yield return ("directory", "run.directory to be left to the grid");
        if (Axes.Keys.Select(LastWord).Distinct().Count() < Axes.Count) yield return ("axes", "keys whose last words differ: they name the folders");
    }

    /// <summary>All runs: the last axis varies fastest. Names are like "method-leap/seed-3".</summary>
    public IReadOnlyList<GridRun> Runs()
    {
        IEnumerable<GridRun> runs = [new("", [.. Set.Select(s => $"{s.Key}={s.Value}")])];
        foreach (var (key, values) in Axes)
            runs = runs.SelectMany(run => values.Select(value => new GridRun($"{run.Name}{(run.Name.Length > 0 ? "/" : "")}{LastWord(key)}-{FileName(value)}", [.. run.Settings, $"{key}={value}"])));
        return [.. runs];
    }

    private static string LastWord(string key) => key[(key.LastIndexOf('.') + 1)..];
    private static string FileName(string value) => string.Concat(value.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+' ? c.ToString() : c is '[' or ']' or ' ' ? "" : "-"));
}

/// <summary>One run of a grid: its name (also its folder) and its settings (key=value).</summary>
public sealed record GridRun(string Name, IReadOnlyList<string> Settings);

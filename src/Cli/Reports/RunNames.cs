using System.Globalization;
using YamlDotNet.RepresentationModel;
using RlLeap.Cli.MetaTraining;

namespace RlLeap.Cli.Reports;

/// <summary>Tells the runs in some folders apart.</summary>
public sealed class RunNames
{
    private readonly IReadOnlyList<string> _folders;

    public RunNames(IReadOnlyList<string> folders)
    {
        _folders = folders;
        var paths = folders.Select(f => Path.GetFullPath(f).Split('/', StringSplitOptions.RemoveEmptyEntries)).ToList();
        var common = 0;
        while (paths.All(p => p.Length > common + 1 && p[common] == paths[0][common])) common++;
        Names = [.. paths.Select(p => string.Join('/', p[common..]))];
        Title = folders.Count == 1 ? Names[0] : common == 0
            ? string.Join(", ", Names) : $"{paths[0][common - 1]}: {folders.Count} runs";
    }

    /// <summary>Each run's folder, below what all have in common.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>
    /// Short names of folders: the last parts of their paths, as many as it takes to tell them from one another and
    /// from names that are <paramref name="taken"/>.
    /// </summary>
    public static IReadOnlyList<string> Tails(IReadOnlyList<string> folders, params string[] taken)
    {
        var paths = folders.Select(f => Path.GetFullPath(f).Split('/', StringSplitOptions.RemoveEmptyEntries)).ToList();
        for (var parts = 1; ; parts++)
        {
            string[] names = [.. paths.Select(p => string.Join('/', p.TakeLast(parts)))];
            if (names.Distinct().Count() == names.Length && !names.Intersect(taken).Any()
                || paths.All(p => p.Length <= parts)) return names;
        }
    }

    /// <summary>What all are called together.</summary>
    public string Title { get; }

    /// <summary>The value of a key of each run's config, as a number.</summary>
    /// <exception cref="RlLeapException">A run has no such key, or no number there.</exception>
    public IReadOnlyList<double> Values(string key) => [.. _folders.Select(folder =>
        double.TryParse(Value(folder, key), NumberStyles.Float, null, out var number) ? number
        : throw new RlLeapException($"--over {key}: {folder} has {Value(folder, key)} there, which is no number."))];

    /// <summary>What the keys' values say of each run: a switch by its name ("no loss"), others by value.</summary>
    /// <param name="methods">Each run's method, named too where they differ.</param>
    /// <exception cref="RlLeapException">No run has such a key. Some may lack one: it is another method's.</exception>
    public IReadOnlyList<string> Labels(IReadOnlyList<string> keys, IReadOnlyList<string?> methods)
    {
        var values = _folders.Select(folder => keys.Select(key => Find(folder, key)).ToList()).ToList();
        for (var i = 0; i < keys.Count; i++)
            if (values.All(ofRun => ofRun[i] is null))
                throw new RlLeapException($"No run has a key {keys[i]} in its config: not {_folders[0]}, nor another.");
        return [.. values.Select((ofRun, run) => string.Join(": ", from part in
            new[] { methods.Distinct().Count() > 1 ? methods[run] : null, string.Join(", ", Words(ofRun)) }
            where !string.IsNullOrEmpty(part)
            select part))];

        IEnumerable<string> Words(IReadOnlyList<string?> ofRun) =>
            from pair in keys.Zip(ofRun)
            where pair.Second is not null
            let word = pair.First[(pair.First.LastIndexOf('.') + 1)..]
            select pair.Second switch
            {
                "true" => word,
                "false" or "" => "no " + word,
                var value when double.TryParse(value, NumberStyles.Float, null, out _) => $"{word} {value}",
                var value => value,
            };
    }

    private static string Value(string folder, string key) => Find(folder, key)
        ?? throw new RlLeapException($"{folder} has no key {key} in its config.");

    private static string? Find(string folder, string key)
    {
        var path = Path.Combine(folder, RunDirectory.ConfigName);
        if (!File.Exists(path)) throw new RlLeapException($"{path} is not there: {folder} is no run.");
        return ConfigTree.Load(path, typeof(MetaTrainConfig)).Find(OldKeys.Now(key)) is { } node ? Text(node) : null;
    }

    private static string Text(YamlNode node) => node switch
    {
        YamlMappingNode map => string.Join(", ", map.Select(pair => $"{pair.Key}: {Text(pair.Value)}")),
        YamlSequenceNode list => string.Join(", ", list.Select(Text)),
        _ => node.ToString(),
    };
}

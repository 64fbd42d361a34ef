// Holds a run to the config and the plug-ins that it was begun with.
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RlLeap.Cli.Runs;

/// <summary>Compares configs by what decides results: not by where a run lies or is computed.</summary>
internal static class ConfigGuard
{
    private static readonly string[] Free =
    [
        "run.directory", "run.device", "run.parallel", "run.checkpoint-seconds", "environment-threads", "executor",
        "assemblies", "record.checkpoint-every", "record.checkpoints-kept",
    ];

    /// <summary>The keys that differ: "agent-steps: 60000 is now 90000"; null where they agree.</summary>
    public static string? Difference(string before, string now)
    {
        var (a, b) = (Keys(before), Keys(now));
        var odd = a.Keys.Union(b.Keys).Where(key => !Same(a.GetValueOrDefault(key), b.GetValueOrDefault(key)))
            .Order(StringComparer.Ordinal)
            .Select(key => $"{key}: {Text(a, key)} is now {Text(b, key)}").ToList();
        return odd.Count == 0 ? null : string.Join("; ", odd);
    }

    /// <summary>A hash of what decides results in a config.</summary>
    public static string Sum(string config) => FileHash.OfText(
        string.Join('\n', Keys(config).OrderBy(key => key.Key, StringComparer.Ordinal)
            .Select(key => $"{key.Key}={(Number(key.Value) is { } number ? $"{number}" : key.Value)}")));

    private static Dictionary<string, string> Keys(string yaml)
    {
        var keys = new Dictionary<string, string>();
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(yaml));
            if (stream.Documents.Count > 0) Add(stream.Documents[0].RootNode, "");
        }
        catch (YamlException e) { throw new RlLeapException($"the config is no YAML: {e.Message}", e); }
        return keys;

        void Add(YamlNode node, string path)
        {
            if (Array.Exists(Free, free => path == free)) return;
            switch (node)
            {
                case YamlMappingNode map:
                    foreach (var (key, value) in map.Children) Add(value, path.Length == 0 ? $"{key}"
                        : $"{path}.{key}");
                    break;
                case YamlSequenceNode list:
                    keys[path] = $"[{string.Join(", ", list.Children)}]";
                    break;
                default:
                    keys[path] = node.ToString();
                    break;
            }
        }
    }

    private static bool Same(string? a, string? b) => a == b || (Number(a) is { } x && Number(b) is { } y && x == y);

    private static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.Float, null, out var number) ? number : null;

    private static string Text(Dictionary<string, string> keys, string key) =>
        keys.TryGetValue(key, out var value) ? value.Length > 80 ? value[..80] + "…" : value : "(left out)";
}

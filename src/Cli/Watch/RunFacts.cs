// What a run is: read from its config as text. No plug-in is loaded and no environment made for it.
using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace RlLeap.Cli.Watch;

/// <summary>A run as its config describes it.</summary>
/// <param name="Kind">train or meta-train.</param>
/// <param name="What">What is learned and how, in a few words.</param>
/// <param name="Group">What it can be compared with: its environment, or its suite.</param>
/// <param name="Total">Steps at its end; null where that is not known.</param>
/// <param name="Unit">What its steps are.</param>
/// <param name="Facts">Words and values, in order.</param>
internal sealed record RunFacts(
    string Kind, string What, string Group, long? Total, string Unit, IReadOnlyList<KeyValuePair<string, string>> Facts)
{
    /// <summary>Reads them.</summary>
    /// <exception cref="RlLeapException">The config is gone or damaged.</exception>
    public static RunFacts Of(string folder)
    {
        var tree = ConfigTree.Load(RunDirectory.ConfigOf(folder), typeof(GridConfig));
        var isMeta = tree.Has("suite");
        var what = isMeta ? $"{Text("method.name")} over {Text("suite")}" : Text("environment");
        var facts = isMeta ? Facts(("suite", "suite"), ("method", "method.name"), ("meta-steps", "meta.steps"),
                ("tasks of a meta-step", "meta.batch"), ("agent steps of a task", "games.agent-steps"),
                ("seed", "run.seed"), ("device", "run.device"))
            : Facts(("environment", "environment"), ("preset", "agent.preset"), ("network", "agent.network"),
                ("learning rate", "agent.optimizer.learning-rate"), ("agent steps", "agent-steps"),
                ("copies of the environment", "agent.environments"), ("seed", "run.seed"), ("device", "run.device"));
        var total = ScalarText.Parse(typeof(long), Text(isMeta ? "meta.steps" : "agent-steps")) as long?;
        return new(isMeta ? "meta-train" : "train", what, Text(isMeta ? "suite" : "environment"), total,
            isMeta ? "meta-steps" : "agent steps", facts);

        string Text(string key) => (tree.Find(key) as YamlScalarNode)?.Value ?? "";
        List<KeyValuePair<string, string>> Facts(params IReadOnlyList<(string Name, string Key)> keys) =>
            [.. keys.Select(k => KeyValuePair.Create(k.Name, Text(k.Key))).Where(fact => fact.Value.Length > 0)];
    }

    // Of a result, only what stands in it as words: its curves may be megabytes.
    private static readonly string[] NotShown = ["metrics", "config", "options"];

    /// <summary>The facts of a finished run's result; empty where it cannot be read.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> OfResult(string folder)
    {
        using var stream = RunFile.Open(Path.Combine(folder, RunDirectory.ResultName));
        if (stream is null) return [];
        try
        {
            using var json = JsonDocument.Parse(stream);
            return !json.RootElement.TryGetProperty("record", out var record) ? []
                : [.. record.EnumerateObject().Where(fact => fact.Value.ValueKind == JsonValueKind.String
                    && !NotShown.Contains(fact.Name)).Select(fact =>
                    KeyValuePair.Create(fact.Name, fact.Value.GetString()!)).Where(fact => fact.Value.Length <= 200)];
        }
        catch (Exception e) when (e is JsonException or IOException or InvalidOperationException) { return []; }
    }
}

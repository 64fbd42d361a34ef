using System.Text;
using RlLeap.Cli.MetaTraining;

namespace RlLeap.Cli.Config;

/// <summary>Every key of every config as Markdown: a table for each section.</summary>
internal static class KeyReference
{
    /// <summary>The page.</summary>
    /// <param name="own">Methods of a user's own, by name.</param>
    public static string Markdown(IReadOnlyList<string> own)
    {
        var text = new StringBuilder("# Keys of configs\n\nMade by `./rlleap config keys`. ");
        text.Append("[configs.md](configs.md) says how configs are read.\n");
        Table(text, "## train", typeof(TrainConfig));
        Table(text, "## meta-train", typeof(MetaTrainConfig));
        Table(text, "## grid", typeof(GridConfig));
        Table(text, "## Section `search` of a grid", typeof(SearchConfig));
        Table(text, "## An entry of `ranges` of a grid", typeof(RangeConfig));
        var sections = new Dictionary<Type, List<string>>();
        Find(typeof(TrainConfig), "", sections);
        Find(typeof(MetaTrainConfig), "", sections);
        foreach (var (type, paths) in sections.Where(section => section.Key != typeof(MetaLearningMethod)))
            Table(text, $"## Section {string.Join(", ", paths.Select(path => $"`{path}`"))}", type);
        foreach (var (name, type) in Methods.BuiltIn) Table(text, $"## Section `method` with `name: {name}`", type);
        foreach (var name in own)
            Table(text, $"## Section `method` with `name: {name}`", Methods.Create(name).GetType());
        return text.ToString();
    }

    // The sections, each with the paths at which it stands.
    private static void Find(Type type, string path, Dictionary<Type, List<string>> sections)
    {
        foreach (var key in OptionKey.Of(type).Where(key => OptionKey.IsSection(key.Property.PropertyType)))
        {
            var (inner, at) = (key.Property.PropertyType, path + key.Name);
            if (!sections.TryGetValue(inner, out var paths)) sections[inner] = paths = [];
            if (!paths.Contains(at)) paths.Add(at);
            Find(inner, at + ".", sections);
        }
    }

    private static void Table(StringBuilder text, string title, Type type)
    {
        text.Append($"\n{title}\n\n{XmlDocumentation.Summary(type)}\n");
        var keys = OptionKey.Of(type);
        if (keys.Count == 0) return;
        var defaults = Fresh(type);
        text.Append("\n| Key | Value | Default | What |\n|---|---|---|---|\n");
        foreach (var key in keys)
        {
            var value = key.Property.GetValue(defaults);
            var isSection = OptionKey.IsSection(key.Property.PropertyType);
            var takes = isSection ? "a section" : ConfigReader.Expected(key, key.Property.PropertyType);
            var usual = isSection && value is not null ? Differences(value) : ConfigWriter.Line(value);
            var shown = key.Required ? "required" : usual.Length == 0 ? "" : $"`{Cell(usual)}`";
            text.Append($"| `{key.Name}` | {Cell(takes)} | {shown} | {Cell(key.Documentation)} |\n");
        }
        if (ConfigReader.PresetsOf(type) is not { } presets) return;
        text.Append("\nPresets, where they differ from the defaults:\n\n");
        foreach (var name in presets.Keys) text.Append($"* `{name}`: `{Differences(presets[name]!)}`\n");
    }

    // What a record has otherwise than a fresh one of its type.
    private static string Differences(object record)
    {
        var fresh = Fresh(record.GetType());
        var words = new List<string>();
        if (NamedOptions.Of(record.GetType()) is { BuiltIn.Count: > 1 } kind) words.Add($"name: {kind.NameOf(record)}");
        foreach (var key in OptionKey.Of(record.GetType()))
        {
            var (own, usual) = (key.Property.GetValue(record), key.Property.GetValue(fresh));
            if (ConfigWriter.Line(own) == ConfigWriter.Line(usual)) continue;
            var isSection = own is not null && OptionKey.IsSection(own.GetType());
            words.Add($"{key.Name}: {(isSection ? $"{{{Differences(own!)}}}" : ConfigWriter.Line(own))}");
        }
        return string.Join(", ", words);
    }

    // A positional record of a user's own has no constructor without parameters.
    private static object Fresh(Type type) =>
        type.GetConstructor(Type.EmptyTypes) is not null ? Activator.CreateInstance(type)!
        : Methods.Create(Methods.Ids.First(id => Methods.Create(id).GetType() == type));

    private static string Cell(string text) => text.Replace("|", "\\|");
}

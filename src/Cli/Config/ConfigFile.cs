// Config files: YAML in, immutable records out, every key checked; and back to YAML.
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RlLeap.Cli.Config;

/// <summary>Reads and writes configs: sealed records whose properties carry <see cref="KeyAttribute"/>. Types of keys: string, bool,
/// int, long, double, enums, lists of these, nested records, lists of records, dictionaries from string to any of these; nullable forms.</summary>
public static class ConfigFile
{
    /// <summary>Reads <paramref name="path"/> with <c>a.b=value</c> overrides on top, each checked as if it stood in the file.</summary>
    /// <exception cref="ConfigException">The first thing wrong: where, what, and what was expected.</exception>
    public static T Load<T>(string path, params IEnumerable<string> overrides) where T : class
    {
        string text;
        try { text = File.ReadAllText(path); }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        { throw new ConfigException($"{path}: no such file; configs that come with RlLeap are in experiments/configs"); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new ConfigException($"{path}: cannot be read: {e.Message}"); }
        return Parse<T>(text, path, overrides);
    }

    /// <summary>As <see cref="Load"/>, from text; <paramref name="name"/> stands for the file in errors.</summary>
    public static T Parse<T>(string text, string name, params IEnumerable<string> overrides) where T : class
    {
        var origin = new ConfigOrigin(name);
        var root = ParseYaml(text, name);
        foreach (var setting in overrides) Override(root, setting, origin);
        return (T)new ConfigReader(origin).Section(typeof(T), root, "");
    }

    private static YamlMappingNode ParseYaml(string text, string name)
    {
        if (text.Split('\n').ToList().FindIndex(line => line[..^line.TrimStart().Length].Contains('\t') && line.Trim().Length > 0) is >= 0 and var tab)
            throw new ConfigException($"{name}:{tab + 1}: a tab in the indentation; expected spaces");
        var stream = new YamlStream();
        var parser = new Parser(new StringReader(text));
        try { stream.Load(parser); }
        catch (YamlException e) when (e.Message.StartsWith("Duplicate key ", StringComparison.Ordinal))
        { throw new ConfigException($"{name}:{e.Start.Line}: duplicate key '{e.Message["Duplicate key ".Length..]}'; expected each key once"); }
        catch (Exception e) when (e is YamlException or InvalidOperationException or ArgumentException) // the scanner throws the latter two on some broken input
        {
            var line = e is YamlException yaml ? yaml.Start.Line : parser.Current?.End.Line ?? 1;
            throw new ConfigException($"{name}:{line}: not YAML{(e is YamlException ? $" ({e.Message.TrimEnd('.')})" : "")}; expected lines of `key: value`, indented by spaces, quotes and brackets closed");
        }
        if (stream.Documents.Count > 1) throw new ConfigException($"{name}:{stream.Documents[1].RootNode.Start.Line}: a second document begins; expected one");
        if (stream.Documents.Count == 0) return new YamlMappingNode();
        return stream.Documents[0].RootNode as YamlMappingNode
            ?? throw new ConfigException($"{name}:{stream.Documents[0].RootNode.Start.Line}: found {ConfigReader.Describe(stream.Documents[0].RootNode)}; expected keys and values");
    }

    private static void Override(YamlMappingNode root, string setting, ConfigOrigin origin)
    {
        var split = setting.IndexOf('=');
        var path = split < 0 ? [] : setting[..split].Split('.');
        if (path.Length == 0 || path.Any(string.IsNullOrWhiteSpace))
            throw new ConfigException($"--set {setting}: expected key=value, a key of a section as section.key=value");
        YamlNode value;
        var documents = new YamlStream();
        try { documents.Load(new StringReader(setting[(split + 1)..])); }
        catch (Exception e) when (e is YamlException or InvalidOperationException or ArgumentException)
        { throw new ConfigException($"--set {setting}: the value is not YAML; expected a number, a text, or a list [a, b]"); }
        value = documents.Documents.Count == 0 ? new YamlScalarNode("") : documents.Documents[0].RootNode;
        origin.Mark(value, setting);
        var node = root;
        foreach (var key in path[..^1])
        {
            if (node.Children.TryGetValue(key, out var child) && child is YamlMappingNode section) { node = section; continue; }
            section = new YamlMappingNode();
            origin.Mark(section, setting);
            Put(node, key, section);
            node = section;
        }
        Put(node, path[^1], value);

        void Put(YamlMappingNode into, string key, YamlNode what)
        {
            var name = new YamlScalarNode(key);
            origin.Mark(name, setting);
            into.Children.Remove(name);
            into.Children.Add(name, what);
        }
    }

    /// <summary>The config as YAML with every key; reads back to an equal config. With <paramref name="documented"/>, each key's
    /// documentation stands above it.</summary>
    public static string ToYaml(object config, bool documented = false) => ConfigWriter.Write(config, documented);
}

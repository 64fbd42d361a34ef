using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RlLeap.Cli.Config;

/// <summary>The nodes of a config file, of the file that it names as its base, and of overrides.</summary>
internal sealed class ConfigTree
{
    private readonly Type _type;
    private readonly Dictionary<YamlNode, string> _places = new(ReferenceEqualityComparer.Instance);

    private ConfigTree(Type type) => _type = type;

    /// <summary>The nodes.</summary>
    public YamlMappingNode Root { get; private set; } = new();

    /// <summary>A config file with its bases.</summary>
    /// <param name="type">The config's record; decides which old keys are known.</param>
    public static ConfigTree Load(string path, Type type) => new ConfigTree(type).Read(() => Text(path), path, []);

    /// <summary>As <see cref="Load"/>, from a text.</summary>
    public static ConfigTree Parse(string text, string name, Type type) =>
        new ConfigTree(type).Read(() => text, name, []);

    /// <summary>"file:line" or "--set key=value".</summary>
    public string PlaceOf(YamlNode node) => _places.GetValueOrDefault(node, "?");

    /// <summary>Makes a node known as written where another was.</summary>
    public T Like<T>(T node, YamlNode other) where T : YamlNode
    {
        _places[node] = PlaceOf(other);
        return node;
    }

    /// <summary>Whether a key is written somewhere.</summary>
    public bool Has(string path) => Find(path) is not null;

    /// <summary>The value of a key; null where it is not written.</summary>
    public YamlNode? Find(string path) => Find(Root, path);

    /// <summary>Lays settings, each as a.b=value, over the tree.</summary>
    public void Set(IEnumerable<string> settings)
    {
        var all = new YamlMappingNode();
        foreach (var setting in settings)
        {
            var split = setting.IndexOf('=');
            var path = split < 0 ? "" : setting[..split];
            if (path.Split('.').Any(string.IsNullOrWhiteSpace))
                throw new ConfigException(
                    $"--set {setting}: expected key=value, a key of a section as section.key=value");
            var one = new YamlMappingNode();
            Put(one, PartsOf(path), Value(setting, setting[(split + 1)..]));
            foreach (var node in one.AllNodes) _places[node] = $"--set {setting}";
            Hint($"--set {setting}", OldKeys.Rename(this, one, _type));
            Overlay(all, one);
        }
        Overlay(Root, all);
    }

    /// <summary>Writes a value at a path, with the sections on the way.</summary>
    public void Put(YamlMappingNode into, string path, YamlNode value) => Put(into, path.Split('.'), value);

    private void Put(YamlMappingNode into, string[] parts, YamlNode value)
    {
        foreach (var part in parts[..^1])
        {
            if (!(into.Children.TryGetValue(part, out var child) && child is YamlMappingNode section))
                Replace(into, part, section = Like(new YamlMappingNode(), value));
            into = section;
        }
        Replace(into, parts[^1], value);
    }

    // The sections and the key of a path. In a dictionary of values the rest is one name, dots and all: axes.run.seed.
    private string[] PartsOf(string path)
    {
        var parts = path.Split('.');
        var type = _type;
        for (var i = 0; i < parts.Length - 1; i++)
        {
            if (OptionKey.Of(type).FirstOrDefault(key => key.Name == parts[i]) is not { } found) break;
            type = found.Property.PropertyType;
            if (ConfigReader.DictionaryOf(type) is { } values && !OptionKey.IsSection(values))
                return [.. parts[..(i + 1)], string.Join('.', parts[(i + 1)..])];
        }
        return parts;
    }

    /// <summary>The value of a path below a node; null where there is none.</summary>
    public static YamlNode? Find(YamlNode node, string path)
    {
        foreach (var part in path.Split('.'))
        {
            if (node is not YamlMappingNode section || !section.Children.TryGetValue(part, out var child)) return null;
            node = child;
        }
        return node;
    }

    /// <summary>Takes a path out; null where there is none.</summary>
    public static YamlNode? Take(YamlMappingNode root, string path)
    {
        var dot = path.LastIndexOf('.');
        if ((dot < 0 ? root : Find(root, path[..dot])) is not YamlMappingNode section
            || !section.Children.TryGetValue(path[(dot + 1)..], out var value))
            return null;
        section.Children.Remove(path[(dot + 1)..]);
        return value;
    }

    // What is laid over wins; lists are replaced, sections merged. Another name begins its section anew: the keys were
    // another method's.
    private void Overlay(YamlMappingNode into, YamlMappingNode over)
    {
        if (Find(into, "name") is { } before && Find(over, "name") is { } name && before.ToString() != name.ToString())
            into.Children.Clear();
        if (over.Children.ContainsKey("gradient-steps")) into.Children.Remove("epochs"); // two ways to say one thing
        foreach (var (key, value) in over.Children)
            if (value is YamlMappingNode above && At(into, key) is YamlMappingNode below) Overlay(below, above);
            else Replace(into, key, value);

        static YamlNode? At(YamlMappingNode section, YamlNode key) =>
            section.Children.TryGetValue(key, out var found) ? found : null;
    }

    private void Replace(YamlMappingNode into, YamlNode key, YamlNode value)
    {
        into.Children.Remove(key);
        into.Children.Add(_places.ContainsKey(key) ? key : Like(key, value), value);
    }

    private ConfigTree Read(Func<string> text, string name, IReadOnlyList<string> above)
    {
        if (above.Contains(Path.GetFullPath(name)))
            throw new ConfigException($"{name}: key 'base': the file is its own base; expected another file");
        var root = ParseYaml(text(), name);
        foreach (var node in root.AllNodes) _places[node] = $"{name}:{Math.Max(1, node.Start.Line)}";
        Hint(name, OldKeys.Rename(this, root, _type));
        if (Take(root, "base") is { } named)
        {
            if (named is not YamlScalarNode { Value.Length: > 0 } file)
                throw new ConfigException($"{PlaceOf(named)}: key 'base': expected a file, relative to this one");
            var path = Path.Combine(Path.GetDirectoryName(name) ?? "", file.Value!);
            if (!File.Exists(path)) throw new ConfigException($"{PlaceOf(named)}: key 'base': there is no file {path}");
            Read(() => Text(path), path, [.. above, Path.GetFullPath(name)]);
        }
        Overlay(Root, root);
        _places[Root] = $"{name}:1";
        return this;
    }

    // Some commands read a file several times; one hint is enough.
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> Hinted = new();

    private static void Hint(string where, IReadOnlyList<string> renamed)
    {
        if (renamed.Count == 0 || !Hinted.TryAdd(where, true)) return;
        Log.Information("{Where}: old keys, still understood: {Keys}", where, string.Join(", ", renamed));
    }

    private static string Text(string path)
    {
        try { return File.ReadAllText(path); }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ConfigException($"{path}: no such file; {Shipped(path)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException($"{path}: cannot be read: {e.Message}");
        }
    }

    // Where the configs are that come with the program, as seen from here.
    private static string Shipped(string asked)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var configs = Path.Combine(folder.FullName, "experiments");
            if (!Directory.Exists(configs)) continue;
            // By folder and file; earlier versions had "minatar-quick.yaml" for "minatar/quick.yaml".
            List<string> files = [.. Directory.GetDirectories(configs)
                .SelectMany(inner => Directory.GetFiles(inner, "*.yaml"))
                .Select(file => Path.GetRelativePath(configs, file).Replace('\\', '/'))];
            var name = asked.Replace('\\', '/');
            var near = files.Find(file =>
                name.EndsWith(file, StringComparison.Ordinal) || file.Replace('/', '-') == Path.GetFileName(name));
            var path = near is null ? configs : Path.Combine(configs, near);
            var shown = Path.GetRelativePath(Environment.CurrentDirectory, path);
            if (shown.StartsWith("..", StringComparison.Ordinal)) shown = path;
            return near is not null ? $"there is {shown}"
                : $"configs that come with RlLeap are in {shown}.{Names.Suggest(name, files)}";
        }
        return "expected a config file (YAML)";
    }

    private static YamlNode Value(string setting, string text)
    {
        var documents = new YamlStream();
        try { documents.Load(new StringReader(text)); }
        catch (Exception e) when (e is YamlException or InvalidOperationException or ArgumentException)
        {
            throw new ConfigException(
                $"--set {setting}: the value is not YAML; expected a number, a text, or a list [a, b]");
        }
        return documents.Documents.Count == 0 ? new YamlScalarNode("") : documents.Documents[0].RootNode;
    }

    private static YamlMappingNode ParseYaml(string text, string name)
    {
        if (text.Split('\n').ToList().FindIndex(line => line[..^line.TrimStart().Length].Contains('\t')
            && line.Trim().Length > 0) is >= 0 and var tab)
            throw new ConfigException($"{name}:{tab + 1}: a tab in the indentation; expected spaces");
        var stream = new YamlStream();
        var parser = new Parser(new StringReader(text));
        try { stream.Load(parser); }
        catch (YamlException e) when (e.Message.StartsWith("Duplicate key ", StringComparison.Ordinal))
        {
            var key = e.Message["Duplicate key ".Length..];
            throw new ConfigException($"{name}:{e.Start.Line}: duplicate key '{key}'; expected each key once");
        }
        // The scanner throws the latter two on some broken input.
        catch (Exception e) when (e is YamlException or InvalidOperationException or ArgumentException)
        {
            var line = e is YamlException yaml ? yaml.Start.Line : parser.Current?.End.Line ?? 1;
            var why = e is YamlException ? $" ({e.Message.TrimEnd('.')})" : "";
            throw new ConfigException($"{name}:{line}: not YAML{why}; "
                + "expected lines of `key: value`, indented by spaces, quotes and brackets closed");
        }
        if (stream.Documents.Count == 0) return new YamlMappingNode();
        if (stream.Documents.Count > 1)
            throw Wrong(stream.Documents[1].RootNode, "a second document begins; expected one");
        var root = stream.Documents[0].RootNode;
        return root as YamlMappingNode
            ?? throw Wrong(root, $"found {ConfigReader.Describe(root)}; expected keys and values");

        ConfigException Wrong(YamlNode node, string what) => new($"{name}:{node.Start.Line}: {what}");
    }
}

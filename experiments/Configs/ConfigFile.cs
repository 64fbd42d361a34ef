// Config files: YAML in, immutable records out, every key checked; and back to YAML.
using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RlLeap.Experiments.Configs;

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
        var origin = new Origin(name);
        var root = ParseYaml(text, name);
        foreach (var setting in overrides) Override(root, setting, origin);
        return (T)new Reader(origin).Section(typeof(T), root, "");
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
            ?? throw new ConfigException($"{name}:{stream.Documents[0].RootNode.Start.Line}: found {Reader.Describe(stream.Documents[0].RootNode)}; expected keys and values");
    }

    private static void Override(YamlMappingNode root, string setting, Origin origin)
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
    public static string ToYaml(object config, bool documented = false)
    {
        var text = new StringBuilder();
        Write(text, config, 0, documented);
        return text.ToString();
    }

    private static void Write(StringBuilder text, object section, int indent, bool documented)
    {
        foreach (var key in Key.Of(section.GetType()))
        {
            var margin = new string(' ', indent);
            if (documented) text.Append($"{margin}# {key.Attribute.Documentation}\n");
            text.Append($"{margin}{key.Name}:");
            WriteValue(text, key.Property.GetValue(section), indent, documented);
        }
    }

    private static void WriteValue(StringBuilder text, object? value, int indent, bool documented)
    {
        var margin = new string(' ', indent + 2);
        switch (value)
        {
            case IDictionary { Count: > 0 } dictionary:
                text.Append('\n');
                foreach (var key in dictionary.Keys.Cast<string>().Order(StringComparer.Ordinal))
                {
                    text.Append($"{margin}{Scalar(key)}:");
                    WriteValue(text, dictionary[key], indent + 2, documented);
                }
                break;
            case IDictionary: text.Append(" {}\n"); break;
            case IEnumerable list when value is not string:
                var items = list.Cast<object>().ToList();
                if (items.Count == 0 || !Key.IsSection(items[0].GetType())) { text.Append($" [{string.Join(", ", items.Select(Scalar))}]\n"); break; }
                text.Append('\n');
                foreach (var item in items)
                {
                    var inner = new StringBuilder();
                    Write(inner, item, indent + 4, documented: false);
                    text.Append($"{margin}- {inner.ToString().TrimStart(' ')}");
                }
                break;
            case not null when Key.IsSection(value.GetType()):
                text.Append('\n');
                Write(text, value, indent + 2, documented);
                break;
            default: text.Append($" {Scalar(value)}\n"); break;
        }
    }

    private static string Scalar(object? value) => value switch
    {
        null => "null",
        bool b => b ? "true" : "false",
        Enum e => Key.Kebab(e.ToString()),
        double or float => Convert.ToDouble(value).ToString("R", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        string text when IsPlain(text) => text,
        _ => $"\"{value!.ToString()!.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\r", "\\r").Replace("\t", "\\t")}\"",
    };

    // Words that need no quotes whoever reads them: letters first, and nothing that YAML or a number could claim.
    private static bool IsPlain(string text) => text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] is '/' or '_')
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '/' or '.' or '+') && text.ToLowerInvariant() is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off" or "y" or "n");

    /// <summary>Where a node came from: a line of the file, or an override.</summary>
    private sealed class Origin(string file)
    {
        private readonly Dictionary<YamlNode, string> _overrides = new(ReferenceEqualityComparer.Instance);

        public void Mark(YamlNode node, string setting)
        {
            foreach (var inner in node.AllNodes) _overrides[inner] = setting;
        }

        public string Of(YamlNode node) => _overrides.TryGetValue(node, out var setting) ? $"--set {setting}" : $"{file}:{Math.Max(1, node.Start.Line)}";
    }

    /// <summary>Binds YAML nodes to records.</summary>
    private sealed class Reader(Origin origin)
    {
        public object Section(Type type, YamlMappingNode node, string path)
        {
            var keys = Key.Of(type);
            var where = path.Length == 0 ? "" : $" in section '{path}'";
            var values = new Dictionary<string, (YamlNode Name, YamlNode Value)>();
            foreach (var (name, value) in node.Children)
            {
                if (name is not YamlScalarNode { Value: { } text }) throw Error(name, $"found {Describe(name)} as a key{where}; expected a word");
                if (keys.All(k => k.Name != text))
                    throw Error(name, $"unknown key '{text}'{where}; expected {Nearest(text, keys)}");
                values[text] = (name, value);
            }
            // Initializers give the defaults; the constructor of a record with required members may be called by reflection.
            var section = Activator.CreateInstance(type)!;
            foreach (var key in keys)
            {
                if (values.TryGetValue(key.Name, out var given))
                    key.Property.SetValue(section, Value(key, key.Property.PropertyType, key.Nullable, given.Value, Join(path, key.Name)));
                else if (key.Required)
                    throw Error(node, $"missing key '{key.Name}'{where}; expected {Expected(key, key.Property.PropertyType)}: {key.Attribute.Documentation}");
            }
            if (section is ICheckedConfig rules && rules.Check().FirstOrDefault() is { Key: { } broken } rule)
                throw Error(values.TryGetValue(broken, out var at) ? at.Value : node, $"key '{Join(path, broken)}': expected {rule.Expected}");
            return section;
        }

        private object? Value(Key key, Type type, bool nullable, YamlNode node, string path)
        {
            type = Nullable.GetUnderlyingType(type) ?? type;
            if (nullable && IsNull(node)) return null;
            if (Key.IsSection(type)) return node is YamlMappingNode section ? Section(type, section, path) : IsNull(node) ? Section(type, Empty(node), path) : throw Wrong();
            if (Key.ElementOf(type) is { } element)
            {
                if (type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
                {
                    if (node is not YamlMappingNode mapping) throw Wrong();
                    var dictionary = (IDictionary)Activator.CreateInstance(typeof(SortedDictionary<,>).MakeGenericType(typeof(string), element), StringComparer.Ordinal)!;
                    foreach (var (name, value) in mapping.Children)
                        dictionary[name is YamlScalarNode { Value: { Length: > 0 } text } ? text : throw Error(name, $"key '{path}': found {Describe(name)} as a name; expected a word")] = Value(key, element, false, value, Join(path, name.ToString()));
                    return dictionary;
                }
                if (node is not YamlSequenceNode sequence || sequence.Children.Count < key.Attribute.AtLeast) throw Wrong();
                var items = Array.CreateInstance(element, sequence.Children.Count);
                for (var i = 0; i < items.Length; i++) items.SetValue(Value(key, element, false, sequence.Children[i], $"{path}[{i}]"), i);
                return items;
            }
            if (node is not YamlScalarNode scalar || Parse(type, scalar) is not { } parsed || !key.Attribute.Allows(parsed)) throw Wrong();
            return parsed;

            ConfigException Wrong() => Error(node, $"key '{path}': found {Describe(node)}; expected {Expected(key, type)}{(nullable ? ", or null" : "")}");
        }

        private YamlMappingNode Empty(YamlNode node)
        {
            var empty = new YamlMappingNode();
            if (origin.Of(node) is ['-', '-', ..] setting) origin.Mark(empty, setting["--set ".Length..]);
            return empty;
        }

        private static bool IsNull(YamlNode node) => node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "null" or "~" };

        private static object? Parse(Type type, YamlScalarNode node)
        {
            var text = node.Value ?? "";
            if (type == typeof(string)) return IsNull(node) ? null : text;
            if (node.Style != ScalarStyle.Plain) return null; // "1" is a text
            if (type == typeof(bool)) return text switch { "true" => true, "false" => false, _ => null };
            if (type.IsEnum) return Enum.GetValues(type).Cast<object>().FirstOrDefault(v => Key.Kebab(v.ToString()!) == text);
            var number = text.Replace("_", ""); // 5_000_000 and 5e6 are whole numbers too
            if (type == typeof(double) || type == typeof(float))
                return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real) ? Convert.ChangeType(real, type) : null;
            if (!decimal.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var whole) || whole != decimal.Truncate(whole)) return null;
            if (type == typeof(int)) return whole is >= int.MinValue and <= int.MaxValue ? (int)whole : null;
            if (type == typeof(long)) return whole is >= long.MinValue and <= long.MaxValue ? (long)whole : null;
            throw new NotSupportedException($"a config key cannot have the type {type}");
        }

        private static string Expected(Key key, Type type)
        {
            type = Nullable.GetUnderlyingType(type) ?? type;
            if (Key.IsSection(type)) return $"a section with {string.Join(", ", Key.Of(type).Select(k => k.Name))}";
            if (Key.ElementOf(type) is { } element)
            {
                var dictionary = type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>);
                var many = !dictionary && key.Attribute.AtLeast > 0 ? $" of at least {key.Attribute.AtLeast}" : "";
                return $"{(dictionary ? "names, each with" : $"a list{many}, each entry")} {Expected(key, element)}";
            }
            if (type.IsEnum) return $"one of {string.Join(", ", Enum.GetNames(type).Select(Key.Kebab))}";
            var name = type == typeof(string) ? "a text" : type == typeof(bool) ? "true or false" : type == typeof(int) || type == typeof(long) ? "a whole number" : "a number";
            return name + key.Attribute.BoundsInWords();
        }

        internal static string Describe(YamlNode node) => node switch
        {
            YamlMappingNode => "a section",
            YamlSequenceNode => "a list",
            YamlScalarNode { Value: null or "", Style: ScalarStyle.Plain } => "nothing",
            YamlScalarNode { Style: ScalarStyle.Plain } scalar => $"'{scalar.Value}'",
            YamlScalarNode scalar => $"the text \"{scalar.Value}\"",
            _ => "something else",
        };

        private static string Nearest(string text, IReadOnlyList<Key> keys)
        {
            var nearest = keys.Select(k => k.Name).MinBy(name => Distance(text.ToLowerInvariant().Replace('_', '-'), name))!;
            var all = string.Join(", ", keys.Select(k => k.Name));
            return Distance(text.ToLowerInvariant().Replace('_', '-'), nearest) <= Math.Max(2, text.Length / 3) ? $"'{nearest}'? (keys here: {all})" : $"one of {all}";
        }

        /// <summary>Edits (insert, delete, replace) between two words.</summary>
        private static int Distance(string a, string b)
        {
            var row = Enumerable.Range(0, b.Length + 1).ToArray();
            for (var i = 1; i <= a.Length; i++)
            {
                var diagonal = row[0];
                row[0] = i;
                for (var j = 1; j <= b.Length; j++)
                    (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
            }
            return row[^1];
        }

        private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
        private ConfigException Error(YamlNode node, string message) => new($"{origin.Of(node)}: {message}");
    }

    /// <summary>A property of a config record, seen as a key.</summary>
    private sealed record Key(string Name, PropertyInfo Property, KeyAttribute Attribute, bool Required, bool Nullable)
    {
        public static IReadOnlyList<Key> Of(Type type)
        {
            var context = new NullabilityInfoContext();
            return [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is not null).OrderBy(p => p.MetadataToken).Select(p => new Key(
                Kebab(p.Name), p,
                p.GetCustomAttribute<KeyAttribute>() ?? throw new InvalidOperationException($"{type.Name}.{p.Name} has no [Key]: every key of a config is documented"),
                p.IsDefined(typeof(RequiredMemberAttribute)),
                context.Create(p).WriteState == NullabilityState.Nullable))];
        }

        public static bool IsSection(Type type) => type.IsClass && type != typeof(string) && !type.IsArray && type.GetProperties().Any(p => p.IsDefined(typeof(KeyAttribute)));

        public static Type? ElementOf(Type type) => !type.IsGenericType ? null
            : type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0]
            : type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) ? type.GetGenericArguments()[1] : null;

        public static string Kebab(string name) => string.Concat(name.Select((c, i) =>
            char.IsUpper(c) ? (i > 0 && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1]))) ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));
    }
}

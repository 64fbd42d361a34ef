// From YAML nodes to config records: every key checked, every error with its place.
using System.Collections;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RlLeap.Cli.Config;

/// <summary>Where a node came from: a line of the file, or an override.</summary>
internal sealed class ConfigOrigin(string file)
{
    private readonly Dictionary<YamlNode, string> _overrides = new(ReferenceEqualityComparer.Instance);

    public void Mark(YamlNode node, string setting)
    {
        foreach (var inner in node.AllNodes) _overrides[inner] = setting;
    }

    public string Of(YamlNode node) => _overrides.TryGetValue(node, out var setting) ? $"--set {setting}" : $"{file}:{Math.Max(1, node.Start.Line)}";
}

/// <summary>Binds YAML nodes to records.</summary>
internal sealed class ConfigReader(ConfigOrigin origin)
{
    public object Section(Type type, YamlMappingNode node, string path)
    {
        var keys = ConfigKey.Of(type);
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
            throw Error(At(node, broken), $"key '{Join(path, broken)}': expected {rule.Expected}");
        return section;
    }

    // The node of a key below a section ("agent.network"), as far down as it is there.
    private static YamlNode At(YamlMappingNode section, string keys) =>
        section.Children.FirstOrDefault(child => (child.Key as YamlScalarNode)?.Value == keys.Split('.')[0]).Value is not { } found ? section
        : keys.Contains('.') && found is YamlMappingNode inner ? At(inner, keys[(keys.IndexOf('.') + 1)..]) : found;

    private object? Value(ConfigKey key, Type type, bool nullable, YamlNode node, string path)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (nullable && IsNull(node)) return null;
        if (ConfigKey.IsSection(type)) return node is YamlMappingNode section ? Section(type, section, path) : IsNull(node) ? Section(type, Empty(node), path) : throw Wrong();
        if (ConfigKey.ElementOf(type) is { } element)
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
        if (type.IsEnum) return Enum.GetValues(type).Cast<object>().FirstOrDefault(v => Names.Kebab(v.ToString()!) == text);
        var number = text.Replace("_", ""); // 5_000_000 and 5e6 are whole numbers too
        if (type == typeof(double) || type == typeof(float))
            return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real) ? Convert.ChangeType(real, type) : null;
        if (!decimal.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var whole) || whole != decimal.Truncate(whole)) return null;
        if (type == typeof(int)) return whole is >= int.MinValue and <= int.MaxValue ? (int)whole : null;
        if (type == typeof(long)) return whole is >= long.MinValue and <= long.MaxValue ? (long)whole : null;
        throw new NotSupportedException($"a config key cannot have the type {type}");
    }

    private static string Expected(ConfigKey key, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (ConfigKey.IsSection(type)) return $"a section with {string.Join(", ", ConfigKey.Of(type).Select(k => k.Name))}";
        if (ConfigKey.ElementOf(type) is { } element)
        {
            var dictionary = type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>);
            var many = !dictionary && key.Attribute.AtLeast > 0 ? $" of at least {key.Attribute.AtLeast}" : "";
            return $"{(dictionary ? "names, each with" : $"a list{many}, each entry")} {Expected(key, element)}";
        }
        if (type.IsEnum) return $"one of {string.Join(", ", Enum.GetNames(type).Select(Names.Kebab))}";
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

    private static string Nearest(string text, IReadOnlyList<ConfigKey> keys)
    {
        var nearest = keys.Select(k => k.Name).MinBy(name => Names.Distance(text.ToLowerInvariant().Replace('_', '-'), name))!;
        var all = string.Join(", ", keys.Select(k => k.Name));
        return Names.Distance(text.ToLowerInvariant().Replace('_', '-'), nearest) <= Math.Max(2, text.Length / 3) ? $"'{nearest}'? (keys here: {all})" : $"one of {all}";
    }

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
    private ConfigException Error(YamlNode node, string message) => new($"{origin.Of(node)}: {message}");
}

using System.Collections;
using System.Reflection;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RlLeap.Cli.Config;

/// <summary>Binds the nodes of a config to records.</summary>
internal sealed class ConfigReader(ConfigTree tree)
{
    /// <summary>A record from a section's keys over <paramref name="basis"/>, or over the type's defaults.</summary>
    public object Section(Type type, YamlMappingNode node, string path, object? basis)
    {
        var where = path.Length == 0 ? "" : $" in section '{path}'";
        var named = NamedOptions.Of(type);
        var start = named is null ? Copy(basis) ?? Activator.CreateInstance(type)! : Named(named, node, path, basis);
        start = Preset(start.GetType(), node) ?? start;
        var keys = OptionKey.Of(start.GetType());
        var values = new Dictionary<string, YamlNode>();
        foreach (var (name, value) in node.Children)
        {
            if (name is not YamlScalarNode { Value: { } text })
                throw Error(name, $"found {Describe(name)} as a key{where}; expected a word");
            if (named is not null && text == NamedOptions.Key) continue;
            if (keys.All(k => k.Name != text))
                throw Error(name, $"unknown key '{text}'{where}; expected {Nearest(text, named is not null, keys)}");
            values[text] = value;
        }
        foreach (var key in keys)
        {
            var keyType = key.Property.PropertyType;
            if (values.TryGetValue(key.Name, out var given))
            {
                var usual = key.Property.GetValue(start);
                key.Property.SetValue(start, Value(key, keyType, key.Nullable, given, Join(path, key.Name), usual));
            }
            else if (key.Required && basis is null)
                throw Error(node, $"missing key '{key.Name}'{where}; expected {Expected(key, keyType)}{About(key)}");
        }
        if (start is ICheckedConfig rules && rules.Check().FirstOrDefault() is { Key: { } broken } rule)
            throw Error(At(node, broken), $"key '{Join(path, broken)}': expected {rule.Expected}");
        return start;
    }

    // What the section's name says; the basis stays where it has that name.
    private object Named(NamedOptions named, YamlMappingNode node, string path, object? basis)
    {
        if (ConfigTree.Find(node, NamedOptions.Key) is not { } given)
            return Copy(basis) ?? throw Error(
                node, $"missing key 'name' in section '{path}'; expected one of {string.Join(", ", named.BuiltIn)}");
        var (name, at) = ((given as YamlScalarNode)?.Value ?? "", Join(path, NamedOptions.Key));
        if (basis is not null && named.NameOf(basis) == name) return Copy(basis)!;
        if (!named.BuiltIn.Contains(name) && !named.Own().Contains(name.Split('?')[0]))
            throw Error(given, $"key '{at}': expected {OwnNames.Expected(name, named.BuiltIn, named.Own())}");
        try { return named.Create(name); }
        catch (RlLeapException e) { throw Error(given, $"key '{at}': {e.Message}"); }
    }

    // A preset is a named base that the section's other keys are laid over.
    private static object? Preset(Type type, YamlMappingNode node) =>
        ConfigTree.Find(node, "preset") is YamlScalarNode { Value: { } name } && PresetsOf(type) is { } presets
        && presets.Contains(name) ? Copy(presets[name]) : null;

    /// <summary>The named settings of a record: its static property Presets; null where it has none.</summary>
    internal static IDictionary? PresetsOf(Type type) =>
        type.GetProperty("Presets", BindingFlags.Public | BindingFlags.Static)?.GetValue(null) as IDictionary;

    private static object? Copy(object? record) => record?.GetType().GetMethod("<Clone>$")!.Invoke(record, null);

    // The node of a key below a section ("agent.network"), as far down as it is there.
    private static YamlNode At(YamlNode section, string keys)
    {
        foreach (var key in keys.Split('.')) section = ConfigTree.Find(section, key) ?? section;
        return section;
    }

    private object? Value(OptionKey key, Type type, bool nullable, YamlNode node, string path, object? basis)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (nullable && IsNull(node)) return null;
        if (OptionKey.IsSection(type))
            return node is YamlMappingNode section ? Section(type, section, path, basis)
                : IsNull(node) ? Section(type, tree.Like(new YamlMappingNode(), node), path, basis) : throw Wrong();
        if (DictionaryOf(type) is { } values)
        {
            if (node is not YamlMappingNode mapping) throw Wrong();
            var sorted = typeof(SortedDictionary<,>).MakeGenericType(typeof(string), values);
            var dictionary = (IDictionary)Activator.CreateInstance(sorted, StringComparer.Ordinal)!;
            foreach (var (name, value) in mapping.Children)
            {
                if (name is not YamlScalarNode { Value: { Length: > 0 } text })
                    throw Error(name, $"key '{path}': found {Describe(name)} as a name; expected a word");
                dictionary[text] = Value(key, values, false, value, Join(path, text), null);
            }
            return dictionary;
        }
        if (ListOf(type) is { } element)
        {
            if (node is not YamlSequenceNode sequence || sequence.Children.Count < key.AtLeast) throw Wrong();
            var items = Array.CreateInstance(element, sequence.Children.Count);
            for (var i = 0; i < items.Length; i++)
                items.SetValue(Value(key, element, false, sequence.Children[i], $"{path}[{i}]", null), i);
            return items;
        }
        // "1" is a text.
        var isOpen = type == typeof(string) ? !IsNull(node) : node is YamlScalarNode { Style: ScalarStyle.Plain };
        if (!isOpen || node is not YamlScalarNode scalar) throw Wrong();
        return ScalarText.Parse(type, scalar.Value ?? "") is { } parsed && key.Allows(parsed) ? parsed : throw Wrong();

        ConfigException Wrong() => Error(node, $"key '{path}': found {Describe(node)}; "
            + $"expected {Expected(key, type)}{(nullable ? ", or null" : "")}");
    }

    /// <summary>The type of a list's entries; null for what is no list.</summary>
    internal static Type? ListOf(Type type) => type.IsGenericType
        && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    /// <summary>The type of a dictionary's values; null for what is none.</summary>
    internal static Type? DictionaryOf(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>)
            ? type.GetGenericArguments()[1] : null;

    internal static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "null" or "~" };

    /// <summary>What a key of a type takes, in words.</summary>
    internal static string Expected(OptionKey key, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (NamedOptions.Of(type) is { } named) return $"a section with name: {string.Join(", ", named.BuiltIn)}";
        if (OptionKey.IsSection(type))
            return $"a section with {string.Join(", ", OptionKey.Of(type).Select(inner => inner.Name))}";
        if (DictionaryOf(type) is { } values) return $"names, each with {Expected(key, values)}";
        if (ListOf(type) is { } element)
        {
            var least = key.AtLeast > 0 ? $" of at least {key.AtLeast}" : "";
            return $"a list{least}, each entry {Expected(key, element)}";
        }
        return ScalarText.Expected(type) + key.Bounds;
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

    private static string Nearest(string text, bool named, IReadOnlyList<OptionKey> keys)
    {
        string[] own = [.. named ? [NamedOptions.Key] : Array.Empty<string>(), .. keys.Select(key => key.Name)];
        if (own.Length == 0) return "none: it takes no keys";
        // One section further down is near too: learning-rate is optimizer.learning-rate.
        var below = from key in keys
                    where OptionKey.IsSection(key.Property.PropertyType)
                    from inner in OptionKey.Of(key.Property.PropertyType)
                    select (inner.Name, Shown: $"{key.Name}.{inner.Name}");
        var asked = text.ToLowerInvariant().Replace('_', '-');
        var known = own.Select(key => (Name: key, Shown: key)).Concat(below);
        var (name, shown) = known.MinBy(key => Names.Distance(asked, key.Name));
        var all = string.Join(", ", own);
        // Two words of three letters are two changes apart and have nothing in common.
        var isNear = Names.Distance(asked, name) <= (text.Length < 4 ? 1 : Math.Max(2, text.Length / 3));
        return isNear ? $"'{shown}'? (keys here: {all})" : $"one of {all}";
    }

    private static string About(OptionKey key) =>
        key.Documentation is { Length: > 0 } about ? $": {about.TrimEnd('.')}" : "";

    private static string Join(string path, string key) =>
        path.Length == 0 ? key : key.Length == 0 ? path : $"{path}.{key}";

    private ConfigException Error(YamlNode node, string message) => new($"{tree.PlaceOf(node)}: {message}");
}

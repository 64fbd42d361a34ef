using System.Collections;
using System.Text;

namespace RlLeap.Cli.Config;

/// <summary>Writes a record with every key, so that it reads back to an equal one.</summary>
internal static class ConfigWriter
{
    /// <summary>The text; with <paramref name="documented"/>, each key's documentation stands above it.</summary>
    public static string Write(object config, bool documented)
    {
        var text = new StringBuilder();
        Write(text, config, 0, documented);
        return text.ToString();
    }

    /// <summary>The same in one line: {key: value, key: {key: value}}.</summary>
    public static string Line(object? value) => value switch
    {
        IDictionary map => Braces(map.Keys.Cast<string>().Order(StringComparer.Ordinal)
            .Select(key => (Text(key), map[key]))),
        IEnumerable list when value is not string => $"[{string.Join(", ", list.Cast<object>().Select(Line))}]",
        not null when OptionKey.IsSection(value.GetType()) =>
            Braces(Entries(value).Select(entry => (entry.Key, entry.Value))),
        _ => Text(value),
    };

    private static string Braces(IEnumerable<(string Key, object? Value)> entries) =>
        $"{{{string.Join(", ", entries.Select(entry => $"{entry.Key}: {Line(entry.Value)}"))}}}";

    // The keys of a record with their values; what a name chooses begins with it.
    private static IEnumerable<(string Key, object? Value, string Documentation)> Entries(object section)
    {
        if (NamedOptions.Of(section.GetType()) is { } named) yield return (NamedOptions.Key, named.NameOf(section),
            XmlDocumentation.Summary(section.GetType()));
        foreach (var key in OptionKey.Of(section.GetType())) yield return (key.Name, key.Property.GetValue(section),
            key.Documentation);
    }

    private static void Write(StringBuilder text, object section, int indent, bool documented)
    {
        var margin = new string(' ', indent);
        foreach (var (key, value, documentation) in Entries(section))
        {
            if (documented && documentation.Length > 0) text.Append($"{margin}# {documentation}\n");
            text.Append($"{margin}{key}:");
            WriteValue(text, value, indent, documented);
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
                    text.Append($"{margin}{Text(key)}:");
                    WriteValue(text, dictionary[key], indent + 2, documented);
                }
                break;
            case IDictionary: text.Append(" {}\n"); break;
            case IEnumerable list when value is not string:
                var items = list.Cast<object>().ToList();
                if (items.Count == 0 || !OptionKey.IsSection(items[0].GetType()))
                {
                    text.Append($" [{string.Join(", ", items.Select(Text))}]\n");
                    break;
                }
                text.Append('\n');
                foreach (var item in items)
                {
                    var inner = new StringBuilder();
                    Write(inner, item, indent + 4, documented: false);
                    text.Append($"{margin}- {inner.ToString().TrimStart(' ')}");
                }
                break;
            case not null when OptionKey.IsSection(value.GetType()):
                text.Append('\n');
                Write(text, value, indent + 2, documented);
                break;
            default: text.Append($" {Text(value)}\n"); break;
        }
    }

    private static string Text(object? value) => value is not string text || IsPlain(text) ? ScalarText.Text(value)
        : '"' + text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\r", "\\r")
            .Replace("\t", "\\t") + '"';

    // Words that need no quotes whoever reads them: letters first, and nothing that YAML or a number could claim.
    private static bool IsPlain(string text) => text.Length > 0
        && (char.IsAsciiLetter(text[0]) || text[0] is '/' or '_')
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '/' or '.' or '+')
        && text.ToLowerInvariant() is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off" or "y" or "n");
}

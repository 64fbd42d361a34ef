// From config records back to YAML.
using System.Collections;
using System.Globalization;
using System.Text;

namespace RlLeap.Cli.Config;

/// <summary>Writes a config with every key, so that it reads back to an equal one.</summary>
internal static class ConfigWriter
{
    /// <summary>The text; with <paramref name="documented"/>, each key's documentation stands above it.</summary>
    public static string Write(object config, bool documented)
    {
        var text = new StringBuilder();
        Write(text, config, 0, documented);
        return text.ToString();
    }

    private static void Write(StringBuilder text, object section, int indent, bool documented)
    {
        foreach (var key in ConfigKey.Of(section.GetType()))
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
                if (items.Count == 0 || !ConfigKey.IsSection(items[0].GetType())) { text.Append($" [{string.Join(", ", items.Select(Scalar))}]\n"); break; }
                text.Append('\n');
                foreach (var item in items)
                {
                    var inner = new StringBuilder();
                    Write(inner, item, indent + 4, documented: false);
                    text.Append($"{margin}- {inner.ToString().TrimStart(' ')}");
                }
                break;
            case not null when ConfigKey.IsSection(value.GetType()):
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
        Enum e => Names.Kebab(e.ToString()),
        double or float => Convert.ToDouble(value).ToString("R", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        string text when IsPlain(text) => text,
        _ => $"\"{value!.ToString()!.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\r", "\\r").Replace("\t", "\\t")}\"",
    };

    // Words that need no quotes whoever reads them: letters first, and nothing that YAML or a number could claim.
    private static bool IsPlain(string text) => text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] is '/' or '_')
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '/' or '.' or '+') && text.ToLowerInvariant() is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off" or "y" or "n");
}

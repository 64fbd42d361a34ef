using System.Globalization;

namespace RlLeap;

/// <summary>The one way in which numbers, switches and words are read from text and written to it.</summary>
/// <remarks>
/// Config files, <c>--set</c>, the options of an id (<c>?name=value</c>) and the command line all read their values
/// here.
/// </remarks>
public static class ScalarText
{
    /// <summary>Whether a type's values are scalars: texts, switches, numbers, enums, and nullable ones.</summary>
    public static bool Is(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) || type == typeof(bool) || type == typeof(int) || type == typeof(long)
            || type == typeof(double)
            || type == typeof(float) || type.IsEnum;
    }

    /// <summary>The value that a text is of a type; null where it is none.</summary>
    /// <remarks>
    /// Whole numbers may be written 5_000_000 or 5e6. A switch is true, 1, on or false, 0, off. An enum's values are
    /// its names in kebab-case. Numbers that are not finite, or that do not fit the type, are none.
    /// </remarks>
    public static object? Parse(Type type, string text)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return text;
        if (type == typeof(bool))
            return text.ToLowerInvariant() switch
            {
                "true" or "1" or "on" => true,
                "false" or "0" or "off" => false,
                _ => null
            };
        if (type.IsEnum) return Enum.GetValues(type).Cast<object>()
            .FirstOrDefault(value => Names.Kebab(value.ToString()!) == text);
        var number = text.Replace("_", "");
        var invariant = CultureInfo.InvariantCulture;
        if (type == typeof(double)) return double.TryParse(number, NumberStyles.Float, invariant, out var real)
            && double.IsFinite(real) ? real : null;
        if (type == typeof(float)) return float.TryParse(number, NumberStyles.Float, invariant, out var single)
            && float.IsFinite(single) ? single : null;
        if (!decimal.TryParse(number, NumberStyles.Float, invariant, out var whole)
            || whole != decimal.Truncate(whole)) return null;
        if (type == typeof(int)) return whole is >= int.MinValue and <= int.MaxValue ? (int)whole : null;
        if (type == typeof(long)) return whole is >= long.MinValue and <= long.MaxValue ? (long)whole : null;
        throw new NotSupportedException($"{type} is not the type of a scalar.");
    }

    /// <summary>The text from which <see cref="Parse"/> reads a value again; "null" for null.</summary>
    public static string Text(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        Enum word => Names.Kebab(word.ToString()),
        double or float => ((IFormattable)value).ToString("R", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    /// <summary>What a text of a type must be, in words, to follow "expected".</summary>
    public static string Expected(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(type).Select(Names.Kebab))}"
            : type == typeof(string) ? "a text"
            : type == typeof(bool) ? "true or false"
            : type == typeof(int) || type == typeof(long) ? "a whole number" : "a number";
    }
}

using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace RlLeap;

/// <summary>A property of an options record, seen as a key of a config.</summary>
/// <remarks>
/// An options record is a record with <c>init</c> properties; <c>LearningRate</c> is the key <c>learning-rate</c>.
/// Everything about a key stands at its property: the XML comment documents it, the initializer is its default
/// (<c>required</c>: it has none), and attributes of System.ComponentModel.DataAnnotations bound it: <see
/// cref="RangeAttribute"/> numbers (and the numbers of a list), <see cref="AllowedValuesAttribute"/> texts, <see
/// cref="MinLengthAttribute"/> lists. Records of a user's own work the same way.
/// </remarks>
public sealed class OptionKey
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<OptionKey>> Known = new();
    private readonly RangeAttribute? _range;
    private readonly object?[]? _words;

    private OptionKey(PropertyInfo property, NullabilityInfoContext context)
    {
        (Property, Name) = (property, Names.Kebab(property.Name));
        Required = property.IsDefined(typeof(RequiredMemberAttribute));
        Nullable = context.Create(property).WriteState == NullabilityState.Nullable;
        AtLeast = property.GetCustomAttribute<MinLengthAttribute>()?.Length ?? 0;
        _range = property.GetCustomAttribute<RangeAttribute>();
        _words = property.GetCustomAttribute<AllowedValuesAttribute>()?.Values;
    }

    /// <summary>The key, in kebab-case.</summary>
    public string Name { get; }

    /// <summary>The property.</summary>
    public PropertyInfo Property { get; }

    /// <summary>Whether it must be given: the property is <c>required</c>.</summary>
    public bool Required { get; }

    /// <summary>Whether null is a value of it.</summary>
    public bool Nullable { get; }

    /// <summary>Smallest number of entries of a list.</summary>
    public int AtLeast { get; }

    /// <summary>What it does, from the property's XML comment; empty without a documentation file.</summary>
    public string Documentation => XmlDocumentation.Summary(Property);

    /// <summary>The keys of a type, those of its base first, in the order of their declaration.</summary>
    public static IReadOnlyList<OptionKey> Of(Type type) => Known.GetOrAdd(type, static type =>
    {
        var context = new NullabilityInfoContext();
        return [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.SetMethod is { IsPublic: true })
            .OrderBy(p => Depth(p.DeclaringType!)).ThenBy(p => p.MetadataToken).Select(p => new OptionKey(p, context))];
    });

    /// <summary>Whether a type is a record with keys: a section of a config.</summary>
    public static bool IsSection(Type type) => type.GetMethod("<Clone>$") is not null;

    /// <summary>Whether a value lies within the bounds. Values that are not scalars do.</summary>
    public bool Allows(object? value) => value switch
    {
        string text => text.Length > 0 && _words?.Contains(text) != false,
        int or long or double or float when _range is not null =>
            Within(Convert.ToDouble(value, CultureInfo.InvariantCulture)),
        _ => true,
    };

    /// <summary>The bounds in words, to follow what the type expects: ", at least 1".</summary>
    public string Bounds
    {
        get
        {
            if (_words is not null) return $" (one of {string.Join(", ", _words)})";
            if (_range is null) return "";
            var words = new List<string>();
            if (double.IsFinite(Low))
                words.Add($"{(_range.MinimumIsExclusive ? "greater than" : "at least")} {ScalarText.Text(Low)}");
            if (double.IsFinite(High) && High < int.MaxValue)
                words.Add($"{(_range.MaximumIsExclusive ? "less than" : "at most")} {ScalarText.Text(High)}");
            return words.Count == 0 ? "" : ", " + string.Join(" and ", words);
        }
    }

    /// <summary>Checks a record, and the records in it, against the bounds of its properties.</summary>
    /// <exception cref="RlLeapException">A value is out of bounds; names the first, and what it may be.</exception>
    public static void Check(object options, string name = "")
    {
        foreach (var key in Of(options.GetType()))
        {
            var path = name.Length == 0 ? key.Name : $"{name}.{key.Name}";
            var value = key.Property.GetValue(options);
            if (value is not null && IsSection(value.GetType())) Check(value, path);
            else if (value is not null
                && !(key.Allows(value) && (value is not double number || double.IsFinite(number))))
                throw new RlLeapException($"The option {path} is {ScalarText.Text(value)}; "
                    + $"it must be {ScalarText.Expected(key.Property.PropertyType)}{key.Bounds}.");
        }
    }

    private double Low => Convert.ToDouble(_range!.Minimum, CultureInfo.InvariantCulture);

    private double High => Convert.ToDouble(_range!.Maximum, CultureInfo.InvariantCulture);

    private bool Within(double number) => (_range!.MinimumIsExclusive ? number > Low : number >= Low)
        && (_range.MaximumIsExclusive ? number < High : number <= High);

    private static int Depth(Type type) => type.BaseType is { } below ? 1 + Depth(below) : 0;
}

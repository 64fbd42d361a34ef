// Option records as C#: what a model card says, so that a reader builds the same network.
using System.Collections;

namespace RlLeap.Cli.Export;

/// <summary>Writes values as C# expressions.</summary>
internal static class CSharpCode
{
    /// <summary>A record as an expression equal to it: <paramref name="basis"/> with what differs.</summary>
    /// <param name="basis">A record of the same type that the reader has.</param>
    /// <param name="name">How the reader writes that one.</param>
    /// <param name="indent">Columns before a property, where each has a line of its own.</param>
    public static string With(object value, object basis, string name, int indent = 4)
    {
        var different = Different(value, basis);
        if (different.Count == 0) return name;
        var margin = new string(' ', indent);
        return $"{name} with\n{margin[4..]}{{\n" + string.Concat(different.Select(key =>
        {
            var (mine, its) = (key.Property.GetValue(value), key.Property.GetValue(basis));
            var part = $"{name}.{key.Property.Name}{(key.Nullable ? "!" : "")}";
            return $"{margin}{key.Property.Name} = "
                + (mine is not null && its is not null && OptionKey.IsSection(mine.GetType())
                    ? With(mine, its, part, indent + 4) : Of(mine)) + ",\n";
        })) + $"{margin[4..]}}}";
    }

    /// <summary>A value as an expression; of a record, what differs from a new one.</summary>
    public static string Of(object? value) => value switch
    {
        null => "null",
        bool yes => yes ? "true" : "false",
        string text => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"",
        Enum => $"{value.GetType().Name}.{value}",
        double.PositiveInfinity => "double.PositiveInfinity",
        IFormattable => $"{value}",
        IDictionary map => $"new Dictionary<string, {TypeOf(map)}> {{ " + string.Join(", ", map.Keys.Cast<string>()
            .Order(StringComparer.Ordinal).Select(key => $"[{Of(key)}] = {Of(map[key])}")) + " }",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Of))}]",
        _ => New(value),
    };

    private static string New(object record)
    {
        var type = record.GetType();
        var different = Different(record, Activator.CreateInstance(type)!);
        return $"new {type.Name} {{ " + string.Join(", ", different.Select(key =>
            $"{key.Property.Name} = {Of(key.Property.GetValue(record))}")) + " }";
    }

    private static string TypeOf(IDictionary map) => map.Values.Cast<object>().First() switch
    {
        double => "double",
        var value => value.GetType().Name,
    };

    // Records with lists are equal where their contents are: their text decides.
    private static List<OptionKey> Different(object value, object basis) => [.. OptionKey.Of(value.GetType())
        .Where(key => Of(key.Property.GetValue(value)) != Of(key.Property.GetValue(basis)))];
}

// Options of the command line that are read and bounded as the keys of configs are.
using System.CommandLine;

namespace RlLeap.Cli.Commands;

/// <summary>Numbers of the command line. A value that is none, or out of bounds, is wrong usage.</summary>
internal static class CheckedOption
{
    /// <summary>An option for a number that may be left out.</summary>
    /// <typeparam name="T">int, long or double; whole numbers may be written 1e6.</typeparam>
    public static Option<T?> Number<T>(string name, string description, double min = 0, double max = 1e15)
        where T : struct => new(name)
        {
            Description = description,
            HelpName = "N",
            CustomParser = result =>
            {
                var text = result.Tokens.Count > 0 ? result.Tokens[^1].Value : "";
                if (ScalarText.Parse(typeof(T), text) is T value && Convert.ToDouble(value) is var number
                    && number >= min
                    && number <= max) return value;
                result.AddError($"{name} is '{text}'; it must be {ScalarText.Expected(typeof(T))} "
                    + $"from {ScalarText.Text(min)} to {ScalarText.Text(max)}");
                return null;
            },
        };

    /// <summary>Names one by one or with commas: --tasks a b, --tasks a,b; not within an id's options.</summary>
    public static IReadOnlyList<string> Names(IEnumerable<string> given)
    {
        var names = new List<string>();
        foreach (var text in given)
        {
            var first = names.Count;
            foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
                if (names.Count > first && names[^1].Contains('?') && !part.Contains('/')) names[^1] += "," + part;
                else names.Add(part);
        }
        return names;
    }

    /// <summary>What is wrong with the arguments as a whole: an empty one names nothing.</summary>
    public static string? Fault(ParseResult parsed)
    {
        var at = parsed.Tokens.ToList().FindIndex(token => string.IsNullOrWhiteSpace(token.Value));
        var before = at > 0 ? $" after '{parsed.Tokens[at - 1].Value}'" : "";
        return at < 0 ? null : $"the argument{before} is empty; leave it out, or name something";
    }
}

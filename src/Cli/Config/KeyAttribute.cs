// What a key of a config means and which values it takes: the one attribute that every property of a config record carries.
namespace RlLeap.Cli.Config;

/// <summary>Documents and bounds one key of a config. A config is a sealed record with <c>init</c> properties; the property
/// <c>LearningRate</c> is the key <c>learning-rate</c>; a <c>required</c> property must be in the file, any other has its
/// initializer as the default; an enum's values are kebab-case words.</summary>
/// <param name="documentation">What the key does, in one sentence without the final stop, units included.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class KeyAttribute(string documentation) : Attribute
{
    public string Documentation { get; } = documentation;

    /// <summary>Smallest and largest value of a number, or of each number in a list; included.</summary>
    public double Min { get; init; } = double.NegativeInfinity;
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>The number must be greater than this.</summary>
    public double Above { get; init; } = double.NegativeInfinity;

    /// <summary>The number must be less than this.</summary>
    public double Below { get; init; } = double.PositiveInfinity;

    /// <summary>The words that a string may be; null for any. A string is never empty.</summary>
    public string[]? OneOf { get; init; }

    /// <summary>Smallest number of entries of a list.</summary>
    public int AtLeast { get; init; }

    /// <summary>Whether a value is within the bounds.</summary>
    internal bool Allows(object value) => value switch
    {
        string text => text.Length > 0 && OneOf?.Contains(text) != false,
        int or long or double or float => Convert.ToDouble(value) is var number && number >= Min && number <= Max && number > Above && number < Below,
        _ => true,
    };

    /// <summary>The bounds in words, to follow a type's name: " of at least 1".</summary>
    internal string BoundsInWords()
    {
        if (OneOf is not null) return $" (one of {string.Join(", ", OneOf)})";
        static string N(double x) => x.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
        var words = new List<string>();
        if (!double.IsInfinity(Above)) words.Add($"greater than {N(Above)}");
        if (!double.IsInfinity(Min)) words.Add($"at least {N(Min)}");
        if (!double.IsInfinity(Below)) words.Add($"less than {N(Below)}");
        if (!double.IsInfinity(Max)) words.Add($"at most {N(Max)}");
        return words.Count == 0 ? "" : ", " + string.Join(" and ", words);
    }
}

/// <summary>A config section with rules that span several keys.</summary>
public interface ICheckedConfig
{
    /// <summary>Each broken rule: the key to point at (as in the file, within this section) and what is expected.</summary>
    IEnumerable<(string Key, string Expected)> Check();
}

/// <summary>A config file that is not as it should be: file, line, key, what was found and what was expected.</summary>
public sealed class ConfigException(string message) : RlLeapException(message);

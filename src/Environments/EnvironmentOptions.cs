namespace RlLeap.Environments;

/// <summary>An option that an id understands after its question mark: "?name=value&amp;...".</summary>
/// <param name="Name">The key.</param>
/// <param name="Default">The value if it is not given. Empty means that the option is off.</param>
/// <param name="Summary">What it does and which values it takes.</param>
public sealed record EnvironmentOption(string Name, string Default, string Summary);

/// <summary>
/// The options of one request, read by type and range. Every error names the id, the option and the values it takes.
/// </summary>
public sealed class EnvironmentOptions
{
    private readonly Dictionary<string, string> _resolved;

    internal EnvironmentOptions(string id, string name, IReadOnlyDictionary<string, string> given,
        IEnumerable<EnvironmentOption> known)
    {
        Id = id;
        Name = name;
        Given = given;
        _resolved = known.ToDictionary(option => option.Name, option => option.Default);
        foreach (var (key, value) in given) _resolved[key] = value;
    }

    /// <summary>The requested id, including options.</summary>
    public string Id { get; }

    /// <summary>The id before the question mark.</summary>
    public string Name { get; }

    /// <summary>The options that the id gave.</summary>
    public IReadOnlyDictionary<string, string> Given { get; }

    /// <summary>The values of all options, including defaults.</summary>
    public IReadOnlyDictionary<string, string> Resolved => _resolved;

    /// <summary>Whether the option has a value that is not empty.</summary>
    public bool Has(string name) => _resolved.TryGetValue(name, out var value) && value.Length > 0;

    /// <summary>The value as text.</summary>
    /// <exception cref="EnvironmentException">The environment did not declare this option.</exception>
    public string Text(string name) => _resolved.TryGetValue(name, out var value)
        ? value
        : throw new EnvironmentException($"{Name}: it reads an option '{name}' that it does not declare; " +
            "add it to the Options of its registration.");

    /// <summary>The value, which must be one of <paramref name="choices"/>.</summary>
    public string Choice(string name, params string[] choices) => Array.IndexOf(choices, Text(name)) >= 0
        ? Text(name)
        : throw Refuse(name, $"one of {string.Join(", ", choices)}");

    /// <summary>The value as a whole number between <paramref name="min"/> and <paramref name="max"/>.</summary>
    public int Int(string name, int min = int.MinValue, int max = int.MaxValue) =>
        ScalarText.Parse(typeof(int), Text(name)) is int value && value >= min && value <= max
            ? value
            : throw Refuse(name, max == int.MaxValue
                ? $"a whole number of at least {min}"
                : $"a whole number from {min} to {max}");

    /// <summary>The value as a number between <paramref name="min"/> and <paramref name="max"/>.</summary>
    public double Double(string name, double min = double.MinValue, double max = double.MaxValue) =>
        ScalarText.Parse(typeof(double), Text(name)) is double value && value >= min && value <= max
            ? value
            : throw Refuse(name, FormattableString.Invariant(max == double.MaxValue
                ? (FormattableString)$"a number of at least {min}"
                : $"a number from {min} to {max}"));

    /// <summary>The value as yes (1, true, on) or no (0, false, off).</summary>
    public bool Bool(string name) => ScalarText.Parse(typeof(bool), Text(name)) is bool value
        ? value
        : throw Refuse(name, "1 or 0");

    /// <summary>The error for a value that the option does not accept.</summary>
    public EnvironmentException Refuse(string name, string expected) =>
        new($"{Id}: option {name} is '{Text(name)}', but it takes {expected}.");

    /// <summary>Splits "id?a=1&amp;b=2" into the id and its options.</summary>
    internal static (string Name, Dictionary<string, string> Given) Parse(string id)
    {
        var question = id.IndexOf('?');
        var given = new Dictionary<string, string>();
        if (question < 0) return (id, given);
        foreach (var pair in id[(question + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=');
            if (equals <= 0)
                throw new EnvironmentException(
                    $"{id}: '{pair}' is not an option. Options follow the id as ?name=value&name=value.");
            if (!given.TryAdd(pair[..equals], pair[(equals + 1)..]))
                throw new EnvironmentException($"{id}: option {pair[..equals]} is given twice.");
        }
        return (id[..question], given);
    }
}

using System.Globalization;
using System.Text.RegularExpressions;

namespace RlLeap;

/// <summary>What may move an entry of a parameter vector.</summary>
public enum ParameterRole
{
    /// <summary>A task's training moves it. Its initialization may be meta-learned.</summary>
    Adapted,
    /// <summary>It stands still while a task trains. A meta-learner moves it between tasks.</summary>
    Meta,
    /// <summary>Nothing moves it.</summary>
    Frozen,
}

/// <summary>Roles and step sizes for the entries of a model, by patterns over their names.</summary>
/// <remarks>
/// <para>
/// In a pattern <c>*</c> stands for any characters. A pattern matches an entry by its whole name, or by a part of it
/// that ends before a dot: <c>conv*</c> matches <c>conv1.weight</c>, <c>encoder.0</c> matches
/// <c>encoder.0.conv.weight</c>. The word <c>body</c> matches every entry of the network, and <c>head</c> every entry
/// of the task's heads. Where several patterns match an entry, the longest counts.
/// </para>
/// <para>What no pattern matches keeps the role and the rate that its network gave it.</para>
/// </remarks>
public sealed class ParameterRoles
{
    private const string Body = "body", Head = "head", NoteName = "roles";
    private readonly IReadOnlyDictionary<string, ParameterRole> _roles;
    private readonly IReadOnlyDictionary<string, double> _rates;

    /// <summary>Roles and rates by pattern; null for none.</summary>
    /// <param name="roles">The roles.</param>
    /// <param name="rates">Factors on the learning rate of adapted entries.</param>
    public ParameterRoles(
        IReadOnlyDictionary<string, ParameterRole>? roles = null, IReadOnlyDictionary<string, double>? rates = null)
    {
        _roles = roles ?? new Dictionary<string, ParameterRole>();
        _rates = rates ?? new Dictionary<string, double>();
    }

    /// <summary>The entries with the roles and rates that the patterns say.</summary>
    /// <param name="entries">Entries of a network, or of heads.</param>
    /// <param name="areHeads">Which of the two.</param>
    /// <exception cref="RlLeapException">Two patterns of equal length say different things about an entry.</exception>
    public IEnumerable<ParameterInfo> ApplyTo(IEnumerable<ParameterInfo> entries, bool areHeads) =>
        _roles.Count == 0 && _rates.Count == 0 ? entries : entries.Select(entry => entry with
        {
            Role = Choose(_roles, "roles", entry, areHeads) is var (role, found) && found ? role : entry.Role,
            Rate = Choose(_rates, "rates", entry, areHeads) is var (rate, given) && given ? rate : entry.Rate,
        });

    /// <summary>Throws when a pattern matches no entry of a model.</summary>
    /// <param name="network">The model's network.</param>
    /// <param name="heads">Its heads.</param>
    /// <exception cref="RlLeapException">Names the first such pattern and all entries.</exception>
    public void RequireMatches(Network network, IReadOnlyList<Head> heads)
    {
        if (_roles.Count == 0 && _rates.Count == 0) return;
        var body = network.Parameters.Select(entry => entry.Name).ToList();
        var own = Model.HeadEntries(network, heads).Select(entry => entry.Name).ToList();
        foreach (var (key, patterns) in new[] { ("roles", _roles.Keys), ("rates", _rates.Keys) })
            foreach (var pattern in patterns)
                if (!body.Any(name => Matches(pattern, name, isHead: false))
                    && !own.Any(name => Matches(pattern, name, isHead: true)))
                    throw new RlLeapException($"{key}: the pattern {pattern} matches no parameter of {network.Name} "
                        + $"and its heads. There are {string.Join(", ", body.Concat(own))}; {Body} is all of the "
                        + $"network, {Head} all heads.");
    }

    /// <summary>The entries that are not simply adapted: "conv1.weight frozen, head.bias rate 0.1"; or empty.</summary>
    public static string Describe(ParameterLayout layout) => string.Join(", ", layout.Entries
        .Where(entry => entry.Role != ParameterRole.Adapted || entry.Rate != 1)
        .Select(entry => entry.Role != ParameterRole.Adapted ? $"{entry.Name} {Names.Kebab(entry.Role.ToString())}"
            : $"{entry.Name} rate {entry.Rate.ToString("R", CultureInfo.InvariantCulture)}"));

    /// <summary>Adds a layout's roles to the notes of a file; nothing where all entries are simply adapted.</summary>
    public static Dictionary<string, string> Note(ParameterLayout layout, Dictionary<string, string> notes)
    {
        if (Describe(layout) is { Length: > 0 } text) notes[NoteName] = text;
        return notes;
    }

    /// <summary>Refuses a file that was saved with other roles.</summary>
    /// <exception cref="RlLeapException">Says both.</exception>
    public static void CheckNote(ParameterLayout layout, IReadOnlyDictionary<string, string> notes, string path)
    {
        var (saved, own) = (notes.GetValueOrDefault(NoteName, ""), Describe(layout));
        if (saved != own)
            throw new RlLeapException($"{path} was saved with {Words(saved)}, here there are {Words(own)}.");

        static string Words(string roles) => roles.Length > 0 ? $"the roles {roles}" : "all parameters adapted";
    }

    private static (T Value, bool Found) Choose<T>(
        IReadOnlyDictionary<string, T> patterns, string key, ParameterInfo entry, bool isHead)
    {
        var matching = patterns.Where(pattern => Matches(pattern.Key, entry.Name, isHead))
            .OrderByDescending(pattern => pattern.Key.Length).ToList();
        if (matching.Count == 0) return (default!, false);
        var rival = matching.Skip(1).FirstOrDefault(other => other.Key.Length == matching[0].Key.Length
            && !Equals(other.Value, matching[0].Value));
        if (rival.Key is not null)
            throw new RlLeapException($"{key}: the patterns {matching[0].Key} and {rival.Key} are equally long and say "
                + $"different things about {entry.Name}. Make one of them longer.");
        return (matching[0].Value, true);
    }

    private static bool Matches(string pattern, string name, bool isHead) => pattern == (isHead ? Head : Body)
        || Regex.IsMatch(name, $@"\A{Regex.Escape(pattern).Replace(@"\*", ".*")}(\.|\z)", RegexOptions.Singleline);
}

/// <summary>Neighbouring entries of a parameter vector that move at one rate.</summary>
/// <param name="Start">Where they start in the flat vector.</param>
/// <param name="Count">How many numbers they are.</param>
/// <param name="Rate">Factor on the learning rate; greater than 0.</param>
public sealed record ParameterGroup(long Start, long Count, double Rate);

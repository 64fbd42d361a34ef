using System.Collections.Concurrent;
using System.Reflection;

namespace RlLeap.Environments;

/// <summary>How one id is made.</summary>
/// <param name="Id">"namespace/Name-v1".</param>
/// <param name="Summary">One line for `rlleap envs list`.</param>
/// <param name="Make">Makes one environment; all its randomness comes from the stream it is given.</param>
public sealed record EnvironmentEntry(string Id, string Summary, Func<Rng, EnvironmentOptions, IEnvironment> Make)
{
    /// <summary>The options it understands. Others are looked for among <see cref="WrapperFactory.Options"/>.</summary>
    public IReadOnlyList<EnvironmentOption> Options { get; init; } = [];

    /// <summary>Takes every option that is not a wrapper's, declared or not (keyword arguments of a Python environment).</summary>
    public bool TakesAnyOption { get; init; }

    /// <summary>Makes N copies as one (count, stream, options, threads); null: N single ones are stepped side by side.</summary>
    /// <remarks>Copy i draws from <c>rng.Split("environment", i)</c>, so that it equals the single environment made from that stream.</remarks>
    public Func<int, Rng, EnvironmentOptions, int, IVectorEnvironment>? MakeVector { get; init; }
}

/// <summary>Answers for all ids with a prefix ("gym:", "ALE/").</summary>
public interface IEnvironmentFamily
{
    /// <summary>What its ids begin with.</summary>
    string Prefix { get; }

    /// <summary>One line for `rlleap envs list`.</summary>
    string Summary { get; }

    /// <summary>The ids that can be named now; empty when they cannot be known.</summary>
    IEnumerable<string> KnownIds();

    /// <summary>The entry of an id with its prefix (without options); null when there is none. May throw <see cref="EnvironmentException"/> to say more.</summary>
    EnvironmentEntry? Find(string id);
}

/// <summary>Marks an environment's class for <see cref="Registry.Register(Assembly)"/>: its constructor takes (Rng), (Rng, EnvironmentOptions) or nothing.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class EnvironmentAttribute(string id, string summary = "") : PluginAttribute(id, summary);

/// <summary>Declares an option of a class marked with <see cref="EnvironmentAttribute"/>, for its constructor (Rng, EnvironmentOptions) to read.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class EnvironmentOptionAttribute(string name, string @default, string summary) : Attribute
{
    /// <summary>The key after the id's question mark.</summary>
    public string Name { get; } = name;

    /// <summary>Its value when not given.</summary>
    public string Default { get; } = @default;

    /// <summary>What it does and which values it takes.</summary>
    public string Summary { get; } = summary;
}

/// <summary>All environments by id: "MinAtar/Breakout-v1?sticky=0", "ALE/Alien-v5", "gym:CartPole-v1", or one of your own.</summary>
public static class Registry
{
    private static readonly ConcurrentDictionary<string, EnvironmentEntry> Entries = new();
    private static readonly ConcurrentDictionary<string, IEnvironmentFamily> Families = new();

    static Registry()
    {
        foreach (var entry in MinAtarSuite.Entries()) Register(entry);
    }

    /// <summary>Registers an environment: <c>Registry.Register("my/Env", rng => new MyEnvironment(rng));</c></summary>
    public static void Register(string id, Func<Rng, IEnvironment> make, string summary = "") => Register(new EnvironmentEntry(id, summary, (rng, _) => make(rng)));

    /// <summary>Registers an environment with options or a vector of its own.</summary>
    /// <exception cref="EnvironmentException">The id is taken or not an id.</exception>
    public static void Register(EnvironmentEntry entry)
    {
        if (entry.Id.Length == 0 || entry.Id.AsSpan().IndexOfAny("?& \t\n") >= 0)
            throw new EnvironmentException($"'{entry.Id}' cannot be an environment's id: use letters, digits, '/', ':', '.', '-' and '_', for example my/Maze-v1.");
        if (!Entries.TryAdd(entry.Id, entry)) throw new EnvironmentException($"An environment named {entry.Id} is already registered; choose another id.");
    }

    /// <summary>Registers the classes of an assembly that carry <see cref="EnvironmentAttribute"/>; returns their ids.</summary>
    public static IReadOnlyList<string> Register(Assembly assembly)
    {
        var found = from type in assembly.GetTypes()
                    let mark = type.GetCustomAttribute<EnvironmentAttribute>()
                    where mark is not null
                    orderby mark.Id
                    select (type, mark);
        var ids = new List<string>();
        foreach (var (type, mark) in found)
        {
            Register(new EnvironmentEntry(mark.Id, mark.Summary, AttributeActivator.Constructor(type, mark.Id)) { Options = AttributeActivator.OptionsOf(type) });
            ids.Add(mark.Id);
        }
        return ids;
    }

    /// <summary>Registers a family for all ids that begin with its prefix; once more changes nothing.</summary>
    public static void Register(IEnvironmentFamily family)
    {
        if (Families.GetOrAdd(family.Prefix, family).GetType() != family.GetType()) throw new EnvironmentException($"Ids beginning with {family.Prefix} already belong to another family.");
    }

    /// <summary>Every registered id with its summary, then what each family can name; in order.</summary>
    public static IReadOnlyList<(string Id, string Summary)> List() =>
    [
        .. Entries.Values.OrderBy(entry => entry.Id, StringComparer.Ordinal).Select(entry => (entry.Id, entry.Summary)),
        .. Families.Values.OrderBy(family => family.Prefix, StringComparer.Ordinal)
            .SelectMany(family => family.KnownIds().DefaultIfEmpty(family.Prefix + "...").Select(id => (id, family.Summary))),
    ];

    /// <summary>One environment, checked at every step: what breaks the rules of <see cref="IEnvironment"/> is one clear error.</summary>
    /// <exception cref="EnvironmentException">Unknown id (the nearest are named) or bad option.</exception>
    public static IEnvironment Make(string id, Rng rng) => new CheckedEnvironment(Open(id, rng));

    /// <summary><paramref name="count"/> copies stepped together, on <paramref name="threads"/> threads; results do not depend on their number.</summary>
    /// <exception cref="EnvironmentException">Unknown id (the nearest are named), bad option, bad count.</exception>
    public static IVectorEnvironment MakeVector(string id, int count, Rng rng, int threads = 1)
    {
        if (count < 1) throw new EnvironmentException($"{id}: a vector needs at least one environment; it was asked for {count}.");
        if (threads < 1) throw new EnvironmentException($"{id}: a vector needs at least one thread; it was asked for {threads}.");
        var (entry, options, wrappers) = Resolve(id);
        if (entry.MakeVector is { } native && wrappers.Count == 0) return native(count, rng, options, threads);
        return new EnvironmentVector(count, index => Open(entry, options, wrappers, rng.Split("environment", index)), threads);
    }

    /// <summary>The spec of an id, from an environment made and thrown away.</summary>
    public static EnvironmentSpec Spec(string id)
    {
        using var environment = Open(id, new Rng(0));
        return environment.Spec;
    }

    /// <summary>The options an id understands: its own, then the wrappers'.</summary>
    public static IReadOnlyList<EnvironmentOption> Options(string id)
    {
        var entry = Find(EnvironmentOptions.Parse(id).Name);
        return [.. entry.Options, .. WrapperFactory.Options.Where(option => entry.Options.All(own => own.Name != option.Name))];
    }

    /// <summary>Without the guard: what the contract looks at.</summary>
    internal static IEnvironment Open(string id, Rng rng)
    {
        var (entry, options, wrappers) = Resolve(id);
        return Open(entry, options, wrappers, rng);
    }

    private static IEnvironment Open(EnvironmentEntry entry, EnvironmentOptions options, IReadOnlyDictionary<string, string> wrappers, Rng rng)
    {
        IEnvironment inner;
        try
        {
            inner = entry.Make(rng, options);
        }
        catch (Exception e) when (e is not RlLeapException)
        {
            throw new EnvironmentException($"{options.Id}: making it threw {e.GetType().Name}: {e.Summary()}", e);
        }
        try
        {
            return new NamedEnvironment(WrapperFactory.Apply(inner, options.Id, wrappers, rng), options, wrappers);
        }
        catch
        {
            inner.Dispose();
            throw;
        }
    }

    private static (EnvironmentEntry Entry, EnvironmentOptions Options, IReadOnlyDictionary<string, string> Wrappers) Resolve(string id)
    {
        var (name, given) = EnvironmentOptions.Parse(id);
        var entry = Find(name);
        var own = new Dictionary<string, string>();
        var wrappers = new Dictionary<string, string>();
        foreach (var (key, value) in given)
        {
            if (entry.Options.Any(option => option.Name == key)) own[key] = value;
            else if (WrapperFactory.Options.Any(option => option.Name == key)) wrappers[key] = value;
            else if (entry.TakesAnyOption) own[key] = value;
            else
            {
                var known = Options(name);
                throw new EnvironmentException($"{id}: no option is named {key}.{Names.Suggest(key, known.Select(option => option.Name))} " +
                    $"{name} understands {string.Join(", ", known.Select(option => option.Name))}.");
            }
        }
        // A limit counts agent steps: one of the entry's own, below a wrapper that takes several of its steps for one of the agent's, would count those.
        if ((wrappers.ContainsKey("repeat") || wrappers.ContainsKey("noop")) && own.Remove("time_limit", out var limit)) wrappers["time_limit"] = limit;
        return (entry, new EnvironmentOptions(id, name, own, entry.Options), wrappers);
    }

    private static EnvironmentEntry Find(string name)
    {
        if (Entries.TryGetValue(name, out var entry)) return entry;
        var family = Families.Values.Where(family => name.StartsWith(family.Prefix, StringComparison.Ordinal)).MaxBy(family => family.Prefix.Length);
        if (family?.Find(name) is { } found) return found;
        var known = Entries.Keys.Concat(Families.Values.SelectMany(other => other.KnownIds()));
        throw new EnvironmentException($"No environment is named {name}.{Names.Suggest(name, known)} `rlleap envs list` prints all; your own comes in with --assembly path.dll.");
    }
}

using System.Collections.Concurrent;
using System.Reflection;

namespace RlLeap.Environments;

/// <summary>All environments by id: "MinAtar/Breakout-v1?sticky=0", "gym:CartPole-v1", one of your own.</summary>
public static class Registry
{
    private static readonly ConcurrentDictionary<string, EnvironmentEntry> Entries = new();
    private static readonly ConcurrentDictionary<string, IEnvironmentFamily> Families = new();

    static Registry()
    {
        foreach (var entry in MinAtarSuite.Entries().Concat(ClassicControl.Entries())) Register(entry);
    }

    /// <summary>Registers an environment: <c>Registry.Register("my/Env", rng => new MyEnvironment(rng));</c></summary>
    public static void Register(string id, Func<Rng, IEnvironment> make, string summary = "") =>
        Register(new EnvironmentEntry(id, summary, (rng, _) => make(rng)));

    /// <summary>Registers an environment that has options or a vector of its own.</summary>
    /// <exception cref="EnvironmentException">The id is taken or has characters that an id cannot have.</exception>
    public static void Register(EnvironmentEntry entry)
    {
        if (entry.Id.Length == 0 || entry.Id.AsSpan().IndexOfAny("?& \t\n") >= 0)
            throw new EnvironmentException($"'{entry.Id}' cannot be an environment's id: " +
                "use letters, digits, '/', ':', '.', '-' and '_', for example my/Maze-v1.");
        if (!Entries.TryAdd(entry.Id, entry))
            throw new EnvironmentException(
                $"An environment named {entry.Id} is already registered; choose another id.");
    }

    /// <summary>Registers an assembly's classes with <see cref="EnvironmentAttribute"/>; returns their ids.</summary>
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
            var make = AttributeActivator.Constructor(type, mark.Id);
            Register(
                new EnvironmentEntry(mark.Id, mark.Summary, make) { Options = AttributeActivator.OptionsOf(type) });
            ids.Add(mark.Id);
        }
        return ids;
    }

    /// <summary>Registers a family for all ids with its prefix; again the same one does nothing.</summary>
    public static void Register(IEnvironmentFamily family)
    {
        if (Families.GetOrAdd(family.Prefix, family).GetType() != family.GetType())
            throw new EnvironmentException($"Ids beginning with {family.Prefix} already belong to another family.");
    }

    /// <summary>All registered ids with their summaries in order, then the known ids of each family.</summary>
    public static IReadOnlyList<(string Id, string Summary)> List() =>
    [
        .. Entries.Values.OrderBy(entry => entry.Id, StringComparer.Ordinal).Select(entry => (entry.Id, entry.Summary)),
        .. Families.Values.OrderBy(family => family.Prefix, StringComparer.Ordinal).SelectMany(family =>
            family.KnownIds().DefaultIfEmpty(family.Prefix + "...").Select(id => (id, family.Summary))),
    ];

    /// <summary>Makes one environment; each step is checked by the rules of <see cref="IEnvironment"/>.</summary>
    /// <exception cref="EnvironmentException">The id is unknown (the message names similar ids), or an option is
    /// wrong.</exception>
    public static IEnvironment Make(string id, Rng rng) => new CheckedEnvironment(Open(id, rng));

    /// <summary>
    /// Makes <paramref name="count"/> copies that are stepped together on <paramref name="threads"/> threads. Results
    /// do not depend on the number of threads.
    /// </summary>
    /// <exception cref="EnvironmentException">
    /// The id is unknown (the message names similar ids), or an option or a count is wrong.
    /// </exception>
    public static IVectorEnvironment MakeVector(string id, int count, Rng rng, int threads = 1)
    {
        if (count < 1)
            throw new EnvironmentException($"{id}: a vector needs at least one environment; it was asked for {count}.");
        if (threads < 1)
            throw new EnvironmentException($"{id}: a vector needs at least one thread; it was asked for {threads}.");
        var (entry, options, wrappers) = Resolve(id);
        if (entry.MakeVector is { } native && wrappers.Count == 0) return native(count, rng, options, threads);
        return new EnvironmentVector(count, index => Open(entry, options, wrappers, rng.Split("environment", index)),
            threads);
    }

    /// <summary>The spec of an id. An environment is made for it and disposed.</summary>
    public static EnvironmentSpec Spec(string id)
    {
        using var environment = Open(id, new Rng(0));
        return environment.Spec;
    }

    /// <summary>The options of an id: its own, then those of the wrappers.</summary>
    public static IReadOnlyList<EnvironmentOption> Options(string id)
    {
        var entry = Find(EnvironmentOptions.Parse(id).Name);
        return [.. entry.Options,
            .. WrapperFactory.Options.Where(option => entry.Options.All(own => own.Name != option.Name))];
    }

    /// <summary>Makes one without <see cref="CheckedEnvironment"/>, for <see cref="EnvironmentCheck"/>.</summary>
    internal static IEnvironment Open(string id, Rng rng)
    {
        var (entry, options, wrappers) = Resolve(id);
        return Open(entry, options, wrappers, rng);
    }

    private static IEnvironment Open(EnvironmentEntry entry, EnvironmentOptions options,
        IReadOnlyDictionary<string, string> wrappers, Rng rng)
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

    private static (EnvironmentEntry Entry, EnvironmentOptions Options, Dictionary<string, string> Wrappers)
        Resolve(string id)
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
                throw new EnvironmentException(
                    $"{id}: no option is named {key}.{Names.Suggest(key, known.Select(option => option.Name))} " +
                    $"{name} understands {string.Join(", ", known.Select(option => option.Name))}.");
            }
        }
        // A time limit counts agent steps. These wrappers take several steps of the inner environment for one agent
        // step, so the limit has to be a wrapper around them.
        if ((wrappers.ContainsKey("repeat") || wrappers.ContainsKey("noop")) && own.Remove("time_limit", out var limit))
            wrappers["time_limit"] = limit;
        return (entry, new EnvironmentOptions(id, name, own, entry.Options), wrappers);
    }

    private static EnvironmentEntry Find(string name)
    {
        if (Entries.TryGetValue(name, out var entry)) return entry;
        var family = Families.Values.Where(family => name.StartsWith(family.Prefix, StringComparison.Ordinal))
            .MaxBy(family => family.Prefix.Length);
        if (family?.Find(name) is { } found) return found;
        var known = Entries.Keys.Concat(Families.Values.SelectMany(other => other.KnownIds()));
        throw new EnvironmentException($"No environment is named {name}.{Suggest(name, [.. known])} " +
            "`rlleap envs list` prints all; your own comes in with --assembly path.dll.");
    }

    // People leave out a family's prefix or the version: names that differ in nothing else come first.
    private static string Suggest(string name, IReadOnlyList<string> known)
    {
        var own = Bare(name);
        string[] same = [.. known.Where(id => Bare(id).Equals(own, StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)];
        var near = same.Length > 0 ? $" Did you mean {string.Join(" or ", same)}?" : Names.Suggest(name, known);
        var python = Families.Values.FirstOrDefault(family => family.Prefix == "gym:");
        if (python is null || name.Contains(python.Prefix) || name.Contains('/')) return near;
        return $"{near} gymnasium's environments begin with gym: (gym:{name}).";
    }

    // "ALE/Breakout-v5" and "breakout" are both "Breakout" here.
    private static string Bare(string id)
    {
        var last = id[(id.LastIndexOfAny(['/', ':']) + 1)..];
        var version = last.LastIndexOf("-v", StringComparison.Ordinal);
        return version > 0 && last[(version + 2)..].All(char.IsAsciiDigit) ? last[..version] : last;
    }
}

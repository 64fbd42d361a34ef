using System.Collections.Concurrent;
using System.Reflection;

namespace RlLeap;

/// <summary>The registered classes derived from <typeparamref name="T"/>, by the name in their attribute.</summary>
/// <remarks>
/// A public constructor takes what the catalog supplies and then options, each with a default value; an option is named
/// in kebab-case after its parameter. "my/two-layers?units=64" constructs the class registered as my/two-layers with 64
/// for the parameter units.
/// </remarks>
/// <typeparam name="T">What the classes are.</typeparam>
/// <typeparam name="TMark">The attribute that marks them.</typeparam>
/// <param name="kind">What they are called in messages: "network".</param>
/// <param name="supplied">Types of a constructor's first parameters.</param>
public sealed class Catalog<T, TMark>(string kind, params Type[] supplied) where T : class where TMark : PluginAttribute
{
    private readonly ConcurrentDictionary<string, Type> _types = [];

    /// <summary>All names, in order.</summary>
    public IReadOnlyList<string> Ids => [.. _types.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The class registered as <paramref name="text"/>, options aside; null when there is none.</summary>
    public Type? Find(string text) => _types.GetValueOrDefault(text.Split('?')[0]);

    /// <summary>Registers the marked classes of an assembly; returns their names.</summary>
    /// <exception cref="RlLeapException">A name is taken or not a name, or a class cannot be constructed as it should
    /// be.</exception>
    public IReadOnlyList<string> Register(Assembly assembly)
    {
        List<string> ids = [];
        foreach (var (type, id) in assembly.GetTypes().Select(type => (type, type.GetCustomAttribute<TMark>()?.Id))
            .Where(found => found.Id is not null).OrderBy(found => found.Id, StringComparer.Ordinal))
        {
            if (!System.Text.RegularExpressions.Regex.IsMatch(id!, @"^[\w.:-]+(/[\w.:-]+)+$"))
                throw new RlLeapException($"{type.FullName}: '{id}' cannot be a {kind}'s name: use letters, digits, "
                    + $"'.', ':', '-' and '_' with a '/' between, for example my/{Names.Kebab(type.Name)}.");
            if (!typeof(T).IsAssignableFrom(type) || type.IsAbstract) throw new RlLeapException(
                $"{id}: {type.FullName} is marked as a {kind} but is not a class derived from {typeof(T).Name}.");
            ConstructorOf(type, id!);
            if (!_types.TryAdd(id!, type) && _types[id!] != type)
                throw new RlLeapException($"Two {kind}s are named {id}: {Place(_types[id!])} and {Place(type)}. Give "
                    + "one of them another name.");
            ids.Add(id!);
        }
        return ids;
    }

    /// <summary>Constructs what <paramref name="text"/> names.</summary>
    /// <param name="text">A name, with options after a question mark: "my/name?option=value&amp;option=value".</param>
    /// <param name="with">What the constructor's first parameters get.</param>
    /// <exception cref="RlLeapException">No such name (the nearest are named), no such option, a value it does not
    /// take, or the constructor threw.</exception>
    public T Create(string text, params object[] with)
    {
        var type = Find(text) ?? throw new RlLeapException($"No {kind} is named {text.Split('?')[0]}."
            + $"{Names.Suggest(text.Split('?')[0], Ids)} Yours comes in with --assembly path.dll, where it is marked "
            + $"with [{typeof(TMark).Name.Replace("Attribute", "")}].");
        var constructor = ConstructorOf(type, text);
        var options = constructor.GetParameters()[supplied.Length..];
        string[] names = [.. options.Select(option => Names.Kebab(option.Name!))];
        object?[] values = [.. with, .. options.Select(option => option.DefaultValue)];
        foreach (var pair in text.Split('?', 2) is [_, var list]
            ? list.Split('&', StringSplitOptions.RemoveEmptyEntries) : [])
        {
            var (name, value) = pair.Split('=', 2) is [var left, var right] ? (left, right) : throw new RlLeapException(
                $"{text}: '{pair}' is not an option. Options follow the name as ?name=value&name=value.");
            var at = Array.IndexOf(names, name);
            if (at < 0) throw new RlLeapException($"{text}: no option is named {name}.{Names.Suggest(name, names)} "
                + (names.Length == 0 ? "It has none." : $"It understands {string.Join(", ", names)}."));
            values[supplied.Length + at] = ScalarText.Parse(options[at].ParameterType, value)
                ?? throw new RlLeapException($"{text}: option {name} is '{value}', but it takes "
                    + $"{ScalarText.Expected(options[at].ParameterType)}.");
        }
        try { return (T)constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, values, null); }
        catch (Exception e)
        {
            throw new RlLeapException(e is RlLeapException ? $"{text}: {e.Message}"
                : $"{text}{PluginFault.Place(type)}: making it threw {e.GetType().Name}: {e.Summary()}", e);
        }
    }

    private ConstructorInfo ConstructorOf(Type type, string id) =>
        type.GetConstructors().Where(Fits).MaxBy(constructor => constructor.GetParameters().Length)
        ?? throw new RlLeapException($"{id}: {type.FullName} needs a public constructor that takes "
            + (supplied.Length == 0 ? "nothing" : $"({string.Join(", ", supplied.Select(NameOf))})")
            + ", then options if it has any: numbers, texts, true or false, or words of an enum, each with a default "
            + "value.");

    private static string NameOf(Type type) => type.IsArray ? $"{type.GetElementType()!.Name}[]" : type.Name;

    private bool Fits(ConstructorInfo constructor)
    {
        var parameters = constructor.GetParameters();
        return parameters.Length >= supplied.Length
            && parameters.Take(supplied.Length).Select(p => p.ParameterType).SequenceEqual(supplied)
            && parameters.Skip(supplied.Length).All(p => p.HasDefaultValue && ScalarText.Is(p.ParameterType));
    }

    private static string Place(Type type) => $"{type.FullName} in {type.Assembly.Location}";
}

using RlLeap.Agents;

namespace RlLeap.Cli.Config;

/// <summary>A kind of record that the key <c>name</c> of its section chooses: a method, an agent.</summary>
/// <param name="Own">The names that a user's assemblies brought.</param>
/// <param name="Create">The record of a name, with its defaults.</param>
internal sealed record NamedOptions(IReadOnlyList<string> BuiltIn, Func<IReadOnlyList<string>> Own, Func<string,
    object> Create, Func<object, string> NameOf)
{
    /// <summary>The key.</summary>
    public const string Key = "name";

    private static readonly Dictionary<Type, NamedOptions> All = new()
    {
        [typeof(MetaLearningMethod)] = new([.. Methods.BuiltIn.Keys], () => Methods.Ids, Methods.Create, method =>
            Methods.NameOf((MetaLearningMethod)method)),
        [typeof(ActorCriticOptions)] = new(["actor-critic"], () => [], _ => new ActorCriticOptions(), _ =>
            "actor-critic"),
    };

    /// <summary>The kind that a type is of; null where no name chooses it.</summary>
    public static NamedOptions? Of(Type type) => All.FirstOrDefault(kind => kind.Key.IsAssignableFrom(type)).Value;
}

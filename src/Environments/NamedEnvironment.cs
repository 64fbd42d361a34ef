namespace RlLeap.Environments;

/// <summary>Gives an environment the id that it was requested by, and its spec all options it was made with.</summary>
internal sealed class NamedEnvironment : EnvironmentWrapper
{
    public NamedEnvironment(IEnvironment inner, EnvironmentOptions options,
        IReadOnlyDictionary<string, string> wrappers) : base(inner)
    {
        var resolved = new SortedDictionary<string, string>(StringComparer.Ordinal);
        // Later values win. The environment's own come after the requested ones, because an empty default may stand for
        // a preset that only the environment knows.
        foreach (var (key, value) in options.Resolved.Concat(inner.Spec.Options).Concat(wrappers))
            resolved[key] = value;
        Spec = inner.Spec with { Id = options.Id, Options = resolved };
    }

    public override EnvironmentSpec Spec { get; }
}

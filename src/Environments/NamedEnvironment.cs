namespace RlLeap.Environments;

/// <summary>An environment under the id it was asked for, with every option it was made with in its spec.</summary>
internal sealed class NamedEnvironment : EnvironmentWrapper
{
    public NamedEnvironment(IEnvironment inner, EnvironmentOptions options, IReadOnlyDictionary<string, string> wrappers) : base(inner)
    {
        var resolved = new SortedDictionary<string, string>(StringComparer.Ordinal);
        // What the environment says of itself counts more than what was asked for: a preset may stand behind an empty default.
        foreach (var (key, value) in options.Resolved.Concat(inner.Spec.Options).Concat(wrappers)) resolved[key] = value;
        Spec = inner.Spec with { Id = options.Id, Options = resolved };
    }

    public override EnvironmentSpec Spec { get; }
}

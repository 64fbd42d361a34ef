namespace RlLeap.Environments;

/// <summary>An environment under the id it was asked for, with every option it was made with in its spec.</summary>
internal sealed class NamedEnvironment : EnvironmentWrapper
{
    public NamedEnvironment(IEnvironment inner, EnvironmentOptions options, IReadOnlyDictionary<string, string> wrappers) : base(inner)
    {
        var resolved = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in inner.Spec.Options.Concat(options.Resolved).Concat(wrappers)) resolved[key] = value;
        Spec = inner.Spec with { Id = options.Id, Options = resolved };
    }

    public override EnvironmentSpec Spec { get; }
}

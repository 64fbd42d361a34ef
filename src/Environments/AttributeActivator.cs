using System.Reflection;

namespace RlLeap.Environments;

/// <summary>Reads the options of a class marked with <see cref="EnvironmentAttribute"/>; its constructor.</summary>
internal static class AttributeActivator
{
    private static readonly Type[][] Signatures = [[typeof(Rng), typeof(EnvironmentOptions)], [typeof(Rng)], []];

    public static IReadOnlyList<EnvironmentOption> OptionsOf(Type type) =>
        [.. type.GetCustomAttributes<EnvironmentOptionAttribute>()
            .Select(mark => new EnvironmentOption(mark.Name, mark.Default, mark.Summary))];

    public static Func<Rng, EnvironmentOptions, IEnvironment> Constructor(Type type, string id)
    {
        if (!typeof(IEnvironment).IsAssignableFrom(type) || type.IsAbstract)
            throw new EnvironmentException(
                    $"{id}: {type.FullName} carries [Environment] but is not a class that implements IEnvironment.");
        var constructor = Signatures.Select(type.GetConstructor).FirstOrDefault(found => found is not null)
            ?? throw new EnvironmentException(
                $"{id}: {type.FullName} needs a public constructor that takes (Rng), " +
                "(Rng, EnvironmentOptions) or nothing.");
        var count = constructor.GetParameters().Length;
        return (rng, options) => (IEnvironment)constructor.Invoke(BindingFlags.DoNotWrapExceptions, null,
            count switch { 2 => [rng, options], 1 => [rng], _ => [] }, null);
    }
}

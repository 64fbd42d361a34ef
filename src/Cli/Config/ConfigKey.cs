// The properties of a config record, seen as keys.
using System.Reflection;
using System.Runtime.CompilerServices;

namespace RlLeap.Cli.Config;

/// <summary>A property of a config record, seen as a key.</summary>
internal sealed record ConfigKey(string Name, PropertyInfo Property, KeyAttribute Attribute, bool Required, bool Nullable)
{
    public static IReadOnlyList<ConfigKey> Of(Type type)
    {
        var context = new NullabilityInfoContext();
        return [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is not null).OrderBy(p => p.MetadataToken).Select(p => new ConfigKey(
            Names.Kebab(p.Name), p,
            p.GetCustomAttribute<KeyAttribute>() ?? throw new InvalidOperationException($"{type.Name}.{p.Name} has no [Key]: every key of a config is documented"),
            // By its name: ScottPlot has a public attribute of the same name for older frameworks.
            p.CustomAttributes.Any(a => a.AttributeType.FullName == "System.Runtime.CompilerServices.RequiredMemberAttribute"),
            context.Create(p).WriteState == NullabilityState.Nullable))];
    }

    public static bool IsSection(Type type) => type.IsClass && type != typeof(string) && !type.IsArray && type.GetProperties().Any(p => p.IsDefined(typeof(KeyAttribute)));

    public static Type? ElementOf(Type type) => !type.IsGenericType ? null
        : type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0]
        : type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) ? type.GetGenericArguments()[1] : null;
}

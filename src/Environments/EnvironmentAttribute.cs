using System.Reflection;

namespace RlLeap.Environments;

/// <summary>
/// Marks an environment's class for <see cref="Registry.Register(Assembly)"/>. Its constructor takes (Rng),
/// (Rng, EnvironmentOptions) or nothing.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class EnvironmentAttribute(string id, string summary = "") : PluginAttribute(id, summary);

/// <summary>
/// Declares an option of a class marked with <see cref="EnvironmentAttribute"/>. Its constructor (Rng,
/// EnvironmentOptions) can read the option.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class EnvironmentOptionAttribute(string name, string @default, string summary) : Attribute
{
    /// <summary>The key after the id's question mark.</summary>
    public string Name { get; } = name;

    /// <summary>The value if it is not given.</summary>
    public string Default { get; } = @default;

    /// <summary>What it does and which values it takes.</summary>
    public string Summary { get; } = summary;
}

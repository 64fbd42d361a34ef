using System.Reflection;

namespace RlLeap;

/// <summary>
/// Marks a network's class, so that configs can name it (`agent.network: my/name`). Its constructor takes the shape of
/// one input (long[]), then options with default values.
/// </summary>
/// <param name="id">Its name, "my/two-layers".</param>
/// <param name="summary">What it is, in one line.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class NetworkAttribute(string id, string summary = "") : PluginAttribute(id, summary);

/// <summary>Networks of a user's own, by name.</summary>
public static class Networks
{
    private static readonly Catalog<Network, NetworkAttribute> Catalog = new("network", typeof(long[]));

    /// <summary>Their names, in order.</summary>
    public static IReadOnlyList<string> Ids => Catalog.Ids;

    /// <summary>Whether one has this name; options after a question mark are not looked at.</summary>
    public static bool Has(string text) => Catalog.Find(text) is not null;

    /// <summary>Registers an assembly's classes with <see cref="NetworkAttribute"/>; returns their names.</summary>
    public static IReadOnlyList<string> Register(Assembly assembly) => Catalog.Register(assembly);

    /// <summary>The network of a text ("my/two-layers?units=64") for inputs of a shape, without batch axis.</summary>
    /// <exception cref="RlLeapException">No such network or option, or the network is for other inputs.</exception>
    public static Network Create(string text, long[] inputShape)
    {
        var network = Catalog.Create(text, inputShape);
        if (!network.InputShape.AsSpan().SequenceEqual(inputShape))
            throw new RlLeapException($"{text} takes inputs of {Shape.Text(network.InputShape)}, but was made for "
                + $"{Shape.Text(inputShape)}, the shape that its constructor is given.");
        return network;
    }
}

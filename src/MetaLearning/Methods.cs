using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace RlLeap.MetaLearning;

/// <summary>Marks a method's record, so that configs can name it (`method.name: my/name`).</summary>
/// <remarks>The record's constructor takes options with default values, or nothing.</remarks>
/// <param name="id">Its name, "my/half-way".</param>
/// <param name="summary">What it is, in one line.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class MethodAttribute(string id, string summary = "") : PluginAttribute(id, summary);

/// <summary>Methods by name: those of RlLeap and those of a user's own.</summary>
public static class Methods
{
    private static readonly Catalog<MetaLearningMethod, MethodAttribute> Catalog = new("method");

    // One element or none. A reference is replaced as a whole, so threads never see half of a pair.
    private static (int Known, JsonSerializerOptions Options)[] _json = [];

    /// <summary>The methods that are part of RlLeap, by name.</summary>
    public static IReadOnlyDictionary<string, Type> BuiltIn { get; } =
        typeof(MetaLearningMethod).GetCustomAttributes<JsonDerivedTypeAttribute>()
            .ToDictionary(mark => (string)mark.TypeDiscriminator!, mark => mark.DerivedType);

    /// <summary>The names of a user's own, in order.</summary>
    public static IReadOnlyList<string> Ids => Catalog.Ids;

    /// <summary>Registers an assembly's records with <see cref="MethodAttribute"/>; returns their names.</summary>
    public static IReadOnlyList<string> Register(Assembly assembly) => Catalog.Register(assembly);

    /// <summary>The name by which configs and messages know a method: "leap", "my/half-way".</summary>
    public static string NameOf(MetaLearningMethod method) =>
        method.GetType().GetCustomAttribute<MethodAttribute>()?.Id ?? method.Name;

    /// <summary>The method of a name, with its defaults: "leap", or "my/half-way?fraction=0.25".</summary>
    /// <exception cref="RlLeapException">No such method or option.</exception>
    public static MetaLearningMethod Create(string text) => BuiltIn.TryGetValue(text, out var type)
        ? (MetaLearningMethod)Activator.CreateInstance(type)!
        : Catalog.Create(text);

    /// <summary>JSON of messages between machines: enums as words, and every method that is known now.</summary>
    public static JsonSerializerOptions Json
    {
        get
        {
            // Options cannot change once they are used. A method registered later needs new ones.
            var ids = Catalog.Ids;
            if (_json is [var made] && made.Known == ids.Count) return made.Options;
            var resolver = new DefaultJsonTypeInfoResolver();
            resolver.Modifiers.Add(type =>
            {
                if (type.Type != typeof(MetaLearningMethod)) return;
                foreach (var id in ids)
                    type.PolymorphismOptions!.DerivedTypes.Add(new JsonDerivedType(Catalog.Find(id)!, id));
            });
            var options = new JsonSerializerOptions
            {
                WriteIndented = true,
                NewLine = "\n",
                DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
                Converters = { new JsonStringEnumConverter() },
                TypeInfoResolver = resolver,
            };
            _json = [(ids.Count, options)];
            return options;
        }
    }
}

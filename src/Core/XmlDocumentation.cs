using System.Collections.Concurrent;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace RlLeap;

/// <summary>What XML comments say, read from the documentation file beside an assembly.</summary>
public static class XmlDocumentation
{
    private static readonly ConcurrentDictionary<Assembly, IReadOnlyDictionary<string, XElement>> Files = new();

    /// <summary>A property's or a type's summary, of positional records the parameter's; empty for none.</summary>
    public static string Summary(MemberInfo member)
    {
        var type = member as Type ?? member.DeclaringType!;
        var name = type.FullName?.Replace('+', '.') ?? type.Name;
        var members = Files.GetOrAdd(type.Assembly, Read);
        if (member is not Type
            && members.TryGetValue($"P:{name}.{member.Name}",
            out var property)) return Text(property.Element("summary"));
        if (!members.TryGetValue($"T:{name}", out var found)) return "";
        return Text(member is Type ? found.Element("summary") : found.Elements("param")
            .FirstOrDefault(p => p.Attribute("name")?.Value == member.Name));
    }

    private static IReadOnlyDictionary<string, XElement> Read(Assembly assembly)
    {
        try
        {
            return XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member")
                .ToDictionary(member => member.Attribute("name")!.Value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or XmlException or ArgumentException)
        {
            return new Dictionary<string, XElement>();
        }
    }

    private static string Text(XElement? element) => element is null ? ""
        : Regex.Replace(string.Concat(element.Nodes().Select(Text)), @"\s+", " ").Trim();

    private static string Text(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" or "seealso" } see => see.Attribute("cref") is { } cref
            ? Names.Kebab(cref.Value[(cref.Value.LastIndexOf('.') + 1)..]) : see.Attribute("langword")?.Value
            ?? see.Value,
        XElement { Name.LocalName: "paramref" } parameter => parameter.Attribute("name")?.Value ?? "",
        XElement inner => Text(inner),
        _ => "",
    };
}

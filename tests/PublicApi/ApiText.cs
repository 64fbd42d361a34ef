// The public surface of an assembly as lines that read like C#, one a type or member.
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace RlLeap.Tests.PublicApi;

/// <summary>
/// Writes what users of an assembly can name: its public types with their public and protected members. What the
/// compiler adds to records is left out, and so are overrides.
/// </summary>
internal static class ApiText
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
        | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short", [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint",
        [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(float)] = "float", [typeof(double)] = "double",
        [typeof(decimal)] = "decimal", [typeof(char)] = "char", [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    /// <summary>All lines: types by their full names, members sorted below them.</summary>
    public static string Of(Assembly assembly) => string.Join("\n", assembly.GetExportedTypes()
        .OrderBy(FullName, StringComparer.Ordinal).SelectMany(Lines).Append(""));

    private static IEnumerable<string> Lines(Type type) =>
        [Header(type), .. Members(type).OrderBy(m => m.Name, StringComparer.Ordinal)
            .ThenBy(m => m.Line, StringComparer.Ordinal).Select(m => "    " + m.Line), ""];

    private static string FullName(Type type) =>
        type.IsNested ? $"{FullName(type.DeclaringType!)}.{Name(type)}" : $"{type.Namespace}.{Name(type)}";

    private static string Header(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            var invoke = type.GetMethod("Invoke")!;
            return $"delegate {Name(invoke.ReturnType)} {FullName(type)}({Parameters(invoke)})";
        }
        var kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : IsRecord(type)
            ? type.IsValueType ? "record struct" : "record" : type.IsValueType ? "struct" : "class";
        var word = type is { IsAbstract: true, IsSealed: true } ? "static "
            : type is { IsClass: true, IsAbstract: true }
            ? "abstract " : type is { IsClass: true, IsSealed: true } ? "sealed " : "";
        var inherited = (type.BaseType?.GetInterfaces() ?? [])
            .Concat(type.GetInterfaces().SelectMany(i => i.GetInterfaces())).ToHashSet();
        var bases = type.GetInterfaces().Where(i => i.IsPublic && !inherited.Contains(i) && !IsEquatable(i, type))
            .Select(Name).Order(StringComparer.Ordinal);
        string[] parents = type is { IsClass: true, BaseType: { } parent }
            && parent != typeof(object) ? [Name(parent)] : [];
        var all = type.IsEnum ? "" : string.Join(", ", parents.Concat(bases));
        return $"{word}{kind} {FullName(type)}{(all.Length > 0 ? $" : {all}" : "")}";
    }

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null
        || type.IsValueType && type.GetMethod("PrintMembers", All) is not null;

    private static bool IsEquatable(Type of, Type type) =>
        of.IsGenericType && of.GetGenericTypeDefinition() == typeof(IEquatable<>)
        && of.GetGenericArguments()[0] == type;

    private static IEnumerable<(string Name, string Line)> Members(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type)) yield break;
        foreach (var member in type.GetMembers(All).Where(m => !IsGenerated(m, type)))
        {
            var line = member switch
            {
                FieldInfo field when IsVisible(field.Attributes & FieldAttributes.FieldAccessMask) => type.IsEnum
                    ? field.IsLiteral ? field.Name : null : $"{Word(field)}{Name(field.FieldType)} {field.Name}",
                ConstructorInfo { IsStatic: false } made when IsVisible(made) =>
                    $"{Access(made)}{type.Name.Split('`')[0]}({Parameters(made)})",
                MethodInfo { IsSpecialName: false } method when IsVisible(method) && !IsOverride(method) =>
                    $"{Word(method)}{Name(method.ReturnType)} {method.Name}{Generics(method)}({Parameters(method)})",
                MethodInfo { IsSpecialName: true } method when IsVisible(method)
                    && method.Name.StartsWith("op_", StringComparison.Ordinal) =>
                    $"static {Name(method.ReturnType)} {method.Name}({Parameters(method)})",
                PropertyInfo property => Property(property),
                EventInfo raised when IsVisible(raised.AddMethod!) =>
                    $"event {Name(raised.EventHandlerType!)} {raised.Name}",
                _ => null,
            };
            if (line is not null) yield return (member.Name, line);
        }
    }

    private static bool IsGenerated(MemberInfo member, Type type) =>
        member.Name.Contains('<', StringComparison.Ordinal) || member is TypeInfo || IsRecord(type) && (
            member.Name is "EqualityContract" or "PrintMembers" or "Deconstruct" or "op_Equality" or "op_Inequality"
                or "Equals" or "GetHashCode" or "ToString"
            || member is ConstructorInfo made && made.GetParameters() is [{ ParameterType: { } only }] && only == type);

    private static string? Property(PropertyInfo property)
    {
        var (read, write) = (property.GetMethod is { } g && IsVisible(g) ? g : null,
            property.SetMethod is { } s && IsVisible(s) ? s : null);
        if ((read ?? write) is not { } of || IsOverride(of)) return null;
        var set = write is null ? "" : write.ReturnParameter.GetRequiredCustomModifiers()
            .Contains(typeof(IsExternalInit)) ? " init;" : $" {(read is null ? "" : Access(write))}set;";
        var index = property.GetIndexParameters() is { Length: > 0 } at
            ? $"this[{string.Join(", ", at.Select(p => $"{Name(p.ParameterType)} {p.Name}"))}]" : property.Name;
        var type = Name(property.PropertyType)
            + Null(new NullabilityInfoContext().Create(property).ReadState, property.PropertyType);
        return $"{Word(of)}{type} {index} {{{(read is null ? "" : " get;")}{set} }}";
    }

    private static string Word(FieldInfo field) => (field.IsFamily || field.IsFamilyOrAssembly ? "protected " : "")
        + (field.IsLiteral ? "const " : field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");

    private static string Word(MethodInfo method) => Access(method) + (method.DeclaringType!.IsInterface
        ? method.IsStatic ? "static " : "" : method.IsStatic ? "static " : method.IsAbstract ? "abstract "
            : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "");

    private static string Access(MethodBase method) =>
        method.IsFamily || method.IsFamilyOrAssembly ? "protected " : "";

    private static bool IsVisible(MethodBase method) =>
        method.IsPublic || (method.IsFamily || method.IsFamilyOrAssembly) && !method.DeclaringType!.IsSealed;

    private static bool IsVisible(FieldAttributes access) =>
        access is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem;

    private static bool IsOverride(MethodInfo method) => method.GetBaseDefinition() != method;

    private static string Generics(MethodInfo method) => method.IsGenericMethod
        ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p =>
    {
        var by = p.IsOut ? "out " : p.ParameterType.IsByRef ? p.IsIn ? "in " : "ref " : "";
        var type = p.ParameterType.IsByRef ? p.ParameterType.GetElementType()! : p.ParameterType;
        var optional = p.HasDefaultValue
            ? $" = {Default(p, type)}" : "";
        var many = p.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "";
        return $"{many}{by}{Name(type)}{Null(new NullabilityInfoContext().Create(p).WriteState, type)} {p.Name}"
            + $"{optional}";
    }));

    private static string Default(System.Reflection.ParameterInfo p, Type type) =>
        p.DefaultValue is null && type.IsValueType && Nullable.GetUnderlyingType(type) is null
            ? "default" : Text(p.DefaultValue);

    private static string Null(NullabilityState state, Type type) =>
        state == NullabilityState.Nullable && !type.IsValueType ? "?" : "";

    private static string Text(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        bool yes => yes ? "true" : "false",
        Enum word => $"{word.GetType().Name}.{word}",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Name(Type type)
    {
        if (Keywords.TryGetValue(type, out var keyword)) return keyword;
        if (Nullable.GetUnderlyingType(type) is { } inner) return Name(inner) + "?";
        if (type.IsArray) return $"{Name(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (type.IsByRef) return $"ref {Name(type.GetElementType()!)}";
        if (type.IsPointer) return $"{Name(type.GetElementType()!)}*";
        if (!type.IsGenericType) return type.Name;
        var arguments = string.Join(", ", type.GetGenericArguments().Select(Name));
        return type.Name.StartsWith("ValueTuple`", StringComparison.Ordinal)
            ? $"({arguments})" : $"{type.Name.Split('`')[0]}<{arguments}>";
    }
}

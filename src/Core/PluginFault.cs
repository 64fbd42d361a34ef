using System.Diagnostics;
using System.Reflection;

namespace RlLeap;

/// <summary>Errors that come from a user's own network, method or environment, in words that name it.</summary>
public static class PluginFault
{
    // Classes of ours that plug-ins call: an error in them comes from the arguments that a plug-in gave.
    private static readonly HashSet<string> Passive =
        [nameof(Pass), nameof(SmallBatchLinear), nameof(ParameterVector), nameof(ParameterLayout),
            nameof(Initialization), nameof(Rng), "PathObserver"];

    /// <summary>What to say of an exception from a plug-in, or from what it called; null where none is.</summary>
    public static string? Explain(Exception e)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is AggregateException many
                && many.InnerExceptions.Select(Explain).OfType<string>().FirstOrDefault() is { } one) return one;
            if (Thrower(inner) is not { } method) continue;
            var type = Outermost(method.DeclaringType!);
            return $"{type.FullName} in {FileOf(type.Assembly)} threw {inner.GetType().Name} in {method.Name}: "
                + $"{inner.Summary()} It is not a part of RlLeap; mend it and build it again. "
                + "`networks check`, `methods check` and `envs check` try one by itself.";
        }
        return null;
    }

    /// <summary>" (MyNetwork.TwoLayers in MyNetwork.dll)" for a plug-in's type, "" for RlLeap's own.</summary>
    public static string Place(Type type) => PluginAssembly.Is(type.Assembly)
        ? $" ({type.FullName} in {FileOf(type.Assembly)})" : "";

    /// <summary>The same of the plug-in that threw an exception.</summary>
    public static string Place(Exception e) => Thrower(e) is { } method ? Place(Outermost(method.DeclaringType!)) : "";

    private static string FileOf(Assembly assembly) => Path.GetFileName(assembly.Location) is { Length: > 0 } file
        ? file : assembly.GetName().Name!;

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    // The innermost method that is not a library's: a plug-in's, or null where it is our own.
    private static MethodBase? Thrower(Exception e)
    {
        foreach (var frame in new StackTrace(e).GetFrames())
        {
            if (frame.GetMethod() is not { DeclaringType: { } type } method) continue;
            if (PluginAssembly.Is(type.Assembly)) return method;
            var ours = type.Assembly.GetName().Name is "rlleap" || type.FullName!.StartsWith("RlLeap.",
                StringComparison.Ordinal);
            if (ours && !Passive.Contains(Outermost(type).Name)) return null;
        }
        return null;
    }
}

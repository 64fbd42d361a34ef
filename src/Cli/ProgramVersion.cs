using System.Reflection;

namespace RlLeap.Cli;

/// <summary>The version of the program.</summary>
internal static class ProgramVersion
{
    /// <summary>With the commit it was built from where that is known: "0.2.0+COMMIT".</summary>
    public static string Text { get; } = typeof(ProgramVersion).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}

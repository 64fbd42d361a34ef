namespace RlLeap.Cli;

/// <summary>What the terminal can do, not only whether there is one.</summary>
internal static class Terminal
{
    /// <summary>Whether lines that were written can be written over: on a terminal that is not a dumb one.</summary>
    public static bool MovesItsCursor => !Console.IsOutputRedirected
        && SystemNames.TakesEscapes(Environment.GetEnvironmentVariable("TERM"));

    /// <summary>Whether colours are shown and wanted: NO_COLOR, set to anything, says that they are not.</summary>
    public static bool HasColour(Spectre.Console.IAnsiConsole console) =>
        console.Profile.Capabilities is { Ansi: true, ColorSystem: not Spectre.Console.ColorSystem.NoColors }
        && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";
}

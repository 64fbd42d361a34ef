using System.CommandLine;

namespace RlLeap.Cli.Commands;

/// <summary>Options that train and meta-train share when they go on with a run.</summary>
internal static class ResumeOptions
{
    /// <summary>--accept-changes.</summary>
    public static Option<bool> AcceptChanges() => new("--accept-changes")
    {
        Description = "With --resume: go on although the config or a plug-in was changed; the result says so.",
    };
}

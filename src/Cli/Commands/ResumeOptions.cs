using System.CommandLine;

namespace RlLeap.Cli.Commands;

/// <summary>Options that train and meta-train share when they go on with a run, or start from one.</summary>
internal static class ResumeOptions
{
    /// <summary>--accept-changes.</summary>
    public static Option<bool> AcceptChanges() => new("--accept-changes")
    {
        Description = "With --resume: go on although the config or a plug-in was changed; the result says so.",
    };

    /// <summary>--extend.</summary>
    /// <param name="steps">What is counted: "agent steps".</param>
    public static Option<long?> Extend(string steps) => CheckedOption.Number<long>("--extend",
        $"With --resume: so many {steps} more than a finished run has made; the result says so.", min: 1);

    /// <summary>--from.</summary>
    public static Option<string?> From() => new("--from")
    {
        Description = "Start a new run from the parameters of a finished one (its folder), of train or meta-train; "
            + "optimizer and counters start afresh.",
    };

    /// <exception cref="RlLeapException">Options that do not go together.</exception>
    public static void Check(string? resume, long? extend, string? from)
    {
        if (extend is not null && resume is null)
            throw new RlLeapException("--extend needs the run to extend: --resume RUN --extend N.");
        if (from is not null && resume is not null)
            throw new RlLeapException("--from starts a new run, --resume goes on with one: give one of them.");
    }
}

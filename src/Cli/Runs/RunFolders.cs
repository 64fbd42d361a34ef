// Which runs there are, and whether each one runs: told by their folders alone.
namespace RlLeap.Cli.Runs;

/// <summary>Finds runs.</summary>
internal static class RunFolders
{
    /// <summary>The runs in a folder: itself, or all below it. Links are not followed.</summary>
    /// <param name="unread">Takes a folder that cannot be looked into; it is passed over.</param>
    public static IEnumerable<string> Under(string folder, Action<string, Exception> unread)
    {
        if (RunDirectory.Holds(folder)) return [folder];
        try
        {
            return [.. Directory.EnumerateDirectories(folder)
                .Where(d => new DirectoryInfo(d).LinkTarget is null).SelectMany(d => Under(d, unread))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            unread(folder, e);
            return [];
        }
    }
}

/// <summary>What a run is doing.</summary>
internal enum RunStateKind
{
    /// <summary>A process holds it.</summary>
    Running,

    /// <summary>It has its result.</summary>
    Complete,

    /// <summary>It was asked to stop, and can go on.</summary>
    Stopped,

    /// <summary>Its process is gone and did not let go of it; it can go on.</summary>
    Killed,
}

/// <summary>The state of a run, and the process that holds it or held it last.</summary>
internal readonly record struct RunState(RunStateKind Kind, (int Process, string Host) Holder)
{
    /// <summary>The state of the run in a folder.</summary>
    public static RunState Of(string folder)
    {
        if (RunDirectory.IsComplete(folder)) return new(RunStateKind.Complete, default);
        if (RunLock.HolderOf(folder) is not { } holder) return new(RunStateKind.Stopped, default);
        return new(RunLock.IsAlive(holder) ? RunStateKind.Running : RunStateKind.Killed, holder);
    }
}

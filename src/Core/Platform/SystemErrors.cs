namespace RlLeap;

/// <summary>What the operating system says when a file cannot be used, with what to do about it.</summary>
/// <remarks>On Unix the runtime keeps the system's number (errno) in <see cref="Exception.HResult"/>.</remarks>
public static class SystemErrors
{
    /// <summary>The system's words, and one sentence of advice where there is something to do.</summary>
    public static string Explain(Exception e) => $"{Words(e)} {Advice(e)}".TrimEnd();

    /// <summary>Whether a disk or a quota is full (ENOSPC, EDQUOT; Windows' ERROR_DISK_FULL).</summary>
    public static bool IsDiskFull(Exception e) => IsDiskFull(Number(e), SystemNames.Here);

    /// <summary>Whether another process holds the file (EWOULDBLOCK; Windows' ERROR_SHARING_VIOLATION).</summary>
    public static bool IsHeldByAnother(Exception e) => IsHeldByAnother(Number(e), SystemNames.Here);

    /// <summary>Whether nobody reads what is written any more: a closed pipe (EPIPE), a terminal that is gone (EIO).
    /// </summary>
    public static bool IsReaderGone(Exception e) => IsReaderGone(Number(e), SystemNames.Here);

    // 28 is ENOSPC on both; EDQUOT is 122 on Linux and 69 on macOS.
    internal static bool IsDiskFull(int number, SystemKind system) => system switch
    {
        SystemKind.Windows => number is 112 or 39,
        SystemKind.MacOs => number is 28 or 69,
        _ => number is 28 or 122,
    };

    internal static bool IsHeldByAnother(int number, SystemKind system) => system switch
    {
        SystemKind.Windows => number is 32 or 33,
        SystemKind.MacOs => number is 35,
        _ => number is 11,
    };

    internal static bool IsReaderGone(int number, SystemKind system) =>
        system == SystemKind.Windows ? number is 109 or 232 : number is 32 or 5;

    private static string Words(Exception e)
    {
        var text = e.Message.Trim();
        return text.EndsWith('.') ? text : text + ".";
    }

    private static string Advice(Exception e) => Number(e) switch
    {
        _ when IsDiskFull(e) => "Free space, or choose another folder.",
        _ when e is UnauthorizedAccessException => "Change its permissions, or choose another folder.",
        30 or 19 => "The file system is read-only: mount it for writing, or choose another folder.",
        24 or 23 or 4 => "Too many files are open: raise the limit (ulimit -n).",
        36 or 206 => "Choose a shorter name.",
        5 => "The disk or the network behind it fails: look at the system's log.",
        116 => "The file was replaced on a network file system: run the command again.",
        _ => "",
    };

    // An access that is refused wraps the system's error.
    private static int Number(Exception e) =>
        ((e as UnauthorizedAccessException)?.InnerException ?? e).HResult & 0xffff;
}

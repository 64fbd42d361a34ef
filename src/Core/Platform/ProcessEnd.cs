using System.Runtime.InteropServices;

namespace RlLeap;

/// <summary>The end of this process without any clean-up.</summary>
/// <remarks>
/// <see cref="Environment.Exit"/> runs the destructors of native libraries while other threads may still compute in
/// them (a crash inside oneDNN) or wait for Python for ever.
/// </remarks>
public static class ProcessEnd
{
    /// <summary>Ends the process at once. Flush first what has been written.</summary>
    public static void Now(int exitCode)
    {
        if (OperatingSystem.IsWindows()) TerminateProcess(-1, (uint)exitCode);
        else ExitNow(exitCode);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void ExitNow(int code);

    [DllImport("kernel32")]
    private static extern bool TerminateProcess(nint process, uint code);
}

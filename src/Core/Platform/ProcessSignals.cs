using System.Diagnostics;
using System.Runtime.InteropServices;

namespace RlLeap;

/// <summary>How processes are asked for something.</summary>
public static class ProcessSignals
{
    private const int Terminate = 15, User1OfLinux = 10;

    /// <summary>
    /// Asks a process of the program to write a checkpoint and leave (SIGTERM). Windows has no such request: there the
    /// process is killed, and a resume goes on from its last checkpoint.
    /// </summary>
    public static void AskToLeave(Process process)
    {
        if (!OperatingSystem.IsWindows()) Kill(process.Id, Terminate);
        else if (!process.HasExited) process.Kill(entireProcessTree: true);
    }

    /// <summary>
    /// Calls back when a cluster warns that the time of a job is nearly up (SIGUSR1), instead of ending the process.
    /// Only on Linux, where clusters are; null elsewhere.
    /// </summary>
    public static IDisposable? OnWarning(Action warned) => !OperatingSystem.IsLinux() ? null
        : PosixSignalRegistration.Create((PosixSignal)User1OfLinux, context =>
        {
            context.Cancel = true;
            warned();
        });

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}

using System.Runtime.InteropServices;

namespace RlLeap;

/// <summary>Environment variables as native libraries see them.</summary>
internal static class NativeEnvironment
{
    /// <summary>Sets a variable for this process, its native libraries and its children.</summary>
    public static void Set(string name, string value)
    {
        Environment.SetEnvironmentVariable(name, value); // for children; on Windows for native code too
        if (!OperatingSystem.IsWindows()) SetNative(name, value, 1); // .NET's variables are a copy of these
    }

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetNative(string name, string value, int overwrite);
}

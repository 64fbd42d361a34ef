using System.Runtime.InteropServices;

namespace RlLeap;

/// <summary>The systems between which names and numbers differ.</summary>
internal enum SystemKind
{
    Linux,
    MacOs,
    Windows,
}

/// <summary>What programs and libraries are called on this system.</summary>
public static class SystemNames
{
    internal static SystemKind Here { get; } = OperatingSystem.IsWindows() ? SystemKind.Windows
        : OperatingSystem.IsMacOS() ? SystemKind.MacOs : SystemKind.Linux;

    /// <summary>The file of a program: "ffmpeg", on Windows "ffmpeg.exe".</summary>
    public static string Program(string name) => Program(name, Here);

    /// <summary>The file of a Python interpreter: "python3", on Windows "python.exe".</summary>
    public static string Python => PythonOf(Here);

    /// <summary>The file of a native library: "libtorch.so", "libtorch.dylib", "torch.dll".</summary>
    public static string Library(string name) => Library(name, Here);

    /// <summary>The places, in order, where a virtual or conda environment may have its interpreter.</summary>
    public static IReadOnlyList<string> PythonsIn(string environment) => PythonsIn(environment, Here);

    /// <summary>Whether a terminal of this name (TERM) takes escape sequences. Windows names none.</summary>
    public static bool TakesEscapes(string? terminal) => TakesEscapes(terminal, Here);

    /// <summary>The files called so in the folders of the PATH, in its order.</summary>
    public static IEnumerable<string> OnPath(string file) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, file)).Where(File.Exists);

    internal static string Program(string name, SystemKind system) =>
        system == SystemKind.Windows ? name + ".exe" : name;

    internal static string PythonOf(SystemKind system) => system == SystemKind.Windows ? "python.exe" : "python3";

    internal static string Library(string name, SystemKind system) => system switch
    {
        SystemKind.Windows => name + ".dll",
        SystemKind.MacOs => $"lib{name}.dylib",
        _ => $"lib{name}.so",
    };

    // A virtual environment of Windows has its programs in Scripts, one of conda in the folder itself.
    internal static IReadOnlyList<string> PythonsIn(string environment, SystemKind system) =>
        system == SystemKind.Windows
            ? [Path.Combine(environment, PythonOf(system)), Path.Combine(environment, "Scripts", PythonOf(system))]
            : [Path.Combine(environment, "bin", PythonOf(system))];

    internal static bool TakesEscapes(string? terminal, SystemKind system) => system == SystemKind.Windows
        ? terminal != "dumb" : terminal is not (null or "" or "dumb" or "unknown");

    /// <summary>Whether the packages have a libtorch for this processor.</summary>
    internal static bool HasTorch => RuntimeInformation.ProcessArchitecture == Architecture.X64
        || Here == SystemKind.MacOs;
}

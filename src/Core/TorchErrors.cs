using System.Runtime.InteropServices;

namespace RlLeap;

/// <summary>What libtorch's errors say, in words for a user.</summary>
public static class TorchErrors
{
    /// <summary>The message of an error without the C++ frames that libtorch appends to its own.</summary>
    public static string Summary(this Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        var end = error.Message.IndexOf("\nException raised from", StringComparison.Ordinal);
        return end < 0 ? error.Message : error.Message[..end];
    }

    /// <summary>Why libtorch cannot be loaded, and what to do; null where it can be.</summary>
    /// <remarks>Loads it, but not through TorchSharp, which copies all of it when a first try fails.</remarks>
    public static string? WhyNotLoaded()
    {
        var folders = ((string?)AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") ?? "").Split(Path.PathSeparator,
            StringSplitOptions.RemoveEmptyEntries).Append(AppContext.BaseDirectory).ToArray();
        // libtorch first: the other needs it, and may lie in another folder.
        foreach (var file in new[] { SystemNames.Library("torch"), SystemNames.Library("LibTorchSharp") })
        {
            var path = Array.Find([.. folders.Select(folder => Path.Combine(folder, file))], File.Exists);
            if (path is null) return Missing(file);
            if (Refusal(path) is { } refusal) return Explain(path, refusal);
        }
        return null;
    }

    private static string Missing(string file) => !SystemNames.HasTorch
        ? $"TorchSharp has no {file} for {RuntimeInformation.OSDescription} on "
            + $"{RuntimeInformation.ProcessArchitecture}; it needs x86-64 (or an Apple processor)."
        : $"{file} is missing. Files of the build link to NuGet's cache; where it was cleared, build again.";

    private static string? Refusal(string path)
    {
        try
        {
            NativeLibrary.Load(path);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return e.Message.Split('\n')[0];
        }
    }

    internal static string Explain(string path, string refusal) =>
        refusal.Contains("GLIBCXX") || refusal.Contains("GLIBC_")
            ? $"this system is too old for libtorch ({refusal.Trim()}). Debian 12, Ubuntu 22.04 or newer are needed."
            : $"{Path.GetFileName(path)} cannot be loaded: {refusal.Trim()}";
}

namespace RlLeap.Cli;

/// <summary>What to say when there is no memory: what the runtime says, what is known of the machine.</summary>
internal static class OutOfMemory
{
    /// <summary>The message.</summary>
    public static string Explain(Exception e)
    {
        // Where no file can be opened any more, the runtime often says that there is no memory.
        if (OpenFiles() is var (open, most) && open >= most - 8)
            return $"{open} files are open, and no more than {most} may be: raise the limit (ulimit -n). "
                + $"The runtime says: {e.Message}";
        var memory = GC.GetGCMemoryInfo();
        var (used, there) = (Environment.WorkingSet >> 20, memory.TotalAvailableMemoryBytes >> 20);
        var advice = used > there / 2 ? " Run fewer tasks at once (--parallel), or a smaller batch." : "";
        return $"out of memory: {e.Message} This process uses {used:N0} of {there:N0} MB.{advice}";
    }

    // How many files this process has open, and how many it may have; null where the system does not tell.
    private static (int Open, long Most)? OpenFiles()
    {
        try
        {
            var limit = File.ReadLines("/proc/self/limits")
                .First(line => line.StartsWith("Max open files", StringComparison.Ordinal));
            var most = long.Parse(limit[14..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]);
            return (Directory.GetFileSystemEntries("/proc/self/fd").Length, most);
        }
        catch (IOException e) when (e.HResult is 24) { return (int.MaxValue, int.MaxValue); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException
            or InvalidOperationException)
        { return null; }
    }
}

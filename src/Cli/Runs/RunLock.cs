namespace RlLeap.Cli.Runs;

/// <summary>Holds a run's folder for one process.</summary>
/// <remarks>The system lets go of the lock whatever happens to the process. The lock cannot be read while it is held,
/// so its holder is named in a file beside it.</remarks>
internal sealed class RunLock : IDisposable
{
    private const string LockName = ".lock", HolderName = ".holder";

    private readonly string _folder;
    private readonly FileStream _lock;

    /// <summary>Takes a folder, which is made where it is not there.</summary>
    /// <exception cref="RlLeapException">Another process has it, or it cannot be written to.</exception>
    public RunLock(string folder)
    {
        _folder = folder;
        try
        {
            Directory.CreateDirectory(folder);
            _lock = new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.None);
        }
        catch (IOException e) when (SystemErrors.IsHeldByAnother(e))
        {
            var holder = HolderOf(folder) is { } h ? $"process {h.Process} on {h.Host}" : "another process";
            throw new RlLeapException($"{folder} is in use by {holder}: wait for it, or stop it.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw Unusable(folder, e); }
        try
        {
            File.WriteAllText(Path.Combine(folder, HolderName), $"{Environment.ProcessId} {Environment.MachineName}\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _lock.Dispose();
            throw Unusable(folder, e);
        }
    }

    /// <summary>Whether a path is that of a file of the lock.</summary>
    public static bool IsOwn(string path) => Path.GetFileName(path) is LockName or HolderName;

    /// <summary>The process that holds a run, or held it when it was killed; null where it was let go.</summary>
    public static (int Process, string Host)? HolderOf(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, HolderName)).Split(' ', 2) is [var process, var host]
                && int.TryParse(process, out var id) ? (id, host.Trim()) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    /// <summary>Whether a folder's holder lives; one of another machine is taken to.</summary>
    public static bool IsAlive((int Process, string Host) holder)
    {
        if (holder.Host != Environment.MachineName) return true;
        try { using var _ = System.Diagnostics.Process.GetProcessById(holder.Process); return true; }
        catch (ArgumentException) { return false; }
    }

    /// <summary>Lets another process have the folder.</summary>
    public void Dispose()
    {
        try { File.Delete(Path.Combine(_folder, HolderName)); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { /* read-only by now */ }
        _lock.Dispose(); // its file stays: who opened it meanwhile must not lock one that is gone
    }

    private static RlLeapException Unusable(string folder, Exception e) =>
        new($"Cannot use {folder} as a run's folder: {SystemErrors.Explain(e)}", e);
}

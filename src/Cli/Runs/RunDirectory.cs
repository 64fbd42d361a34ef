// A run is a folder: config.yaml first, metrics appended, checkpoints, result.json last.
using Serilog;

namespace RlLeap.Cli.Runs;

/// <summary>The folder of one run, held by one process at a time.</summary>
/// <remarks>
/// config.yaml (resolved, written first), metrics.jsonl, times.jsonl, events/ (TensorBoard), checkpoints/, run.log, and
/// result.json, whose presence says that the run is complete. A resume cuts metrics and events back to where they were
/// at the newest whole checkpoint, so that the files of a resumed run are those of an uninterrupted one, bit for bit;
/// run.log, times.jsonl and events/ carry times and are the exception.
/// </remarks>
public sealed class RunDirectory : IDisposable
{
    public const string ConfigName = "config.yaml", MetricsName = "metrics.jsonl", TimesName = "times.jsonl",
        ResultName = "result.json";

    private readonly FileStream _lock;
    private readonly SortedDictionary<string, FileStream> _appended = new(StringComparer.Ordinal);
    private readonly CheckpointStore _checkpoints;
    private readonly Lazy<IMetricSink> _metrics;
    private readonly Lazy<IMetricSink> _times;

    private RunDirectory(string root, FileStream @lock, int keep)
    {
        Root = root;
        _lock = @lock;
        _checkpoints = new CheckpointStore(PathOf("checkpoints"), keep);
        _metrics = new(() => new Tee(new JsonLines(Append(MetricsName)), new TensorBoard(Events)));
        _times = new(() => new Tee(new JsonLines(Append(TimesName)), new TensorBoard(Events)));
    }

    /// <summary>Full path of the folder.</summary>
    public string Root { get; }

    /// <summary>The resolved config, as YAML.</summary>
    public string Config => File.ReadAllText(PathOf(ConfigName));

    /// <summary>Where the run goes on: the newest whole checkpoint, or null at its beginning.</summary>
    public Checkpoint? Restored { get; private set; }

    /// <summary>
    /// metrics.jsonl and TensorBoard events. From one thread at a time, in an order that does not depend on timing.
    /// </summary>
    public IMetricSink Metrics => _metrics.Value;

    /// <summary>
    /// times.jsonl and TensorBoard events: for rates and other values of the clock, which metrics.jsonl is free of.
    /// </summary>
    public IMetricSink Times => _times.Value;

    public string PathOf(string relative) => Path.Combine(Root, relative);

    /// <summary>Whether a folder holds a run, and whether that run is complete.</summary>
    public static bool Holds(string path) => File.Exists(Path.Combine(path, ConfigName));

    /// <summary>Path of the config of the run in a folder.</summary>
    /// <exception cref="RlLeapException">The folder holds no run.</exception>
    public static string ConfigOf(string path) =>
        Holds(path) ? Path.Combine(path, ConfigName)
            : throw new RlLeapException($"{path} holds no run (there is no {ConfigName} in it).");

    public static bool IsComplete(string path) => File.Exists(Path.Combine(path, ResultName));

    /// <summary>The process that holds a run, or held it when it was killed; null where it was let go.</summary>
    public static (int Process, string Host)? HolderOf(string path)
    {
        try
        {
            return File.ReadAllText(Path.Combine(path, HolderName)).Split(' ', 2) is [var process, var host]
                && int.TryParse(process, out var id) ? (id, host.Trim()) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    /// <summary>Begins a run in a new or empty folder and writes its resolved config.</summary>
    /// <exception cref="RlLeapException">The folder holds something, or another process uses it.</exception>
    public static RunDirectory Start(string path, string config, int keep = 2)
    {
        RequireNew(path); // before anything of ours, a lock, is put there
        var run = Open(path, keep);
        try
        {
            RequireNew(path);
            AtomicFile.WriteAllText(run.PathOf(ConfigName), config);
            return run;
        }
        catch { run.Dispose(); throw; }
    }

    private static void RequireNew(string path)
    {
        if (Holds(path)) throw new RlLeapException(
            $"{path} already holds a run: go on with it by --resume {path}, or choose another run.directory.");
        if (Directory.Exists(path)
            && Directory.EnumerateFileSystemEntries(path).Any(e => Path.GetFileName(e) is not (LockName or HolderName)))
            throw new RlLeapException($"{path} is not empty and holds no run: choose another run.directory.");
    }

    /// <summary>
    /// Goes on with a run: from <see cref="Restored"/>, with what was appended after it cut off. A complete run is left
    /// as it is.
    /// </summary>
    public static RunDirectory Resume(string path, int keep = 2)
    {
        ConfigOf(path);
        var run = Open(path, keep);
        try
        {
            if (IsComplete(run.Root)) return run; // whose files end after its last checkpoint
            run.Restored = run._checkpoints.Newest();
            run.Cut();
            if (run.Restored is { } from) Log.Information("going on from {Checkpoint}", from.Folder);
            return run;
        }
        catch { run.Dispose(); throw; }
    }

    /// <summary>
    /// Saves a checkpoint (see <see cref="CheckpointStore.Save"/>) that also marks how far the appended files are.
    /// </summary>
    public Checkpoint SaveCheckpoint(long step, Action<string> write)
    {
        foreach (var stream in _appended.Values) stream.Flush(flushToDisk: true);
        return _checkpoints.Save(step, write, _appended.ToDictionary(a => a.Key, a => a.Value.Length));
    }

    /// <summary>Ends the run: writes result.json and leaves only the newest checkpoint.</summary>
    public void Complete(Result result)
    {
        foreach (var stream in _appended.Values) stream.Flush(flushToDisk: true);
        _checkpoints.Prune(1);
        result.Save(PathOf(ResultName));
    }

    /// <summary>Opens a file of the run to append to; checkpoints remember its length.</summary>
    public Stream Append(string relative)
    {
        if (_appended.TryGetValue(relative, out var open)) return open;
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(relative))!);
        var stream = new FileStream(PathOf(relative), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        stream.Seek(0, SeekOrigin.End);
        return _appended[relative] = stream;
    }

    /// <summary>Lets another process have the run.</summary>
    public void Dispose()
    {
        foreach (var stream in _appended.Values) stream.Dispose();
        File.Delete(PathOf(HolderName));
        _lock.Dispose(); // the lock's file stays: who opened it meanwhile must not lock one that is gone
    }

    private Stream Events(string series) => Append($"events/{series.Replace('/', '_')}/events.out.tfevents.0.rlleap");

    private void Cut()
    {
        var lengths = Restored?.Lengths ?? new Dictionary<string, long>();
        foreach (var (file, length) in lengths)
        {
            var stream = Append(file); // stays open, so that the next checkpoint has its length too
            if (stream.Length < length)
                throw new RlLeapException($"{PathOf(file)} has {stream.Length} bytes, and had {length} at the "
                    + $"checkpoint {Restored!.Folder}: it was damaged since. Restore it, or start the run anew in "
                    + "another folder.");
            stream.SetLength(length);
            stream.Position = length;
        }
        // What no checkpoint knows was begun after it.
        var events = Directory.Exists(PathOf("events"))
            ? Directory.EnumerateFiles(PathOf("events"), "*", SearchOption.AllDirectories) : [];
        foreach (var file in events.Append(PathOf(MetricsName)).Append(PathOf(TimesName)))
            if (File.Exists(file) && !lengths.ContainsKey(Path.GetRelativePath(Root, file))) File.Delete(file);
    }

    // The lock cannot be read while it is held, so its holder is named in a file beside it.
    private const string LockName = ".lock", HolderName = ".holder";

    private static RunDirectory Open(string path, int keep)
    {
        path = Path.GetFullPath(path);
        var file = Path.Combine(path, LockName);
        FileStream stream;
        try
        {
            Directory.CreateDirectory(path);
            // The system lets go of it whatever happens to us
            stream = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(file))
        {
            var holder = HolderOf(path) is { } h ? $"process {h.Process} on {h.Host}" : "another process";
            throw new RlLeapException($"{path} is in use by {holder}: wait for it, or stop it.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RlLeapException($"Cannot use {path} as a run's folder: {e.Message}", e);
        }
        File.WriteAllText(Path.Combine(path, HolderName), $"{Environment.ProcessId} {Environment.MachineName}\n");
        return new RunDirectory(path, stream, keep);
    }

    /// <summary>
    /// The first line in which a run's config is not the one asked for, from 1, and what stands there in both; null
    /// where they are equal.
    /// </summary>
    internal static (int Line, string? Kept, string? Asked)? FirstDifference(string run, string asked)
    {
        var (a, b) = (run.Split('\n'), asked.Split('\n'));
        for (var i = 0; i < Math.Max(a.Length, b.Length); i++)
            if (a.ElementAtOrDefault(i) != b.ElementAtOrDefault(i))
                return (i + 1, a.ElementAtOrDefault(i)?.Trim(), b.ElementAtOrDefault(i)?.Trim());
        return null;
    }
}

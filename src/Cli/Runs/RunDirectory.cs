// A run is a folder: config.yaml first, metrics appended, checkpoints, result.json last.

namespace RlLeap.Cli.Runs;

/// <summary>The folder of one run, held by one process at a time.</summary>
/// <remarks>
/// config.yaml (resolved, written first), metrics.jsonl, times.jsonl, events/ (TensorBoard), checkpoints/, run.log, and
/// result.json, whose presence says that the run is complete. A resume cuts metrics and events back to where they were
/// at the newest whole checkpoint, so that the files of a resumed run are those of an uninterrupted one, bit for bit;
/// run.log, times.jsonl and events/ carry times and are the exception. Everything that a result depends on has a
/// checksum. Metrics and events that were lost or damaged do not keep a run from going on: the history says so.
/// </remarks>
public sealed class RunDirectory : IDisposable
{
    public const string ConfigName = "config.yaml", MetricsName = "metrics.jsonl", TimesName = "times.jsonl",
        ResultName = "result.json";

    private const string CheckpointsName = "checkpoints", EventsName = "events";

    private readonly RunLock _lock;
    private readonly SortedDictionary<string, AppendedFile> _appended = new(StringComparer.Ordinal);
    private readonly EventFiles _events;
    private readonly CheckpointStore _checkpoints;
    private readonly Lazy<IMetricSink> _metrics;
    private readonly Lazy<IMetricSink> _times;

    private RunDirectory(string root, RunLock @lock, int keep)
    {
        Root = root;
        _lock = @lock;
        _checkpoints = new CheckpointStore(PathOf(CheckpointsName), keep);
        _events = new EventFiles(root);
        _metrics = new(() => SinkOf(MetricsName));
        _times = new(() => SinkOf(TimesName));
    }

    /// <summary>Full path of the folder.</summary>
    public string Root { get; }

    /// <summary>The resolved config, as YAML: what this process runs.</summary>
    public string Config { get; private set; } = "";

    /// <summary>What was done to the run beside running it.</summary>
    public RunHistory History => _history ??= new RunHistory(Root);

    private RunHistory? _history;

    /// <summary>Whether the run goes on with another config, or other plug-ins, than its checkpoint was made with; the
    /// caller saves a checkpoint at once, so that it is asked once.</summary>
    public bool HasAcceptedChanges { get; private set; }

    /// <summary>Where the run goes on: the newest whole checkpoint, or null at its beginning.</summary>
    public Checkpoint? Restored { get; private set; }

    /// <summary>metrics.jsonl and TensorBoard events; one thread at a time, in an order free of timing.</summary>
    public IMetricSink Metrics => _metrics.Value;

    /// <summary>times.jsonl and TensorBoard events: values of the clock, which metrics.jsonl has none of.</summary>
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

    /// <summary>Refuses a run that is not complete.</summary>
    /// <param name="path">The run.</param>
    /// <param name="why">What cannot be done yet: "there is nothing to export".</param>
    /// <exception cref="RlLeapException">It is not complete, or the folder holds no run.</exception>
    internal static void RequireComplete(string path, string why)
    {
        var command = ConfigFile.IsMetaTrain(path) ? "meta-train" : "train";
        if (!IsComplete(path))
            throw new RlLeapException(
                $"{path} is not finished, so {why} yet. Go on with it by: {Shell.Name} {command} --resume {path}");
    }

    /// <summary>The checkpoints of the run in a folder.</summary>
    internal static CheckpointStore CheckpointsOf(string path) => new(Path.Combine(path, CheckpointsName));

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
            run.Config = config;
            return run;
        }
        catch { run.Dispose(); throw; }
    }

    private static void RequireNew(string path)
    {
        if (Holds(path))
            throw new RlLeapException(
                $"{path} already holds a run: go on with it by --resume {path}, or choose another run.directory.");
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path)
            .Any(e => !RunLock.IsOwn(e) && !IsTornConfig(e)))
            throw new RlLeapException($"{path} is not empty and holds no run: choose another run.directory.");
    }

    // What is left where a process was killed as it wrote the config.
    private static bool IsTornConfig(string path) =>
        Path.GetFileName(path).StartsWith(ConfigName + ".", StringComparison.Ordinal) && AtomicFile.IsTemporary(path);

    /// <summary>Goes on with a run from <see cref="Restored"/>; what came after is cut off unless complete.</summary>
    /// <param name="acceptChanges">Whether the run may go on with another config or other plug-ins; the history says
    /// so.</param>
    /// <param name="config">The config to go on with instead of the folder's, which it replaces; null for the folder's.
    /// A complete run is then no longer complete.</param>
    /// <param name="extension">How a complete run goes on beyond its end; null where it does not.</param>
    /// <exception cref="RlLeapException">Config or plug-ins are others than at the checkpoint; or all checkpoints are
    /// damaged. Nothing was changed then.</exception>
    public static RunDirectory Resume(string path, int keep = 2, bool acceptChanges = false, string? config = null,
        Extension? extension = null)
    {
        ConfigOf(path);
        var run = Open(path, keep);
        try
        {
            var own = File.ReadAllText(run.PathOf(ConfigName));
            run.Config = config ?? own;
            if (IsComplete(run.Root) && config is null) return run; // whose files end after its last checkpoint
            run.Restored = run._checkpoints.Newest();
            if (run.Restored is null) extension?.RequireCheckpoint(path);
            var change = run.Restored is { } at ? RunChanges.Since(at, run.Config) : null;
            var said = run.Restored is { } last && change is not null
                ? new RunHistory.Entry(RunHistory.Extended, last.Step, $"beyond its end at step {last.Step}: {change}")
                : null;
            // An extension that was stopped before its first checkpoint is not asked for again.
            var goesOn = extension is null && said is not null && run.History.All.Contains(said);
            if (!acceptChanges && !goesOn && run.Restored is { } kept
                && (extension is null ? change : RunChanges.Since(kept, own)) is { } unasked)
                throw new RlLeapException($"{path} goes on with what it was begun with, but since its checkpoint "
                    + $"{kept.Folder} {unasked}. Bring back what was (the checkpoint holds its {ConfigName}), or "
                    + $"accept the change with --accept-changes; the result then says so.");
            // In this order: what is stopped between two of these goes on when it is asked again.
            if (said is not null)
            {
                if (extension is not null) run.History.Add(said.Kind, said.Step, said.What);
                else if (!goesOn) run.History.Add(RunHistory.Changed, said.Step, $"at step {said.Step} {change}");
                run.HasAcceptedChanges = true;
            }
            if (config is not null && IsComplete(run.Root)) run.SetResultAside(extension);
            if (config is not null) AtomicFile.WriteAllText(run.PathOf(ConfigName), config);
            run.Cut();
            if (run.Restored is { } from) Log.Information("going on from {Checkpoint}", from.Folder);
            return run;
        }
        catch { run.Dispose(); throw; }
    }

    // A complete run that goes on is not complete: what it ended with stays, under another name.
    private void SetResultAside(Extension? extension)
    {
        var ended = Result.Load(PathOf(ResultName));
        if (extension is { KeepsRows: true }) MarkEnd(ended);
        foreach (var name in (extension?.Aside ?? []).Append(ResultName).Where(name => File.Exists(PathOf(name))))
            File.Move(PathOf(name), PathOf($"{Path.GetFileNameWithoutExtension(name)}-at-{Restored?.Step ?? 0}"
                + Path.GetExtension(name)), overwrite: true);
    }

    // The rows that a complete run wrote after its last checkpoint belong to it.
    private void MarkEnd(Result ended)
    {
        var sums = Restored!.Sums.ToDictionary();
        foreach (var name in new[] { MetricsName, TimesName }.Where(name => File.Exists(PathOf(name))))
        {
            using var file = new AppendedFile(PathOf(name));
            sums[name] = name == MetricsName && ended.Sums?.GetValueOrDefault(name) is { } kept ? kept : file.Sum;
        }
        var events = Directory.Exists(PathOf(EventsName))
            ? Directory.EnumerateFiles(PathOf(EventsName), "*", SearchOption.AllDirectories) : [];
        var lengths = sums.Keys.Select(PathOf).Concat(events).Where(File.Exists)
            .ToDictionary(file => Path.GetRelativePath(Root, file), file => new FileInfo(file).Length);
        Restored = _checkpoints.Mark(Restored, lengths, sums);
    }

    /// <summary>Saves a checkpoint that holds the config and marks how far the appended files are.</summary>
    public Checkpoint SaveCheckpoint(long step, Action<string> write)
    {
        foreach (var file in _appended.Values) file.FlushToDisk();
        return _checkpoints.Save(step, Fill, Lengths(), Sums());

        void Fill(string folder)
        {
            write(folder);
            File.WriteAllText(Path.Combine(folder, ConfigName), Config);
        }
    }

    /// <summary>Ends the run: its result.json, the newest checkpoint alone; the result with its history.</summary>
    public Result Complete(Result result)
    {
        foreach (var file in _appended.Values) file.FlushToDisk();
        _checkpoints.Prune(1);
        var record = new Dictionary<string, string>(result.Record ?? new Dictionary<string, string>());
        History.Record(record);
        result = result with { Record = record.Count > 0 || result.Record is not null ? record : null };
        result = RunChanges.Seal(result, Config, _appended.GetValueOrDefault(MetricsName)?.Sum);
        result.Save(PathOf(ResultName));
        return result;
    }

    /// <summary>Opens metrics or times to append to; checkpoints remember its length and checksum.</summary>
    public Stream Append(string relative)
    {
        if (_appended.TryGetValue(relative, out var open)) return open;
        _appended[relative] = open = new AppendedFile(PathOf(relative));
        return open;
    }

    /// <summary>Lets another process have the run.</summary>
    public void Dispose()
    {
        foreach (var file in _appended.Values) file.Dispose();
        _events.Dispose();
        _lock.Dispose();
    }

    private Dictionary<string, long> Lengths() => _appended
        .Select(file => KeyValuePair.Create(file.Key, file.Value.Length)).Concat(_events.Lengths).ToDictionary();

    private Dictionary<string, string> Sums() => _appended.ToDictionary(file => file.Key, file => file.Value.Sum);

    private Tee SinkOf(string name)
    {
        Append(name);
        var file = _appended[name];
        return new Tee(
            new JsonLines(file, bad => Lost($"{bad}{(bad.Number > 0 ? "; the row is passed over" : "")}", name),
                PathOf(name)),
            new TensorBoard(series =>
                _events.Append($"{EventsName}/{series.Replace('/', '_')}/events.out.tfevents.0.rlleap")));
    }

    // Rows are for people: that some are gone is said and recorded, and the run goes on.
    private void Lost(string what, string name)
    {
        Log.Warning("{What}", what);
        if (name == MetricsName) History.Add(RunHistory.Damaged, Restored?.Step ?? 0, what.Replace(Root + "/", ""));
    }

    private void Cut()
    {
        var lengths = Restored?.Lengths ?? new Dictionary<string, long>();
        var damaged = false;
        foreach (var (name, length) in lengths)
        {
            if (name is not (MetricsName or TimesName))
            {
                _events.Cut(name, length);
                continue;
            }
            var path = PathOf(name);
            var had = File.Exists(path) ? new FileInfo(path).Length : -1;
            // Stays open, so that the next checkpoint has its length too.
            var file = _appended[name] = new AppendedFile(path, length);
            if (had < length)
                Lost(had < 0 ? $"{path} is gone: what it held up to step {Restored!.Step} is lost"
                    : $"{path} has {had} bytes and had {length} at step {Restored!.Step}: what it lacks is lost", name);
            else if (Restored!.Sums.TryGetValue(name, out var sum) && sum != file.Sum)
                Lost($"{path} was changed: up to step {Restored.Step} it is not what was written", name);
            else continue;
            file.CutTornLine();
            damaged = true;
        }
        // From here on, that is what there is: another resume neither says it again nor keeps what is written now.
        if (damaged) Restored = _checkpoints.Mark(Restored!, Lengths(), Sums());
        // What no checkpoint knows was begun after it.
        var events = Directory.Exists(PathOf(EventsName))
            ? Directory.EnumerateFiles(PathOf(EventsName), "*", SearchOption.AllDirectories) : [];
        foreach (var file in events.Append(PathOf(MetricsName)).Append(PathOf(TimesName)))
            if (File.Exists(file) && !lengths.ContainsKey(Path.GetRelativePath(Root, file))) File.Delete(file);
    }

    private static RunDirectory Open(string path, int keep)
    {
        path = Path.GetFullPath(path);
        return new RunDirectory(path, new RunLock(path), keep);
    }

    /// <summary>The first line, from 1, in which two configs differ, and both lines; null where equal.</summary>
    internal static (int Line, string? Kept, string? Asked)? FirstDifference(string run, string asked)
    {
        var (a, b) = (run.Split('\n'), asked.Split('\n'));
        for (var i = 0; i < Math.Max(a.Length, b.Length); i++)
            if (a.ElementAtOrDefault(i) != b.ElementAtOrDefault(i))
                return (i + 1, a.ElementAtOrDefault(i)?.Trim(), b.ElementAtOrDefault(i)?.Trim());
        return null;
    }
}

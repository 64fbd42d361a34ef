using System.Diagnostics;
using System.Text.Json;
using TorchSharp;

namespace RlLeap.Cli.Slurm;

/// <summary>Has the tasks of one folder done by a Slurm array.</summary>
/// <remarks>
/// The truth is the result files: a task is done when its file is there with the hash of its input, whoever wrote it
/// and however often. squeue only tells which tasks nobody works on any more; those are submitted again, by index.
/// array.json names the array before it is submitted, so that a driver which was killed finds its jobs again.
/// </remarks>
internal sealed class SlurmArray
{
    private const string RecordName = "array.json", ScriptName = "job.sh";

    private sealed record Record(string Name, string Inputs, int TasksPerJob, IReadOnlyList<string> Jobs);

    private sealed class Entry(TaskUnit task)
    {
        public TaskUnit Task { get; } = task;
        public bool Submitted { get; set; }
        public int Jobs { get; set; }
        public int Losses { get; set; }
        public long Progress { get; set; }
        public SlurmJob? Job { get; set; }
        public TimeSpan? Gone { get; set; }
    }

    private readonly ExecutorSection _options;
    private readonly string _folder;
    private readonly int _total;
    private readonly List<Entry> _pending;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private Record _record;
    private TimeSpan _nextLook, _nextSubmit;
    private TimeSpan? _unreachable;
    private double _lookEvery = 1, _submitEvery = 2;
    private bool _unsure, _disturbed;
    private int _retried;

    private SlurmArray(ExecutorSection options, string folder, string name, string inputs,
        IReadOnlyList<TaskUnit> tasks, double checkpointSeconds)
    {
        (_options, _folder, _total) = (options, folder, tasks.Count);
        _pending = [.. tasks.Select(task => new Entry(task))];
        foreach (var task in tasks)
            // A failure that an earlier driver left: the task is tried again
            if (TaskResult.Find(ResultPath(task), task.Input) is { Error: not null }) File.Delete(ResultPath(task));
        _record = Begin($"{name}-{Environment.ProcessId}-{DateTime.UtcNow.Ticks / 10_000 % 1_000_000_000:x}", inputs);
        AtomicFile.WriteAllText(Path.Combine(folder, ScriptName),
            SlurmScript.Text(options, _record.Name, folder, checkpointSeconds));
    }

    /// <summary>Returns when every task has a result.</summary>
    /// <param name="options">How jobs are asked for.</param>
    /// <param name="inputs">Hash of what the tasks have in common: an array that runs for others is cancelled, not
    /// taken up.</param>
    /// <param name="tasks">The tasks to be done; results that are there already count.</param>
    /// <param name="checkpointSeconds">Between checkpoints inside a task.</param>
    /// <param name="cancellation">Leaves: after Ctrl-C the array is cancelled (its tasks write checkpoints); after
    /// SIGTERM and SIGHUP it runs on, and a resumed driver takes it up.</param>
    /// <exception cref="RlLeapException">A task failed or was lost too often, or Slurm refused; the array is
    /// cancelled.</exception>
    public static void Run(ExecutorSection options, string folder, string name, string inputs,
        IReadOnlyList<TaskUnit> tasks, double checkpointSeconds,
        Action<TaskUnit, TaskResult> finished, Action<ArrayStatus> status, CancellationToken cancellation) =>
        new SlurmArray(options, folder, name, inputs, tasks, checkpointSeconds).Wait(finished, status, cancellation);

    private void Wait(Action<TaskUnit, TaskResult> finished, Action<ArrayStatus> status, CancellationToken cancellation)
    {
        try
        {
            for (Collect(finished); _pending.Count > 0; Collect(finished))
            {
                cancellation.ThrowIfCancellationRequested();
                if (_unsure && _clock.Elapsed >= _nextSubmit
                    || _clock.Elapsed >= _nextLook && _pending.Any(entry => entry.Submitted)) Look();
                if (!_unsure && _clock.Elapsed >= _nextSubmit) Submit();
                status(Status());
                cancellation.WaitHandle.WaitOne(TimeSpan.FromSeconds(_options.PollSeconds));
            }
            status(Status());
            // Jobs may be left of tasks that were submitted twice, or that Slurm holds although they are done.
            if (_disturbed) SlurmCommands.CancelAll(_record.Name);
        }
        catch (OperationCanceledException) when (Shell.StoppedBy is Shell.Terminated or Shell.HungUp
            && _record.Jobs.Count > 0)
        {
            Log.Warning("the jobs {Jobs} run on; --resume takes them up, `scancel --name={Name}` ends them",
                string.Join(' ', _record.Jobs), _record.Name);
            throw;
        }
        catch
        {
            if (!SlurmCommands.CancelAll(_record.Name))
                Log.Warning("scancel did not succeed; `scancel --name={Name}` ends what is left", _record.Name);
            else if (_record.Jobs.Count > 0)
                Log.Warning("cancelled the jobs {Jobs}; what they did is kept in checkpoints",
                    string.Join(' ', _record.Jobs));
            throw;
        }
    }

    // The array that a driver before us left, or a new one.
    private Record Begin(string name, string inputs)
    {
        var path = Path.Combine(_folder, RecordName);
        if (File.Exists(path) && JsonSerializer.Deserialize<Record>(File.ReadAllText(path), Json.Options) is { } found)
        {
            if (found.Inputs == inputs && found.TasksPerJob == _options.TasksPerJob)
            {
                Log.Information("taking up the jobs {Jobs} of {Folder}", string.Join(' ', found.Jobs), _folder);
                (_unsure, _disturbed) = (true, true);
                return found;
            }
            Log.Information("the jobs {Jobs} of {Folder} were for something else; cancelling them",
                string.Join(' ', found.Jobs), _folder);
            SlurmCommands.CancelAll(found.Name);
        }
        var record = new Record(name, inputs, _options.TasksPerJob, []);
        AtomicFile.WriteAllText(path, JsonSerializer.Serialize(record, Json.Readable));
        return record;
    }

    private void Collect(Action<TaskUnit, TaskResult> finished)
    {
        // Listing the folder asks a network file system for its present content; asking for single files may be
        // answered from a cache.
        var there = Directory.EnumerateFiles(_folder, "*.outcome").Select(Path.GetFileName).ToHashSet();
        foreach (var entry in _pending.Where(entry => there.Contains(TaskUnit.ResultName(entry.Task.Index))).ToList())
        {
            var path = ResultPath(entry.Task);
            var result = TaskResult.Find(path, entry.Task.Input);
            if (result is { Error: null })
            {
                finished(entry.Task, result);
                _pending.Remove(entry);
                continue;
            }
            if (result is null)
            {
                Log.Warning("{Path} was damaged or the result of another input and is now {Aside}; the task is "
                    + "trained again", path, DamagedFileException.SetAside(path));
                continue;
            }
            File.Delete(path);
            if (result.IsFinal) throw new RlLeapException(
                $"{entry.Task.Label} failed on {result.Node}: {result.Error} Log: {LogPath(entry)}");
            else Lose(entry, $"it failed on {result.Node}: {result.Error}");
        }
    }

    private void Look()
    {
        var jobs = SlurmCommands.Queue(_record.Name);
        _nextLook = _clock.Elapsed + TimeSpan.FromSeconds(_lookEvery);
        _lookEvery = Math.Min(2 * _lookEvery, _options.QueueSeconds);
        if (jobs is null)
        {
            Unreachable("squeue does not answer");
            _nextSubmit = _clock.Elapsed + TimeSpan.FromSeconds(_submitEvery);
            return;
        }
        if (_unreachable is not null) Log.Information("Slurm answers again");
        _unreachable = null;
        foreach (var entry in _pending.ToList())
        {
            entry.Job = jobs.Where(job => job.Index == IndexOf(entry)).OrderBy(job => job.IsWaiting).FirstOrDefault();
            if (entry.Job is { IsHeldAfterFailure: true } held)
            {
                SlurmCommands.Cancel(held.Id);
                (_disturbed, entry.Job) = (true, null);
                Lose(entry, $"Slurm could not start it and holds it ({held.Reason})");
            }
            else if (entry.Job is { NeverStarts: true } stuck)
                throw new RlLeapException($"Slurm will not start {entry.Task.Label} (job {stuck.Id}): "
                    + $"{stuck.Reason}. What was submitted is in {Path.Combine(_folder, ScriptName)}; change the "
                    + "section executor and go on by --resume, with --set executor.KEY=VALUE.");
            else if (entry.Job is not null) (entry.Submitted, entry.Gone) = (true, null);
            else if (entry.Submitted)
            {
                _lookEvery = 1;
                if (_clock.Elapsed - (entry.Gone ??= _clock.Elapsed) >= TimeSpan.FromSeconds(_options.GraceSeconds))
                    Lose(entry, "its job left the queue without a result");
            }
        }
        _unsure = false;
    }

    // No job works on the task any more.
    private void Lose(Entry entry, string why)
    {
        (entry.Submitted, entry.Gone, _disturbed) = (false, null, true);
        _retried++;
        if (Progress(entry.Task) is var progress && progress > entry.Progress)
        {
            (entry.Progress, entry.Losses) = (progress, 0);
            Log.Warning("{Task}: {Why}; it goes on from its checkpoint in another job", entry.Task.Label, why);
            return;
        }
        if (++entry.Losses <= _options.Retries)
        {
            Log.Warning("{Task}: {Why}; submitted again ({Loss} of {Retries})", entry.Task.Label, why, entry.Losses,
                _options.Retries);
            return;
        }
        var said = _record.Jobs.Reverse().Select(job => SlurmCommands.Describe($"{job}_{IndexOf(entry)}"))
            .FirstOrDefault(text => text is not null);
        throw new RlLeapException($"""
            {entry.Task.Label} was lost {entry.Losses} times without getting further; the last time {why}.
            Slurm says: {said ?? "nothing any more"}
            {LogTail(entry)}
            The script is {Path.Combine(_folder, ScriptName)}.
            Other tasks' results are kept: mend it and go on by --resume.
            """);
    }

    private string LogTail(Entry entry)
    {
        var path = LogPath(entry);
        if (!File.Exists(path))
            return $"There is no log {path}: it seems that the nodes cannot write there. The run's folder "
                + "(run.directory) and this checkout must lie on a file system that all nodes share, under the same "
                + "path.";
        var lines = File.ReadAllLines(path);
        return $"The log {path} ends with:\n    {string.Join("\n    ", lines.TakeLast(8))}";
    }

    private void Submit()
    {
        var entries = _pending.Where(entry => !entry.Submitted).ToList();
        if (entries.Count == 0) return;
        var array = string.Join(',', entries.Select(IndexOf).Distinct().Order())
            + (_options.Concurrency > 0 ? $"%{_options.Concurrency}" : "");
        string id;
        try { id = SlurmCommands.Submit(Path.Combine(_folder, ScriptName), array); }
        catch (SlurmUnreachableException e)
        {
            Unreachable(e.Message);
            _unsure = true; // it may have been submitted all the same: the queue will tell
            _nextSubmit = _clock.Elapsed + TimeSpan.FromSeconds(_submitEvery);
            _submitEvery = Math.Min(2 * _submitEvery, 60);
            return;
        }
        _record = _record with { Jobs = [.. _record.Jobs, id] };
        AtomicFile.WriteAllText(Path.Combine(_folder, RecordName), JsonSerializer.Serialize(_record, Json.Readable));
        Log.Information("submitted {Count} tasks of {Folder} as job {Job}", entries.Count, _folder, id);
        foreach (var entry in entries) (entry.Submitted, entry.Jobs) = (true, entry.Jobs + 1);
        (_lookEvery, _submitEvery) = (1, 2);
        _nextLook = _clock.Elapsed + TimeSpan.FromSeconds(1);
    }

    private void Unreachable(string words)
    {
        _disturbed = true;
        if (_unreachable is null)
            Log.Warning("Slurm's controller is out of reach ({Words}); waiting up to {Minutes} minutes", words,
                _options.PatienceMinutes);
        _unreachable ??= _clock.Elapsed;
        if (_clock.Elapsed - _unreachable > TimeSpan.FromMinutes(_options.PatienceMinutes))
            throw new RlLeapException($"Slurm's controller was out of reach for {_options.PatienceMinutes} minutes "
                + $"(executor.patience-minutes): {words}. Go on by --resume when it answers.");
    }

    private ArrayStatus Status()
    {
        var running = _pending.Where(entry => entry.Job is { IsWaiting: false }).ToList();
        return new(_pending.Count - running.Count,
            _pending.FirstOrDefault(entry => entry.Job is { IsWaiting: true })?.Job?.Reason ?? "",
            [.. running.Select(entry => (entry.Task, entry.Job!.Node, Math.Max(1, entry.Jobs)))],
            _total - _pending.Count, _retried);
    }

    // Units of experience in a task's checkpoint: whether an attempt got further than the one before.
    private long Progress(TaskUnit task)
    {
        var path = TaskWorker.CheckpointPath(ResultPath(task), task.Input);
        if (!File.Exists(path)) return 0;
        using var scope = torch.NewDisposeScope();
        try
        {
            return SafeTensors.Read(path).Tensors.TryGetValue("counters", out var counters)
                ? counters.data<long>()[0] : 0;
        }
        catch (RlLeapException) { return 0; }
    }

    private int IndexOf(Entry entry) => entry.Task.Index / _options.TasksPerJob;

    private string ResultPath(TaskUnit task) => Path.Combine(_folder, TaskUnit.ResultName(task.Index));

    private string LogPath(Entry entry) => SlurmScript.LogPath(_folder, $"{IndexOf(entry)}");
}

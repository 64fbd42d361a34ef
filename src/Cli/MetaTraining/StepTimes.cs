// What a meta-step's time went into, for the run's times.jsonl.
using System.Diagnostics;

namespace RlLeap.Cli.MetaTraining;

/// <summary>
/// Measures meta-steps. Workers times wall time is training, waiting for the last task of the batch, and all else:
/// display, logs, checkpoints, merging.
/// </summary>
public sealed class StepTimes(int workers)
{
    private long _training; // ticks of TimeSpan, summed over tasks
    private long _tasks; // the same with hooks and checkpoints
    private long _began;
    private TimeSpan _processor, _mapped;

    /// <summary>A training ended; from any thread.</summary>
    public void Trained(TimeSpan time) => Interlocked.Add(ref _training, time.Ticks);

    /// <summary>A meta-step begins.</summary>
    public void Begin()
    {
        (_training, _tasks, _mapped) = (0, 0, TimeSpan.Zero);
        (_began, _processor) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
    }

    /// <summary>An executor that is measured with the rest.</summary>
    public IExecutor Watch(IExecutor inner) => new Watched(this, inner);

    /// <summary>The meta-step is over, its checkpoint written. Seconds; shares of the workers' time; bytes.</summary>
    public Row End(long metaStep)
    {
        var wall = Stopwatch.GetElapsedTime(_began);
        // Where no executor was watched (a cluster, a method that trains in sequence) there are no shares.
        var available = _mapped == TimeSpan.Zero ? double.NaN : workers * wall.TotalSeconds;
        var (training, tasks, mapped) =
            (TimeSpan.FromTicks(_training).TotalSeconds, TimeSpan.FromTicks(_tasks).TotalSeconds, _mapped.TotalSeconds);
        return new Row("meta", metaStep, ("time/wall", wall.TotalSeconds), ("time/training", training),
            ("time/processor", (Environment.CpuUsage.TotalTime - _processor).TotalSeconds),
            ("workers/busy", training / available),
            ("workers/waiting", Math.Max(0, workers * mapped - tasks) / available),
            ("workers/else", (tasks - training + workers * (wall.TotalSeconds - mapped)) / available),
            ("memory/resident", Environment.WorkingSet), ("memory/peak", Peak()));
    }

    /// <summary>What the times.jsonl of a run comes to, in words, for its report; empty where there is none.</summary>
    public static IReadOnlyDictionary<string, string> Facts(string folder)
    {
        var path = Path.Combine(folder, RunDirectory.TimesName);
        if (!File.Exists(path)) return new Dictionary<string, string>();
        // Damaged lines are those of times only: a report does without them.
        var steps = JsonLines.Read(path, _ => { }).Where(row => row.Series == "meta")
            .Select(row => row.Values.ToDictionary(v => v.Column, v => v.Value)).ToList();
        if (steps.Count == 0) return new Dictionary<string, string>();
        var wall = steps.Sum(step => step["time/wall"]);
        double Share(string column) => steps.Sum(step => step[column] * step["time/wall"]) / wall;
        return new Dictionary<string, string>
        {
            ["time of meta-training"] = $"{wall:F0} s for {steps.Count} meta-steps"
                + (double.IsNaN(Share("workers/busy")) ? ""
                    : $"; the workers spent {Share("workers/busy"):P1} training, {Share("workers/waiting"):P1} waiting "
                    + $"for a batch's last task, {Share("workers/else"):P1} on display, logs, checkpoints and merging"),
            ["memory of meta-training"] = $"{steps.Max(step => step["memory/peak"]) / 1e6:F0} MB at its peak, "
                + $"{steps[^1]["memory/resident"] / 1e6:F0} MB at its end",
        };
    }

    private static double Peak()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    private sealed class Watched(StepTimes times, IExecutor inner) : IExecutor
    {
        public IReadOnlyList<TaskOutcome> Map(MetaBatch step, TrainTask train, CancellationToken cancellation = default)
        {
            var began = Stopwatch.GetTimestamp();
            var outcomes = inner.Map(step, (work, hooks, stop) =>
            {
                var task = Stopwatch.GetTimestamp();
                var outcome = train(work, hooks, stop);
                Interlocked.Add(ref times._tasks, Stopwatch.GetElapsedTime(task).Ticks);
                return outcome;
            }, cancellation);
            times._mapped = Stopwatch.GetElapsedTime(began);
            return outcomes;
        }
    }
}

using System.Collections.Concurrent;

namespace RlLeap.MetaLearning;

/// <summary>The tasks of one meta-step, each to be trained from the same initialization.</summary>
/// <param name="MetaStep">Number of the meta-step, from 0.</param>
/// <param name="Start">Where all tasks start. Nobody changes it while they train.</param>
/// <param name="Jobs">One for each task of the meta-batch.</param>
public sealed record MetaBatch(long MetaStep, MetaInitialization Start, IReadOnlyList<TaskJob> Jobs);

/// <summary>Trains one task on this machine.</summary>
public delegate TaskOutcome TrainTask(TaskJob job, TrainingHooks hooks, CancellationToken cancellation);

/// <summary>Where the tasks of a meta-step are trained: threads here, or a cluster. No result depends on it.</summary>
public interface IExecutor
{
    /// <summary>Trains every task and returns the outcomes in the order of the jobs.</summary>
    /// <param name="step">
    /// What to train. An executor on other machines sends the initialization and the jobs as files.
    /// </param>
    /// <param name="train">Trains one task here. It is safe to call from several threads.</param>
    /// <param name="cancellation">Asks running trainings to write a checkpoint and leave.</param>
    /// <exception cref="OperationCanceledException">Cancelled before all tasks were trained.</exception>
    IReadOnlyList<TaskOutcome> Map(MetaBatch step, TrainTask train, CancellationToken cancellation = default);
}

/// <summary>Trains tasks side by side on threads of this machine.</summary>
/// <remarks>
/// For small networks, one core for each task is faster than all cores for one task. The tasks that took longest when
/// they were last trained start first, so that no worker is left with a long one at the end. Results depend on neither.
/// </remarks>
public sealed class ThreadExecutor : IExecutor
{
    private readonly Action<TaskOutcome>? _trained;
    private readonly ConcurrentDictionary<string, TimeSpan> _lastDuration = [];
    private readonly TimeProvider _clock;

    /// <summary>An executor with a number of threads.</summary>
    /// <param name="workers">The number of threads; 0 stands for one for each core.</param>
    /// <param name="hooks">Progress and checkpoints of each training.</param>
    /// <param name="trained">Called after each training, on its thread.</param>
    /// <param name="clock">Measures how long a task takes.</param>
    public ThreadExecutor(
        int workers = 0, TrainingHooks? hooks = null, Action<TaskOutcome>? trained = null, TimeProvider? clock = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(workers);
        Workers = workers == 0 ? Environment.ProcessorCount : workers;
        Hooks = hooks ?? new TrainingHooks();
        (_trained, _clock) = (trained, clock ?? TimeProvider.System);
    }

    /// <summary>The number of threads.</summary>
    public int Workers { get; }

    /// <summary>Progress and checkpoints.</summary>
    public TrainingHooks Hooks { get; }

    public IReadOnlyList<TaskOutcome> Map(MetaBatch step, TrainTask train, CancellationToken cancellation = default)
    {
        var outcomes = new TaskOutcome[step.Jobs.Count];
        // The sort is stable: tasks of equal or unknown duration stay in the order of the batch.
        int[] longestFirst = [.. Enumerable.Range(0, outcomes.Length)
            .OrderByDescending(i => _lastDuration.GetValueOrDefault(step.Jobs[i].TaskId, TimeSpan.MaxValue))];
        using var pool = new WorkerPool(Workers, "task", maxCount: longestFirst.Length);
        pool.ForEach(longestFirst, (i, stop) =>
        {
            var started = _clock.GetTimestamp();
            outcomes[i] = train(step.Jobs[i], Hooks, stop);
            _lastDuration[step.Jobs[i].TaskId] = _clock.GetElapsedTime(started);
            _trained?.Invoke(outcomes[i]);
        }, cancellation);
        return outcomes;
    }
}

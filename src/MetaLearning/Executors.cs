using System.Collections.Concurrent;

namespace RlLeap.MetaLearning;

/// <summary>The map half of one meta-step: works to be trained from one initialization.</summary>
/// <param name="MetaStep">Number of the meta-step, from 0.</param>
/// <param name="Start">What all works start from; nobody changes it meanwhile.</param>
/// <param name="Jobs">One for each task of the meta-batch.</param>
public sealed record MetaStepWork(long MetaStep, MetaInitialization Start, IReadOnlyList<TaskJob> Jobs);

/// <summary>Trains one work on this machine.</summary>
public delegate TaskOutcome TrainTask(TaskJob work, TrainingHooks hooks, CancellationToken cancellation);

/// <summary>Where the tasks of a meta-step are trained: threads here, or a cluster. No result depends on it.</summary>
public interface IExecutor
{
    /// <summary>Trains every work and returns the outcomes in the order of the works.</summary>
    /// <param name="step">What to train; an executor that trains elsewhere sends the initialization and the works as files.</param>
    /// <param name="train">Trains one work here; safe to call from several threads.</param>
    /// <param name="cancellation">Asks running trainings to checkpoint and leave.</param>
    /// <exception cref="OperationCanceledException">Cancelled before all were done.</exception>
    IReadOnlyList<TaskOutcome> Map(MetaStepWork step, TrainTask train, CancellationToken cancellation = default);
}

/// <summary>Trains tasks side by side on threads of this machine, each with one intra-op thread of its own.</summary>
/// <remarks>For small networks a task a core is faster than a task on all cores, and no result depends on the number of workers. The tasks that took longest when
/// last trained are begun first, so that no worker is left with a long one at the end of a meta-step; no result depends on that either.</remarks>
public sealed class ThreadExecutor : IExecutor
{
    private readonly Action<TaskOutcome>? _finished;
    private readonly ConcurrentDictionary<string, TimeSpan> _took = [];
    private readonly TimeProvider _clock;

    /// <summary>An executor of <paramref name="workers"/> threads.</summary>
    /// <param name="workers">0 stands for one a core.</param>
    /// <param name="hooks">Progress and checkpoints of each training.</param>
    /// <param name="finished">Called after each training, on its thread.</param>
    /// <param name="clock">Measures how long a task takes.</param>
    public ThreadExecutor(int workers = 0, TrainingHooks? hooks = null, Action<TaskOutcome>? finished = null, TimeProvider? clock = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(workers);
        (Workers, Hooks, _finished) = (workers == 0 ? Environment.ProcessorCount : workers, hooks ?? new TrainingHooks(), finished);
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>Threads.</summary>
    public int Workers { get; }

    /// <summary>Progress and checkpoints.</summary>
    public TrainingHooks Hooks { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TaskOutcome> Map(MetaStepWork step, TrainTask train, CancellationToken cancellation = default)
    {
        var outcomes = new TaskOutcome[step.Jobs.Count];
        // Stable: equals, and those never trained yet, stay in the order of the batch.
        int[] order = [.. Enumerable.Range(0, outcomes.Length).OrderByDescending(i => _took.GetValueOrDefault(step.Jobs[i].TaskId, TimeSpan.MaxValue))];
        using var pool = new WorkerPool(Workers, "task", most: order.Length);
        pool.ForEach(order, (i, stop) =>
        {
            var began = _clock.GetTimestamp();
            outcomes[i] = train(step.Jobs[i], Hooks, stop);
            _took[step.Jobs[i].TaskId] = _clock.GetElapsedTime(began);
            _finished?.Invoke(outcomes[i]);
        }, cancellation);
        return outcomes;
    }
}

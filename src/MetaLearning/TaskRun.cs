namespace RlLeap.MetaLearning;

/// <summary>What the one who trains a task may add without changing its result: progress, checkpoints.</summary>
public sealed record TrainingHooks
{
    /// <summary>Called after every gradient step, on the training thread.</summary>
    public Action<TaskJob, StepRecord>? Stepped { get; init; }

    /// <summary>Where a work's checkpoint lies; null for none. A training that finds one goes on from it; a finished one deletes it, when its outcome is kept.</summary>
    public Func<TaskJob, string?>? Checkpoint { get; init; }

    /// <summary>Keeps an outcome where it survives the process. Called before the checkpoint is deleted: where keeping fails (a full disk), little is trained again.</summary>
    public Action<TaskOutcome>? Keep { get; init; }

    /// <summary>Time between checkpoints; zero for one on cancellation only. When they are written does not show in any result.</summary>
    public TimeSpan CheckpointEvery { get; init; }

    /// <summary>Called when a training ends, leaves or fails, on its thread: the time it took without these hooks and checkpoints.</summary>
    public Action<TaskJob, TimeSpan>? Trained { get; init; }

    /// <summary>What times are measured with.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>The training of one task inside a meta-step: a pure function of (initialization, work) to an outcome.</summary>
public sealed class TaskRun
{
    private readonly ITask _task;
    private readonly MetaInitialization _start;
    private readonly TrainingHooks _hooks;
    private TimeSpan _excluded; // spent on hooks and checkpoints

    private TaskRun(TaskJob work, ITask task, MetaInitialization start, TrainingHooks hooks, CancellationToken cancellation) =>
        (Work, _task, _start, _hooks, Cancellation) = (work, task, start, hooks, cancellation);

    /// <summary>What is trained and how.</summary>
    public TaskJob Work { get; }

    /// <summary>Asks the training to checkpoint and leave.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Trains <paramref name="task"/> as <paramref name="work"/> says, from <paramref name="start"/>, which stays as it is.</summary>
    /// <remarks>A loss, gradient or direction that is not finite is an outcome without contribution, not an exception.</remarks>
    /// <exception cref="OperationCanceledException">Cancelled; the checkpoint, if asked for, is written.</exception>
    public static TaskOutcome Execute(TaskJob work, ITask task, MetaInitialization start, TrainingHooks? hooks = null, CancellationToken cancellation = default)
    {
        if (work.TaskId != task.Info.Id) throw new ArgumentException($"The work is about {work.TaskId}, the task is {task.Info.Id}.", nameof(task));
        if (work.Method is not PerTaskMethod method) throw new ArgumentException($"{work.Method.Name} does not train task by task.", nameof(work));
        var run = new TaskRun(work, task, start, hooks ?? new TrainingHooks(), cancellation);
        var began = run._hooks.Clock.GetTimestamp();
        try
        {
            var outcome = run.Train(method);
            run.ExcludeFromTiming(() => run.KeepOutcome(outcome));
            return outcome;
        }
        finally
        {
            run._hooks.Trained?.Invoke(work, run._hooks.Clock.GetElapsedTime(began) - run._excluded);
        }
    }

    private TaskOutcome Train(PerTaskMethod method)
    {
        Contribution contribution;
        try { contribution = method.Train(this); }
        catch (DivergenceException e) { return new TaskOutcome(Work, null, e.Message); }
        if (contribution.MetaGradient.Length != _start.Shared.Layout.SharedCount)
            throw new InvalidOperationException($"{method.Name} contributed {contribution.MetaGradient.Length} numbers to {_start.Shared.Layout.SharedCount} shared parameters.");
        return contribution.MetaGradient.All(double.IsFinite)
            ? new TaskOutcome(Work, contribution, null)
            : new TaskOutcome(Work, null, $"{Work.TaskId}: the parameters left the finite numbers within {contribution.Steps} gradient steps. Lower the learning rate or clip the gradient.");
    }

    private void KeepOutcome(TaskOutcome outcome)
    {
        _hooks.Keep?.Invoke(outcome);
        if (CheckpointPath is { } path) File.Delete(path);
    }

    /// <summary>The task's learner at the initialization, or where its checkpoint is. The learner owns the observer.</summary>
    public Learner Begin(IPathObserver? observer)
    {
        var learner = _start.Begin(_task, Work.Learner, new Rng(Work.Seed), observer);
        learner.Diagnosis = new TrainingDiagnosis();
        // Without an observer the method trains by itself (MAML), in one go.
        if (observer is not null && CheckpointPath is { } path && File.Exists(path))
            try
            {
                learner.Load(path);
            }
            catch
            {
                learner.Dispose();
                throw;
            }
        return learner;
    }

    /// <summary>Trains to the last gradient step, writing checkpoints on the way.</summary>
    public void Complete(Learner learner)
    {
        Action? save = CheckpointPath is { } path ? () => learner.Save(path) : null;
        var saved = _hooks.Clock.GetTimestamp();
        while (!learner.IsDone)
        {
            if (Cancellation.IsCancellationRequested)
            {
                if (save is not null) ExcludeFromTiming(save);
                Cancellation.ThrowIfCancellationRequested();
            }
            var record = learner.TrainStep(save);
            if (_hooks.Stepped is { } stepped) ExcludeFromTiming(() => stepped(Work, record));
            if (save is null || _hooks.CheckpointEvery <= TimeSpan.Zero || _hooks.Clock.GetElapsedTime(saved) < _hooks.CheckpointEvery || learner.IsDone) continue;
            ExcludeFromTiming(save);
            saved = _hooks.Clock.GetTimestamp();
        }
    }

    private void ExcludeFromTiming(Action action)
    {
        var began = _hooks.Clock.GetTimestamp();
        action();
        _excluded += _hooks.Clock.GetElapsedTime(began);
    }

    private string? CheckpointPath => _hooks.Checkpoint?.Invoke(Work);
}

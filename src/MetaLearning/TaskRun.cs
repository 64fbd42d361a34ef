namespace RlLeap.MetaLearning;

/// <summary>What the caller of a training may add without changing its result: progress and checkpoints.</summary>
public sealed record TrainingHooks
{
    /// <summary>Called after every gradient step, on the training thread.</summary>
    public Action<TaskJob, StepRecord>? Stepped { get; init; }

    /// <summary>The path of a job's checkpoint; null for none.</summary>
    /// <remarks>
    /// A training that finds a checkpoint there goes on from it. It deletes the checkpoint when it has ended and its
    /// outcome is saved.
    /// </remarks>
    public Func<TaskJob, string?>? Checkpoint { get; init; }

    /// <summary>Saves an outcome where it survives the process.</summary>
    /// <remarks>
    /// Called before the checkpoint is deleted. If saving fails (a full disk), little is trained again.
    /// </remarks>
    public Action<TaskOutcome>? SaveOutcome { get; init; }

    /// <summary>Time between checkpoints; zero for those of cancellation alone. No result depends on it.</summary>
    public TimeSpan CheckpointEvery { get; init; }

    /// <summary>Called on the training thread when a training has ended in any way, with its time alone.</summary>
    public Action<TaskJob, TimeSpan>? Trained { get; init; }

    /// <summary>Called when a damaged checkpoint was set aside under a path; the task starts again.</summary>
    public Action<TaskJob, string>? SetAside { get; init; }

    /// <summary>Measures times.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>The training of one task inside a meta-step: a pure function of initialization and job.</summary>
public sealed class TaskRun
{
    private readonly ITask _task;
    private readonly MetaInitialization _start;
    private readonly TrainingHooks _hooks;
    private TimeSpan _excluded; // spent on hooks and checkpoints

    private TaskRun(
        TaskJob job, ITask task, MetaInitialization start, TrainingHooks hooks, CancellationToken cancellation) =>
        (Job, _task, _start, _hooks, Cancellation) = (job, task, start, hooks, cancellation);

    /// <summary>What is trained, and how.</summary>
    public TaskJob Job { get; }

    /// <summary>Asks the training to write a checkpoint and leave.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Trains a task from an initialization, which does not change.</summary>
    /// <remarks>
    /// A loss or a meta-gradient that is not finite gives an outcome without contribution, not an exception.
    /// </remarks>
    /// <exception cref="OperationCanceledException">Cancelled. The checkpoint, if asked for, is written.</exception>
    public static TaskOutcome Execute(
        TaskJob job, ITask task, MetaInitialization start, TrainingHooks? hooks = null,
        CancellationToken cancellation = default)
    {
        if (job.TaskId != task.Info.Id)
            throw new ArgumentException($"The job is about {job.TaskId}, the task is {task.Info.Id}.", nameof(task));
        if (job.Method is not PerTaskMethod method)
            throw new ArgumentException($"{job.Method.Name} does not train task by task.", nameof(job));
        var run = new TaskRun(job, task, start, hooks ?? new TrainingHooks(), cancellation);
        var started = run._hooks.Clock.GetTimestamp();
        try
        {
            var outcome = run.Train(method);
            run.ExcludeFromTiming(() => run.SaveOutcome(outcome));
            return outcome;
        }
        finally
        {
            run._hooks.Trained?.Invoke(job, run._hooks.Clock.GetElapsedTime(started) - run._excluded);
        }
    }

    /// <summary>A learner of the task at the initialization, or where the task's checkpoint is.</summary>
    /// <param name="observer">
    /// Observes the training; the learner owns it. Null for a method that trains by itself: it does not go on from
    /// checkpoints.
    /// </param>
    public Learner Begin(IPathObserver? observer)
    {
        var learner = _start.Begin(_task, Job.Learner, new Rng(Job.Seed), observer);
        learner.Diagnosis = new TrainingDiagnosis();
        (Job.Method as PerTaskMethod)?.Prepare(learner);
        if (Job.Method.Supports(ParameterRole.Meta))
            learner.Model.Parameters.Differentiate(ParameterRole.Meta, wanted: true);
        if (observer is not null && CheckpointPath is { } path && File.Exists(path))
            try
            {
                learner.Load(path);
            }
            catch (DamagedFileException)
            {
                // It is refused before anything of it is taken over: the learner is at its beginning.
                _hooks.SetAside?.Invoke(Job, DamagedFileException.SetAside(path));
            }
            catch
            {
                learner.Dispose();
                throw;
            }
        return learner;
    }

    /// <summary>Makes all gradient steps that are left, and writes checkpoints on the way.</summary>
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
            if (_hooks.Stepped is { } stepped) ExcludeFromTiming(() => stepped(Job, record));
            if (save is null || learner.IsDone || !IsCheckpointDue(saved)) continue;
            ExcludeFromTiming(save);
            saved = _hooks.Clock.GetTimestamp();
        }
    }

    private TaskOutcome Train(PerTaskMethod method)
    {
        Contribution contribution;
        try { contribution = method.Train(this); }
        catch (DivergenceException e) { return new TaskOutcome(Job, null, e.Message); }
        var (actual, expected) = (contribution.MetaGradient.Length, _start.Shared.Layout.SharedCount);
        if (actual != expected)
            throw new RlLeapException($"The method {method.Name}{PluginFault.Place(method.GetType())} returned a "
                + $"meta-gradient of {actual} numbers for {Job.TaskId}, where the initialization has {expected}.");
        if (contribution.MetaGradient.All(double.IsFinite)) return new TaskOutcome(Job, contribution, null);
        return new TaskOutcome(Job, null, $"{Job.TaskId}: the parameters left the finite numbers within "
            + $"{contribution.Steps} gradient steps. Lower the learning rate or clip the gradient.");
    }

    private void SaveOutcome(TaskOutcome outcome)
    {
        _hooks.SaveOutcome?.Invoke(outcome);
        if (CheckpointPath is { } path) File.Delete(path);
    }

    private string? CheckpointPath => _hooks.Checkpoint?.Invoke(Job);

    private bool IsCheckpointDue(long saved) =>
        _hooks.CheckpointEvery > TimeSpan.Zero && _hooks.Clock.GetElapsedTime(saved) >= _hooks.CheckpointEvery;

    private void ExcludeFromTiming(Action action)
    {
        var started = _hooks.Clock.GetTimestamp();
        action();
        _excluded += _hooks.Clock.GetElapsedTime(started);
    }
}

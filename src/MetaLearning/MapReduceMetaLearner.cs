namespace RlLeap.MetaLearning;

/// <summary>The meta-learner of every <see cref="PerTaskMethod"/>: map over tasks, then reduce.</summary>
/// <remarks>
/// The map trains each task from the initialization. The reduce averages the contributions in float64 in the order of
/// the batch. So no bit depends on the number of workers, or on which of them is done first.
/// </remarks>
internal class MapReduceMetaLearner : MetaLearner
{
    private readonly MetaOptimizer _optimizer;

    private readonly PerTaskMethod _method;

    public MapReduceMetaLearner(PerTaskMethod method, MetaLearnerContext context)
        : base(method, context, context.SharedHeads)
    {
        _method = method;
        _optimizer = new MetaOptimizer(Initialization.Shared, context.MetaOptimizer, context.MetaSteps,
            entry => method.MetaParameterOptimizer(entry, context.MetaOptimizer));
    }

    public override Learner Begin(ITask task, LearnerOptions options, Rng rng)
    {
        var learner = base.Begin(task, options, rng);
        _method.Prepare(learner);
        return learner;
    }

    public override void Dispose()
    {
        _optimizer.Dispose();
        base.Dispose();
    }

    protected override MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation)
    {
        ITask[] tasks = [.. batch.Select(TaskOf)];
        var outcomes = executor.Map(
            new MetaBatch(MetaSteps, Initialization, [.. jobs.Select(job =>
                job with { TaskId = tasks[job.Index].Info.Id })]),
            (job, hooks, stop) => TaskRun.Execute(job, tasks[job.Index], Initialization, hooks, stop),
            cancellation);
        List<TaskOutcome> diverged = [.. outcomes.Where(outcome => outcome.Contribution is null)];
        RequireEnoughTasks(diverged, batch.Count);
        List<TrainedTask> trained = [.. outcomes.Where(outcome => outcome.Contribution is not null)
            .Select(outcome => new TrainedTask(tasks[outcome.Job.Index], outcome.Job, outcome.Contribution!))];
        var norm = _optimizer.Step(_method.Gather(Initialization, trained, cancellation));
        List<TaskRecord> records = [.. trained.Select(task => new TaskRecord(batch[task.Job.Index].Info.Id,
            task.Job.Seed, task.Contribution.Steps, MetricsOf(task.Contribution)))];
        Complete(trained);
        return new MetaStepRecord(MetaSteps, records, diverged, norm);
    }

    /// <summary>What is trained for a task of the batch.</summary>
    protected virtual ITask TaskOf(ITask task) => task;

    /// <summary>What is recorded of a contribution.</summary>
    protected virtual IReadOnlyDictionary<string, double> MetricsOf(Contribution contribution) => contribution.Metrics;

    /// <summary>The initialization has moved, and the meta-step is recorded.</summary>
    protected virtual void Complete(IReadOnlyList<TrainedTask> trained) { }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes)
    {
        var tensors = Initialization.Export();
        tensors.Add(MetaOptimizer.StateName, _optimizer.State);
        return tensors;
    }

    protected override void Import(MetaCheckpoint checkpoint)
    {
        Initialization.Import(checkpoint.Tensors, checkpoint.Path);
        _optimizer.Restore(checkpoint[MetaOptimizer.StateName]);
    }
}

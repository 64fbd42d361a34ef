using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>The meta-learner of every <see cref="PerTaskMethod"/>: map over tasks, then reduce.</summary>
/// <remarks>
/// The map trains each task from the initialization. The reduce averages the contributions in float64 in the order of
/// the batch. So no bit depends on the number of workers, or on which of them is done first.
/// </remarks>
internal sealed class MapReduceMetaLearner : MetaLearner
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
        var outcomes = executor.Map(
            new MetaBatch(MetaSteps, Initialization, jobs),
            (job, hooks, stop) => TaskRun.Execute(job, batch[job.Index], Initialization, hooks, stop),
            cancellation);
        List<TaskOutcome> diverged = [.. outcomes.Where(outcome => outcome.Contribution is null)];
        RequireEnoughTasks(diverged, batch.Count);
        List<TrainedTask> trained = [.. outcomes.Where(outcome => outcome.Contribution is not null)
            .Select(outcome => new TrainedTask(batch[outcome.Job.Index], outcome.Job, outcome.Contribution!))];
        var norm = _optimizer.Step(_method.Gather(Initialization, trained, cancellation));
        var records = outcomes.Where(outcome => outcome.Contribution is not null).Select(outcome => new TaskRecord(
            outcome.Job.TaskId, outcome.Job.Seed, outcome.Contribution!.Steps, outcome.Contribution.Metrics));
        return new MetaStepRecord(MetaSteps, [.. records], diverged, norm);
    }

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

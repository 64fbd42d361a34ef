using System.ComponentModel.DataAnnotations;

namespace RlLeap.MetaLearning;

/// <summary>What tasks share that are learned together.</summary>
public enum Sharing
{
    /// <summary>One trunk; the heads and batch norms are each task's own.</summary>
    Hard,
    /// <summary>A column for each task; a penalty holds their weights together.</summary>
    Soft,
    /// <summary>A column for each task; after every layer each takes a learned mixture of all columns' units.</summary>
    CrossStitch,
    /// <summary>Nothing: each task is learned by itself.</summary>
    None,
}

/// <summary>How the losses of tasks are weighted.</summary>
public enum LossWeights
{
    /// <summary>All alike.</summary>
    Equal,
    /// <summary>By each task's uncertainty, which is learned.</summary>
    Uncertainty,
    /// <summary>So that all tasks train at like rates.</summary>
    GradNorm,
}

/// <summary>Multi-task learning: tasks that are learned at once, and share a trunk or parts of it.</summary>
/// <remarks>
/// <para>
/// Hard and soft sharing as in Ruder 2017, arXiv 1706.05098. Cross-stitch units: Misra et al. 2016, arXiv 1604.03539:
/// after layer l, x_c = sum_d S_cd x_d. Here every image of a task passes all columns, since tasks have images of
/// their own. Uncertainty: Kendall et al. 2018, arXiv 1705.07115, in the form
/// </para>
/// <code>
/// loss = sum_t exp(-s_t) L_t + s_t / 2
/// </code>
/// <para>GradNorm: Chen et al. 2018, arXiv 1711.02257. With W the last weight that all tasks share:</para>
/// <code>
/// G_t = |gradient in W of w_t L_t|        r_t = (L_t / L_t(0)) / mean over tasks
/// w descends  sum_t |G_t - mean(G) r_t^alpha|,  the second term a constant, and keeps the sum of one a task
/// </code>
/// <para>A gradient step takes a batch of every task. All tasks of the pool are in every meta-batch.</para>
/// </remarks>
public sealed record MultiTaskOptions : MetaLearningMethod
{
    /// <summary>What tasks share.</summary>
    public Sharing Sharing { get; init; } = Sharing.Hard;

    /// <summary>How losses are weighted.</summary>
    public LossWeights Weights { get; init; } = LossWeights.Equal;

    /// <summary>Soft sharing's penalty on the squared distances of the columns' weights from their mean.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Penalty { get; init; } = 0.001;

    /// <summary>GradNorm's alpha: how strongly tasks that train slowly are favoured.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Alpha { get; init; } = 1.5;

    public override string Name => "multi-task";

    protected override void Check(MetaLearnerContext context)
    {
        context.RequireDistinctTasks("multi-task learning keeps one head for each task");
        if (!context.Network.IsFunctional || Sharing == Sharing.CrossStitch && !context.Network.IsLayered)
            throw new RlLeapException($"{context.Network.Name} cannot be learned with {Sharing}: it cannot be walked "
                + "layer by layer. Use a RlLeap.Network that overrides Layer.");
        if (Weights == LossWeights.GradNorm && Sharing is not (Sharing.Hard or Sharing.CrossStitch))
            throw new RlLeapException($"GradNorm needs a weight that all tasks share; with {Sharing} there is none. "
                + "Use hard sharing or cross-stitch units, or other weights.");
    }

    protected override IMetaLearner Open(MetaLearnerContext context) => new MultiTask(this, context);
}

/// <summary>One <see cref="Learner"/> over batches of all tasks.</summary>
internal sealed class MultiTask : MetaLearner
{
    private const string Prefix = "learner.";

    private readonly MultiTaskNetwork _network;
    private readonly string[] _tasks;
    private readonly Learner _learner;

    public MultiTask(MultiTaskOptions options, MetaLearnerContext context) : base(options, context, null)
    {
        _tasks = [.. context.Pool.Select(task => task.Info.Id)];
        _network = new MultiTaskNetwork(context.Network, _tasks, options.Sharing);
        var learning = context.Learner.For(context.Pool[0].Info);
        _learner = new Learner(new JointTask(context.Pool, _network, options), _network,
            learning with { GradientSteps = Math.Max(1, context.MetaSteps) * learning.GradientSteps, Stopping = null },
            context.Rng.Split("tasks"), context.Device, dtype: context.DType);
    }

    /// <summary>The model of all tasks.</summary>
    public Model Model => _learner.Model;

    /// <summary>A learner of one of the tasks, with its own features and head.</summary>
    /// <exception cref="RlLeapException">It is not one of them.</exception>
    public override Learner Begin(ITask task, LearnerOptions options, Rng rng)
    {
        var at = Array.IndexOf(_tasks, task.Info.Id);
        if (at < 0)
            throw new RlLeapException($"{task.Info.Id} is not one of the tasks that were learned together: "
                + $"{string.Join(", ", _tasks)}.");
        var learner = new Learner(new PrivateHeadsTask(task), new MultiTaskView(_network, at), options, rng,
            Context.Device, dtype: Context.DType);
        using var scope = NewDisposeScope();
        var (all, head) = (_learner.Model.Export().ToDictionary(e => e.Name, e => e.Value),
            MultiTaskNetwork.HeadOf(task.Info.Id));
        foreach (var part in new[] { ".weight", ".bias" }) all[task.Info.Heads[0].Name + part] = all[head + part];
        learner.Model.Import(all);
        return learner;
    }

    public override void Dispose()
    {
        _learner.Dispose();
        base.Dispose();
    }

    protected override MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation)
    {
        if (!batch.Select(task => task.Info.Id).Order().SequenceEqual(_tasks.Order()))
            throw new RlLeapException($"Multi-task learning takes all {_tasks.Length} tasks in every meta-step; "
                + $"it got {batch.Count}. Set meta.batch to {_tasks.Length}.");
        var errors = _tasks.ToDictionary(id => id, _ => new List<double>());
        var metrics = LearnerState.Train(_learner, jobs[0].Learner.GradientSteps, cancellation, untilDone: true, step =>
        {
            foreach (var id in _tasks) errors[id].Add(step.Metrics["error." + id]);
        });
        var weights = JointTask.WeightsOf(_network, _learner.Model, ((MultiTaskOptions)Method).Weights);
        return new MetaStepRecord(MetaSteps, [.. jobs.Select(job => new TaskRecord(
            job.TaskId, job.Seed, errors[job.TaskId].Count, new Dictionary<string, double>(metrics)
            {
                [TrainingSummary.Error] = errors[job.TaskId].Average(),
                ["weight"] = weights[Array.IndexOf(_tasks, job.TaskId)],
            }))], [], 0);
    }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes) =>
        LearnerState.Of(_learner, Prefix);

    protected override void Import(MetaCheckpoint checkpoint) =>
        LearnerState.Restore(_learner, name => checkpoint[name], Prefix);
}

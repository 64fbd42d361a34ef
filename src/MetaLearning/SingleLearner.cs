namespace RlLeap.MetaLearning;

/// <summary>A meta-learner that is one <see cref="RlLeap.Learner"/>.</summary>
/// <remarks>
/// A meta-step makes a gradient step for each task of its batch, one after another, on the calling thread. All of the
/// learner's state is in a checkpoint, so that a resumed run has the same bits.
/// </remarks>
internal abstract class SingleLearner : MetaLearner
{
    /// <summary>The learner draws from the context's random stream.</summary>
    /// <param name="context">What the meta-learner is made from; its meta-optimizer is the learner's optimizer.</param>
    /// <param name="sharedHeads">As in <see cref="MetaLearner"/>.</param>
    /// <param name="stream">Name of the random stream.</param>
    protected SingleLearner(MetaLearningMethod method, MetaLearnerContext context, IReadOnlyList<Head>? sharedHeads,
        ITask task, string stream) : base(method, context, sharedHeads)
    {
        var options = new LearnerOptions
        {
            Optimizer = context.MetaOptimizer,
            GradientSteps = Math.Max(1, context.MetaSteps * context.MetaBatch),
        };
        Learner = Initialization.Begin(task, options, context.Rng.Split(stream));
    }

    /// <summary>The learner.</summary>
    protected Learner Learner { get; }

    public override void StartFrom(IReadOnlyDictionary<string, Tensor> parameters)
    {
        base.StartFrom(parameters);
        Initialization.ApplyTo(Learner.Model);
    }

    public override void Dispose()
    {
        Learner.Dispose();
        base.Dispose();
    }

    protected override MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var metrics = LearnerState.Train(Learner, batch.Count, cancellation);
        // The initialization is where the learner is now.
        using (no_grad())
            Initialization.Shared.CopySharedFrom(
                Learner.Model.Parameters.Shared.narrow(0, 0, Initialization.Shared.Layout.SharedCount));
        Initialization.Buffers.CopyFrom(Learner.Model.Buffers);
        Complete(metrics);
        var record = new TaskRecord(batch[0].Info.Id, jobs[0].Seed, batch.Count, metrics);
        return new MetaStepRecord(MetaSteps, [record], [], GradientNorm: 0);
    }

    /// <summary>Adds to the metrics of a meta-step.</summary>
    protected virtual void Complete(Dictionary<string, double> metrics) { }
}

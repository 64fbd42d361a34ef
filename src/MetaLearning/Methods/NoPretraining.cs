namespace RlLeap.MetaLearning;

/// <summary>No pretraining: every task starts from fresh parameters. The control for every other method.</summary>
public sealed record NoPretrainingOptions : MetaLearningMethod
{
    public override string Name => "none";

    /// <summary>All roles: meta ones stay as they are drawn.</summary>
    public override bool Supports(ParameterRole role) => true;

    protected override IMetaLearner Open(MetaLearnerContext context) => new NoPretraining(this, context);

    private sealed class NoPretraining(NoPretrainingOptions options, MetaLearnerContext context)
        : StepsOnlyCount(options, context)
    {
        // Fresh parameters for every learner: the spread over seeds is that of random initializations.
        public override Learner Begin(ITask task, LearnerOptions learner, Rng rng) =>
            new(task, Context.Network, learner, rng, Context.Device, dtype: Context.DType);

        public override void StartFrom(IReadOnlyDictionary<string, Tensor> parameters) => throw new RlLeapException(
            "The method none starts every task from random parameters, so it cannot start from another run.");
    }
}

/// <summary>Learns nothing before a task is named: meta-steps only count.</summary>
internal abstract class StepsOnlyCount(MetaLearningMethod method, MetaLearnerContext context)
    : MetaLearner(method, context, context.SharedHeads)
{
    protected override MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return new MetaStepRecord(MetaSteps, [], [], GradientNorm: 0);
    }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes) => [];

    protected override void Import(MetaCheckpoint checkpoint) { }
}

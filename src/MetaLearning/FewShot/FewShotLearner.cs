namespace RlLeap.MetaLearning;

/// <summary>A <see cref="FewShotMethod"/> as a meta-learner: one learner over a stream of episodes.</summary>
internal sealed class FewShotLearner(FewShotMethod method, MetaLearnerContext context) : SingleLearner(
    method, context with { Network = method.Extend(context.Network) }, method.Heads, TaskOf(method, PoolOf(context)),
    "episodes")
{
    private const string Optimizer = "learner.optimizer", Episodes = "learner.stream";

    /// <summary>The model that is trained.</summary>
    public Model Model => Learner.Model;

    /// <summary>A learner of a task with a new head on the encoder that was learned.</summary>
    public override Learner Begin(ITask task, LearnerOptions options, Rng rng)
    {
        using var scope = NewDisposeScope();
        var learner = new Learner(
            new PrivateHeadsTask(task), Context.Network, options, rng, Context.Device, dtype: Context.DType);
        learner.Model.Import(Initialization.Export());
        return learner;
    }

    protected override void Complete(Dictionary<string, double> metrics)
    {
        if (PoolOf(Context).ValidationEpisodes > 0)
            metrics[EpisodeTask.ValidationError] = Learner.Stream.Score(Learner.Model, Split.Validation)["error"];
    }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes)
    {
        var tensors = Initialization.Export();
        tensors.Add(Optimizer, tensor(Learner.Optimizer.SaveState()));
        tensors.Add(Episodes, tensor(Learner.Stream.Save()));
        return tensors;
    }

    protected override void Import(MetaCheckpoint checkpoint)
    {
        Initialization.Import(checkpoint.Tensors, checkpoint.Path);
        Initialization.ApplyTo(Learner.Model);
        Learner.Optimizer.RestoreState(checkpoint[Optimizer].data<byte>().ToArray());
        Learner.Stream.Restore(checkpoint[Episodes].data<byte>().ToArray());
    }

    private static EpisodeTask PoolOf(MetaLearnerContext context) => (EpisodeTask)context.Pool[0];

    private static ITask TaskOf(FewShotMethod method, EpisodeTask pool) =>
        method.Episodes(pool.Source, pool.Shape, pool.Validation, pool.ValidationEpisodes);
}

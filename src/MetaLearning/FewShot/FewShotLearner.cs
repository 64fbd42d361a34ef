using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>
/// A <see cref="FewShotMethod"/> as a meta-learner: one <see cref="Learner"/> over a stream of episodes.
/// </summary>
/// <remarks>
/// A meta-step makes a gradient step for each task of its batch, one after another, on the calling thread. All of the
/// learner's state is in a checkpoint, so that a resumed run has the same bits.
/// </remarks>
internal sealed class FewShotLearner : MetaLearner
{
    private const string Optimizer = "learner.optimizer", Episodes = "learner.stream";

    private readonly Learner _learner;
    private readonly bool _validates;

    public FewShotLearner(FewShotMethod method, MetaLearnerContext context)
        : base(method, context with { Network = method.Extend(context.Network) }, method.Heads)
    {
        var pool = (EpisodeTask)context.Pool[0];
        var options = new LearnerOptions
        {
            Optimizer = context.MetaOptimizer,
            GradientSteps = Math.Max(1, context.MetaSteps * context.MetaBatch),
        };
        var task = method.Episodes(pool.Source, pool.Shape, pool.Validation, pool.ValidationEpisodes);
        _learner = Initialization.Begin(task, options, context.Rng.Split("episodes"));
        _validates = pool.ValidationEpisodes > 0;
    }

    /// <summary>The model that is trained.</summary>
    public Model Model => _learner.Model;

    /// <summary>A learner of a task with a new head on the encoder that was learned.</summary>
    public override Learner Begin(ITask task, LearnerOptions options, Rng rng)
    {
        using var scope = NewDisposeScope();
        var (shared, device, dtype) = (Initialization.Shared.Flat, Context.Device, Context.DType);
        var learner = new Learner(new PrivateHeadsTask(task), Context.Network, options, rng, device, dtype: dtype);
        learner.Model.Import(Initialization.Export());
        return learner;
    }

    public override void StartFrom(IReadOnlyDictionary<string, Tensor> parameters)
    {
        base.StartFrom(parameters);
        _learner.Model.Parameters.CopyFrom(Initialization.Shared);
        _learner.Model.Buffers.CopyFrom(Initialization.Buffers);
    }

    public override void Dispose()
    {
        _learner.Dispose();
        base.Dispose();
    }

    protected override MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var metrics = LearnerState.Train(_learner, batch.Count, cancellation);
        Publish();
        if (_validates)
            metrics[EpisodeTask.ValidationError] = _learner.Stream.Score(_learner.Model, Split.Validation)["error"];
        var record = new TaskRecord(batch[0].Info.Id, jobs[0].Seed, batch.Count, metrics);
        return new MetaStepRecord(MetaSteps, [record], [], GradientNorm: 0);
    }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes)
    {
        var tensors = Initialization.Export();
        tensors.Add(Optimizer, tensor(_learner.Optimizer.SaveState()));
        tensors.Add(Episodes, tensor(_learner.Stream.Save()));
        return tensors;
    }

    protected override void Import(MetaCheckpoint checkpoint)
    {
        Initialization.Import(checkpoint.Tensors, checkpoint.Path);
        _learner.Model.Parameters.CopyFrom(Initialization.Shared);
        _learner.Model.Buffers.CopyFrom(Initialization.Buffers);
        _learner.Optimizer.RestoreState(checkpoint[Optimizer].data<byte>().ToArray());
        _learner.Stream.Restore(checkpoint[Episodes].data<byte>().ToArray());
    }

    // What the meta-learner shows to others is what its learner has learned.
    private void Publish()
    {
        Initialization.Shared.CopyFrom(_learner.Model.Parameters);
        Initialization.Buffers.CopyFrom(_learner.Model.Buffers);
    }
}

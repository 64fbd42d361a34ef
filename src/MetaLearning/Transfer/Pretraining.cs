using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>Pretraining: an encoder learns to tell all training classes apart, with one linear head for them.</summary>
/// <remarks>
/// What meta-transfer learning starts from (Sun et al. 2019, section 4.1), and the usual baseline of few-shot learning:
/// a new episode keeps the encoder and gets a new head. A meta-step makes a gradient step for each task of its batch;
/// the meta-optimizer is the update rule.
/// </remarks>
public sealed record PretrainingOptions : MetaLearningMethod
{
    /// <summary>Images of a minibatch.</summary>
    [Range(1, int.MaxValue)]
    public int BatchSize { get; init; } = 128;

    /// <inheritdoc/>
    public override string Name => "pretraining";

    /// <inheritdoc/>
    protected override void Check(MetaLearnerContext context)
    {
        if (context.Pool is not [EpisodeTask { Source: IClassSource }])
            throw new RlLeapException("Pretraining learns all classes of a source of episodes: it needs one as its "
                + "only task (suite: few-shot), an IClassSource.");
    }

    /// <inheritdoc/>
    protected override IMetaLearner Open(MetaLearnerContext context) => new Pretraining(this, context);
}

/// <summary>One <see cref="Learner"/> over minibatches of all classes.</summary>
internal sealed class Pretraining : MetaLearner
{
    private const string Prefix = "learner."; // before what other runs need not have

    private readonly Learner _learner;

    public Pretraining(PretrainingOptions method, MetaLearnerContext context) : base(method, context, sharedHeads: null)
    {
        var pool = (EpisodeTask)context.Pool[0];
        var options = new LearnerOptions
        {
            Optimizer = context.MetaOptimizer,
            GradientSteps = Math.Max(1, context.MetaSteps * context.MetaBatch),
        };
        var task = ((IClassSource)pool.Source).Classification(method.BatchSize);
        _learner = Initialization.Begin(task, options, context.Rng.Split("pretraining"));
    }

    /// <summary>A learner of a task with a new head on the encoder that was learned.</summary>
    public override Learner Begin(ITask task, LearnerOptions options, Rng rng) =>
        base.Begin(new PrivateHeadsTask(task), options, rng);

    public override void StartFrom(IReadOnlyDictionary<string, Tensor> parameters)
    {
        base.StartFrom(parameters);
        Initialization.ApplyTo(_learner.Model);
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
        var record = new TaskRecord(batch[0].Info.Id, jobs[0].Seed, batch.Count, metrics);
        return new MetaStepRecord(MetaSteps, [record], [], GradientNorm: 0);
    }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes)
    {
        var tensors = Initialization.Export();
        foreach (var (name, value) in LearnerState.Of(_learner, Prefix)) tensors.Add(name, value);
        return tensors;
    }

    protected override void Import(MetaCheckpoint checkpoint)
    {
        Initialization.Import(checkpoint.Tensors, checkpoint.Path);
        LearnerState.Restore(_learner, name => checkpoint[name], Prefix);
    }

    // What the meta-learner shows to others is the encoder that its learner has.
    private void Publish()
    {
        using var _ = no_grad();
        Initialization.Shared.CopySharedFrom(
            _learner.Model.Parameters.Shared.narrow(0, 0, Initialization.Shared.Layout.SharedCount));
        Initialization.Buffers.CopyFrom(_learner.Model.Buffers);
    }
}

using System.ComponentModel.DataAnnotations;

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

    public override string Name => "pretraining";

    protected override void Check(MetaLearnerContext context)
    {
        if (context.Pool is not [EpisodeTask { Source: IClassSource }])
            throw new RlLeapException("Pretraining learns all classes of a source of episodes: it needs one as its "
                + "only task (suite: few-shot), an IClassSource.");
    }

    protected override IMetaLearner Open(MetaLearnerContext context) => new Pretraining(this, context);
}

/// <summary>One learner over minibatches of all classes.</summary>
internal sealed class Pretraining(PretrainingOptions method, MetaLearnerContext context) : SingleLearner(
    method, context, sharedHeads: null,
    ((IClassSource)((EpisodeTask)context.Pool[0]).Source).Classification(method.BatchSize), "pretraining")
{
    private const string Prefix = "learner."; // of the learner's own state, which a run that starts here leaves out

    /// <summary>A learner of a task with a new head on the encoder that was learned.</summary>
    public override Learner Begin(ITask task, LearnerOptions options, Rng rng) =>
        base.Begin(new PrivateHeadsTask(task), options, rng);

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes)
    {
        var tensors = Initialization.Export();
        foreach (var (name, value) in LearnerState.Of(Learner, Prefix)) tensors.Add(name, value);
        return tensors;
    }

    protected override void Import(MetaCheckpoint checkpoint)
    {
        Initialization.Import(checkpoint.Tensors, checkpoint.Path);
        LearnerState.Restore(Learner, name => checkpoint[name], Prefix);
    }
}

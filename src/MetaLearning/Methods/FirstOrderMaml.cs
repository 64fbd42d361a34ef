namespace RlLeap.MetaLearning;

/// <summary>Which batch the outer loss of MAML and first-order MAML comes from.</summary>
public enum OuterBatch
{
    /// <summary>The last training batch, before its update. Nothing is held out and nothing more is computed.</summary>
    /// <remarks>The authors of Leap compare with this.</remarks>
    LastTraining,
    /// <summary>One more training batch, after the last update.</summary>
    NextTraining,
    /// <summary>A batch of the validation split, after the last update, as in MAML.</summary>
    Validation,
}

/// <summary>First-order MAML: the meta-gradient is the gradient of the outer loss where training ended.</summary>
/// <remarks>
/// Finn, Abbeel and Levine 2017, arXiv 1703.03400, section 5.2. It is MAML without the derivative of training itself.
/// </remarks>
public sealed record FirstOrderMamlOptions : PerTaskMethod
{
    /// <summary>Which batch the gradient is from; see docs/fidelity.md.</summary>
    public OuterBatch Gradient { get; init; } = OuterBatch.LastTraining;

    public override string Name => "fomaml";

    /// <summary>All roles: the outer gradient is that of every parameter that is not frozen.</summary>
    public override bool Supports(ParameterRole role) => true;

    public override PathObserver Observe(string taskId) => new OneGradient(taskId);

    public override Contribution Train(TaskRun run)
    {
        var observer = new OneGradient(run.Job.TaskId);
        using var learner = run.Begin(observer);
        run.Complete(learner);
        if (Gradient != OuterBatch.LastTraining) observer.Take(OuterGradient(learner));
        return learner.Contribute();
    }

    private Tensor OuterGradient(Learner learner)
    {
        using var scope = NewDisposeScope();
        var (model, stream) = (learner.Model, learner.Stream);
        var split = Gradient == OuterBatch.Validation ? Split.Validation : Split.Train;
        using var batch = stream.NextBatch(model, split);
        var loss = stream.Loss(model, batch);
        model.Parameters.ZeroGradient();
        loss.backward();
        return model.Parameters.SharedGradient; // the vector's own, beyond any scope
    }
}

/// <summary>The meta-gradient is one gradient: the last of training, or one that is given.</summary>
/// <param name="ofTraining">Whether gradients of training count.</param>
internal sealed class OneGradient(string taskId, bool ofTraining = true) : PathObserver(taskId)
{
    /// <summary>Takes a gradient of a point beyond training.</summary>
    public void Take(Tensor gradient)
    {
        using var _ = no_grad();
        Keep("gradient", gradient);
    }

    protected override void ObservePoint(Tensor position, Tensor gradient, double loss)
    {
        if (ofTraining) Keep("gradient", gradient);
    }

    protected override Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics) => this["gradient"];
}

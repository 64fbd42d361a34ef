using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>From which loss first-order MAML takes its gradient.</summary>
public enum OuterBatch
{
    /// <summary>The last training batch, before its update: the authors of Leap compare with this; nothing is held out and nothing more is computed.</summary>
    LastTraining,
    /// <summary>One more training batch, after the last update.</summary>
    NextTraining,
    /// <summary>A batch of the validation split, after the last update: MAML's own meaning of an outer loss.</summary>
    Validation,
}

/// <summary>First-order MAML: the gradient at the end of training, as if the end moved with the beginning (Finn et al. 2017, arXiv 1703.03400, section 5.2).</summary>
public sealed record FirstOrderMamlOptions : PerTaskMethod
{
    /// <summary>Which batch the gradient is from; see docs/fidelity.md.</summary>
    public OuterBatch Gradient { get; init; } = OuterBatch.LastTraining;

    /// <inheritdoc/>
    public override string Name => "fomaml";

    /// <inheritdoc/>
    public override PathObserver Observe(string taskId) => new LastGradient(taskId);

    /// <inheritdoc/>
    public override Contribution Train(TaskRun run)
    {
        using var learner = run.Begin(Observe(run.Work.TaskId));
        run.Complete(learner);
        if (Gradient != OuterBatch.LastTraining)
        {
            using var scope = NewDisposeScope();
            using var draw = learner.Stream.Draw(learner.Model, Gradient == OuterBatch.Validation ? Split.Validation : Split.Train);
            learner.Stream.Backward(learner.Model, learner.Stream.Loss(learner.Model, draw));
        }
        return learner.Finish();
    }

    /// <summary>The gradient buffer still holds what is wanted when training ends: this observer needs no memory.</summary>
    private sealed class LastGradient(string taskId) : PathObserver(taskId)
    {
        protected override void Arrive(ParameterVector theta, double loss) { }

        protected override Tensor End(ParameterVector theta, IDictionary<string, double> metrics) =>
            theta.SharedGradient.to_type(ScalarType.Float64) / theta.ClipFactor;
    }
}

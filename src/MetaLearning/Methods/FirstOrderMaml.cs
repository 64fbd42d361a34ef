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
        var observer = new LastGradient(run.Work.TaskId);
        using var learner = run.Begin(observer);
        run.Complete(learner);
        if (Gradient != OuterBatch.LastTraining)
        {
            using var scope = NewDisposeScope();
            var (model, stream) = (learner.Model, learner.Stream);
            using var batch = stream.NextBatch(model, Gradient == OuterBatch.Validation ? Split.Validation : Split.Train);
            var loss = stream.Loss(model, batch);
            model.Parameters.ZeroGradient();
            loss.backward();
            observer.Take(model.Parameters.SharedGradient);
        }
        return learner.Contribute();
    }

    private sealed class LastGradient(string taskId) : PathObserver(taskId)
    {
        public void Take(Tensor gradient)
        {
            using var _ = no_grad();
            Keep("gradient", gradient);
        }

        protected override void Arrive(Tensor position, Tensor gradient, double loss) => Keep("gradient", gradient);

        protected override Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics) => this["gradient"];
    }
}

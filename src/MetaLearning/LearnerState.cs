namespace RlLeap.MetaLearning;

/// <summary>Learners that a meta-learner keeps from one meta-step to the next.</summary>
internal static class LearnerState
{
    private const string Parameters = "parameters", Buffers = "buffers", Optimizer = "optimizer", Stream = "stream";

    /// <summary>What a learner goes on with, by name after <paramref name="prefix"/>; the caller's copies.</summary>
    public static Dictionary<string, Tensor> Of(Learner learner, string prefix = "") => new()
    {
        [prefix + Parameters] = learner.Model.Parameters.Flat.detach().clone(),
        [prefix + Buffers] = learner.Model.Buffers.Flat.detach().clone(),
        [prefix + Optimizer] = tensor(learner.Optimizer.SaveState()),
        [prefix + Stream] = tensor(learner.Stream.Save()),
    };

    /// <summary>Goes on where <see cref="Of"/> was called.</summary>
    /// <param name="state">The tensor of a name.</param>
    /// <param name="prefix">What stands before the names.</param>
    public static void Restore(Learner learner, Func<string, Tensor> state, string prefix = "")
    {
        using var _ = no_grad();
        learner.Model.Parameters.Flat.copy_(state(prefix + Parameters));
        learner.Model.Buffers.Flat.copy_(state(prefix + Buffers));
        learner.Optimizer.RestoreState(state(prefix + Optimizer).data<byte>().ToArray());
        learner.Stream.Restore(state(prefix + Stream).data<byte>().ToArray());
    }

    /// <summary>Makes all of some gradient steps, or none: a failure leaves the learner as it was.</summary>
    /// <param name="untilDone">Whether to end where the learner is done.</param>
    public static Dictionary<string, double> Train(Learner learner, long steps, CancellationToken cancellation,
        bool untilDone = false, Action<StepRecord>? seen = null)
    {
        using var scope = NewDisposeScope();
        var before = Of(learner);
        var (losses, summary) = (new LossSummary(), new TrainingSummary());
        try
        {
            for (var i = 0L; i < steps && !(untilDone && learner.IsDone); i++)
            {
                cancellation.ThrowIfCancellationRequested();
                var step = learner.TrainStep();
                losses.Add(step.Loss);
                summary.Add(step.Metrics, step.Episodes);
                seen?.Invoke(step);
            }
            learner.RequireFinite();
        }
        catch
        {
            Restore(learner, name => before[name]);
            throw;
        }
        var metrics = losses.Metrics;
        summary.Record(metrics);
        return metrics;
    }
}

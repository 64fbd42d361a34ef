namespace RlLeap.MetaLearning;

/// <summary>Trains tasks on the calling thread, in any order.</summary>
/// <remarks>For tests that no order changes a result, and for counting the tensors that a step leaves behind.</remarks>
/// <param name="order">Where the order of training comes from; null for the order of the batch.</param>
/// <param name="hooks">Progress and checkpoints.</param>
public sealed class InlineExecutor(Rng? order = null, TrainingHooks? hooks = null) : IExecutor
{
    public IReadOnlyList<TaskOutcome> Map(MetaBatch step, TrainTask train, CancellationToken cancellation = default)
    {
        var outcomes = new TaskOutcome[step.Jobs.Count];
        foreach (var i in order?.Permutation(outcomes.Length) ?? [.. Enumerable.Range(0, outcomes.Length)])
            outcomes[i] = train(step.Jobs[i], hooks ?? new TrainingHooks(), cancellation);
        return outcomes;
    }
}

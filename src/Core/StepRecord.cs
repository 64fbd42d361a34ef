namespace RlLeap;

/// <summary>What one gradient step saw.</summary>
/// <param name="Step">Number of the gradient step, from 0.</param>
/// <param name="Loss">Loss of its batch, before the update.</param>
/// <param name="Count">Units of experience in the batch.</param>
/// <param name="Metrics">The batch's metrics.</param>
public sealed record StepRecord(long Step, double Loss, long Count, IReadOnlyDictionary<string, double> Metrics)
{
    /// <summary>The batch's episodes (<see cref="IBatch.Episodes"/>).</summary>
    public IReadOnlyList<FinishedEpisode>? Episodes { get; init; }

    /// <summary>The network's state on the batch where <see cref="Learner.DiagnoseNext"/> asked; else null.</summary>
    public NetworkDiagnosis? Diagnosis { get; init; }
}

namespace RlLeap;

/// <summary>
/// How one learning process went on the whole: the mean of its batches' "error" over gradient steps, and the mean
/// return of the episodes that ended in it.
/// </summary>
/// <remarks>
/// One minus the former is the training accuracy averaged over the steps, the latter the height of a learning curve:
/// what a good initialization moves. Batches that have neither are not counted.
/// </remarks>
public sealed class TrainingSummary
{
    /// <summary>The names under which contributions carry them.</summary>
    public const string Error = "error.mean", Return = "return.mean";

    private double _errors, _batches, _returns, _episodes, _rollouts;

    /// <summary>Counts a batch's error and the returns of its episodes, where it has such.</summary>
    public void Add(IReadOnlyDictionary<string, double> metrics, IReadOnlyList<FinishedEpisode>? episodes = null)
    {
        if (metrics.TryGetValue("error", out var error)) (_errors, _batches) = (_errors + error, _batches + 1);
        if (episodes is null) return;
        _rollouts++;
        if (episodes.Count == 0) return;
        // Not their sum: recorded numbers keep the last bit that they had in version 0.1.
        _returns += episodes.Average(e => e.Return) * episodes.Count;
        _episodes += episodes.Count;
    }

    /// <summary>Adds what there is to a contribution's metrics; the return is NaN where no episode has ended.</summary>
    public void Record(IDictionary<string, double> metrics)
    {
        if (_batches > 0) metrics[Error] = _errors / _batches;
        if (_rollouts > 0) metrics[Return] = _returns / _episodes;
    }

    /// <summary>[5]: sums and numbers.</summary>
    public double[] Save() => [_errors, _batches, _returns, _episodes, _rollouts];

    /// <summary>Goes on where <see cref="Save"/> was called.</summary>
    public void Restore(ReadOnlySpan<double> state) =>
        (_errors, _batches, _returns, _episodes, _rollouts) = (state[0], state[1], state[2], state[3], state[4]);
}

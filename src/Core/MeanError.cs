namespace RlLeap;

/// <summary>Mean of the draws' "error" over the gradient steps of one learning process: one minus it is the training accuracy averaged over the steps.</summary>
/// <remarks>Draws without an "error" (rollouts) are not counted.</remarks>
public sealed class MeanError
{
    /// <summary>The name under which contributions carry it.</summary>
    public const string Metric = "error.mean";

    private double _sum;
    private double _count;

    /// <summary>The mean; NaN before the first error.</summary>
    public double Value => _sum / _count;

    /// <summary>Counts a draw's error, if it has one.</summary>
    public void Add(IReadOnlyDictionary<string, double> metrics)
    {
        if (!metrics.TryGetValue("error", out var error)) return;
        _sum += error;
        _count++;
    }

    /// <summary>Adds the mean to a contribution's metrics, if there is one.</summary>
    public void Record(IDictionary<string, double> metrics)
    {
        if (_count > 0) metrics[Metric] = Value;
    }

    /// <summary>[2]: the sum and the number of errors.</summary>
    public double[] Save() => [_sum, _count];

    /// <summary>Goes on where <see cref="Save"/> was called.</summary>
    public void Restore(ReadOnlySpan<double> state) => (_sum, _count) = (state[0], state[1]);
}

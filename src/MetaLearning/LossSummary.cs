namespace RlLeap.MetaLearning;

/// <summary>The first, last and mean loss of one task's training.</summary>
internal sealed class LossSummary
{
    private const string FirstName = "loss.first", LastName = "loss.last", MeanName = "loss.mean";
    private const string CountName = "points", SumName = "loss.sum";
    private double _sum;

    /// <summary>Losses seen.</summary>
    public long Count { get; private set; }

    /// <summary>The first loss; NaN before it.</summary>
    public double First { get; private set; } = double.NaN;

    /// <summary>The last loss; NaN before the first.</summary>
    public double Last { get; private set; } = double.NaN;

    /// <summary>The numbers that a checkpoint keeps, by name.</summary>
    public Dictionary<string, double> Scalars =>
        new() { [CountName] = Count, [FirstName] = First, [LastName] = Last, [SumName] = _sum };

    /// <summary>The three losses as metrics; NaN where none was seen.</summary>
    public Dictionary<string, double> Metrics =>
        new() { [FirstName] = First, [LastName] = Last, [MeanName] = _sum / Count };

    /// <summary>Counts a loss.</summary>
    public void Add(double loss)
    {
        if (Count == 0) First = loss;
        Last = loss;
        _sum += loss;
        Count++;
    }

    /// <summary>Goes on where <see cref="Scalars"/> was taken.</summary>
    public void Restore(IReadOnlyDictionary<string, double> scalars) =>
        (Count, First, Last, _sum) =
            ((long)scalars[CountName], scalars[FirstName], scalars[LastName], scalars[SumName]);
}

namespace RlLeap.Cli.Reports;

/// <summary>Names learning processes: by their seed, and where runs have several of them by their run too.</summary>
internal sealed class SeedNames
{
    private readonly IReadOnlyList<string> _runs;
    private readonly bool _byRun;

    private SeedNames(IReadOnlyList<string> runs, bool byRun) => (_runs, _byRun) = (runs, byRun);

    /// <summary>For the learning processes of some runs.</summary>
    public static SeedNames Of(IReadOnlyList<Learned> learned, IReadOnlyList<string> runs) => new(runs,
        learned.Select(l => l.Run).Distinct().Count() > 1
            && learned.GroupBy(l => (l.Run, l.Curve.Task, l.Curve.Method)).Any(g => g.Count() > 1));

    /// <summary>A learning process with its line.</summary>
    /// <param name="learned">It, or one of those that the line is the mean of.</param>
    /// <param name="line">[points].</param>
    /// <param name="ofRun">Whether the line is the mean of a whole run.</param>
    public SeedLine Line(Learned learned, IReadOnlyList<double> line, bool ofRun = false)
    {
        var run = learned.RunSeed.Length > 0 ? $"run of seed {learned.RunSeed}" : _runs[learned.Run];
        var seed = $"seed {learned.Curve.Seed}";
        return ofRun ? new(run, run, line) : _byRun ? new($"{run}, {seed}", run, line) : new(seed, seed, line);
    }
}

using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>One task. <c>Goal</c> is the reference's mean final value, which "steps to goal" counts to.</summary>
public sealed record TaskReport(string Task, double? Goal, IReadOnlyList<MethodReport> Methods);

/// <summary>
/// One method on one task: the mean curve with its band over <c>Steps</c>, each seed's area and final value, and their
/// means with intervals. <c>Reached</c> seeds reached the goal; <c>StepsToGoal</c> is their median where more than half
/// of all did.
/// </summary>
public sealed record MethodReport(
    string Method, int Seeds, IReadOnlyList<double> Steps, IReadOnlyList<double> Mean, IReadOnlyList<double> Low,
    IReadOnlyList<double> High,
    double[] Areas, double[] Finals, Interval Area, Interval Final, int? Reached, long? StepsToGoal)
{
    /// <summary>Each seed's own line over <see cref="Steps"/>, in the order of <see cref="Areas"/>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<SeedLine> Each { get; init; } = [];

    /// <summary>How many of the seeds diverged; they count with their last value before that.</summary>
    public int Diverged { get; init; }

    /// <summary>
    /// How much larger the area is than the reference's: the mean over pairs of the same seed, with Student's 95 %
    /// interval. Null without at least two pairs.
    /// </summary>
    public Interval? Difference { get; init; }

    /// <summary>
    /// The same over runs: the mean of each run's pairs, which share the initialization that the run learned, then the
    /// mean over runs with Student's 95 % interval. Null without at least two runs, or where each has one pair.
    /// </summary>
    public Interval? DifferenceOfRuns { get; init; }
}

/// <summary>One learning process: what it is called, with what others it is shown, and its line.</summary>
/// <param name="Name">"seed 3", or "run seed 1, seed 3" where runs have several.</param>
/// <param name="Group">"run seed 1" where runs have several; else its name.</param>
/// <param name="Values">[points] the line.</param>
public sealed record SeedLine(string Name, string Group, IReadOnlyList<double> Values);

/// <summary>A number about a method on a task: mean over seeds, interval, and what a paper reports.</summary>
public sealed record ScoreReport(string Task, string Method, string Quantity, int Seeds, Interval Mean,
    double? Published);

/// <summary>A statistic of a method's normalized scores (final values or areas) over all tasks and seeds.</summary>
public sealed record Aggregate(string Method, string Of, string Statistic, Interval Interval);

/// <summary>The probability that a run of <c>Method</c> beats one of <c>Over</c>, averaged over tasks.</summary>
public sealed record Improvement(string Method, string Over, string Of, Interval Interval)
{
    /// <summary>Seeds of each, on the task that has the most.</summary>
    public int Seeds { get; init; } = 1;
}

/// <summary>Where the numbers came from.</summary>
public sealed record RunReport(string Name, string Kind, IReadOnlyDictionary<string, string> Record)
{
    /// <summary>How the run was made: command, version, commit, machine; empty where nothing tells it.</summary>
    public IReadOnlyDictionary<string, string> Provenance { get; init; } = new Dictionary<string, string>();

    /// <summary>Episodes that were recorded for it; empty for none.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<RecordedEpisode> Recorded { get; init; } = [];
}

/// <summary>Learning processes of a task without a single value: no episode ended in them.</summary>
/// <param name="Method">What they started from.</param>
/// <param name="Count">How many have no value.</param>
/// <param name="Of">How many there are.</param>
public sealed record MissingCurves(string Task, string Method, int Count, int Of)
{
    /// <summary>The seeds of those that have no value.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [];
}

// A report's numbers over tasks that are measured alike (errors of classification): the unit is a run, whose tasks are
// averaged first.
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>
/// One learning curve, the runs that have it (their places among the report's; random initializations are shared by the
/// runs of a grid), the first one's seed, and its single numbers.
/// </summary>
internal sealed record Learned(Curve Curve, IReadOnlyList<int> Runs, string RunSeed, IReadOnlyList<Score> Scores)
{
    /// <summary>The run that it counts for: the first that has it.</summary>
    public int Run => Runs[0];
}

/// <summary>All tasks together. <c>Unit</c> says what a value is of: a run, or a seed of an evaluation.</summary>
/// <param name="Unit">"run" or "seed".</param>
/// <param name="Steps">Where the mean curves are given.</param>
/// <param name="Quantities">Names of the methods' numbers, in their order.</param>
public sealed record OverallReport(string Unit, IReadOnlyList<double> Steps, IReadOnlyList<string> Quantities,
    IReadOnlyList<OverallMethod> Methods)
{
    /// <summary>The area under the curve is the first quantity.</summary>
    public const string Area = "area";

    /// <summary>The method that others are compared with: the one asked for, else Leap, else the last one.</summary>
    public required string Compared { get; init; }

    /// <summary>Null where tasks cannot be averaged (returns), or no unit has more than one task.</summary>
    internal static OverallReport? Of(IReadOnlyList<Learned> all, IReadOnlyList<string> methods, int window,
        bool higherIsBetter, string? against, SeedNames names, Rng rng)
    {
        if (higherIsBetter || all.Count == 0) return null;
        var byRun = all.Select(l => l.Run).Distinct().Count() > 1;
        var units = all.GroupBy(l => (l.Curve.Method, Unit: byRun ? l.Run : l.Curve.Seed)).ToList();
        if (units.All(u => u.Select(l => l.Curve.Task).Distinct().Count() < 2)) return null;
        var (from, to) = (all.Max(l => l.Curve.Steps[0]), all.Min(l => l.Curve.Steps[^1]));
        var grid = Report.Grid(from, to);
        var quantities = QuantitiesOf(all);
        var first = against ?? (methods.Contains("leap") ? "leap" : methods[^1]);
        var reference = Areas(first);
        return new(byRun ? "run" : "seed", grid, quantities,
            [.. methods.Where(m => units.Any(u => u.Key.Method == m)).Select(method =>
            {
                var mine = units.Where(u => u.Key.Method == method).OrderBy(u => u.Key.Unit).ToList();
                var areas = Areas(method);
                double[][] lines = [.. mine.Select(u => LearningCurves.Mean([.. u.Select(l =>
                    LearningCurves.At(l.Curve.Steps, LearningCurves.MovingAverage(l.Curve.Values, window), grid))]))];
                var (low, high) = Aggregates.Band(lines, rng.Split(method));
                return new OverallMethod(method, LearningCurves.Mean(lines), low, high,
                    [.. quantities.Select(q => (IReadOnlyList<double>)[.. mine.Select(u => ValueOf(u, q))])],
                    // A unit whose learning processes all diverged has no scores.
                    [.. quantities.Select(q => Aggregates.Student(
                        [.. mine.Select(u => ValueOf(u, q)).Where(double.IsFinite).DefaultIfEmpty(double.NaN)]))],
                    method != first && areas.Count > 0 && areas.Keys.All(reference.ContainsKey)
                        ? Aggregates.Student([.. areas.Select(a => a.Value - reference[a.Key])]) : null)
                {
                    Each = [.. mine.Zip(lines, (unit, line) => names.Line(unit.First(), line, ofRun: byRun))],
                };
            })])
        { Compared = first };

        // By the seed, which gives equal units of two methods the same tasks; empty where it does not tell a method's
        // units apart.
        Dictionary<string, double> Areas(string method)
        {
            var mine = units.Where(u => u.Key.Method == method)
                .Select(u => (Seed: byRun ? u.First().RunSeed : $"{u.Key.Unit}", Area: ValueOf(u, Area))).ToList();
            return mine.Select(u => u.Seed).Distinct().Count() < mine.Count
                ? [] : mine.ToDictionary(u => u.Seed, u => u.Area);
        }
    }

    /// <summary>The area, and the runs' own scores but that of the area, which is the same number.</summary>
    internal static string[] QuantitiesOf(IReadOnlyList<Learned> all) =>
        [Area, .. all.SelectMany(l => l.Scores.Select(s => s.Quantity)).Distinct().Where(q => q != Score.CurveArea)];

    /// <summary>A quantity averaged over the tasks (and seeds) of a unit; NaN where it has none.</summary>
    internal static double ValueOf(IEnumerable<Learned> unit, string quantity) => quantity == Area
        ? unit.Average(l => LearningCurves.Area(l.Curve.Steps, l.Curve.Values))
        : unit.SelectMany(l => l.Scores).Where(s => s.Quantity == quantity).Select(s => s.Value)
            .DefaultIfEmpty(double.NaN).Average();
}

/// <summary>
/// One method over all tasks: the mean curve over units and its 95 % bootstrap interval; each unit's numbers and their
/// means with 95 % t-intervals, by quantity; and how much larger its area is than that of
/// <see cref="OverallReport.Compared"/>, over units paired by their seed.
/// </summary>
public sealed record OverallMethod(string Method, IReadOnlyList<double> Mean, IReadOnlyList<double> Low,
    IReadOnlyList<double> High,
    IReadOnlyList<IReadOnlyList<double>> Values, IReadOnlyList<Interval> Intervals, Interval? Difference)
{
    /// <summary>Each unit's own mean curve, in the order of its numbers.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<SeedLine> Each { get; init; } = [];
}

/// <summary>What a setting of the runs does: a quantity of each run, averaged over tasks, by its value.</summary>
/// <param name="Key">The setting: "omniglot.alphabets".</param>
/// <param name="Quantity">As in <see cref="OverallReport"/>.</param>
/// <param name="Points">By method, then by value.</param>
public sealed record SweepReport(string Key, string Quantity, IReadOnlyList<SweepPoint> Points)
{
    internal static IReadOnlyList<SweepReport> Of(string key, IReadOnlyList<Learned> all,
        IReadOnlyList<double> positions, List<string> methods, Rng rng)
    {
        return [.. OverallReport.QuantitiesOf(all).Select(quantity => new SweepReport(key, quantity,
            [.. from learned in all
                group learned by (learned.Curve.Method, X: positions[learned.Run]) into point
                orderby methods.IndexOf(point.Key.Method), point.Key.X
                let values = point.GroupBy(l => l.Run).Select(run => OverallReport.ValueOf(run, quantity)).ToArray()
                where values.All(double.IsFinite) // a method without such a score has no points
                let interval = Aggregates.Bootstrap(values,
                    rng.Split($"{point.Key.Method} {point.Key.X} {quantity}"), 2_000)
                select new SweepPoint(point.Key.Method, point.Key.X, values, values.Average(), interval.Low,
                    interval.High)]))];
    }
}

/// <summary>One method at one value: each run's number, their mean and its 95 % bootstrap interval.</summary>
public sealed record SweepPoint(string Method, double X, IReadOnlyList<double> Values, double Mean, double Low,
    double High);

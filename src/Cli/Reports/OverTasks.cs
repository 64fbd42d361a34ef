// Numbers over all tasks of a report, whose scores are put on one scale: the protocol of Agarwal et al. 2021.
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>
/// The share of a method's runs that score above each of <c>Scores</c> (normalized), averaged over tasks, with its
/// 95 % stratified bootstrap interval: the performance profile.
/// </summary>
public sealed record ProfileReport(string Method, string Of, IReadOnlyList<double> Scores,
    IReadOnlyList<double> Share, IReadOnlyList<double> Low, IReadOnlyList<double> High);

/// <summary>Statistics of normalized scores over tasks.</summary>
internal static class OverTasks
{
    private const int ProfilePoints = 101;

    private static readonly (string Of, Func<MethodReport, double[]> Scores)[] Kinds =
        [("final", m => m.Finals), ("area", m => m.Areas)];

    /// <summary>Interquartile mean, median, mean and optimality gap of each method that has all tasks.</summary>
    public static IEnumerable<Aggregate> Aggregates(IReadOnlyList<TaskReport> tasks, IReadOnlyList<string> methods,
        Dictionary<string, Scale> given, Rng rng, int replications)
    {
        var (usable, scales) = Scaled(tasks, given);
        foreach (var method in Complete(usable, methods))
            foreach (var (what, of) in Kinds)
            {
                var scores = Scores(usable, method, of, (task, score) => scales[task].Normalize(score));
                foreach (var (name, statistic) in new (string, Func<double[][], double>)[]
                {
                    ("IQM", Statistics.Aggregates.InterquartileMean), ("median", Statistics.Aggregates.Median),
                    ("mean", Statistics.Aggregates.Mean), ("optimality gap", Statistics.Aggregates.OptimalityGap),
                })
                    yield return new(method, what, name, Statistics.Aggregates.Bootstrap(scores, statistic,
                        rng.Split($"{method} {what} {name}"), replications));
            }
    }

    /// <summary>The performance profiles of each method that has all tasks, over the same scores for all.</summary>
    public static IEnumerable<ProfileReport> Profiles(IReadOnlyList<TaskReport> tasks, IReadOnlyList<string> methods,
        IReadOnlyDictionary<string, Scale> given, Rng rng, int replications)
    {
        var (usable, scales) = Scaled(tasks, given);
        string[] complete = [.. Complete(usable, methods)];
        foreach (var (of, kind) in Kinds)
        {
            var normalized = complete.ToDictionary(m => m,
                m => Scores(usable, m, kind, (task, score) => scales[task].Normalize(score)));
            double[] all = [.. normalized.Values.SelectMany(games => games.SelectMany(runs => runs))];
            if (all.Length == 0 || !all.All(double.IsFinite)) continue;
            // From where all runs score above to where none does, zero within.
            var room = 0.02 * Math.Max(all.Max() - all.Min(), 1e-9);
            var (low, high) = (Math.Min(0, all.Min() - room), Math.Max(0, all.Max() + room));
            double[] heights = [.. Enumerable.Range(0, ProfilePoints)
                .Select(i => low + (high - low) * i / (ProfilePoints - 1))];
            foreach (var method in complete)
            {
                var (share, from, to) = Statistics.Aggregates.Profile(
                    normalized[method], heights, rng.Split($"{method} {of}"), Math.Min(replications, 2_000));
                yield return new(method, of, heights, share, from, to);
            }
        }
    }

    /// <summary>The probability that a run of a method beats one of the reference's.</summary>
    public static IEnumerable<Improvement> Improvements(IReadOnlyList<TaskReport> tasks,
        IReadOnlyList<string> methods, string? reference, bool higherIsBetter, Rng rng, int replications)
    {
        if (reference is null) yield break;
        string[] complete = [.. Complete(tasks, methods)];
        if (!complete.Contains(reference)) yield break;
        foreach (var method in complete.Where(m => m != reference))
            foreach (var (what, of) in Kinds)
            {
                double[][] Larger(string name) =>
                    Scores(tasks, name, of, (_, score) => higherIsBetter ? score : -score);
                yield return new(method, reference, what, Statistics.Aggregates.Bootstrap(Larger(method),
                    Larger(reference), Statistics.Aggregates.ProbabilityOfImprovement, rng.Split($"{method} {what}"),
                    Math.Min(replications, 2_000)))
                {
                    Seeds = tasks.Max(t => t.Methods.Where(m => m.Method == method || m.Method == reference)
                        .Max(m => m.Seeds)),
                };
            }
    }

    // The methods that have all of some tasks.
    private static IEnumerable<string> Complete(IReadOnlyList<TaskReport> tasks, IReadOnlyList<string> methods) =>
        methods.Where(m => tasks.Count > 0 && tasks.All(t => t.Methods.Any(x => x.Method == m)));

    // [task][seed]: a method's scores of one kind.
    private static double[][] Scores(IReadOnlyList<TaskReport> tasks, string method, Func<MethodReport, double[]> kind,
        Func<string, double, double> scaled) => [.. tasks.Select(t => kind(t.Methods.First(m => m.Method == method))
            .Select(score => scaled(t.Task, score)).ToArray())];

    // The scales of tasks, and the tasks that have one. Where nobody tells a scale: 0 is the mean at the beginning, 1
    // the best method's final mean here.
    private static (IReadOnlyList<TaskReport> Usable, IReadOnlyDictionary<string, Scale> Scales) Scaled(
        IReadOnlyList<TaskReport> tasks, IReadOnlyDictionary<string, Scale> given)
    {
        var scales = tasks.ToDictionary(t => t.Task, t => given.GetValueOrDefault(t.Task) ?? Scales.Of(t.Task)
            ?? new Scale(t.Methods.Average(m => m.Mean[0]),
                t.Methods.Select(m => m.Final.Value).MaxBy(f => Math.Abs(f - t.Methods.Average(m => m.Mean[0])))));
        // One method is not to be put on a scale made of itself.
        var alone = tasks.SelectMany(t => t.Methods).Select(m => m.Method).Distinct().Count() == 1;
        return ([.. tasks.Where(t => scales[t.Task] is { } s && s.Zero != s.One
            && (!alone || given.ContainsKey(t.Task) || Scales.Of(t.Task) is not null))], scales);
    }
}

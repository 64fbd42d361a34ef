// From results to the numbers of a report: everything that tables, figures and report.json show is computed here.
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>
/// Every number of a report. Curves are means over seeds of moving averages. Bands and other intervals are 95 %
/// bootstrap intervals over seeds (and games): they never leave the range of what the seeds reached.
/// </summary>
public sealed record Report(
    string Name, string Measure, string Axis, bool HigherIsBetter, int Window, int Replications, string? Reference,
    IReadOnlyList<TaskReport> Tasks, IReadOnlyList<Aggregate> Aggregates, IReadOnlyList<Improvement> Improvements,
    IReadOnlyList<MetaReport> Meta, IReadOnlyList<RunReport> Runs)
{
    private const int GridPoints = 200;

    /// <summary>The methods of all tasks, each once.</summary>
    internal IEnumerable<string> Methods => Tasks.SelectMany(task => task.Methods).Select(m => m.Method).Distinct();

    /// <summary>The tasks with their names for figures and sentences.</summary>
    internal IReadOnlyDictionary<string, string> TaskNames => FigureFiles.NamesOf(Tasks.Select(task => task.Task));

    /// <summary>Numbers about learning processes, in the order of the runs' scores; empty for none.</summary>
    public IReadOnlyList<ScoreReport> Scores { get; init; } = [];

    /// <summary>What the curves' values are averages over, before the report's; null for as measured.</summary>
    public string? Smoothing { get; init; }

    /// <summary>All tasks together, where they are measured alike; else null.</summary>
    public OverallReport? Overall { get; init; }

    /// <summary>Runs that score above each height, over all tasks; empty where <see cref="Overall"/> has it.</summary>
    public IReadOnlyList<ProfileReport> Profiles { get; init; } = [];

    /// <summary>The state of networks that tasks were learned from; empty where runs did not record it.</summary>
    public IReadOnlyList<DiagnosisReport> Diagnoses { get; init; } = [];

    /// <summary>Curves that have no value, which no mean counts; empty where all have some.</summary>
    public IReadOnlyList<MissingCurves> Missing { get; init; } = [];

    /// <summary>Accuracy on few-shot test episodes; empty for other runs.</summary>
    public IReadOnlyList<EpisodeReport> Episodes { get; init; } = [];

    /// <summary>How one test episode lies in each run's embedding, by the run's label.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<(string Label, EmbeddingPicture Picture)> Embeddings { get; init; } = [];

    /// <summary>What a setting of the runs does, quantity by quantity; empty where none was named.</summary>
    public IReadOnlyList<SweepReport> Sweeps { get; init; } = [];

    /// <summary>Puts finished runs together.</summary>
    /// <param name="runs">Each run's name and result; they must measure the same thing.</param>
    /// <param name="window">Points of the moving average; null takes the results' own.</param>
    /// <param name="pool">Whether equally named methods of several runs are one method with more seeds (runs of a grid
    /// over seeds); else they are told apart by the run. A curve that several runs share, to the bit, counts once
    /// either way.</param>
    /// <param name="labels">What the method of each run is called instead of its name; runs of one label are pooled.
    /// Null for the methods' names.</param>
    /// <param name="over">A setting and its value in each run: the report is then about the runs with the largest
    /// value, and its sweeps about all.</param>
    /// <param name="against">The method that the others are compared with; null for random initialization (over all
    /// tasks together: for Leap).</param>
    public static Report Of(IReadOnlyList<(string Name, Result Result)> runs, Rng rng, int replications = 10_000,
        int? window = null, bool pool = false,
        IReadOnlyList<string>? labels = null, (string Key, IReadOnlyList<double> Values)? over = null,
        string? against = null)
    {
        if (over is { } sweep)
        {
            var largest = Enumerable.Range(0, runs.Count).Where(i => sweep.Values[i] == sweep.Values.Max()).ToList();
            var report = Of([.. largest.Select(i => runs[i])], rng, replications, window, pool: true,
                labels is null ? null : [.. largest.Select(i => labels[i])], against: against);
            // Held-out curves from random initialization are the same for every value: they are kept for each.
            var all = Enumerable.Range(0, runs.Count).GroupBy(i => sweep.Values[i]).SelectMany(at =>
            {
                var here = at.ToList();
                return Named([.. here.Select(i => runs[i])],
                    pool: true, labels is null ? null : [.. here.Select(i => labels[i])])
                    .Select(l => l with { Runs = [.. l.Runs.Select(run => here[run])] });
            }).ToList();
            return report with
            { Sweeps = SweepReport.Of(sweep.Key, all, sweep.Values, Ordered(all), rng.Split("sweeps")) };
        }
        var first = runs[0].Result;
        if (runs.FirstOrDefault(r => (r.Result.Measure, r.Result.Axis) != (first.Measure, first.Axis))
            is { Name: { } other } odd)
            throw new RlLeapException($"the runs measure different things: {runs[0].Name} {first.Measure} over "
                + $"{first.Axis}, {other} {odd.Result.Measure} over {odd.Result.Axis}. Report them apart.");
        var learned = Named(runs, pool || labels is not null, labels);
        if (learned.Count == 0 && runs.All(r => r.Result.MetaCurves.Count == 0))
            throw new RlLeapException("there is nothing to report: the runs recorded no curves.");
        var points = window ?? first.Window;
        var methods = Ordered(learned);
        if (against is not null && !methods.Contains(against)) throw new RlLeapException(
            $"there is no method \"{against}\" to compare with; the runs have {string.Join(", ", methods)}.");
        var reference = methods.Contains(against ?? "none") && methods.Count > 1 ? against ?? "none" : null;
        var names = SeedNames.Of(learned, [.. runs.Select(r => r.Name)]);
        var overall = OverallReport.Of(
            learned, methods, points, first.HigherIsBetter, against, names, rng.Split("overall"));
        var tasks = learned.GroupBy(l => l.Curve.Task).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => OfTask(g.Key, [.. g], methods, reference, points, first.HigherIsBetter, names,
                rng.Split(g.Key), replications)).ToList();
        var scales = runs.SelectMany(r => r.Result.Scales ?? new Dictionary<string, Scale>()).GroupBy(s => s.Key)
            .ToDictionary(g => g.Key, g => g.First().Value);
        return new(
            runs.Count == 1 ? first.Name : string.Join(", ", runs.Select(r => r.Name)), first.Measure, first.Axis,
            first.HigherIsBetter, points, replications, reference,
            tasks, overall is not null
                ? [] : [.. OverTasks.Aggregates(tasks, methods, scales, rng.Split("aggregates"), replications)],
            [.. OverTasks.Improvements(tasks, methods, reference, first.HigherIsBetter, rng.Split("improvements"),
                replications)],
            MetaReport.Of(runs, pool, rng.Split("meta"), labels), [.. runs.Select(r =>
                new RunReport(r.Name, r.Result.Kind, r.Result.Record ?? new Dictionary<string, string>()))])
        {
            Smoothing = first.Smoothing,
            Overall = overall,
            Profiles = overall is not null || tasks.Count < 2 ? []
                : [.. OverTasks.Profiles(tasks, methods, scales, rng.Split("profiles"), replications)],
            Diagnoses = DiagnosisReport.Of(runs, pool, labels),
            Episodes = EpisodeReport.Of(runs, pool, labels),
            Embeddings = EpisodeReport.Embeddings(runs, pool, labels),
            Missing = [.. runs.SelectMany(r => r.Result.Curves).GroupBy(curve => (curve.Task, curve.Method))
                .Select(same => new MissingCurves(same.Key.Task, same.Key.Method,
                    same.Count(curve => curve.Steps.Count == 0), same.Count())
                { Seeds = [.. same.Where(curve => curve.Steps.Count == 0).Select(curve => curve.Seed).Order()] })
                .Where(missing => missing.Count > 0)
                .OrderBy(missing => missing.Task, StringComparer.Ordinal)
                .ThenBy(missing => missing.Method, StringComparer.Ordinal)],
            Scores = [.. from score in learned.SelectMany(l => l.Scores)
                         group score by (score.Task, score.Method, score.Quantity) into same
                         orderby same.Key.Task, methods.IndexOf(same.Key.Method)
                         select new ScoreReport(same.Key.Task, same.Key.Method, same.Key.Quantity, same.Count(),
                             Statistics.Aggregates.Bootstrap(
                                 [.. same.Select(s => s.Value)], rng.Split($"{same.Key}"), replications),
                             Published.Of(same.Key.Task, same.Key.Method, same.Key.Quantity))],
        };
    }

    // Leap first, then by name, random initialization last.
    private static List<string> Ordered(IReadOnlyList<Learned> learned) =>
        [.. learned.Select(l => l.Curve.Method).Distinct().OrderBy(m => m == "none").ThenBy(m => m != "leap")
            .ThenBy(m => m, StringComparer.Ordinal)];

    private static List<Learned> Named(IReadOnlyList<(string Name, Result Result)> runs, bool pool,
        IReadOnlyList<string>? labels)
    {
        var all = runs.SelectMany((r, i) => r.Result.Curves.Where(c => c.Steps.Count > 0)
            .Select(curve => (Curve: r.Result.Kind == "train" && curve.Method == "none"
                ? curve with { Method = Plain } : curve, Runs: new List<int> { i })))
            .GroupBy(c => (c.Curve.Task, c.Curve.Method, c.Curve.Seed))
            .SelectMany(same => same.Aggregate(new List<(Curve Curve, List<int> Runs)>(), (kept, c) =>
            {
                if (kept.FindIndex(k => k.Curve.Steps.SequenceEqual(c.Curve.Steps) && k.Curve.Values.SequenceEqual(
                    c.Curve.Values)) is >= 0 and var known) kept[known].Runs.AddRange(c.Runs);
                else kept.Add(c);
                return kept;
            })).ToList();
        var shared = pool ? [] : all.GroupBy(c => (c.Curve.Task, c.Curve.Method, c.Curve.Seed))
            .Where(g => g.Count() > 1).Select(g => g.Key.Method).ToHashSet();
        // A score belongs to its curve, and is counted and named with it.
        var scores = runs.SelectMany((r, i) => (r.Result.Scores ?? []).Select(Score => (Index: i, Score)))
            .ToLookup(s => (s.Index, s.Score.Task, s.Score.Method, s.Score.Seed), s => s.Score);
        return [.. all.Select(c => new Learned(c.Curve with { Method = NameOf(c) }, c.Runs,
            runs[c.Runs[0]].Result.Record?.GetValueOrDefault("seed") ?? "",
            [.. scores[(c.Runs[0], c.Curve.Task, c.Curve.Method, c.Curve.Seed)]
                .Select(score => score with { Method = NameOf(c) })]))];

        // A run's own method takes its label: not the random initialization that it is compared with.
        string NameOf((Curve Curve, List<int> Runs) c) => labels is not null
            && (c.Curve.Method != "none" || runs[c.Runs[0]].Result.Kind == "train")
            && c.Curve.Method == (runs[c.Runs[0]].Result.Method ?? c.Curve.Method) ? labels[c.Runs[0]]
            : shared.Contains(c.Curve.Method) ? $"{c.Curve.Method} ({runs[c.Runs[0]].Name})" : c.Curve.Method;
    }

    // Trainings of versions that did not name them.
    private const string Plain = "training";

    /// <summary>Where mean curves are given: even distances over a span.</summary>
    internal static double[] Grid(long from, long to) => to <= from
        ? [to] : [.. Enumerable.Range(0, GridPoints).Select(i => from + (to - from) * (double)i / (GridPoints - 1))];

    private static TaskReport OfTask(string task, IReadOnlyList<Learned> learned, IReadOnlyList<string> methods,
        string? reference, int window, bool higherIsBetter, SeedNames names, Rng rng, int replications)
    {
        Curve[] curves = [.. learned.Select(l => l.Curve)];
        var filled = curves.ToDictionary(c => c, c => LearningCurves.Filled(c.Steps, c.Values, window));
        // Points of returns are episodes, the first of which are short ones; those of errors are minibatches, which are
        // alike.
        var smooth = higherIsBetter ? filled : curves.ToDictionary(c => c, c =>
            (c.Steps, Values: (IReadOnlyList<double>)LearningCurves.MovingAverage(c.Values, window)));
        var start = Math.Min(curves.Max(c => c.Steps[0]), curves.Min(c => c.Steps[^1]));
        var area = curves.ToDictionary(c => c, c => LearningCurves.Area(c.Steps, c.Values, start));
        double FinalOf(Curve c) => LearningCurves.Final(c.Values, window);
        double? goal = reference is null || curves.All(c => c.Method != reference)
            ? null : curves.Where(c => c.Method == reference).Average(FinalOf);
        return new(task, goal, [.. methods.Where(m => curves.Any(c => c.Method == m)).Select(method =>
        {
            Curve[] seeds = [.. curves.Where(c => c.Method == method).OrderBy(c => c.Seed)];
            // A line begins where all of its seeds have begun and goes to the end of the longest: a seed that stopped
            // learning before stays at its last value.
            var (from, to) = (seeds.Max(c => smooth[c].Steps[0]), seeds.Max(c => c.Steps[^1]));
            var grid = Grid(from, to);
            double[][] lines = [.. seeds.Select(c => LearningCurves.At(smooth[c].Steps, smooth[c].Values, grid))];
            var (low, high) = Statistics.Aggregates.Band(lines, rng.Split("band " + method));
            double[] areas = [.. seeds.Select(c => area[c])], finals = [.. seeds.Select(FinalOf)];
            long[] reached = goal is not { } g ? [] : [.. seeds.Select(c =>
                LearningCurves.StepsTo(filled[c].Steps, filled[c].Values, g, higherIsBetter)).OfType<long>().Order()];
            var pairs = method == reference ? [] : Pairs(learned, method, reference, area);
            double[] runs = [.. pairs.GroupBy(pair => pair.Run).Select(run => run.Average(pair => pair.Difference))];
            return new MethodReport(method, seeds.Length, grid, LearningCurves.Mean(lines), low, high, areas, finals,
                Statistics.Aggregates.Bootstrap(areas, rng.Split("area " + method), replications),
                Statistics.Aggregates.Bootstrap(finals, rng.Split("final " + method), replications),
                goal is null ? null : reached.Length,
                reached.Length * 2 > seeds.Length ? reached[(seeds.Length - 1) / 2] : null)
            {
                Each = [.. seeds.Zip(lines, (curve, line) => names.Line(learned.First(l => l.Curve == curve), line))],
                Diverged = seeds.Count(c => c.Diverged is not null),
                Difference = pairs.Length > 1
                    ? Statistics.Aggregates.Student([.. pairs.Select(pair => pair.Difference)]) : null,
                DifferenceOfRuns = runs.Length > 1
                    && runs.Length < pairs.Length ? Statistics.Aggregates.Student(runs) : null,
            };
        })]);
    }

    // Learning processes of one run's seed and of one seed have the same heads, environments and minibatches whatever
    // they start from.
    private static (int Run, double Difference)[] Pairs(IReadOnlyList<Learned> learned, string method,
        string? reference, Dictionary<Curve, double> area)
    {
        var others = learned.Where(l => l.Curve.Method == reference).ToLookup(l => (l.RunSeed, l.Curve.Seed));
        var pairs = learned.Where(l => l.Curve.Method == method).Select(own =>
        {
            // The run's own; else another run's of that seed, if there is one only (two: versions that round
            // differently).
            var same = others[(own.RunSeed, own.Curve.Seed)];
            var other = same.FirstOrDefault(o => o.Runs.Contains(own.Run))
                ?? (same.Count() == 1 ? same.Single() : null);
            return (own.Run, Difference: other is null ? double.NaN : area[own.Curve] - area[other.Curve]);
        }).ToArray();
        return Array.Exists(pairs, pair => double.IsNaN(pair.Difference)) ? [] : pairs;
    }
}

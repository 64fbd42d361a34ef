// Accuracy on few-shot test episodes, beside the published numbers, and pictures of embeddings.
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>Accuracy in percent of one method on one kind of test episodes.</summary>
/// <param name="Label">The method, or what the run is called.</param>
/// <param name="Data">What the episodes are from.</param>
/// <param name="Way">Classes of an episode.</param>
/// <param name="Episodes">Test episodes of each run.</param>
/// <param name="Runs">Each run's accuracy.</param>
/// <param name="Accuracy">Mean over runs, with a 95 % interval over their episodes.</param>
/// <param name="Transductive">Whether batch norm used the statistics of the queries.</param>
/// <param name="Published">What the paper reports (published.csv); null where there is nothing.</param>
public sealed record EpisodeReport(
    string Label, string Data, int Way, int Shot, int Episodes, IReadOnlyList<double> Runs, Interval Accuracy,
    bool Transductive, double? Published)
{
    /// <summary>"omniglot, 5-way 1-shot".</summary>
    public string Kind => $"{Data}, {Way}-way {Shot}-shot";

    /// <summary>That of all runs: equally named ones are one method with more seeds, where they are pooled.</summary>
    public static IReadOnlyList<EpisodeReport> Of(
        IReadOnlyList<(string Name, Result Result)> runs, bool pool, IReadOnlyList<string>? labels) =>
        [.. runs.SelectMany((run, i) => (run.Result.Episodes ?? [])
                .Select(score => (Label: LabelOf(runs, i, pool, labels), Score: score)))
            .GroupBy(s => (s.Label, s.Score.Method, s.Score.Data, s.Score.Way, s.Score.Shot, s.Score.Transductive))
            .OrderBy(g => g.Key.Data, StringComparer.Ordinal).ThenBy(g => g.Key.Way).ThenBy(g => g.Key.Shot)
            .Select(g => Of(g.Key.Label, [.. g.Select(s => s.Score)]))];

    /// <summary>The embeddings of the runs that have one, by label.</summary>
    public static IReadOnlyList<(string Label, EmbeddingPicture Picture)> Embeddings(
        IReadOnlyList<(string Name, Result Result)> runs, bool pool, IReadOnlyList<string>? labels) =>
        [.. runs.Select((run, i) => (Label: LabelOf(runs, i, pool, labels), Picture: run.Result.Embedding))
            .Where(e => e.Picture is not null).Select(e => (e.Label, e.Picture!)).DistinctBy(e => e.Label)];

    private static EpisodeReport Of(string label, IReadOnlyList<EpisodeScore> scores)
    {
        var (first, mean) = (scores[0], scores.Average(s => s.Accuracy));
        var half = Math.Sqrt(scores.Sum(s => s.HalfWidth * s.HalfWidth)) / scores.Count;
        var published = Statistics.Published.Of(
            $"few-shot/{first.Data}/{first.Way}-way {first.Shot}-shot", first.Method, "accuracy, %");
        return new(label, first.Data, first.Way, first.Shot, first.Count, [.. scores.Select(s => s.Accuracy)],
            new Interval(mean, mean - half, mean + half), first.Transductive, published);
    }

    // A method's name is enough where one run has it.
    private static string LabelOf(
        IReadOnlyList<(string Name, Result Result)> runs, int i, bool pool, IReadOnlyList<string>? labels)
    {
        if (labels is not null) return labels[i];
        var method = runs[i].Result.Method ?? runs[i].Name;
        return pool || runs.Count(run => run.Result.Method == method) == 1 ? method : $"{method} ({runs[i].Name})";
    }
}

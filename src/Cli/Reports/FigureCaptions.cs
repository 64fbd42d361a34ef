namespace RlLeap.Cli.Reports;

/// <summary>Titles and captions.</summary>
internal static class FigureCaptions
{
    private static readonly (string Name, string Title, Func<Report, string> Caption)[] All =
    [
        ("overall", "All tasks", report =>
            $"Left: mean curve over all tasks, with a 95 % bootstrap interval over {report.Overall?.Unit}s. Right: "
                + $"area under each {report.Overall?.Unit}'s mean curve (dots), their mean and its 95 % t-interval."),
        ("sweep", "Over a setting of the runs", _ => "Each dot is a run, averaged over its tasks; lines are means, "
            + "bars their 95 % bootstrap intervals over runs."),
        ("aggregates", "Statistics over tasks", _ => "Normalized scores of all tasks and seeds: the interquartile mean "
            + "(of the middle half of all scores), median, mean, and how far scores stay below 1 (the optimality gap: "
            + "lower is better), with 95 % stratified bootstrap intervals. Final: of last values; area: of mean "
            + "heights of curves."),
        ("profiles", "Performance profiles", _ => "How many runs score above each height τ, averaged over tasks, with "
            + "95 % stratified bootstrap intervals. A curve above another everywhere is the better method; where it "
            + "meets one half lies the median run."),
        ("improvement", "Probability of improvement", report => "Probability that a run of the method does "
            + $"better than one of {report.Reference}, averaged over tasks, with its 95 % bootstrap interval. At "
            + "one half there is nothing to choose."),
        ("curves", "Learning curves", report =>
            (report.Tasks.All(t => t.Methods.All(m => m.Seeds == 1))
                ? report.Window > 1 ? $"Moving average over {report.Window} points."
                    : "The values as they were recorded."
                : "Mean over seeds"
                    + (report.Window > 1 ? $" of the moving average over {report.Window} points" : "")
                    + "; the band is its 95 % bootstrap interval.")
            + (report.Smoothing is { } smoothing ? $" Each value is the mean of {smoothing}." : "")),
        ("area", "Area under the curve", _ =>
            "Mean height of the curve (diamonds) with its 95 % bootstrap interval over seeds; a dot is a seed."),
        ("episodes", "Test episodes", report => "Mean accuracy (diamonds) with its 95 % interval over test episodes."
            + (report.Episodes.Any(e => e.Published is not null) ? " Upright strokes: the published numbers." : "")),
        ("embedding", "Embedding", _ => "The features of one test episode in the plane of their two largest principal "
            + "components: a colour a class, diamonds the support images, dots the queries."),
        ("meta", "Meta-training", report => report.Meta.Select(m => m.Label).Distinct().Count() > 1
            ? "What the meta-training recorded over meta-steps, averaged over the tasks of a meta-batch"
                + (report.Meta.Any(m => m.Runs > 1) ? "; mean over runs with its 95 % bootstrap interval." : ".")
            : "What the meta-training recorded over meta-steps, task by task and averaged over the tasks of a "
                + "meta-batch."),
    ];

    /// <summary>Those of a figure.</summary>
    public static (string Title, string Caption) Of(string name, Report report)
    {
        var (_, title, caption) = Array.Find(All, figure => figure.Name == name);
        return (title, caption(report));
    }
}

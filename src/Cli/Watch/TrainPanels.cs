namespace RlLeap.Cli.Watch;

/// <summary>Returns, losses, the state of the network, throughput; and whatever else a training recorded.</summary>
internal static class TrainPanels
{
    private const string Axis = "agent steps";

    public static IReadOnlyList<WatchSection> Of(RunCurves curves)
    {
        var (metrics, seen) = (curves.Metrics, new HashSet<string>());
        string[] layers =
            [.. metrics.ColumnsOf("diagnosis").Where(c => c.EndsWith("/dormant", StringComparison.Ordinal))];
        List<WatchSection> sections =
        [
            new("Returns", Some(
                WatchPanel.Of("return", Axis, ($"mean of {RunCurves.Window} episodes", curves.MeanReturns),
                    ("evaluation, greedy", metrics["evaluation", "evaluation/greedy_return"]),
                    ("evaluation, sampled", metrics["evaluation", "evaluation/sampled_return"])),
                One("episode length", "charts/mean_length_100"))),
            new("Losses", Some(One("policy loss", "losses/policy_loss"), One("value loss", "losses/value_loss"),
                One("entropy", "losses/entropy"), One("explained variance", "losses/explained_variance"),
                One("gradient norm", "losses/gradient_norm"), One("learning rate", "charts/learning_rate"))),
            new("Network", Some(
                WatchPanel.Of("dormant units, share of each layer", Axis, [.. layers.Select(layer =>
                    (layer[..^"/dormant".Length], metrics["diagnosis", layer]))]),
                WatchPanel.Of("effective rank of the features", Axis, ("rank", metrics["diagnosis", "rank"])))),
            new("Throughput", Some(
                WatchPanel.Of("agent steps a second", Axis, ("agent steps/s", curves.Times["train", "charts/SPS"])))),
        ];
        seen.UnionWith(["charts/mean_return_100", "charts/episodes", "losses/loss"]);
        sections.Add(new("Also recorded", Some([.. metrics.ColumnsOf("train").Where(column => !seen.Contains(column))
            .Select(column => One(WatchSection.Words(column), column))])));
        return [.. sections.Where(section => section.Panels.Count > 0)];

        WatchPanel? One(string title, string column)
        {
            seen.Add(column);
            return WatchPanel.Of(title, Axis, (title, metrics["train", column]));
        }
    }

    /// <summary>The panels that there are.</summary>
    public static IReadOnlyList<WatchPanel> Some(params IReadOnlyList<WatchPanel?> panels) =>
        [.. panels.OfType<WatchPanel>()];
}

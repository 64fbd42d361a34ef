namespace RlLeap.Cli.Sweeps;

/// <summary>Orders trials by their objective.</summary>
internal static class Ranking
{
    /// <summary>Indexes of values, the best first, equal ones in their order, what is no number last.</summary>
    public static IReadOnlyList<int> Order(IReadOnlyList<double> values, Direction direction) =>
        [.. Enumerable.Range(0, values.Count).OrderBy(i => double.IsNaN(values[i]))
            .ThenBy(i => direction == Direction.Minimize ? values[i] : -values[i]).ThenBy(i => i)];

    /// <summary>The best ones, at most <paramref name="count"/>, in their own order; only numbers.</summary>
    public static IReadOnlyList<int> Best(IReadOnlyList<double> values, int count, Direction direction) =>
        [.. Order(values, direction).Where(i => !double.IsNaN(values[i])).Take(count).Order()];

    /// <summary>Ranks 1 .. n, 1 the best; equal values share their mean, and so do all that are no numbers.</summary>
    public static double[] Ranks(IReadOnlyList<double> values, Direction direction)
    {
        var order = Order(values, direction);
        var ranks = new double[values.Count];
        for (var from = 0; from < order.Count;)
        {
            var to = from + 1;
            while (to < order.Count && values[order[to]].Equals(values[order[from]])) to++;
            for (var i = from; i < to; i++) ranks[order[i]] = (from + 1 + to) / 2.0;
            from = to;
        }
        return ranks;
    }
}

namespace RlLeap.Cli.Sweeps;

/// <summary>A trial of a search: its number, and a value for each range by key, as for --set.</summary>
internal sealed record Trial(int Number, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>Also its folder: trial-003.</summary>
    public string Name => NameOf(Number);

    /// <summary>The name of a trial's number.</summary>
    public static string NameOf(int number) => $"trial-{number:000}";

    /// <summary>
    /// The trials of a search. A value depends on the search's seed, on the trial's number and on its key: more trials
    /// or another range leave the other values as they are.
    /// </summary>
    public static IReadOnlyList<Trial> Draw(SearchConfig search, IReadOnlyDictionary<string, RangeConfig> ranges)
    {
        var rng = new Rng(search.Seed).Split("search");
        return [.. Enumerable.Range(0, search.Trials).Select(number => new Trial(number, ranges.ToDictionary(
            range => range.Key, range => ValueOf(range.Value, rng.Split("trial", number).Split(range.Key)))))];
    }

    private static string ValueOf(RangeConfig range, Rng rng)
    {
        if (range.Choice is { } values) return values[rng.NextInt(values.Count)];
        var u = rng.NextDouble();
        if (range.Linear is [var from, var to]) return Short(from + u * (to - from), from, to);
        if (range.Log is [var low, var high])
            return Short(Math.Exp(Math.Log(low) + u * (Math.Log(high) - Math.Log(low))), low, high);
        if (range.Int is [var first, var last]) return Whole(first + Math.Floor(u * (last - first + 1.0)), first, last);
        var (least, most) = (range.LogInt![0], range.LogInt[1]);
        // Each whole number owns what is nearer to it than to its neighbours.
        var (a, b) = (Math.Log(least - 0.5), Math.Log(most + 0.5));
        return Whole(Math.Round(Math.Exp(a + u * (b - a))), least, most);
    }

    private static string Whole(double value, long low, long high) =>
        ScalarText.Text(Math.Clamp((long)value, low, high));

    // As few digits as tell values of the range apart: they are read and copied.
    private static string Short(double value, double low, double high)
    {
        for (var digits = 4; digits < 17; digits++)
        {
            var rounded = double.Parse(value.ToString($"G{digits}"));
            if (rounded >= low && rounded <= high && Math.Abs(rounded - value) <= 1e-3 * (high - low))
                return ScalarText.Text(rounded);
        }
        return ScalarText.Text(value);
    }
}

// The learning curve of a training run, out of its metrics: in one pass, in memory that does not grow with the run.

namespace RlLeap.Cli.Runs;

/// <summary>A learning curve as results hold it.</summary>
/// <param name="Steps">Agent steps.</param>
/// <param name="Values">Returns: of single episodes, or means.</param>
/// <param name="Window">Points that a report averages over.</param>
/// <param name="Smoothing">What each value is the mean of; null for single episodes.</param>
internal sealed record RecordedCurve(
    IReadOnlyList<long> Steps, IReadOnlyList<double> Values, int Window, string? Smoothing)
{
    /// <summary>Episodes of a run up to which every one is kept. Beyond, the mean over the window is kept at even
    /// distances: a report shows nothing else.</summary>
    public const int Most = 100_000;

    /// <summary>Reads the curve of a run of `rlleap train`.</summary>
    /// <param name="record">What it recorded.</param>
    /// <param name="window">Episodes of the running mean.</param>
    /// <param name="bad">Takes each line that cannot be read; it is passed over.</param>
    public static RecordedCurve Read(string path, RecordSection record, int window, Action<BadLine> bad)
    {
        var rows = File.Exists(path) ? JsonLines.Read(path, bad) : [];
        return record.Episodes ? OfEpisodes(rows, window, Most) : OfMeans(rows, window);
    }

    /// <summary>The result of a run of `rlleap train` with this curve.</summary>
    public Result ResultOf(TrainConfig config, string name, IReadOnlyDictionary<string, string> record)
    {
        var method = TrainRun.MethodOf(config);
        var curve = new Curve(config.Environment, method, config.Run.Seed, Steps, Values);
        return new("train", name, [curve], [], Window: Window, Record: record)
        { Method = method, Smoothing = Smoothing };
    }

    /// <summary>The curve of rows of episodes.</summary>
    /// <param name="window">Episodes of the running mean.</param>
    internal static RecordedCurve OfEpisodes(IEnumerable<Row> rows, int window, int most)
    {
        var (single, means) = (new List<(long, double)>(), new EpisodeMeans(window, most));
        var count = 0L;
        foreach (var row in rows.Where(row => row.Series == "episodes"))
            if (means.Add(row) is { } value && ++count <= most) single.Add((row.Step, value));
        return count <= most ? Of(single, window, null) : Of(means.Means.Points, 1, Mean(window));
    }

    /// <summary>What a meta-training recorded: a curve for each series and column, in order of appearance.</summary>
    public static IReadOnlyList<MetaCurve> ReadMeta(string path, Action<BadLine> bad) =>
        OfRows(File.Exists(path) ? JsonLines.Read(path, bad) : []);

    /// <summary>The same of rows at hand.</summary>
    public static IReadOnlyList<MetaCurve> OfRows(IEnumerable<Row> rows)
    {
        var curves = new OrderedDictionary<(string Series, string Column), ThinnedPoints>();
        foreach (var row in rows)
            foreach (var (column, value) in row.Values)
            {
                if (!curves.TryGetValue((row.Series, column), out var points))
                    curves[(row.Series, column)] = points = new ThinnedPoints(Most);
                points.Add(row.Step, () => value);
            }
        return [.. curves.Select(curve => new MetaCurve(curve.Key.Series, curve.Key.Column,
            [.. curve.Value.Points.Select(p => p.Step)], [.. curve.Value.Points.Select(p => p.Value)]))];
    }

    private static RecordedCurve OfMeans(IEnumerable<Row> rows, int window)
    {
        var (all, filled) = (new ThinnedPoints(Most), new ThinnedPoints(Most));
        foreach (var row in rows)
        {
            if (row.Series != "train" || ValueOf(row, "charts/mean_return_100") is not { } value) continue;
            all.Add(row.Step, () => value);
            if (ValueOf(row, "charts/episodes") >= window) filled.Add(row.Step, () => value);
        }
        return Of(filled.Points.Count > 0 ? filled.Points : all.Points, 1, Mean(window));
    }

    private static string Mean(int window) => $"the last {window} episodes";

    private static RecordedCurve Of(IReadOnlyList<(long Step, double Value)> points, int window, string? smoothing) =>
        new([.. points.Select(p => p.Step)], [.. points.Select(p => p.Value)], window, smoothing);

    // Before an episode has ended there is no mean: its place is empty.
    internal static double? ValueOf(in Row row, string column)
    {
        foreach (var (name, value) in row.Values)
            if (name == column && !double.IsNaN(value)) return value;
        return null;
    }
}

/// <summary>The running mean of returns over rows of episodes, from where its window is full.</summary>
internal sealed class EpisodeMeans(int window, int most)
{
    private readonly Queue<double> _recent = new(window);

    /// <summary>The means. One of fewer episodes would be of the short ones that ended first.</summary>
    public ThinnedPoints Means { get; } = new(most);

    /// <summary>Takes an episode; its return, where it has one.</summary>
    public double? Add(in Row row)
    {
        if (RecordedCurve.ValueOf(row, "charts/episodic_return") is not { } value) return null;
        if (_recent.Count == window) _recent.Dequeue();
        _recent.Enqueue(value);
        if (_recent.Count == window) Means.Add(row.Step, _recent.Average);
        return value;
    }
}

/// <summary>Points of a curve at even distances: every one, then every second, fourth; and the last.</summary>
/// <param name="most">At most about so many are kept, and half as many where more came.</param>
internal sealed class ThinnedPoints(int most)
{
    private readonly List<(long Step, double Value)> _points = [];
    private long _count, _every = 1;
    private (long Step, Func<double> Value)? _left;

    /// <summary>What is kept, with the newest.</summary>
    public IReadOnlyList<(long Step, double Value)> Points =>
        _left is { } left ? [.. _points, (left.Step, left.Value())] : _points;

    /// <summary>Takes a point; its value is asked for only where it is kept.</summary>
    public void Add(long step, Func<double> value)
    {
        _left = (step, value);
        if (_count++ % _every != 0) return;
        _points.Add((step, value()));
        _left = null;
        if (_points.Count < most) return;
        var half = (_points.Count + 1) / 2;
        for (var i = 0; i < half; i++) _points[i] = _points[2 * i];
        _points.RemoveRange(half, _points.Count - half);
        _every *= 2;
    }
}

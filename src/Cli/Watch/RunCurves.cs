namespace RlLeap.Cli.Watch;

/// <summary>The curves of a run: those of its metrics and of its times, by series and column.</summary>
internal sealed class RunCurves(string folder)
{
    /// <summary>Points of a curve that are kept at most: a page shows no more.</summary>
    public const int Most = 600;

    /// <summary>Episodes of the running mean.</summary>
    public const int Window = 100;

    private readonly TailedRows _metrics = new(Path.Combine(folder, RunDirectory.MetricsName));
    private readonly TailedRows _times = new(Path.Combine(folder, RunDirectory.TimesName));
    private EpisodeMeans _episodes = new(Window, Most);

    /// <summary>The metrics.</summary>
    public Table Metrics { get; } = new();

    /// <summary>What depends on the clock.</summary>
    public Table Times { get; } = new();

    /// <summary>The mean return of the last <see cref="Window"/> episodes, from where so many have ended.</summary>
    public IReadOnlyList<(long Step, double Value)> Returns => _episodes.Means.Points;

    /// <summary>The same; where not so many have ended, what the run itself averaged.</summary>
    public IReadOnlyList<(long Step, double Value)> MeanReturns =>
        Returns.Count > 0 ? Returns : Metrics["train", "charts/mean_return_100"];

    /// <summary>Reads what is new.</summary>
    public void Refresh()
    {
        _metrics.Read(() =>
        {
            Metrics.Clear();
            _episodes = new(Window, Most);
        }, Add);
        _times.Read(Times.Clear, row => Times.Add(row));
    }

    private void Add(Row row)
    {
        if (row.Series != "episodes") Metrics.Add(row);
        else _episodes.Add(row);
    }

    /// <summary>Curves by series and column, and the last row of each series.</summary>
    public sealed class Table
    {
        private readonly OrderedDictionary<string, Dictionary<string, ThinnedPoints>> _series = [];
        private readonly Dictionary<string, (Row Row, long Count)> _last = [];

        /// <summary>The series, in the order in which they first came.</summary>
        public IReadOnlyList<string> Series => _series.Keys;

        /// <summary>A series' columns, in order.</summary>
        public IReadOnlyList<string> ColumnsOf(string series) =>
            _series.TryGetValue(series, out var columns) ? [.. columns.Keys] : [];

        /// <summary>A curve; empty where there is none.</summary>
        public IReadOnlyList<(long Step, double Value)> this[string series, string column] =>
            _series.TryGetValue(series, out var columns) && columns.TryGetValue(column, out var points)
                ? points.Points : [];

        /// <summary>The last row of a series and how many there were; null where there was none.</summary>
        public (Row Row, long Count)? Last(string series) => _last.TryGetValue(series, out var last) ? last : null;

        /// <summary>The last value of a column; null where it has none.</summary>
        public double? Value(string series, string column)
        {
            if (Last(series) is not { } last) return null;
            foreach (var (name, value) in last.Row.Values)
                if (name == column) return double.IsFinite(value) ? value : null;
            return null;
        }

        internal void Add(Row row)
        {
            if (!_series.TryGetValue(row.Series, out var columns)) _series[row.Series] = columns = [];
            foreach (var (column, value) in row.Values)
            {
                if (!columns.TryGetValue(column, out var points)) columns[column] = points = new(Most);
                points.Add(row.Step, () => value);
            }
            _last[row.Series] = (row, _last.GetValueOrDefault(row.Series).Count + 1);
        }

        internal void Clear()
        {
            _series.Clear();
            _last.Clear();
        }
    }
}

using System.Globalization;
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Sweeps;

/// <summary>Finds a named number in what a finished run has written.</summary>
/// <remarks>
/// <c>area</c> and <c>final</c> are means over the curves of the run's own method, task by task. A number of the
/// record and a score go by their name. Everything else is a column of metrics.jsonl, with or without its series, of
/// which the last row counts; where several series have it, those of whole meta-steps come before those of tasks.
/// </remarks>
internal sealed class Objective
{
    private const string Area = "area", Final = "final";

    private readonly Dictionary<string, double> _values = [];

    // Found by name too, but too many to list.
    private readonly Dictionary<string, double> _more = [];

    /// <summary>Reads a run at its end.</summary>
    /// <param name="result">Its result, or the one of an earlier end.</param>
    /// <param name="end">Rows beyond this step belong to what came after that end; null where nothing did.</param>
    public Objective(string folder, Result result, long? end)
    {
        var own = result.Curves.Where(c => c.Steps.Count > 0
            && c.Method == (result.Method ?? c.Method)).GroupBy(c => c.Task).ToList();
        _values[Area] = Mean(own.Select(task => task.Average(c => LearningCurves.Area(c.Steps, c.Values))));
        _values[Final] = Mean(own.Select(task =>
            task.Average(c => LearningCurves.Final(c.Values, result.Window))));
        foreach (var scores in (result.Scores ?? []).Where(s => s.Method == (result.Method ?? s.Method))
            .GroupBy(s => s.Quantity)) _values.TryAdd(scores.Key, scores.Average(s => s.Value));
        foreach (var score in result.Episodes ?? []) _values.TryAdd($"accuracy/{score.Way}-way-{score.Shot}-shot",
            score.Accuracy);
        foreach (var (fact, text) in result.Record ?? new Dictionary<string, string>())
            if (double.TryParse(text, NumberStyles.Float, null, out var number))
                _values.TryAdd(fact, number);
        ReadMetrics(Path.Combine(folder, RunDirectory.MetricsName), end);
    }

    /// <summary>The names to choose from, without the series of single tasks.</summary>
    public IReadOnlyList<string> Names => [.. _values.Keys];

    /// <summary>The number of a name; NaN where the run has no value of it; null where there is no such name.</summary>
    public double? this[string name] =>
        _values.TryGetValue(name, out var value) || _more.TryGetValue(name, out value) ? value : null;

    /// <summary>The number of a name.</summary>
    /// <exception cref="RlLeapException">There is no such name; says which there are.</exception>
    public double Require(string name, string run) => this[name] ?? throw new RlLeapException(
        $"key 'objective': {run} has no metric '{name}'.{RlLeap.Names.Suggest(name, _values.Keys.Concat(_more.Keys))} "
        + $"It has {string.Join(", ", Names)}.");

    private void ReadMetrics(string path, long? end)
    {
        if (!File.Exists(path)) return;
        var last = new OrderedDictionary<string, Row>();
        foreach (var row in JsonLines.Read(path, _ => { }))
            if (!(row.Step > end)) last[row.Series] = row;
        // Whole meta-steps and trainings before the tasks of a meta-step.
        foreach (var series in last.Keys.OrderBy(IsPart))
            foreach (var (column, value) in last[series].Values)
            {
                _more.TryAdd($"{series}/{column}", value);
                if (!IsPart(series) && series != "diagnosis") _values.TryAdd(column, value);
                else _more.TryAdd(column, MeanOf(last.Keys.Where(other => IsPart(other) == IsPart(series)), column));
            }

        static bool IsPart(string series) => series.Contains('/');
        double MeanOf(IEnumerable<string> among, string column) => Mean(among.SelectMany(series =>
            last[series].Values.Where(v => v.Column == column).Select(v => v.Value)));
    }

    private static double Mean(IEnumerable<double> values) => values.DefaultIfEmpty(double.NaN).Average();
}

// Metrics: one-method sinks that compose. Learners return numbers; the program writes them here.
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace RlLeap.Cli.Runs;

/// <summary>
/// One measurement: a series (who measures: "meta", "task/Alien"), where on its axis (agent steps, meta-steps), and the
/// values by column, named as CleanRL names them ("charts/episodic_return", "losses/policy").
/// </summary>
public readonly record struct Row(string Series, long Step, params IReadOnlyList<(string Column, double Value)> Values);

/// <summary>Takes rows, from one thread at a time.</summary>
public interface IMetricSink
{
    void Write(in Row row);
}

/// <summary>Every row to every sink, in order.</summary>
public sealed class Tee(params IReadOnlyList<IMetricSink> sinks) : IMetricSink
{
    public void Write(in Row row)
    {
        foreach (var sink in sinks) sink.Write(row);
    }
}

/// <summary>One JSON object a line: {"series":"meta","step":3,"losses/policy":0.25}. No times of its own.
/// A number that JSON lacks (NaN, infinities) is null.</summary>
/// <remarks>
/// Insists on one set of columns per series, also over a resume: a curve whose meaning changes on its way misleads.
/// </remarks>
public sealed class JsonLines : IMetricSink
{
    private readonly Stream _stream;
    private readonly Dictionary<string, string> _columns = [];

    /// <summary>
    /// Appends to <paramref name="stream"/>; what it already holds gives the columns to insist on. The caller closes
    /// it.
    /// </summary>
    public JsonLines(Stream stream)
    {
        _stream = stream;
        if (stream.Position > 0)
        {
            var end = stream.Position;
            stream.Position = 0;
            foreach (var row in Read(stream)) _columns[row.Series] = ColumnsOf(row);
            stream.Position = end;
        }
    }

    /// <exception cref="InvalidOperationException">The columns of the row's series are not those of its earlier
    /// rows.</exception>
    public void Write(in Row row)
    {
        var columns = ColumnsOf(row);
        if (!_columns.TryAdd(row.Series, columns) && _columns[row.Series] != columns)
            throw new InvalidOperationException($"series '{row.Series}' changed its columns at step {row.Step}: "
                + $"{_columns[row.Series]} before, {columns} now");
        var text = new StringBuilder($"{{\"series\":{JsonSerializer.Serialize(row.Series)},\"step\":{row.Step}");
        foreach (var (column, value) in row.Values)
            text.Append(CultureInfo.InvariantCulture, $",{JsonSerializer.Serialize(column)}:"
                + $"{(double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : "null")}");
        _stream.Write(Encoding.UTF8.GetBytes(text.Append("}\n").ToString()));
        _stream.Flush(); // to the system, so that a killed process loses nothing and `status` sees it
    }

    /// <summary>
    /// Reads the rows of a file, also while a run writes it; a last line cut off by a crash is left out.
    /// </summary>
    public static IEnumerable<Row> Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        foreach (var row in Read(stream)) yield return row;
    }

    private static IEnumerable<Row> Read(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
        var text = reader.ReadToEnd();
        for (int start = 0, end; (end = text.IndexOf('\n', start)) >= 0; start = end + 1)
        {
            using var json = JsonDocument.Parse(text.AsMemory(start, end - start));
            var root = json.RootElement;
            yield return new Row(root.GetProperty("series").GetString()!, root.GetProperty("step").GetInt64(),
                [.. root.EnumerateObject().Skip(2).Select(p =>
                    (p.Name, p.Value.ValueKind == JsonValueKind.Null ? double.NaN : p.Value.GetDouble()))]);
        }
    }

    private static string ColumnsOf(in Row row) => string.Join(", ", row.Values.Select(v => v.Column));
}

// metrics.jsonl and times.jsonl: written row by row, read line by line in constant memory.
using System.Text;
using System.Text.Json;

namespace RlLeap.Cli.Runs;

/// <summary>A line of a file of rows that cannot be read: torn by a crash, or damaged since.</summary>
/// <param name="Number">The line, from 1; 0 where it is not known.</param>
/// <param name="Reason">What is wrong with it.</param>
public readonly record struct BadLine(string File, long Number, string Reason)
{
    public override string ToString() => Number > 0 ? $"{File}, line {Number}: {Reason}" : $"{File}: {Reason}";
}

/// <summary>One JSON object a line: {"series":"meta","step":3,"losses/policy":0.25}. No times of its own.
/// A number that JSON lacks (NaN, infinities) is null.</summary>
/// <remarks>Insists on one set of columns per series, also over a resume: a curve whose meaning changes on its way
/// misleads.</remarks>
public sealed class JsonLines : IMetricSink
{
    private readonly Stream _stream;
    private readonly Action<BadLine>? _bad;
    private readonly string _name;
    private readonly Dictionary<string, string> _columns = [], _earlier = [];

    /// <summary>Appends to <paramref name="stream"/>, which the caller closes; its columns are insisted on.</summary>
    /// <param name="stream">At its end. Read from its beginning first, where it holds something.</param>
    /// <param name="bad">Takes each line that cannot be read, which is passed over, and earlier rows that have other
    /// columns than those written now. Null throws.</param>
    /// <param name="name">The file's path, for messages.</param>
    public JsonLines(Stream stream, Action<BadLine>? bad = null, string name = "the metrics")
    {
        (_stream, _bad, _name) = (stream, bad, name);
        if (stream.Position == 0) return;
        var end = stream.Position;
        stream.Position = 0;
        foreach (var row in Read(stream, name, bad)) _earlier[row.Series] = ColumnsOf(row);
        stream.Position = end;
    }

    /// <exception cref="InvalidOperationException">The columns of the row's series are not those of its earlier rows.
    /// </exception>
    public void Write(in Row row)
    {
        var columns = ColumnsOf(row);
        // What a file brings may be damaged, or another version's: that is said, and the run goes on.
        if (_earlier.Remove(row.Series, out var earlier) && earlier != columns && _bad is not null)
            _bad(new BadLine(_name, 0, $"the rows of '{row.Series}' before step {row.Step} have other columns than "
                + "those from there on"));
        else if (earlier is not null) _columns.TryAdd(row.Series, earlier);
        if (!_columns.TryAdd(row.Series, columns) && _columns[row.Series] != columns)
            throw new InvalidOperationException($"series '{row.Series}' changed its columns at step {row.Step}: "
                + $"{_columns[row.Series]} before, {columns} now");
        var text = new StringBuilder($"{{\"series\":{JsonSerializer.Serialize(row.Series)},\"step\":{row.Step}");
        foreach (var (column, value) in row.Values)
            text.Append($",{JsonSerializer.Serialize(column)}:{(double.IsFinite(value) ? $"{value}" : "null")}");
        _stream.Write(Encoding.UTF8.GetBytes(text.Append("}\n").ToString()));
        _stream.Flush(); // to the system, so that a killed process loses nothing and `status` sees it
    }

    /// <summary>Reads a file's rows, also while a run writes; a last line that is cut off is left out.</summary>
    /// <param name="bad">Takes each line that cannot be read; it is passed over. Null throws.</param>
    /// <exception cref="RlLeapException">A line cannot be read; names file and line.</exception>
    public static IEnumerable<Row> Read(string path, Action<BadLine>? bad = null)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        foreach (var row in Read(stream, path, bad)) yield return row;
    }

    /// <summary>The last row of a file that is wanted; null where there is none. A file beyond
    /// <paramref name="whole"/> bytes is read from its end only.</summary>
    public static Row? Last(string path, Func<Row, bool> wanted, Action<BadLine>? bad = null, long whole = 1 << 26)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (stream.Length <= whole) return LastOf(Read(stream, path, bad));
        // Lines of an unknown number: what is wrong with them is said of a line from the end by reading all.
        for (var tail = 1L << 20; tail < stream.Length; tail *= 8)
        {
            stream.Position = stream.Length - tail;
            var damaged = false;
            // The first line is a part of one.
            if (LastOf(Read(stream, path, line => damaged |= line.Number > 1)) is not { } row) continue;
            if (damaged) bad?.Invoke(new BadLine(path, 0, "a line near its end cannot be read"));
            return row;
        }
        stream.Position = 0;
        return LastOf(Read(stream, path, bad));

        Row? LastOf(IEnumerable<Row> rows) => rows.Where(wanted).Cast<Row?>().LastOrDefault();
    }

    /// <summary>Reads the rows of a stream from where it is.</summary>
    /// <param name="bad">Takes each line that cannot be read; it is passed over. Null throws.</param>
    /// <param name="at">Takes, with each whole line, how many bytes were read up to its end.</param>
    internal static IEnumerable<Row> Read(Stream stream, string name, Action<BadLine>? bad, Action<long>? at = null)
    {
        using var lines = new LineReader(stream);
        while (lines.Next())
        {
            at?.Invoke(lines.Position);
            Row row;
            string? reason = null;
            try { row = lines.IsTooLong ? throw new FormatException("it has no end") : Parse(lines.Line); }
            catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException
                or DecoderFallbackException)
            {
                (row, reason) = (default, ReasonOf(lines, e));
            }
            if (reason is null) yield return row;
            else if (bad is null) throw new RlLeapException($"{new BadLine(name, lines.Number, reason)}.");
            else bad(new BadLine(name, lines.Number, reason));
        }
    }

    private static string ReasonOf(LineReader line, Exception e) =>
        !line.IsTooLong && line.Line.IndexOf((byte)0) >= 0 ? "it holds zeros where text should be, as after a power cut"
        : e is JsonException ? "it is not a whole row" : $"it is not a whole row ({e.Message})";

    private static Row Parse(ReadOnlySpan<byte> line)
    {
        var json = new Utf8JsonReader(line);
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject) throw new FormatException("no object");
        var series = Member(ref json, "series", JsonTokenType.String) ? json.GetString()! : "";
        var step = Member(ref json, "step", JsonTokenType.Number) ? json.GetInt64() : 0;
        var values = new List<(string, double)>(4);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var column = json.GetString()!;
            json.Read();
            values.Add((column, json.TokenType == JsonTokenType.Null ? double.NaN : json.GetDouble()));
        }
        if (json.TokenType != JsonTokenType.EndObject || json.Read()) throw new FormatException("more than an object");
        return new Row(series, step, values);
    }

    private static bool Member(ref Utf8JsonReader json, string name, JsonTokenType type) =>
        json.Read() && json.TokenType == JsonTokenType.PropertyName && json.ValueTextEquals(name)
        && json.Read() && json.TokenType == type ? true : throw new FormatException($"no {name}");

    private static string ColumnsOf(in Row row) => string.Join(", ", row.Values.Select(v => v.Column));
}

using System.Text.Json;

namespace RlLeap.Cli.Runs;

/// <summary>The file history.json of a run; there only where there is something to tell.</summary>
public sealed class RunHistory
{
    /// <summary>The file's name in the run's folder.</summary>
    public const string FileName = "history.json";

    /// <summary>The kinds of entries; they are keys of a result's record.</summary>
    public const string Changed = "changed", Damaged = "damaged", Resumed = "resumed", Extended = "extended",
        StartedFrom = "started from";

    private readonly string _path;
    private readonly List<Entry> _entries;

    /// <summary>The history of the run in a folder.</summary>
    /// <exception cref="RlLeapException">It is damaged.</exception>
    public RunHistory(string root)
    {
        _path = Path.Combine(root, FileName);
        if (!File.Exists(_path))
        {
            _entries = [];
            return;
        }
        try { _entries = [.. SealedJson.Read<Entries>(_path, Json.Strict).History]; }
        catch (JsonException e)
        {
            throw new RlLeapException($"{_path} is damaged ({e.Message.TrimEnd('.')}): bring it back, or delete it; "
                + "then the record does not tell what it told.", e);
        }
    }

    /// <summary>Something that was done.</summary>
    /// <param name="Kind">One of the kinds above.</param>
    /// <param name="Step">Where the run was: agent steps, meta-steps.</param>
    /// <param name="What">In words.</param>
    public sealed record Entry(string Kind, long Step, string What);

    private sealed record Entries(IReadOnlyList<Entry> History);

    /// <summary>Everything, in order.</summary>
    public IReadOnlyList<Entry> All => _entries;

    /// <summary>Adds an entry and writes the file. Not again what was just said.</summary>
    public void Add(string kind, long step, string what)
    {
        var entry = new Entry(kind, step, what);
        if (_entries.Contains(entry)) return;
        _entries.Add(entry);
        SealedJson.Write(_path, new Entries(_entries), Json.Options);
        Log.Information("history: {Kind} at step {Step}: {What}", kind, step, what);
    }

    /// <summary>Adds what there is to tell to a result's record.</summary>
    public void Record(IDictionary<string, string> record)
    {
        foreach (var kind in _entries.GroupBy(entry => entry.Kind))
            record[kind.Key] = string.Join("; ", kind.Select(entry => entry.What));
    }
}

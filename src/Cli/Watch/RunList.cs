using RlLeap.Cli.MetaTraining;

namespace RlLeap.Cli.Watch;

/// <summary>A run in the list.</summary>
/// <param name="Id">Its folder as it was found; the page names it so.</param>
/// <param name="Name">What the list calls it: its folder below the watched one.</param>
/// <param name="Kind">train or meta-train; empty where its config cannot be read.</param>
/// <param name="What">What it learns.</param>
/// <param name="Group">What it can be compared with: its environment, or its suite.</param>
/// <param name="State">running, complete, stopped, killed, or unreadable.</param>
/// <param name="About">The state in words.</param>
/// <param name="Done">Steps so far.</param>
/// <param name="Total">Steps at its end; null where that is not known.</param>
/// <param name="Unit">What its steps are.</param>
/// <param name="Measure">What <paramref name="Value"/> is; empty where there is none yet.</param>
/// <param name="Value">Its newest return, error or loss.</param>
/// <param name="Written">When it last wrote, in milliseconds since 1970.</param>
internal sealed record ListedRun(
    string Id, string Name, string Kind, string What, string Group, string State, string About, long Done, long? Total,
    string Unit, string Measure, double? Value, long Written);

/// <summary>Looks for runs, and remembers what has not changed since the last look. Safe from any thread.</summary>
/// <param name="roots">The watched folders; one that is not there may come.</param>
internal sealed class RunList(IReadOnlyList<string> roots)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Length, DateTime Written, ListedRun Run)> _known = [];
    private IReadOnlyList<ListedRun> _runs = [];
    private DateTime _looked = DateTime.MinValue;

    /// <summary>The runs: those that run now first, then the last written first.</summary>
    public IReadOnlyList<ListedRun> Look()
    {
        lock (_gate)
        {
            if (DateTime.UtcNow - _looked < Fresh) return _runs;
            var folders = roots.Where(Directory.Exists).SelectMany(root => RunFolders.Under(root, (_, _) => { }))
                .Distinct().ToList();
            foreach (var gone in _known.Keys.Except(folders).ToList()) _known.Remove(gone);
            _runs = [.. folders.Select(Row).OfType<ListedRun>().OrderBy(run => run.State != "running")
                .ThenByDescending(run => run.Written).ThenBy(run => run.Id, StringComparer.Ordinal)];
            _looked = DateTime.UtcNow;
            return _runs;
        }
    }

    // A run may vanish while it is looked at.
    private ListedRun? Row(string folder)
    {
        try
        {
            var metrics = new FileInfo(Path.Combine(folder, RunDirectory.MetricsName));
            var state = RunState.Of(folder);
            var (length, written) = metrics.Exists ? (metrics.Length, metrics.LastWriteTimeUtc)
                : (-1, Directory.GetLastWriteTimeUtc(folder));
            if (!_known.TryGetValue(folder, out var known) || known.Length != length || known.Written != written)
                _known[folder] = known = (length, written, Read(folder, written, known.Run));
            return known.Run with
            {
                State = known.Run.State.Length > 0 ? known.Run.State
                    : state.Kind.ToString().ToLowerInvariant(),
                About = known.Run.About.Length > 0 ? known.Run.About : state.Kind switch
                {
                    RunStateKind.Running => $"process {state.Holder.Process} on {state.Holder.Host}",
                    RunStateKind.Complete => "",
                    _ => $"--resume {folder}",
                },
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    private string NameOf(string folder)
    {
        var name = roots.Count == 1 ? Path.GetRelativePath(roots[0], folder) : folder;
        return name == "." ? Path.GetFileName(Path.GetFullPath(folder)) : name;
    }

    private ListedRun Read(string folder, DateTime written, ListedRun? before)
    {
        var time = new DateTimeOffset(written, TimeSpan.Zero).ToUnixTimeMilliseconds();
        RunFacts facts;
        try { facts = RunFacts.Of(folder); }
        catch (Exception e) when (e is RlLeapException or IOException or UnauthorizedAccessException)
        {
            return new(folder, NameOf(folder), "", "", "", "unreadable", e.Message, 0, null, "", "", null, time);
        }
        var (last, main, tasks) = LastRows(Path.Combine(folder, RunDirectory.MetricsName));
        var isMeta = facts.Kind == "meta-train";
        var done = last is not { } row ? 0 : isMeta ? row.Step + 1 : row.Step;
        var (measure, value) = ("", (double?)null);
        foreach (var (column, number) in main?.Values ?? [])
            if (column is "charts/mean_return_100" or "return/mean" or "error/mean" or "validation/error"
                && double.IsFinite(number) && measure.Length == 0)
                (measure, value) = (column.Contains("return") ? "return" : "error", number);
        if (measure.Length == 0 && tasks.Count > 0)
            (measure, value) = (tasks[0].Column.Contains("return") ? "return" : "error", tasks.Average(t => t.Value));
        // The rows of single episodes may hide the last one that tells.
        if (measure.Length == 0 && before is { Measure.Length: > 0 } && before.Done <= done)
            (measure, value) = (before.Measure, before.Value);
        return new(folder, NameOf(folder), facts.Kind, facts.What, facts.Group, "", "", done, facts.Total, facts.Unit,
            measure, value, time);
    }

    // The last row of a whole, the last that is none of an episode, and what the tasks of the last meta-step came to;
    // from the end of the file.
    private static (Row? Last, Row? Main, IReadOnlyList<(string Column, double Value)> Tasks) LastRows(string path)
    {
        using var stream = RunFile.Open(path);
        if (stream is null) return (null, null, []);
        for (var tail = 1L << 16; ; tail *= 8)
        {
            stream.Position = Math.Max(0, stream.Length - tail);
            Row? last = null, main = null;
            List<(string Column, double Value)> tasks = [];
            foreach (var row in JsonLines.Read(stream, path, _ => { }))
            {
                if (row.Series.StartsWith(MetaTrainMetrics.TaskSeries, StringComparison.Ordinal))
                    tasks.AddRange(row.Values.Where(v => v.Column is "return/mean" or "error/mean"
                        && double.IsFinite(v.Value)));
                if (row.Series == "meta") tasks.Clear();
                if (row.Series.Contains('/') || row.Series == "diagnosis") continue;
                last = row;
                if (row.Series is not ("episodes" or "evaluation")) main = row;
            }
            if (main is not null || tail >= stream.Length || tail > 1 << 22) return (last, main, tasks);
        }
    }
}

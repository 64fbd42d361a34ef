using Spectre.Console;

namespace RlLeap.Cli.Runs;

/// <summary>Progress of a run: an overall count, and a line for each running task. Safe from any thread.</summary>
/// <remarks>
/// On a terminal the lines are redrawn in place four times a second, cut to its size, with a bar before each where
/// there is room. Elsewhere a plain line is printed when the overall count moves, at most every ten seconds, and one
/// per running task every half a minute.
/// </remarks>
public sealed class Progress : IDisposable
{
    private readonly Lock _gate = new();
    private readonly IAnsiConsole _console;
    private readonly TimeProvider _clock;
    private readonly bool _live;
    private readonly Line _overall;
    private readonly List<Line> _lines = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private readonly double _worth;
    private DateTimeOffset _printed = DateTimeOffset.MinValue;
    private int _drawn; // lines on the screen now, below which the cursor is
    private double _finished, _had; // tasks since the last report; what the running ones had when they began

    /// <param name="name">Shown before the overall count: the run's name.</param>
    /// <param name="unit">What the count counts: "meta-steps".</param>
    /// <param name="done">The count at the start: a resumed run has some; they do not enter the rate.</param>
    /// <param name="worth">What a task adds to the overall count, for the rate and the time left while it runs; 0 where
    /// they need not move.</param>
    public Progress(string name, long total, string unit, long done = 0, double worth = 0,
        IAnsiConsole? console = null, bool? live = null, TimeProvider? clock = null)
    {
        (_console, _clock, _worth) = (console ?? AnsiConsole.Console, clock ?? TimeProvider.System, worth);
        _live = live ?? Terminal.MovesItsCursor && _console.Profile.Capabilities.Interactive;
        _overall = new Line(this, name, total, unit, done);
        if (_live) _current = this;
        _loop = Task.Run(_live ? Draw : PrintTasks);
    }

    private static Progress? _current;

    /// <summary>Prints a line of the log: above live lines where there are some, else on standard error.</summary>
    public static void Announce(string text)
    {
        if (_current is { } progress && !Console.IsErrorRedirected) progress.Say(text);
        else Console.Error.WriteLine(text);
    }

    /// <summary>The overall count and what to say beside it ("path length 12.3").</summary>
    public void Report(long done, string note = "")
    {
        _overall.Update(done, note);
        lock (_gate)
        {
            _finished = 0;
            Print(now: done >= _overall.Total);
        }
    }

    /// <summary>What to say beside the overall count, which stays as it is ("3 queued, 2 running").</summary>
    public void Note(string note)
    {
        if (!_overall.Note(note)) return;
        lock (_gate) Print(now: false);
    }

    // Where lines cannot be written over, every ten seconds, unless now.
    private void Print(bool now)
    {
        if (_live || (!now && _clock.GetUtcNow() - _printed < TimeSpan.FromSeconds(10))) return;
        _printed = _clock.GetUtcNow();
        _console.WriteLine(_overall.ToString());
    }

    /// <summary>A task begins: its own line until it is disposed.</summary>
    public Line Begin(string name, long total, string unit, long done = 0)
    {
        var line = new Line(this, name, total, unit, done);
        lock (_gate)
        {
            _lines.Add(line);
            _had += line.Part;
        }
        return line;
    }

    /// <summary>A line of its own, above the live lines where there is one.</summary>
    public void Say(string text)
    {
        lock (_gate)
        {
            if (!_live) _console.WriteLine(text);
            else Show(text);
        }
    }

    /// <summary>Ends the display; what was last reported stays on the screen.</summary>
    public void Dispose()
    {
        Interlocked.CompareExchange(ref _current, null, this);
        _stop.Cancel();
        _loop.GetAwaiter().GetResult();
        _stop.Dispose();
    }

    private async Task PrintTasks()
    {
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(30), _clock, _stop.Token);
                lock (_gate)
                    foreach (var line in _lines) _console.WriteLine("  " + line);
            }
        }
        catch (OperationCanceledException) { }
    }

    private async Task Draw()
    {
        while (!_stop.IsCancellationRequested)
        {
            lock (_gate) Show(null);
            try { await Task.Delay(250, _stop.Token); }
            catch (OperationCanceledException) { }
        }
        lock (_gate) Show(null);
    }

    // The cursor stays below the lines, so that whatever else writes to the terminal (the ^C that it echoes) is below
    // them too and is wiped with the next picture.
    private void Show(string? above)
    {
        var text = new System.Text.StringBuilder();
        if (_drawn > 0) text.Append($"\e[{_drawn}A");
        text.Append('\r');
        if (above is not null) text.Append($"{above}\e[K\n");
        var lines = Drawn(_console.Profile.Width, _console.Profile.Height);
        foreach (var line in lines) text.Append($"{line}\e[K\n");
        text.Append("\e[J");
        _drawn = lines.Count;
        _console.Profile.Out.Writer.Write(text);
        _console.Profile.Out.Writer.Flush();
    }

    // Bars take room that names and numbers need more.
    private const int BarWidth = 20, WideEnough = 100;

    /// <summary><see cref="Picture"/>, with a bar before each line on a terminal that is wide enough.</summary>
    internal List<string> Drawn(int width, int height)
    {
        if (width < WideEnough) return Picture(width, height);
        var bar = new ProgressBar(BarWidth, _console.Profile.Capabilities.Unicode, Terminal.HasColour(_console));
        return [.. Picture(width - BarWidth - 2, height).Select((line, i) =>
            (i == 0 ? bar.Of(_overall.Part) : i <= _lines.Count && line[0] != '…' ? bar.Of(_lines[i - 1].Part)
                : new string(' ', BarWidth)) + "  " + line)];
    }

    /// <summary>
    /// The overall count, then the tasks in columns: lines shorter than <paramref name="width"/>, fewer than
    /// <paramref name="height"/>. Where they are too long, options of ids go first, then units, then the middles of
    /// names, then the ends of notes.
    /// </summary>
    internal List<string> Picture(int width, int height)
    {
        var most = Math.Max(1, height - 3);
        List<string[]> cells = [.. _lines.Take(most - 1).Select(line => line.Cells())];
        if (Excess() > 0)
            foreach (var row in cells) row[0] = System.Text.RegularExpressions.Regex.Replace(row[0], @"\?\S*", "?…");
        if (Excess() > 0) foreach (var row in cells) row[1] = row[1].Split(' ')[0];
        if (Excess() is > 0 and var excess)
            foreach (var row in cells) row[0] = Middle(row[0], Math.Max(20, Widths()[0] - excess));
        var widths = cells.Count == 0 ? [] : Widths();
        List<string> lines = [_overall.ToString(), .. cells.Select(row =>
            string.Join("  ", row.Select((c, i) => c.PadRight(widths[i])).Where((_, i) => widths[i] > 0)).TrimEnd())];
        if (_lines.Count > cells.Count) lines.Add($"… and {_lines.Count - cells.Count} more");
        return [.. lines.Select(line => line.Length < width ? line : line[..Math.Max(1, width - 2)] + "…")];

        int[] Widths() => [.. Enumerable.Range(0, 5).Select(i => cells.Max(row => row[i].Length))];
        int Excess() => cells.Count == 0 ? 0 : Widths().Sum(w => w > 0 ? w + 2 : 0) - 2 - (width - 1);
        static string Middle(string name, int room) =>
            name.Length <= room ? name : name[..((room - 1) / 2)] + "…" + name[^(room - 1 - (room - 1) / 2)..];
    }

    /// <summary>One count: name, done of total, rate, time left, a note.</summary>
    public sealed class Line(Progress owner, string name, long total, string unit, long start) : IDisposable
    {
        private readonly long _began = owner._clock.GetTimestamp();
        private readonly long _start = start;
        private long _done = start, _updated = owner._clock.GetTimestamp();
        private string _note = "";

        public long Total { get; } = total;

        /// <summary>The count now and what to say beside it ("return 3.2").</summary>
        public void Update(long done, string note = "")
        {
            Volatile.Write(ref _done, done);
            Volatile.Write(ref _updated, owner._clock.GetTimestamp());
            Volatile.Write(ref _note, note);
        }

        /// <summary>Changes the note alone; says whether it was another one.</summary>
        internal bool Note(string note)
        {
            if (Volatile.Read(ref _note) == note) return false;
            Volatile.Write(ref _note, note);
            return true;
        }

        public void Dispose()
        {
            lock (owner._gate)
                if (owner._lines.Remove(this) && Volatile.Read(ref _done) >= Total) owner._finished++;
        }

        internal double Part => Made() / Math.Max(1, Total);

        // Tasks that are running count for their part of the overall count.
        private double Made()
        {
            var done = (double)Volatile.Read(ref _done);
            if (this != owner._overall || owner._worth <= 0) return done;
            lock (owner._gate)
                return Math.Min(Total, done + owner._worth * (owner._finished + owner._lines.Sum(line => line.Part)));
        }

        /// <summary>One plain line.</summary>
        public override string ToString() => string.Join("  ", Cells().Where(c => c.Length > 0));

        internal string[] Cells()
        {
            var done = Volatile.Read(ref _done);
            // The rate is that of the last update: between two updates it must not decay, while the time left runs
            // down.
            var updated = Volatile.Read(ref _updated);
            var (made, now) = (Made(), updated);
            if (this == owner._overall && owner._worth > 0) now = owner._clock.GetTimestamp();
            var rate = (made - _start - (this == owner._overall ? owner._worth * owner._had : 0)) / Math.Max(1e-3,
                owner._clock.GetElapsedTime(_began, now).TotalSeconds);
            var seconds = Math.Clamp((Total - made) / rate - owner._clock.GetElapsedTime(now).TotalSeconds, 0, 1e9);
            var left = rate <= 0 || done >= Total ? "" : $"{Span(TimeSpan.FromSeconds(seconds))} left";
            return [name, $"{Count(done)}/{Count(Total)} {unit}", rate <= 0 ? "" : rate >= 1
                ? $"{Count((long)rate)}/s" : $"{1 / rate:F1} s each", left, Volatile.Read(ref _note)];
        }

        private static string Count(long n) =>
            n < 10_000 ? $"{n}" : n < 10_000_000 ? $"{n / 1e3:0.#}k" : $"{n / 1e6:0.#}M";
        private static string Span(TimeSpan t) =>
            t.TotalDays >= 1 ? $"{(int)t.TotalDays} d {t.Hours} h" : t.TotalHours >= 1 ? $"{t.Hours} h {t.Minutes} min"
                : t.TotalMinutes >= 1 ? $"{t.Minutes} min {t.Seconds} s" : $"{t.Seconds} s";
    }
}

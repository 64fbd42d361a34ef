// What a run shows while it runs: a live table on a terminal, plain lines anywhere else.
using Spectre.Console;

namespace RlLeap.Experiments.Runs;

/// <summary>Progress of a run: one overall count, and a line for each task that is running. Safe from any thread.</summary>
/// <remarks>On a terminal the lines are redrawn four times a second. Elsewhere a plain line is printed when the overall count moves, at
/// most every ten seconds, and one per running task every <c>every</c>.</remarks>
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
    private readonly TimeSpan _every;
    private DateTimeOffset _printed = DateTimeOffset.MinValue;

    /// <param name="name">Shown before the overall count: the run's name.</param>
    /// <param name="total">The overall count at the end.</param>
    /// <param name="unit">What the count counts: "meta-steps".</param>
    /// <param name="done">The count at the start: a resumed run has some; they do not enter the rate.</param>
    /// <param name="every">How often a running task gets a plain line; 30 s by default.</param>
    public Progress(string name, long total, string unit, long done = 0, TimeSpan? every = null, IAnsiConsole? console = null, bool? live = null, TimeProvider? clock = null)
    {
        (_console, _clock, _every) = (console ?? AnsiConsole.Console, clock ?? TimeProvider.System, every ?? TimeSpan.FromSeconds(30));
        _live = live ?? !Console.IsOutputRedirected && _console.Profile.Capabilities.Interactive;
        _overall = new Line(this, name, total, unit, done);
        if (_live) _current = this;
        _loop = Task.Run(_live ? Draw : PrintTasks);
    }

    private static Progress? _current;

    /// <summary>Prints a line of the log: above the live lines where one is on the screen, else on standard error.</summary>
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
            if (_live || (_clock.GetUtcNow() - _printed < TimeSpan.FromSeconds(10) && done < _overall.Total)) return;
            _printed = _clock.GetUtcNow();
            _console.WriteLine(_overall.ToString());
        }
    }

    /// <summary>What to say beside the overall count, which stays as it is ("3 queued, 2 running").</summary>
    public void Note(string note)
    {
        if (!_overall.Note(note)) return;
        lock (_gate)
        {
            if (_live || _clock.GetUtcNow() - _printed < TimeSpan.FromSeconds(10)) return;
            _printed = _clock.GetUtcNow();
            _console.WriteLine(_overall.ToString());
        }
    }

    /// <summary>A task begins: its own line until it is disposed.</summary>
    public Line Begin(string name, long total, string unit, long done = 0)
    {
        var line = new Line(this, name, total, unit, done);
        lock (_gate) _lines.Add(line);
        return line;
    }

    /// <summary>A line of its own, above the live lines where there is one.</summary>
    public void Say(string text)
    {
        lock (_gate) _console.WriteLine(text);
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
                await Task.Delay(_every, _clock, _stop.Token);
                lock (_gate)
                    foreach (var line in _lines) _console.WriteLine("  " + line);
            }
        }
        catch (OperationCanceledException) { }
    }

    private Task Draw() => _console.Live(Picture()).StartAsync(async context =>
    {
        while (!_stop.IsCancellationRequested)
        {
            lock (_gate) context.UpdateTarget(Picture());
            try { await Task.Delay(250, _stop.Token); }
            catch (OperationCanceledException) { }
        }
        lock (_gate) context.UpdateTarget(Picture());
    });

    private Rows Picture()
    {
        List<string[]> cells = [.. _lines.Prepend(_overall).Select(l => l.Cells())];
        int[] widths = [.. Enumerable.Range(0, cells[0].Length).Select(i => cells.Max(c => c[i].Length))];
        return new(cells.Select(row =>
        {
            var text = string.Join("  ", row.Select((c, i) => c.PadRight(widths[i])).Where((_, i) => widths[i] > 0)).TrimEnd();
            return new Text(text.Length < _console.Profile.Width ? text : text[..Math.Max(1, _console.Profile.Width - 2)] + "…");
        }));
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
            lock (owner._gate) owner._lines.Remove(this);
        }

        /// <summary>One plain line.</summary>
        public override string ToString() => string.Join("  ", Cells().Where(c => c.Length > 0));

        internal string[] Cells()
        {
            var done = Volatile.Read(ref _done);
            // The rate is that of the last update: between two updates it must not decay, while the time left runs down.
            var updated = Volatile.Read(ref _updated);
            var rate = (done - _start) / Math.Max(1e-3, owner._clock.GetElapsedTime(_began, updated).TotalSeconds);
            var left = rate <= 0 || done >= Total ? "" : $"{Span(TimeSpan.FromSeconds(Math.Clamp((Total - done) / rate - owner._clock.GetElapsedTime(updated).TotalSeconds, 0, 1e9)))} left";
            return [name, $"{Count(done)}/{Count(Total)} {unit}", rate <= 0 ? "" : rate >= 1 ? $"{Count((long)rate)}/s" : $"{1 / rate:F1} s each", left, Volatile.Read(ref _note)];
        }

        private static string Count(long n) => n < 10_000 ? $"{n}" : n < 10_000_000 ? $"{n / 1e3:0.#}k" : $"{n / 1e6:0.#}M";
        private static string Span(TimeSpan t) => t.TotalDays >= 1 ? $"{(int)t.TotalDays} d {t.Hours} h" : t.TotalHours >= 1 ? $"{t.Hours} h {t.Minutes} min" : t.TotalMinutes >= 1 ? $"{t.Minutes} min {t.Seconds} s" : $"{t.Seconds} s";
    }
}

namespace RlLeap.Cli.MetaTraining;

/// <summary>Collects one learning curve from a learner's steps. Its state is a text, for checkpoints.</summary>
public abstract class CurveRecorder
{
    /// <summary>Positions so far.</summary>
    public List<long> Steps { get; protected init; } = [];

    /// <summary>Values so far.</summary>
    public List<double> Values { get; protected init; } = [];

    /// <summary>What to show beside a running task.</summary>
    public virtual string Note => Values.Count == 0 ? "" : $"{Label} {Values[^1]:G4}";

    /// <summary>What the values are, in a word.</summary>
    protected abstract string Label { get; }

    /// <summary>A gradient step was made; <paramref name="count"/> units of experience were seen in all.</summary>
    public abstract void Add(StepRecord step, long count);

    /// <summary>The learner is done.</summary>
    public virtual void End(long count) { }

    /// <summary>The learner diverged: its last value stands to <paramref name="end"/>, its budget's end.</summary>
    public virtual void Diverge(long end)
    {
        if (Steps[^1] >= end) return;
        Steps.Add(end);
        Values.Add(Values[^1]);
    }

    /// <summary>Everything, as text.</summary>
    public abstract string Save();

    /// <summary>Goes on where <see cref="Save"/> was called.</summary>
    public abstract void Restore(string state);
}

/// <summary>Mean raw return of the last episodes, at even distances of agent steps.</summary>
/// <remarks>
/// The window holds as many whole rollouts as it takes to reach its number of episodes. The curve begins once finished
/// episodes make up three quarters of the agent steps so far: before, most that ended are short ones. A run that ends
/// before has one point, the mean of what has ended; none where nothing has.
/// </remarks>
public sealed class ReturnCurve : CurveRecorder
{
    private readonly int _window;
    private readonly long _every;
    private readonly Queue<(double Sum, long Count)> _recent = [];
    private double _sum;
    private double _finished; // agent steps of all episodes that have ended
    private long _episodes;
    private long _next;
    private bool _begun;

    /// <summary>A point every so many agent steps, over a window of so many episodes.</summary>
    public ReturnCurve(int window, long every) => (_window, _every, _next) = (window, every, every);

    protected override string Label => "return";
    public override string Note => _episodes == 0 ? "no episode ended yet" : base.Note;

    public override void Add(StepRecord step, long count)
    {
        if (step.Episodes is { Count: > 0 } ended)
        {
            // Of means, as version 0.1 had them: so curves have the same bits.
            _recent.Enqueue((ended.Average(e => e.Return) * ended.Count, ended.Count));
            _episodes += ended.Count;
            while (_episodes - _recent.Peek().Count >= _window) _episodes -= _recent.Dequeue().Count;
            _sum = _recent.Sum(r => r.Sum);
            _finished += ended.Average(e => e.Length) * ended.Count;
        }
        _begun |= _finished >= 0.75 * count;
        if (count < _next) return;
        if (_begun) Point(count);
        _next = (count / _every + 1) * _every;
    }

    public override void End(long count)
    {
        if (Steps.Count == 0 || Steps[^1] < count) Point(count);
    }

    public override string Save() => System.Text.Json.JsonSerializer.Serialize(new State(_window, _next, _finished,
        _begun, [.. _recent.Select(r => r.Sum)], [.. _recent.Select(r => r.Count)], Steps, Values), Json.Options);

    public override void Restore(string state)
    {
        var s = System.Text.Json.JsonSerializer.Deserialize<State>(state, Json.Options)!;
        (_next, _finished, _begun) = (s.Next, s.Finished, s.Begun);
        _recent.Clear();
        foreach (var (sum, count) in s.Sums.Zip(s.Counts)) _recent.Enqueue((sum, count));
        (_sum, _episodes) = (_recent.Sum(r => r.Sum), _recent.Sum(r => r.Count));
        Steps.AddRange(s.Steps);
        Values.AddRange(s.Values);
    }

    private void Point(long count)
    {
        if (_episodes == 0) return;
        Steps.Add(count);
        Values.Add(_sum / _episodes);
    }

    // The window is not restored: it is there because kept curves are found again by a fresh recorder's state.
    private sealed record State(int Window, long Next, double Finished, bool Begun, double[] Sums, long[] Counts,
        List<long> Steps, List<double> Values);
}

/// <summary>Training error of every minibatch, before the update it leads to.</summary>
public sealed class ErrorCurve : CurveRecorder
{
    private readonly List<double> _losses = [];

    /// <summary>Training losses, beside the errors.</summary>
    public IReadOnlyList<double> Losses => _losses;

    protected override string Label => "error";

    public override void Add(StepRecord step, long count)
    {
        Steps.Add(step.Step);
        Values.Add(step.Metrics["error"]);
        _losses.Add(step.Loss);
    }

    public override void Diverge(long end) => base.Diverge(end - 1); // gradient steps count from 0

    public override string Save() =>
        System.Text.Json.JsonSerializer.Serialize(new State(Steps, Values, _losses), Json.Options);

    public override void Restore(string state)
    {
        var s = System.Text.Json.JsonSerializer.Deserialize<State>(state, Json.Options)!;
        Steps.AddRange(s.Steps);
        Values.AddRange(s.Values);
        _losses.AddRange(s.Losses);
    }

    private sealed record State(List<long> Steps, List<double> Values, List<double> Losses);
}

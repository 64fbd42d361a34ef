using RlLeap;
using RlLeap.Environments;

/// <summary>A corridor with an exit at its right end: +1 for reaching it; the walk is cut off after a while.</summary>
[Environment("my/my-part", "walk to the right end of a corridor")]
[EnvironmentOption("length", "8", "cells of the corridor, 2 to 100")]
public sealed class MyMaze : IEnvironment
{
    private readonly int _length;
    private Rng _rng;
    private int _place, _steps;
    private bool _running;

    /// <summary>As the registry makes it: from a random stream and the options of the id.</summary>
    public MyMaze(Rng rng, EnvironmentOptions options) : this(rng, options.Int("length", 2, 100)) { }

    public MyMaze(Rng rng, int length)
    {
        (_rng, _length) = (rng, length);
        Spec = new EnvironmentSpec("my/my-part", Box.Bytes(1, length), new Discrete(2))
        {
            ActionNames = ["left", "right"],
            MaxEpisodeSteps = 10 * length,
        };
    }

    public EnvironmentSpec Spec { get; }

    public TimeStep Reset()
    {
        (_place, _steps, _running) = (_rng.NextInt(_length - 1), 0, true);
        return TimeStep.First(Look());
    }

    public TimeStep Step(int action)
    {
        if (!_running) throw new InvalidOperationException("Call Reset first: there is no episode to step.");
        if (action is not (0 or 1))
            throw new ArgumentOutOfRangeException(nameof(action), action, "The actions are 0 and 1.");
        _place = Math.Clamp(_place + (action == 0 ? -1 : 1), 0, _length - 1);
        _steps++;
        var found = _place == _length - 1;
        _running = !found && _steps < Spec.MaxEpisodeSteps;
        // The exit ends the walk for good; the limit only cuts it off, and a learner treats that differently.
        if (found) return TimeStep.Terminated(1, Look());
        return _running ? TimeStep.Mid(0, Look()) : TimeStep.Truncated(0, Look());
    }

    // A new array every time: what was handed out is never written again.
    private Observation Look()
    {
        var cells = new byte[_length];
        cells[_place] = 1;
        return cells;
    }

    // Optional: with these three, an interrupted run goes on to the same bits.

    public bool CanSnapshot => true;

    public byte[] Snapshot() =>
        [.. BitConverter.GetBytes(_place), .. BitConverter.GetBytes(_steps), _running ? (byte)1 : (byte)0,
            .. _rng.SaveState()];

    public void Restore(ReadOnlySpan<byte> snapshot)
    {
        _rng = Rng.FromState(snapshot[9..]);
        (_place, _steps) = (BitConverter.ToInt32(snapshot), BitConverter.ToInt32(snapshot[4..]));
        _running = snapshot[8] != 0;
    }
}

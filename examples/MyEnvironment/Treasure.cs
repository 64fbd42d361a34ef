// A walk to a treasure: the smallest environment that has everything.
using RlLeap;
using RlLeap.Environments;

namespace MyEnvironment;

/// <summary>
/// A square grid, a walker, a treasure somewhere. +1 for reaching it; after 4 * size steps the search is cut off.
/// </summary>
[Environment("my/Treasure-v1", "walk to the treasure")]
[EnvironmentOption("size", "10", "side of the grid, 3 to 100")]
public sealed class Treasure : IEnvironment
{
    private readonly int _size;
    private readonly int _limit;
    private Rng _rng;
    private int _x, _y, _treasureX, _treasureY, _steps;
    private bool _running;

    /// <summary>As the registry makes it: from a random stream and the options of the id.</summary>
    public Treasure(Rng rng, EnvironmentOptions options) : this(rng, options.Int("size", 3, 100)) { }

    /// <summary>As a test makes it.</summary>
    public Treasure(Rng rng, int size)
    {
        (_rng, _size, _limit) = (rng, size, 4 * size);
        Spec = new EnvironmentSpec("my/Treasure-v1", Box.Bytes(1, 2, size, size), new Discrete(4))
        {
            ActionNames = ["left", "right", "up", "down"],
            ChannelNames = ["walker", "treasure"],
            MaxEpisodeSteps = _limit,
        };
    }

    /// <inheritdoc/>
    public EnvironmentSpec Spec { get; }

    /// <inheritdoc/>
    public TimeStep Reset()
    {
        (_x, _y) = (_size / 2, _size / 2);
        do (_treasureX, _treasureY) = (_rng.NextInt(_size), _rng.NextInt(_size));
        while (Found);
        (_steps, _running) = (0, true);
        return TimeStep.First(Look());
    }

    /// <inheritdoc/>
    public TimeStep Step(int action)
    {
        if (!_running) throw new InvalidOperationException("Call Reset first: there is no episode to step.");
        if (action is < 0 or > 3)
            throw new ArgumentOutOfRangeException(nameof(action), action, "The actions are 0 to 3.");
        var (dx, dy) = action switch { 0 => (-1, 0), 1 => (1, 0), 2 => (0, -1), _ => (0, 1) };
        (_x, _y) = (Math.Clamp(_x + dx, 0, _size - 1), Math.Clamp(_y + dy, 0, _size - 1));
        _steps++;
        _running = !Found && _steps < _limit;
        // The treasure ends the search for good; the limit only cuts it off, and a learner treats that differently.
        if (Found) return TimeStep.Terminated(1, Look());
        return _running ? TimeStep.Mid(0, Look()) : TimeStep.Truncated(0, Look());
    }

    private bool Found => (_x, _y) == (_treasureX, _treasureY);

    /// <summary>Two planes of size x size bytes, in a new array every time.</summary>
    private Observation Look()
    {
        var planes = new byte[2 * _size * _size];
        planes[_size * _y + _x] = 1;
        planes[_size * _size + _size * _treasureY + _treasureX] = 1;
        return planes;
    }

    // Optional: with these three, an interrupted run goes on to the same bits.

    /// <inheritdoc/>
    public bool CanSnapshot => true;

    /// <inheritdoc/>
    public byte[] Snapshot() => [(byte)_x, (byte)_y, (byte)_treasureX, (byte)_treasureY,
        .. BitConverter.GetBytes(_steps), _running ? (byte)1 : (byte)0, .. _rng.SaveState()];

    /// <inheritdoc/>
    public void Restore(ReadOnlySpan<byte> snapshot)
    {
        _rng = Rng.FromState(snapshot[9..]);
        (_x, _y, _treasureX, _treasureY) = (snapshot[0], snapshot[1], snapshot[2], snapshot[3]);
        (_steps, _running) = (BitConverter.ToInt32(snapshot[4..]), snapshot[8] != 0);
    }
}

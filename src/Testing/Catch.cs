using RlLeap.Environments;

namespace RlLeap.Testing;

/// <summary>A ball falls through a grid, one row a step. A paddle below moves left, stays or moves right.</summary>
/// <remarks>
/// The reward is 1 for a catch and -1 for a miss. It is the smallest problem that needs features of two objects and
/// credit over time (after bsuite, Osband et al. 2020, arXiv 1908.03568). Random play earns about -0.6; a learner that
/// works reaches 1 within seconds.
/// </remarks>
public sealed class Catch : IEnvironment
{
    private readonly int _rows, _columns;
    private Rng _rng;
    private int _row, _ball, _paddle;
    private bool _over = true;

    /// <summary>A grid of <paramref name="rows"/> x <paramref name="columns"/>.</summary>
    public Catch(Rng rng, int rows = 10, int columns = 5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        (_rng, _rows, _columns) = (rng, rows, columns);
        Spec = new EnvironmentSpec("Catch", Box.Bytes(1, 1, rows, columns), new Discrete(3))
        {
            ActionNames = ["left", "stay", "right"],
            ChannelNames = ["ball and paddle"],
            MaxEpisodeSteps = rows - 1,
        };
    }

    public EnvironmentSpec Spec { get; }

    public TimeStep Reset()
    {
        (_row, _ball, _paddle, _over) = (0, _rng.NextInt(_columns), _columns / 2, false);
        return new TimeStep(StepType.First, 0, Draw());
    }

    public TimeStep Step(int action)
    {
        if (_over)
            throw new EnvironmentException(
                "Catch: Step was called before Reset or after the episode's end. Call Reset first.");
        _paddle = Math.Clamp(_paddle + action - 1, 0, _columns - 1);
        _over = ++_row == _rows - 1;
        return _over
            ? new TimeStep(StepType.Terminated, _ball == _paddle ? 1 : -1, Draw())
            : new TimeStep(StepType.Mid, 0, Draw());
    }

    public bool CanSnapshot => true;

    public byte[] Snapshot() =>
        [(byte)_row, (byte)_ball, (byte)_paddle, _over ? (byte)1 : (byte)0, .. _rng.SaveState()];

    public void Restore(ReadOnlySpan<byte> snapshot)
    {
        (_row, _ball, _paddle, _over) = (snapshot[0], snapshot[1], snapshot[2], snapshot[3] == 1);
        _rng = Rng.FromState(snapshot[4..]);
    }

    private byte[] Draw()
    {
        var planes = new byte[_rows * _columns];
        planes[_row * _columns + _ball] = 1;
        planes[(_rows - 1) * _columns + _paddle] = 1;
        return planes;
    }
}

namespace RlLeap.Environments;

/// <summary>What an environment from outside .NET checks in the arrays that it returns.</summary>
[Flags]
internal enum SourceChecks
{
    /// <summary>Nothing more.</summary>
    None = 0,

    /// <summary>The type and the bounds of every number, before anything is converted.</summary>
    Values = 1,

    /// <summary>That no two environments with this check return the same memory.</summary>
    Sharing = 2,
}

/// <summary>The play in which <see cref="EnvironmentCheck"/> checks a rule: environments, actions, place.</summary>
internal sealed class EnvironmentTrial(Func<Rng, IEnvironment> open, int steps, long seed) : IDisposable
{
    private static readonly AsyncLocal<SourceChecks> RequestedChecks = new();

    private readonly List<IEnvironment> _opened = [];
    private Rng _actions = new Rng(seed).Split("actions");
    private int _episode, _step;

    public int Steps => steps;

    public string Where => _episode == 0 ? "" : $" (episode {_episode}, step {_step})";

    /// <summary>The checks that an environment has to do which is being made now.</summary>
    public static SourceChecks Checks => RequestedChecks.Value;

    /// <summary>Makes an environment. Environments with the same stream name have equal random streams.</summary>
    public IEnvironment Open(string stream = "environment", SourceChecks checks = SourceChecks.None)
    {
        try
        {
            RequestedChecks.Value = checks;
            var environment = open(new Rng(seed).Split(stream));
            _opened.Add(environment);
            return environment;
        }
        finally
        {
            RequestedChecks.Value = SourceChecks.None;
        }
    }

    /// <summary>A random action, as numbers.</summary>
    public float[] Action(Space space)
    {
        var action = new float[space.Length];
        ActionNumbers.Sample(space, _actions, action);
        return action;
    }

    /// <summary>Starts the same sequence of actions again.</summary>
    public void Rewind()
    {
        _actions = new Rng(seed).Split("actions");
        (_episode, _step) = (0, 0);
    }

    /// <summary>Plays at random and resets after each end. Also yields the first step of each episode.</summary>
    public IEnumerable<TimeStep> Play(IEnvironment environment, List<float[]>? record = null, bool begun = false)
    {
        var last = begun ? default : Begin();
        if (!begun) yield return last;
        for (var t = 0; t < steps; t++)
        {
            if (last.IsLast)
            {
                last = Begin();
                yield return last;
            }
            var action = Action(environment.Spec.Action);
            record?.Add(action);
            _step++;
            last = environment.Step(action);
            yield return last;
        }

        TimeStep Begin()
        {
            (_episode, _step) = (_episode + 1, 0);
            return environment.Reset();
        }
    }

    /// <summary>Takes the recorded actions again, with resets where the recording had them.</summary>
    public static IEnumerable<TimeStep> Replay(IEnvironment environment, List<float[]> actions, List<TimeStep> expected)
    {
        var next = 0;
        foreach (var step in expected)
            yield return step.StepType == StepType.First ? environment.Reset() : environment.Step(actions[next++]);
    }

    public void RequireObservation(IEnvironment environment, TimeStep step)
    {
        var box = environment.Spec.Observation;
        if (Describe.WrongObservation(step.Observation, box) is { } wrong)
            throw new BrokenRule(wrong.TrimEnd('.') + Where,
                "the shape in the spec and the array that is returned do not match.");
        var bad = FirstOutOfBounds(step.Observation, box);
        if (bad < 0) return;
        var value = box.Element == ElementType.Byte ? step.Observation.Bytes[bad] : step.Observation.Floats[bad];
        throw float.IsNaN(value)
            ? new BrokenRule($"element {bad} of the observation is NaN{Where}",
                "a division by zero, a root of a negative number, or a value used before it was set.")
            : new BrokenRule(FormattableString.Invariant(
                $"element {bad} of the observation is {value}, outside {box.Low} to {box.High}{Where}"),
                "the bounds in the spec are too narrow, or the state left the range that it should be kept in.");
    }

    // The index of the first element outside the bounds, or -1. NaN is outside.
    private static int FirstOutOfBounds(Observation observation, Box box)
    {
        if (box.Element == ElementType.Float32)
            return Array.FindIndex(observation.Floats, value => !(value >= box.Low && value <= box.High));
        if (box is { Low: <= 0, High: >= 255 }) return -1;
        return Array.FindIndex(observation.Bytes, value => !(value >= box.Low && value <= box.High));
    }

    public void Dispose()
    {
        foreach (var environment in _opened) environment.Dispose();
    }
}

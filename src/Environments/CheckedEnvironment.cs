using System.Numerics;
using System.Runtime.InteropServices;

namespace RlLeap.Environments;

/// <summary>Holds an environment to the rules: each breach is an error naming environment, episode, step.</summary>
/// <remarks>
/// After an error only Reset works. What costs too much per step (bounds of every element, aliasing) is left to the
/// contract (EnvironmentCheck).
/// </remarks>
internal sealed class CheckedEnvironment(IEnvironment inner, string? copy = null) : IEnvironment
{
    private const string Kind = "environment";

    private bool _running;
    private string? _failure;
    private int _episode;
    private int _step;

    public EnvironmentSpec Spec { get; } = inner.Spec;

    /// <summary>Agent steps since the last Reset.</summary>
    public int StepsTaken => _step;

    public TimeStep Reset()
    {
        _episode++;
        _step = 0;
        _running = false;
        _failure = null;
        TimeStep result;
        try { result = inner.Reset(); }
        catch (Exception e) when (e is not OperationCanceledException) { throw Fail(e, "Reset"); }
        if (result.StepType != StepType.First)
            throw Fail($"Reset returned {result.StepType}; it has to return TimeStep.First(observation).");
        CheckObservation(result.Observation);
        _running = true;
        return result;
    }

    public TimeStep Step(int action)
    {
        RequireRunning();
        if ((uint)action >= (uint)ActionNumbers.RequireDiscrete(Spec).Count)
            throw new EnvironmentException($"{Where}: {Describe.BadAction(action, Spec)}");
        return Take(action, [action]);
    }

    public TimeStep Step(ReadOnlySpan<float> action)
    {
        if (Spec.Action is Discrete) return Step(ActionNumbers.ToIndex(Spec, action));
        RequireRunning();
        if (action.Length != Spec.Action.Length)
            throw new EnvironmentException($"{Where}: an action of {Spec.Action} is {Spec.Action.Length} numbers; "
                + $"it was given {action.Length}.");
        if (ActionNumbers.Wrong(Spec, action) is { } wrong) throw new EnvironmentException($"{Where}: {wrong}");
        return Take(0, action);
    }

    private void RequireRunning()
    {
        if (_failure is not null)
            throw new EnvironmentException($"{Where}: it failed before ({_failure}) and has to be Reset.");
        if (_running) return;
        var when = _episode == 0 ? "before the first Reset" : "after the episode's end";
        throw new EnvironmentException($"{Where}: Step was called {when}. Call Reset first.");
    }

    // A Discrete action by its index, any other by its numbers.
    private TimeStep Take(int index, ReadOnlySpan<float> numbers)
    {
        _step++;
        _running = false;
        TimeStep result;
        try { result = Spec.Action is Discrete ? inner.Step(index) : inner.Step(numbers); }
        catch (Exception e) when (e is not OperationCanceledException) { throw Fail(e, "Step"); }
        return Checked(result, numbers);
    }

    private TimeStep Checked(TimeStep result, ReadOnlySpan<float> action)
    {
        if (result.StepType is not (StepType.Mid or StepType.Terminated or StepType.Truncated))
            throw Fail($"Step returned {result.StepType}; it has to return Mid, Terminated or Truncated.");
        if (!float.IsFinite(result.Reward))
            throw Fail($"the reward of action {ActionNumbers.Text(action)} is {result.Reward}.");
        CheckObservation(result.Observation);
        _running = !result.IsLast;
        return result;
    }

    public bool CanSnapshot => inner.CanSnapshot;

    public byte[] Snapshot() => SavedState.Write(Kind, writer =>
    {
        writer.Write(_running);
        writer.Write(_episode);
        writer.Write(_step);
        writer.Write(inner.Snapshot());
    });

    public void Restore(ReadOnlySpan<byte> snapshot) => SavedState.Read(Spec, Kind, snapshot, reader =>
    {
        var (running, episode, step) = (reader.ReadBoolean(), reader.ReadInt32(), reader.ReadInt32());
        inner.Restore(reader.ReadBytes(reader.BytesLeft()));
        (_running, _episode, _step, _failure) = (running, episode, step, null);
    }, OldState.Values);

    public bool CanRender => inner.CanRender;

    public Picture Render() => inner.Render();

    public void Dispose() => inner.Dispose();

    private string Where => $"{Spec.Id}{(copy is null ? "" : $" ({copy})")}, episode {_episode}, step {_step}";

    private EnvironmentException Fail(Exception e, string call)
    {
        _failure = $"{e.GetType().Name}: {e.Summary()}";
        return new EnvironmentException(e is RlLeapException
            ? $"{Where}: {e.Message}" : $"{Where}{PluginFault.Place(e)}: {call} threw {_failure}", e);
    }

    private EnvironmentException Fail(string what)
    {
        _failure = what.TrimEnd('.');
        return new EnvironmentException($"{Where}: {what}");
    }

    private void CheckObservation(Observation observation)
    {
        if (Describe.WrongObservation(observation, Spec.Observation) is { } wrong) throw Fail(wrong);
        if (observation.Element == ElementType.Float32
            && Describe.FirstNotFinite(observation.Floats) is >= 0 and var bad)
            throw Fail($"element {bad} of the observation is {Describe.NotAFloat(observation.Floats[bad])}.");
    }
}

/// <summary>Checks, and the wording of their errors, that single and vector environments share.</summary>
internal static class Describe
{
    public static string BadAction(int action, EnvironmentSpec spec)
    {
        var count = ActionNumbers.RequireDiscrete(spec).Count;
        var names = spec.ActionNames.Count == count ? $": {string.Join(", ", spec.ActionNames)}" : "";
        return $"action {action} is not one of its {count} actions (0 to {count - 1}{names}).";
    }

    public static string? WrongObservation(Observation observation, Box space)
    {
        if (observation.Length == space.Length && observation.Element == space.Element) return null;
        var kind = observation.Element == ElementType.Byte ? "bytes" : "floats";
        return observation.Length == 0 ? "it returned an empty observation." : $"it returned an observation of "
            + $"{observation.Length} {kind}, but its space {space} has {space.Length} elements.";
    }

    /// <summary>Where the first NaN or infinity is; -1 where there is none.</summary>
    public static int FirstNotFinite(ReadOnlySpan<float> values)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var infinity = new Vector<float>(float.PositiveInfinity);
        var i = 0;
        while (i < vectors.Length && Vector.LessThanAll(Vector.Abs(vectors[i]), infinity)) i++; // false for NaN too
        for (i *= Vector<float>.Count; i < values.Length; i++)
            if (!float.IsFinite(values[i])) return i;
        return -1;
    }

    /// <summary>A value that is no finite float32, in words.</summary>
    public static string NotAFloat(double value) =>
        double.IsFinite(value) ? FormattableString.Invariant($"{value}, too large for float32") : double.IsNaN(value)
            ? "NaN" : value > 0 ? "infinite" : "minus infinity";
}

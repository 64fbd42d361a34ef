// Environments for tests: one that is correct, and one that misbehaves on demand.
using RlLeap.Environments;

namespace RlLeap.Tests.Environments;

/// <summary>
/// Counts its steps. The first element of the observation is the number of steps, the second is random. The reward is
/// the number of steps. An episode ends after <c>length</c> steps.
/// </summary>
internal class Counter(Rng rng, int length = 7, StepType end = StepType.Terminated) : IEnvironment
{
    protected Rng Rng = rng;
    protected int Taken;
    private bool _running;

    public virtual EnvironmentSpec Spec { get; } = new("test/Counter", Box.Floats(2), new Discrete(3));

    public virtual TimeStep Reset()
    {
        (Taken, _running) = (0, true);
        return TimeStep.First(Show());
    }

    public virtual TimeStep Step(int action)
    {
        if (!_running) throw new InvalidOperationException("Call Reset first.");
        if (action is < 0 or > 2) throw new ArgumentOutOfRangeException(nameof(action));
        Taken++;
        _running = Taken < length;
        return new TimeStep(_running ? StepType.Mid : end, Taken, Show());
    }

    protected virtual Observation Show() => new float[] { Taken, Rng.NextSingle() };

    public virtual bool CanSnapshot => true;

    public virtual byte[] Snapshot() => [(byte)Taken, _running ? (byte)1 : (byte)0, .. Rng.SaveState()];

    public virtual void Restore(ReadOnlySpan<byte> snapshot)
    {
        Rng = Rng.FromState(snapshot[2..]);
        (Taken, _running) = (snapshot[0], snapshot[1] != 0);
    }
}

/// <summary>A Counter whose results are changed from a given step on.</summary>
internal sealed class Misbehaving(Rng rng, int at, Func<TimeStep, TimeStep> change) : Counter(rng)
{
    public override TimeStep Step(int action)
    {
        var step = base.Step(action);
        return Taken >= at ? change(step) : step;
    }
}

internal static class Play
{
    public static IEnumerable<TimeStep> Random(IEnvironment environment, int steps, Rng rng)
    {
        var step = environment.Reset();
        yield return step;
        for (var t = 0; t < steps; t++)
        {
            if (step.IsLast) yield return step = environment.Reset();
            yield return step = environment.Step(rng.NextInt(((Discrete)environment.Spec.Action).Count));
        }
    }

    public static int[] Actions(Rng rng, int count, int actions) =>
        [.. Enumerable.Range(0, count).Select(_ => rng.NextInt(actions))];
}

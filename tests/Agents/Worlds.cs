// Environments whose right answers are known, for the tests of agents.
using RlLeap.Environments;

namespace RlLeap.Tests.Agents;

/// <summary>
/// Shows one of k marks; reward 1 for naming it. One step an episode: the right policy is the identity, its value 1.
/// </summary>
internal sealed class Identity(Rng rng, int count) : IEnvironment
{
    private int _mark;

    public EnvironmentSpec Spec { get; } = new($"Identity({count})", Box.Floats(count), new Discrete(count));

    public TimeStep Reset()
    {
        _mark = rng.NextInt(count);
        return new TimeStep(StepType.First, 0, Show());
    }

    public TimeStep Step(int action) => new(StepType.Terminated, action == _mark ? 1 : 0, Show());

    private float[] Show()
    {
        var marks = new float[count];
        marks[_mark] = 1;
        return marks;
    }
}

/// <summary>
/// Always looks the same and always pays 1; cut off after some steps, which it calls whatever it is told to.
/// </summary>
internal sealed class Salary(int steps, StepType end) : IEnvironment
{
    private int _step;

    public EnvironmentSpec Spec { get; } = new("Salary", Box.Floats(1), new Discrete(2));

    public TimeStep Reset()
    {
        _step = 0;
        return new TimeStep(StepType.First, 0, new float[] { 1 });
    }

    public TimeStep Step(int action) => new(++_step == steps ? end : StepType.Mid, 1, new float[] { 1 });
}

/// <summary>
/// Plays back rewards and moments; the observation is the running number of the step, so that a row says where it came
/// from.
/// </summary>
internal sealed class Script(params (float Reward, StepType StepType)[] steps) : IEnvironment
{
    private int _clock;
    private int _next;

    public EnvironmentSpec Spec { get; } = new("Script", Box.Floats(1), new Discrete(2));

    public TimeStep Reset() => new(StepType.First, 0, new float[] { ++_clock });

    public TimeStep Step(int action)
    {
        var (reward, moment) = steps[_next++ % steps.Length];
        return new TimeStep(moment, reward, new float[] { ++_clock });
    }
}

/// <summary>MinAtar's Breakout, with something done before every step.</summary>
internal sealed class Disturbed(IEnvironment game, Action before) : IEnvironment
{
    private static int _registered;

    /// <summary>The id of one that is disturbed so.</summary>
    public static string Register(Action before)
    {
        var id = $"Disturbed-v{Interlocked.Increment(ref _registered)}";
        Registry.Register(id, rng => new Disturbed(Registry.Make("MinAtar/Breakout-v1", rng), before));
        return id;
    }

    public EnvironmentSpec Spec => game.Spec;

    public TimeStep Reset() => game.Reset();

    public TimeStep Step(int action)
    {
        before();
        return game.Step(action);
    }
}

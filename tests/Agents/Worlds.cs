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

/// <summary>
/// A bandit with two contexts: reward 1 for the action that is the context's, ten steps an episode. Chance earns 5, the
/// right policy 10.
/// </summary>
internal sealed class TwoContexts(Rng rng) : IEnvironment
{
    private int _context, _step;

    public EnvironmentSpec Spec { get; } = new("TwoContexts", Box.Floats(2), new Discrete(2));

    public TimeStep Reset()
    {
        _step = 0;
        return TimeStep.First(Next());
    }

    public TimeStep Step(int action)
    {
        var reward = action == _context ? 1 : 0;
        return ++_step == 10 ? TimeStep.Terminated(reward, Next()) : TimeStep.Mid(reward, Next());
    }

    private float[] Next()
    {
        _context = rng.NextInt(2);
        return _context == 0 ? [1, 0] : [0, 1];
    }
}

/// <summary>
/// Shows a point; the action is to name it: a number near it, whether it is above 0, and a switch that is always to be
/// on. Ten steps an episode, each worth at most 3.
/// </summary>
internal sealed class Naming(Rng rng) : IEnvironment
{
    private float _point;
    private int _step;

    public EnvironmentSpec Spec { get; } = new("Naming", Box.Floats(1), new Dict(
        ("number", Box.Between(-10, 10, 1)), ("above", new Discrete(2)), ("switch", new MultiBinary(1))));

    public TimeStep Reset()
    {
        _step = 0;
        return TimeStep.First(Next());
    }

    public TimeStep Step(int action) => Step([action]);

    public TimeStep Step(ReadOnlySpan<float> action)
    {
        var reward = Math.Max(0, 1 - Math.Abs(action[0] / 10 - _point)) + (action[1] == 1 == _point > 0 ? 1 : 0)
            + action[2];
        return ++_step == 10 ? TimeStep.Terminated(reward, Next()) : TimeStep.Mid(reward, Next());
    }

    private float[] Next() => [_point = (float)(2 * rng.NextDouble() - 1)];
}

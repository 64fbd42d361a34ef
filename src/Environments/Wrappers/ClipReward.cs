namespace RlLeap.Environments;

/// <summary>Clips rewards to [-bound, bound]; <see cref="TimeStep.RawReward"/> and returns stay raw.</summary>
public sealed class ClipReward(IEnvironment inner, float bound) : EnvironmentWrapper(inner)
{
    public override TimeStep Step(int action) => Clipped(Inner.Step(action));
    public override TimeStep Step(ReadOnlySpan<float> action) => Clipped(Inner.Step(action));

    private TimeStep Clipped(TimeStep result) =>
        result with { Reward = Math.Clamp(result.Reward, -bound, bound) };
}

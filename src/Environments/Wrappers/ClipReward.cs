namespace RlLeap.Environments;

/// <summary>Clips rewards to [-bound, bound]; <see cref="TimeStep.RawReward"/> and returns stay raw.</summary>
public sealed class ClipReward(IEnvironment inner, float bound) : EnvironmentWrapper(inner)
{
    protected override TimeStep Change(TimeStep step) =>
        step with { Reward = Math.Clamp(step.Reward, -bound, bound) };
}

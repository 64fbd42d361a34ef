namespace RlLeap.Environments;

/// <summary>
/// Clips rewards to [-bound, bound]. <see cref="TimeStep.RawReward"/> and episode returns are not clipped.
/// </summary>
public sealed class ClipReward(IEnvironment inner, float bound) : EnvironmentWrapper(inner)
{
    /// <inheritdoc/>
    public override TimeStep Step(int action)
    {
        var result = Inner.Step(action);
        return result with { Reward = Math.Clamp(result.Reward, -bound, bound) };
    }
}

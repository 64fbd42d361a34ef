namespace RlLeap.Environments;

/// <summary>
/// Takes each action several times and adds up the rewards. Stops at the end of an episode. The observation is the last
/// one; frames are not pooled.
/// </summary>
public sealed class ActionRepeat : EnvironmentWrapper
{
    private readonly int _times;

    /// <param name="inner">The environment.</param>
    /// <param name="times">Inner steps per agent step.</param>
    public ActionRepeat(IEnvironment inner, int times) : base(inner)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(times);
        _times = times;
        Spec = inner.Spec with
        {
            FramesPerStep = inner.Spec.FramesPerStep * times,
            MaxEpisodeSteps = inner.Spec.MaxEpisodeSteps is { } most ? (most + times - 1) / times : null,
        };
    }

    public override EnvironmentSpec Spec { get; }

    public override TimeStep Step(int action) => Step([action]);

    public override TimeStep Step(ReadOnlySpan<float> action)
    {
        var result = Inner.Step(action);
        for (var i = 1; i < _times && !result.IsLast; i++) result = Joined(result, Inner.Step(action));
        return result;
    }

    private static TimeStep Joined(TimeStep first, TimeStep next) =>
        next with { Reward = first.Reward + next.Reward, RawReward = first.RawReward + next.RawReward };
}

namespace RlLeap.Environments;

/// <summary>The result of one step.</summary>
/// <param name="StepType">The place in the episode.</param>
/// <param name="Reward">The reward of the action that led here. It is 0 at the first step.</param>
/// <param name="Observation">What is observed now. At the end it is the final observation of the episode.</param>
public readonly record struct TimeStep(StepType StepType, float Reward, Observation Observation)
{
    /// <summary>The reward before any wrapper clipped it. Episode returns are sums of it.</summary>
    public float RawReward { get; init; } = Reward;

    /// <summary>Whether this is the last step of an episode.</summary>
    public bool IsLast => StepType.IsLast();

    /// <summary>Whether place, reward and observation are equal to the bit.</summary>
    internal bool SameAs(TimeStep other) => StepType == other.StepType && Reward.Equals(other.Reward)
        && Observation.SameAs(other.Observation);

    /// <summary>The same with an observation of its own.</summary>
    internal TimeStep Copy() => this with { Observation = Observation.Copy() };

    /// <summary>The start of an episode.</summary>
    public static TimeStep First(Observation observation) => new(StepType.First, 0, observation);

    /// <summary>A step that does not end the episode.</summary>
    public static TimeStep Mid(float reward, Observation observation) => new(StepType.Mid, reward, observation);

    /// <summary>The last step of an episode that reached an end of its own.</summary>
    public static TimeStep Terminated(float reward, Observation observation) =>
        new(StepType.Terminated, reward, observation);

    /// <summary>The last step of an episode that was cut off.</summary>
    public static TimeStep Truncated(float reward, Observation observation) =>
        new(StepType.Truncated, reward, observation);
}

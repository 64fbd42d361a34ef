namespace RlLeap.Environments;

/// <summary>The place of a time step in its episode. Only after Terminated is the future worth nothing.</summary>
public enum StepType : byte
{
    /// <summary>The first observation of an episode. No action led to it.</summary>
    First,

    /// <summary>Neither the first nor the last.</summary>
    Mid,

    /// <summary>The episode reached an end of its own. Nothing follows, so the value of the state is 0.</summary>
    Terminated,

    /// <summary>The episode was cut off, as by a time limit. The learner estimates its last state's value.</summary>
    Truncated,
}

/// <summary>Extension methods of <see cref="StepType"/>.</summary>
public static class StepTypeExtensions
{
    /// <summary>Whether this is the last step of an episode, terminated or truncated.</summary>
    public static bool IsLast(this StepType type) => type >= StepType.Terminated;
}

using System.Diagnostics.CodeAnalysis;

namespace RlLeap.Environments;

/// <summary>Where in its episode a time step is. How an episode ended is kept apart: only after Terminated is the future worth nothing.</summary>
public enum StepType : byte
{
    /// <summary>The first observation of an episode; no action led to it.</summary>
    First,

    /// <summary>Neither the first nor the last.</summary>
    Mid,

    /// <summary>The episode reached an end of its own: nothing follows, the value of the state is 0.</summary>
    Terminated,

    /// <summary>The episode was cut off (a time limit): the state has a value, which the learner estimates.</summary>
    Truncated,
}

/// <summary>Questions about a <see cref="StepType"/>.</summary>
public static class Moments
{
    /// <summary>True after the last step of an episode, whichever way it ended.</summary>
    public static bool IsLast(this StepType moment) => moment >= StepType.Terminated;
}

/// <summary>What an environment shows: a flat array of bytes or floats in the row-major order of the observation space's shape.</summary>
/// <remarks>Arrays convert by themselves: <c>Observation o = new float[] { x, v };</c>. Hand out an array that you never write again.</remarks>
public readonly struct Observation
{
    private readonly Array? _values;

    private Observation(Array values) => _values = values;

    /// <summary>The number type.</summary>
    public ElementType Element => _values is float[] ? ElementType.Float32 : ElementType.Byte;

    /// <summary>The number of elements; 0 for <c>default</c>.</summary>
    public int Length => _values?.Length ?? 0;

    /// <summary>The elements of a byte observation.</summary>
    public byte[] Bytes => _values as byte[] ?? Wrong<byte[]>("bytes");

    /// <summary>The elements of a float observation.</summary>
    public float[] Floats => _values as float[] ?? Wrong<float[]>("floats");

    /// <summary>The observation made of these bytes (not copied).</summary>
    public static implicit operator Observation(byte[] values) => new(values);

    /// <summary>The observation made of these floats (not copied).</summary>
    public static implicit operator Observation(float[] values) => new(values);

    /// <summary>The same elements in an array of their own.</summary>
    public Observation Copy() => _values is null ? default : new((Array)_values.Clone());

    /// <summary>Equal in number type and in every bit of every element.</summary>
    public bool SameAs(Observation other) => (_values, other._values) switch
    {
        (byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b),
        (float[] a, float[] b) => System.Runtime.InteropServices.MemoryMarshal.AsBytes(a.AsSpan())
            .SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(b.AsSpan())),
        (null, null) => true,
        _ => false,
    };

    /// <summary>True when both stand on the same array.</summary>
    internal bool SharesArrayWith(Observation other) => _values is not null && ReferenceEquals(_values, other._values);

    [DoesNotReturn]
    private T Wrong<T>(string wanted) => throw new EnvironmentException(_values is null
        ? "The observation is empty (default): the environment has to return an array of bytes or floats."
        : $"The observation holds {(Element == ElementType.Byte ? "bytes" : "floats")}, not {wanted}.");
}

/// <summary>One step's result.</summary>
/// <param name="StepType">Where in the episode this is.</param>
/// <param name="Reward">The reward of the action that led here; 0 at the first.</param>
/// <param name="Observation">What is seen now; at the end, the final observation of the episode.</param>
public readonly record struct TimeStep(StepType StepType, float Reward, Observation Observation)
{
    /// <summary>The reward before any wrapper clipped it: what episode returns are summed from.</summary>
    public float RawReward { get; init; } = Reward;

    /// <summary>True after the last step of an episode.</summary>
    public bool IsLast => StepType.IsLast();

    /// <summary>What the future after this step is worth: 0 where the episode terminated, 1 otherwise (also where it was truncated).</summary>
    public float Discount => StepType == StepType.Terminated ? 0 : 1;

    /// <summary>The start of an episode.</summary>
    public static TimeStep First(Observation observation) => new(StepType.First, 0, observation);

    /// <summary>A step after which the episode goes on.</summary>
    public static TimeStep Mid(float reward, Observation observation) => new(StepType.Mid, reward, observation);

    /// <summary>The last step of an episode that came to an end of its own.</summary>
    public static TimeStep Terminated(float reward, Observation observation) => new(StepType.Terminated, reward, observation);

    /// <summary>The last step of an episode that was cut off.</summary>
    public static TimeStep Truncated(float reward, Observation observation) => new(StepType.Truncated, reward, observation);
}

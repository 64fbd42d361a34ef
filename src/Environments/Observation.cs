using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace RlLeap.Environments;

/// <summary>An observation: a flat array of bytes or floats in row-major order of its space's shape.</summary>
/// <remarks>
/// Arrays are converted implicitly: <c>Observation o = new float[] { x, v };</c>. The array is not copied, so never
/// write to it again.
/// </remarks>
public readonly struct Observation
{
    private readonly Array? _values;

    private Observation(Array values) => _values = values;

    /// <summary>The number type.</summary>
    public ElementType Element => (_values is float[]) ? ElementType.Float32 : ElementType.Byte;

    /// <summary>The number of elements. It is 0 for <c>default</c>.</summary>
    public int Length => _values?.Length ?? 0;

    /// <summary>The elements of a byte observation.</summary>
    /// <exception cref="EnvironmentException">The observation is empty or holds floats.</exception>
    public byte[] Bytes => _values as byte[] ?? Wrong<byte[]>("bytes");

    /// <summary>The elements of a float observation.</summary>
    /// <exception cref="EnvironmentException">The observation is empty or holds bytes.</exception>
    public float[] Floats => _values as float[] ?? Wrong<float[]>("floats");

    /// <summary>An observation of these bytes. They are not copied.</summary>
    public static implicit operator Observation(byte[] values) => new(values);

    /// <summary>An observation of these floats. They are not copied.</summary>
    public static implicit operator Observation(float[] values) => new(values);

    /// <summary>The same elements in a new array.</summary>
    public Observation Copy() => _values is null ? default : new((Array)_values.Clone());

    /// <summary>Whether number type and elements are equal to the bit.</summary>
    public bool SameAs(Observation other) =>
        _values?.GetType() == other._values?.GetType() && Memory.SequenceEqual(other.Memory);

    /// <summary>Zeros, as a space has them.</summary>
    internal static Observation Zeros(Box space) =>
        space.Element == ElementType.Byte ? new byte[space.Length] : new float[space.Length];

    /// <summary>Its elements as memory; nothing for <c>default</c>.</summary>
    internal Span<byte> Memory => _values switch
    {
        byte[] bytes => bytes,
        float[] floats => MemoryMarshal.AsBytes(floats.AsSpan()),
        _ => default,
    };

    /// <summary>Writes its elements into another one of its number type, from <paramref name="start"/> on.</summary>
    internal void CopyTo(Observation target, int start)
    {
        if (target.Element == ElementType.Byte) Bytes.CopyTo(target.Bytes, start);
        else Floats.CopyTo(target.Floats, start);
    }

    /// <summary>Whether both use the same array.</summary>
    internal bool SharesArrayWith(Observation other) => _values is not null && ReferenceEquals(_values, other._values);

    [DoesNotReturn]
    private T Wrong<T>(string wanted) => throw new EnvironmentException(_values is null
        ? "The observation is empty (default): the environment has to return an array of bytes or floats."
        : $"The observation holds {(Element == ElementType.Byte ? "bytes" : "floats")}, not {wanted}.");
}

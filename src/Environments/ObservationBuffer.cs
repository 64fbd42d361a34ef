using System.Runtime.InteropServices;

namespace RlLeap.Environments;

/// <summary>[N, ...] observations in one contiguous array. A tensor can share its memory.</summary>
/// <remarks>
/// An environment may copy its observations only when they are read. Members of this class always return the newest
/// ones. If you read the memory in another way (an array that you kept, a tensor on it), call <see cref="Update"/>
/// after each step.
/// </remarks>
public sealed class ObservationBuffer
{
    private readonly byte[]? _bytes;
    private readonly float[]? _floats;
    private Writer? _source;

    /// <summary>Zeros: <paramref name="count"/> rows, each an observation of <paramref name="row"/>.</summary>
    /// <exception cref="EnvironmentException">They do not fit in one array.</exception>
    public ObservationBuffer(Box row, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Element = row.Element;
        Count = count;
        RowLength = row.Length;
        Shape = [count, .. row.Shape];
        // One array can hold 4,096 observations of 210x160x3 (0.4 GB), but not a hundred times as many.
        if ((long)count * RowLength > Array.MaxLength)
            throw new EnvironmentException(
                $"{count} observations of {row} do not fit in one buffer; use fewer environments.");
        if (Element == ElementType.Byte) _bytes = GC.AllocateArray<byte>(count * RowLength, pinned: true);
        else _floats = GC.AllocateArray<float>(count * RowLength, pinned: true);
    }

    /// <summary>The number type.</summary>
    public ElementType Element { get; }

    /// <summary>N.</summary>
    public int Count { get; }

    /// <summary>Elements in a row.</summary>
    public int RowLength { get; }

    /// <summary>[N, ...].</summary>
    public long[] Shape { get; }

    /// <summary>The whole buffer of a byte space. It is pinned, so its address never changes.</summary>
    public byte[] Bytes => _bytes is null
        ? throw new EnvironmentException("These observations are floats: read Floats.")
        : Updated(_bytes);

    /// <summary>The whole buffer of a float space. It is pinned, so its address never changes.</summary>
    public float[] Floats => _floats is null
        ? throw new EnvironmentException("These observations are bytes: read Bytes.")
        : Updated(_floats);

    /// <summary>Row <paramref name="index"/> of a byte buffer.</summary>
    public Span<byte> ByteRow(int index) => Bytes.AsSpan(index * RowLength, RowLength);

    /// <summary>Row <paramref name="index"/> of a float buffer.</summary>
    public Span<float> FloatRow(int index) => Floats.AsSpan(index * RowLength, RowLength);

    /// <summary>The memory of row <paramref name="index"/>, to write to.</summary>
    internal Span<byte> RawRow(int index)
    {
        var length = RowLength * (Element == ElementType.Byte ? 1 : sizeof(float));
        return Raw.Slice(index * length, length);
    }

    /// <summary>The memory of the whole buffer as bytes, for snapshots and comparisons.</summary>
    public Span<byte> Raw
    {
        get
        {
            Update();
            return Memory;
        }
    }

    /// <summary>Copies all observations to memory of the same size: once, also if not in the buffer yet.</summary>
    public void CopyTo(Span<byte> target)
    {
        if (target.Length != Memory.Length)
            throw new ArgumentException($"These observations are {Memory.Length} bytes, not {target.Length}.",
                nameof(target));
        if (_source is { } source) source(target);
        else Memory.CopyTo(target);
    }

    /// <summary>Copies the newest observations into the buffer, if they are not there yet.</summary>
    public void Update()
    {
        if (_source is not { } source) return;
        _source = null;
        source(Memory);
    }

    /// <summary>
    /// Sets where the observations come from: <paramref name="source"/> writes them when they are read. With null they
    /// stay as they are in the buffer.
    /// </summary>
    internal void ReadFrom(Writer? source) => _source = source;

    /// <summary>Writes all rows to <paramref name="target"/>.</summary>
    internal delegate void Writer(Span<byte> target);

    private Span<byte> Memory => _bytes is not null ? _bytes : MemoryMarshal.AsBytes(_floats.AsSpan());

    private T Updated<T>(T memory)
    {
        Update();
        return memory;
    }

    /// <summary>Copies an observation into row <paramref name="index"/>, whose type and length it must have.</summary>
    public void Set(int index, Observation observation)
    {
        if (_bytes is not null) observation.Bytes.CopyTo(ByteRow(index));
        else observation.Floats.CopyTo(FloatRow(index));
    }

    /// <summary>Row <paramref name="index"/> in a new array.</summary>
    public Observation Row(int index) => _bytes is not null ? ByteRow(index).ToArray() : FloatRow(index).ToArray();
}

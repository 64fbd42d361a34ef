// TensorAccessor: a tensor's elements in logical order, whatever its strides.
using System.Collections;
using System.Runtime.InteropServices;

namespace TorchSharp.Utils;

/// <summary>Reads and writes the elements of a CPU tensor in place. Keeps its tensor object alive.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly torch.Tensor tensor;
    private readonly T* data;
    private readonly long[] shape, strides;
    private readonly bool contiguous, owner;

    internal TensorAccessor(torch.Tensor tensor, bool owner)
    {
        this.tensor = tensor;
        this.owner = owner;
        data = (T*)tensor.Data();
        shape = tensor.shape;
        strides = tensor.stride();
        contiguous = tensor.is_contiguous();
        Count = tensor.numel();
    }

    public long Count { get; }
    public bool IsReadOnly => false;

    public T this[params long[] indices]
    {
        get { Live(); var v = data[Offset(indices)]; GC.KeepAlive(tensor); return v; }
        set { Live(); data[Offset(indices)] = value; GC.KeepAlive(tensor); }
    }

    /// <summary>Element <paramref name="i"/> in row-major order.</summary>
    internal T At(long i)
    {
        if ((ulong)i >= (ulong)Count) throw new ArgumentOutOfRangeException(nameof(i), $"element {i} of {Count}");
        Live();
        return data[Position(i)];
    }

    public T[] ToArray()
    {
        var result = new T[Count];
        CopyTo(result);
        return result;
    }

    /// <summary>The elements as T[,...] of the tensor's shape; an array of one dimension for a vector.</summary>
    public Array ToNDArray()
    {
        var result = Array.CreateInstance(typeof(T), shape);
        var flat = ToArray();
        if (flat.Length > 0)
            flat.CopyTo(MemoryMarshal.CreateSpan(ref System.Runtime.CompilerServices.Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(result)), flat.Length));
        return result;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        Live();
        var n = Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        if (contiguous && n > 0) new ReadOnlySpan<T>(data + tensorIndex, (int)n).CopyTo(array[arrayIndex..]);
        else for (long i = 0; i < n; i++) array[arrayIndex + (int)i] = data[Position(tensorIndex + i)];
        GC.KeepAlive(tensor);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        Live();
        var n = Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        if (contiguous && n > 0) array.Slice(arrayIndex, (int)n).CopyTo(new Span<T>(data + tensorIndex, (int)n));
        else for (long i = 0; i < n; i++) data[Position(tensorIndex + i)] = array[arrayIndex + (int)i];
        GC.KeepAlive(tensor);
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long i = 0; i < Count; i++) yield return At(i);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public static bool operator ==(TensorAccessor<T> left, TensorAccessor<T> right) => left is null ? right is null : left.Equals(right);
    public static bool operator !=(TensorAccessor<T> left, TensorAccessor<T> right) => !(left == right);
    public override bool Equals(object? obj) => obj is TensorAccessor<T> other && (ReferenceEquals(this, other) || this.SequenceEqual(other));
    public override int GetHashCode() => tensor.GetHashCode();

    /// <summary>Frees the copy where the tensor was elsewhere; the tensor itself is its owner's.</summary>
    public void Dispose()
    {
        if (owner) tensor.Dispose();
    }

    private void Live()
    {
        if (tensor.IsInvalid) throw new InvalidOperationException("Tensor invalid -- empty handle.");
    }

    private long Offset(long[] indices)
    {
        if (indices.Length != shape.Length)
        {
            // A flat index into a tensor of any rank is taken in row-major order, as TorchSharp does.
            if (indices.Length == 1 && (ulong)indices[0] < (ulong)Count) return Position(indices[0]);
            throw new ArgumentException($"{indices.Length} indices for a tensor of {shape.Length} dimensions");
        }
        long offset = 0;
        for (var d = 0; d < indices.Length; d++)
        {
            if ((ulong)indices[d] >= (ulong)shape[d]) throw new IndexOutOfRangeException($"index {indices[d]} in dimension {d} of size {shape[d]}");
            offset += indices[d] * strides[d];
        }
        return offset;
    }

    private long Position(long i)
    {
        if (contiguous) return i;
        long offset = 0;
        for (var d = shape.Length - 1; d >= 0; d--)
        {
            offset += i % shape[d] * strides[d];
            i /= shape[d];
        }
        return offset;
    }
}

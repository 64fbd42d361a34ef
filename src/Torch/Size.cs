// torch.Size: a shape.
using System.Collections;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>The sizes of a tensor's dimensions.</summary>
    public struct Size : IEnumerable<long>
    {
        private readonly long[] sizes;

        public static Size Empty = new(Array.Empty<long>());

        public Size(long[] shape) => sizes = (long[])shape.Clone();
        public Size(IEnumerable<long> shape) => sizes = shape.ToArray();
        public Size(int[] shape) => sizes = Array.ConvertAll(shape, s => (long)s);
        public Size(long size) => sizes = [size];
        public Size((long, long) size) => sizes = [size.Item1, size.Item2];
        public Size((long, long, long) size) => sizes = [size.Item1, size.Item2, size.Item3];
        public Size((long, long, long, long) size) => sizes = [size.Item1, size.Item2, size.Item3, size.Item4];
        public Size(int size) => sizes = [size];

        public static implicit operator Size(long size) => new(size);
        public static implicit operator Size((long, long) size) => new(size);
        public static implicit operator Size((long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long) size) => new(size);
        public static implicit operator Size(long[] size) => new(size);

        public static bool operator ==(Size left, Size right) => left.Shape.AsSpan().SequenceEqual(right.Shape);
        public static bool operator !=(Size left, Size right) => !(left == right);
        public static Size operator +(Size left, Size right) => new(left.Shape.Concat(right.Shape));
        public static Size operator +(Size left, IEnumerable<long> right) => new(left.Shape.Concat(right));
        public override bool Equals(object? obj) => obj is Size s && s == this;
        public override int GetHashCode() => Shape.Aggregate(17, HashCode.Combine);

        public long numel() => Shape.Aggregate(1L, (a, b) => a * b);
        public bool IsEmpty => Shape.Length == 0;
        public bool IsScalar => Shape.Length == 0;
        public int Length => Shape.Length;
        public IEnumerable<long> Take(int i) => Shape.Take(i);
        public Size Slice(int first, int next) => new(Shape.Skip(first).Take(next - first));
        public long this[int idx] => Shape[idx];
        public long this[long idx] => Shape[idx];
        public long[] Shape => sizes ?? [];
        public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)Shape).GetEnumerator();
        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}

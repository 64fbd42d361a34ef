// Indexing: TensorIndex, the indexers of Tensor, index and index_put_.
using System.Runtime.CompilerServices;
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>One entry of an index: an integer, a slice, None (a new axis), an ellipsis, a bool or a tensor.</summary>
    public struct TensorIndex
    {
        internal enum Kind { None = 0, Ellipsis = 1, Single = 2, Bool = 3, Slice = 4, Tensor = 5 }

        internal Kind kind;
        internal long a, b, c;   // the integer or bool; the slice's bounds and step, long.MinValue where absent
        internal Tensor? tensor;

        public static TensorIndex Ellipsis = new() { kind = Kind.Ellipsis };
        public static TensorIndex None = new() { kind = Kind.None };
        public static TensorIndex Null = new() { kind = Kind.None };
        public static TensorIndex Colon = Slice();

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { kind = Kind.Slice, a = start ?? long.MinValue, b = stop ?? long.MinValue, c = step ?? long.MinValue };
        public static TensorIndex Slice((int? start, int? end) range) => Slice((long?)range.start, (long?)range.end);
        public static TensorIndex Slice(Range range) => Slice(Bound(range.Start), range.End.Equals(Index.End) ? null : Bound(range.End));
        public static TensorIndex Bool(bool value) => new() { kind = Kind.Bool, a = value ? 1 : 0 };
        public static TensorIndex Single(long? index) => index is long i ? new() { kind = Kind.Single, a = i } : None;
        public static TensorIndex Tensor(Tensor tensor) => new() { kind = Kind.Tensor, tensor = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex(Index index) => Single(Bound(index));
        public static implicit operator Tensor(TensorIndex value) =>
            value.kind == Kind.Tensor ? value.tensor! : throw new InvalidCastException("TensorIndex is not a tensor");

        private static long Bound(Index index) => index.IsFromEnd ? -index.Value : index.Value;
    }

    public unsafe partial class Tensor
    {
        [IndexerName("TensorItems")] public Tensor this[params TensorIndex[] indices] { get => index(indices); set => index_put_(value, indices); }
        [IndexerName("TensorItems")] public Tensor this[params Tensor[] indices] { get => index(indices); set => index_put_(value, indices); }
        [IndexerName("TensorItems")] public Tensor this[params long[] indices] { get => index(Integers(indices)); set => index_put_(value, Integers(indices)); }
        [IndexerName("TensorItems")] public Tensor this[long i1] { get => select(0, i1); set => index_put_(value, i1); }
        [IndexerName("TensorItems")] public Tensor this[long i1, long i2] { get => index(i1, i2); set => index_put_(value, i1, i2); }
        [IndexerName("TensorItems")] public Tensor this[long i1, long i2, long i3] { get => index(i1, i2, i3); set => index_put_(value, i1, i2, i3); }
        [IndexerName("TensorItems")] public Tensor this[long i1, long i2, long i3, long i4] { get => index(i1, i2, i3, i4); set => index_put_(value, i1, i2, i3, i4); }
        [IndexerName("TensorItems")] public Tensor this[long i1, long i2, long i3, long i4, long i5] { get => index(i1, i2, i3, i4, i5); set => index_put_(value, i1, i2, i3, i4, i5); }
        [IndexerName("TensorItems")] public Tensor this[long i1, long i2, long i3, long i4, long i5, long i6] { get => index(i1, i2, i3, i4, i5, i6); set => index_put_(value, i1, i2, i3, i4, i5, i6); }

        private static TensorIndex[] Integers(long[] indices) => Array.ConvertAll(indices, i => (TensorIndex)i);
        private static TensorIndex[] Tensors(Tensor[] indices) => Array.ConvertAll(indices, TensorIndex.Tensor);

        private static RawIndex[] Raw(TensorIndex[] indices) => Array.ConvertAll(indices, i =>
            new RawIndex { Kind = (long)i.kind, A = i.a, B = i.b, C = i.c, Tensor = i.kind == TensorIndex.Kind.Tensor ? (i.tensor ?? throw new ArgumentNullException(nameof(indices))).H : 0 });

        public Tensor index(params TensorIndex[] indices)
        {
            fixed (RawIndex* p = Raw(indices)) return New(rl_index(H, p, indices.Length), this, indices);
        }

        public Tensor index(params Tensor[] indices) => index(Tensors(indices));

        public Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            fixed (RawIndex* p = Raw(indices)) return Self(rl_index_put_(H, p, indices.Length, value.H), value, indices);
        }

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            fixed (RawIndex* p = Raw(indices)) return Self(rl_index_put_s_(H, p, indices.Length, value.Value), indices);
        }

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            if (!accumulate) return index_put_(value, indices);
            // The positions the index selects, then one scatter that adds.
            using var scope = NewDisposeScope();
            var positions = arange(numel(), device: device).view(shape).index(indices);
            return Self(rl_put_(H, positions.H, value.expand(positions.shape).contiguous().H, true), positions, value);
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, Tensors(indices));
        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) => index_put_(value, Tensors(indices), accumulate);
        public Tensor index_put_(Scalar value, params Tensor[] indices) => index_put_(value, Tensors(indices));
    }
}

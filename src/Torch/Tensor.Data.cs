// The data of a tensor seen from managed code: bytes, item, data<T>, and single elements.
using System.Runtime.CompilerServices;
using TorchSharp.Utils;
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        /// <summary>The native memory of a contiguous CPU tensor; the setter copies in.</summary>
        public Span<byte> bytes
        {
            get
            {
                if (!is_contiguous()) throw new InvalidOperationException("bytes: the tensor is not contiguous; call contiguous() first.");
                if (device_type != DeviceType.CPU) throw new InvalidOperationException("bytes: the tensor is not on the CPU; call cpu() first.");
                var length = checked((int)(numel() * element_size()));
                return length == 0 ? default : new Span<byte>(Data(), length);
            }
            set
            {
                var target = bytes;
                if (value.Length != target.Length) throw new ArgumentException($"Mismatched data sizes in bytes: {value.Length} given, the tensor has {target.Length}.");
                value.CopyTo(target);
            }
        }

        internal void* Data()
        {
            var p = rl_data_ptr(H);
            GC.KeepAlive(this);
            return p is null && numel() != 0 ? throw new InvalidOperationException("The tensor has no memory of its own (libtorch's way of writing zeros in gradients); call clone() first.") : p;
        }

        /// <summary>This tensor where its elements can be read in place, else a copy: of one elsewhere, or of zeros without memory.</summary>
        private Tensor Readable() => device_type != DeviceType.CPU ? cpu() : rl_data_ptr(H) is null && numel() != 0 ? clone() : this;

        /// <summary>The elements as <typeparamref name="T"/>, which must be the tensor's own type: a view for a CPU tensor, else of a copy.</summary>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            Require<T>();
            var source = Readable();
            return new TensorAccessor<T>(source, !ReferenceEquals(source, this));
        }

        /// <summary>The one element of a tensor that has one.</summary>
        public T item<T>() where T : unmanaged
        {
            if (numel() != 1) throw new ArgumentException($"Number of elements in the tensor must be 1, not {numel()}.");
            Require<T>();
            var source = Readable();
            var value = Unsafe.Read<T>(source.Data());
            if (!ReferenceEquals(source, this)) source.Dispose();
            GC.KeepAlive(this);
            return value;
        }

        private void Require<T>() where T : unmanaged
        {
            var mine = dtype;
            if (!TypeOf(mine, out var type) || type != typeof(T))
                throw new ArgumentException($"Mismatched data types: the tensor holds {mine}, {typeof(T).Name} was asked for.");
        }

        internal static bool TypeOf(ScalarType dtype, out Type? type)
        {
            type = dtype switch
            {
                ScalarType.Byte => typeof(byte), ScalarType.Int8 => typeof(sbyte), ScalarType.Int16 => typeof(short), ScalarType.Int32 => typeof(int),
                ScalarType.Int64 => typeof(long), ScalarType.Float16 => typeof(Half), ScalarType.Float32 => typeof(float), ScalarType.Float64 => typeof(double),
                ScalarType.Bool => typeof(bool), _ => null,
            };
            return type is not null;
        }

        /// <summary>The one element as a scalar, from any device.</summary>
        public Scalar ToScalar()
        {
            Sc value;
            Check(rl_item(H, &value));
            GC.KeepAlive(this);
            return Scalar.Of(value);
        }

        private T Read<T>(long i) where T : unmanaged
        {
            if (device_type != DeviceType.CPU) throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            using var values = data<T>();
            return values.At(i);
        }

        public T ReadCpuValue<T>(long i) where T : unmanaged => Read<T>(i);
        public double ReadCpuDouble(long i) => Read<double>(i);
        public float ReadCpuSingle(long i) => Read<float>(i);
        public int ReadCpuInt32(long i) => Read<int>(i);
        public long ReadCpuInt64(long i) => Read<long>(i);
        public byte ReadCpuByte(long i) => Read<byte>(i);
        public sbyte ReadCpuSByte(long i) => Read<sbyte>(i);
        public short ReadCpuInt16(long i) => Read<short>(i);
        public bool ReadCpuBool(long i) => Read<bool>(i);

        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            if (device_type != DeviceType.CPU || !is_contiguous()) { using var here = cpu().contiguous(); here.WriteBytesToStream(stream, bufferSize); return; }
            var left = numel() * element_size();
            for (var p = (byte*)Data(); left > 0;)
            {
                var n = (int)Math.Min(left, 1 << 20);
                stream.Write(new ReadOnlySpan<byte>(p, n));
                p += n;
                left -= n;
            }
            GC.KeepAlive(this);
        }

        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            if (device_type != DeviceType.CPU || !is_contiguous())
            {
                using var here = torch.empty(shape, dtype: dtype, device: CPU);
                here.ReadBytesFromStream(stream, bufferSize);
                using var _ = no_grad();
                copy_(here);
                return;
            }
            var left = numel() * element_size();
            for (var p = (byte*)Data(); left > 0;)
            {
                var n = (int)Math.Min(left, 1 << 20);
                stream.ReadExactly(new Span<byte>(p, n));
                p += n;
                left -= n;
            }
            GC.KeepAlive(this);
        }
    }
}

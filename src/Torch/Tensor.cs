// torch.Tensor: lifetime, properties, gradient, moving between types and devices.
using System.Runtime.CompilerServices;
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A libtorch tensor. Owns one native reference, freed by Dispose, by the dispose scope it was made in, or at last by the
    /// finalizer. Errors of libtorch are ExternalException with its message; use after Dispose is InvalidOperationException.
    /// </summary>
    public unsafe partial class Tensor : IDisposable
    {
        private static long total, peak;
        private nint handle;
        internal DisposeScope? OwningDisposeScope;
        internal int ScopeIndex;

        internal Tensor(nint handle)
        {
            this.handle = handle;
            var count = Interlocked.Increment(ref total);
            if (count > peak) peak = count;
            DisposeScopeManager.ThreadSingleton.Register(this);
        }

        /// <summary>Takes over <paramref name="other"/>'s handle and place in its scope; other becomes invalid.</summary>
        private protected Tensor(Tensor other)
        {
            handle = other.H;
            other.handle = 0;
            GC.SuppressFinalize(other);
            other.OwningDisposeScope?.Replace(other, this);
        }

        ~Tensor() => Free();

        private void Free()
        {
            var h = handle;
            if (h == 0) return;
            handle = 0;
            Interlocked.Decrement(ref total);
            rl_free(h);
        }

        public void Dispose()
        {
            if (handle != 0) DisposeScopeManager.ThreadSingleton.Disposing(this);
            OwningDisposeScope?.MarkAsDisposed(this);
            Free();
            GC.SuppressFinalize(this);
        }

        /// <summary>Called by the scope that owns this tensor, which forgets it itself.</summary>
        internal void DisposeInScope()
        {
            DisposeScopeManager.ThreadSingleton.Disposing(this);
            OwningDisposeScope = null;
            Free();
            GC.SuppressFinalize(this);
        }

        /// <summary>The native handle. Whoever passes it to a native call keeps this object alive until the call is over.</summary>
        internal nint H
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => handle != 0 ? handle : throw Invalid();
        }

        public IntPtr Handle => H;
        public bool IsInvalid => handle == 0;
        public static long TotalCount => Interlocked.Read(ref total);
        public static long PeakCount => Interlocked.Read(ref peak);

        private static InvalidOperationException Invalid() => new("Tensor invalid -- empty handle.");

        public Tensor MoveToOuterDisposeScope() { OwningDisposeScope?.MoveToOuter(this); return this; }
        public Tensor DetachFromDisposeScope() { OwningDisposeScope?.Detach(this); return this; }
        [Obsolete("This method contains a typo in its name, please use DetachFromDisposeScope instead.")]
        public Tensor DetatchFromDisposeScope() => DetachFromDisposeScope();
        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (OwningDisposeScope is null) other?.Attach(this);
            else OwningDisposeScope.MoveToOther(other, this);
            return this;
        }

        // How the one-line operations end. The operands stand behind the call so that they live until it has returned:
        // without that the finalizer may free a temporary's native tensor while libtorch works on it.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static Tensor New(nint result, object? a = null, object? b = null, object? c = null, object? d = null, object? e = null)
        {
            GC.KeepAlive(a); GC.KeepAlive(b); GC.KeepAlive(c); GC.KeepAlive(d); GC.KeepAlive(e);
            if (result == 0) Throw();
            return new Tensor(result);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private Tensor Self(int ok, object? a = null, object? b = null, object? c = null)
        {
            GC.KeepAlive(this); GC.KeepAlive(a); GC.KeepAlive(b); GC.KeepAlive(c);
            if (ok == 0) Throw();
            return this;
        }

        internal static bool True(int result, object? a = null, object? b = null)
        {
            GC.KeepAlive(a); GC.KeepAlive(b);
            if (result < 0) Throw();
            return result != 0;
        }

        internal static (Tensor, Tensor) Pair(long count, nint* list, object? a = null)
        {
            GC.KeepAlive(a);
            if (count < 0) Throw();
            nint first = list[0], second = list[1];
            return (new Tensor(first), new Tensor(second));
        }

        internal static Tensor[] Many(long count, nint* list, object? a = null)
        {
            GC.KeepAlive(a);
            if (count < 0) Throw();
            var handles = new ReadOnlySpan<nint>(list, (int)count).ToArray();
            return Array.ConvertAll(handles, h => h == 0 ? null! : new Tensor(h));
        }

        internal static nint Opt(Tensor? tensor) => tensor is null ? 0 : tensor.H;
        internal static long Dt(ScalarType? dtype) => dtype is ScalarType t ? (long)t : -1;
        internal static nint Gen(Generator? generator) => generator is null ? 0 : generator.Handle;

        // ---- properties -------------------------------------------------------------------------------------------

        public long dim() { var r = rl_dim(H); GC.KeepAlive(this); return r; }
        public long ndim => dim();
        public long Dimensions => dim();
        public long numel() { var r = rl_numel(H); GC.KeepAlive(this); return r; }
        public long NumberOfElements => numel();
        public long element_size() => dtype.ElementSize();
        public long ElementSize => element_size();
        public ScalarType dtype { get { var r = rl_dtype(H); GC.KeepAlive(this); return (ScalarType)r; } }
        public Device device { get { var d = RawDevice(); return Device.Of((DeviceType)(d >> 16), (short)d); } }
        public DeviceType device_type => (DeviceType)(RawDevice() >> 16);
        public int device_index => (short)RawDevice();
        private long RawDevice() { var d = rl_device(H); GC.KeepAlive(this); return d; }
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_cpu() => device_type == DeviceType.CPU;
        public bool is_sparse { get { var r = rl_is_sparse(H) != 0; GC.KeepAlive(this); return r; } }
        public bool is_integral() => torch.is_integral(dtype);
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_complex() => torch.is_complex(dtype);
        public bool is_contiguous() { var r = rl_is_contiguous(H) != 0; GC.KeepAlive(this); return r; }
        public long storage_offset() { var r = rl_storage_offset(H); GC.KeepAlive(this); return r; }

        public long[] shape
        {
            get
            {
                var result = new long[dim()];
                fixed (long* p = result) Check(rl_sizes(H, p));
                GC.KeepAlive(this);
                return result;
            }
        }

        public long[] size() => shape;

        public long size(int dim)
        {
            var sizes = shape;
            var i = dim < 0 ? dim + sizes.Length : dim;
            if ((uint)i >= (uint)sizes.Length) throw new IndexOutOfRangeException($"dimension {dim} of a tensor of {sizes.Length} dimensions");
            return sizes[i];
        }

        public long[] stride()
        {
            var result = new long[dim()];
            fixed (long* p = result) Check(rl_strides(H, p));
            GC.KeepAlive(this);
            return result;
        }

        public long stride(int dim)
        {
            var strides = stride();
            var i = dim < 0 ? dim + strides.Length : dim;
            if ((uint)i >= (uint)strides.Length) throw new IndexOutOfRangeException($"dimension {dim} of a tensor of {strides.Length} dimensions");
            return strides[i];
        }

        public override bool Equals(object? obj) => obj is Tensor t && Equals(t);
        public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

        // ---- gradient ---------------------------------------------------------------------------------------------

        public bool is_leaf { get { var r = rl_is_leaf(H) != 0; GC.KeepAlive(this); return r; } }

        public bool requires_grad
        {
            get { var r = rl_requires_grad(H) != 0; GC.KeepAlive(this); return r; }
            set { Check(rl_set_requires_grad(H, value)); GC.KeepAlive(this); }
        }

        public Tensor requires_grad_(bool requires_grad = true) { this.requires_grad = requires_grad; return this; }
        public Tensor with_requires_grad(bool requires_grad = true) { this.requires_grad = requires_grad; return this; }
        public void retain_grad() { Check(rl_retain_grad(H)); GC.KeepAlive(this); }

        /// <summary>The gradient as a new object over the same native tensor, or null before backward.</summary>
        public Tensor? grad
        {
            get { var h = rl_grad(H); GC.KeepAlive(this); return h == 0 ? null : new Tensor(h); }
            set { Check(rl_set_grad(H, Opt(value))); GC.KeepAlive(this); GC.KeepAlive(value); }
        }

        public void backward() => autograd.backward(this);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward(this, grad_tensors, retain_graph, create_graph, inputs);

        // ---- types and devices ------------------------------------------------------------------------------------

        private Tensor Move(ScalarType? type, Device? device, bool copy, bool disposeAfter, bool non_blocking)
        {
            var result = New(rl_to(H, Pack(type, device), non_blocking, copy), this);
            if (disposeAfter) Dispose();
            return result;
        }

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Move(type, null, copy, disposeAfter, non_blocking);
        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Move(type, InitializeDevice(device), copy, disposeAfter, non_blocking);
        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Move(null, InitializeDevice(device), copy, disposeAfter, non_blocking);
        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(Device.Of(deviceType, deviceIndex), copy, disposeAfter, non_blocking);
        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(new Device(device), copy, disposeAfter, non_blocking);
        public Tensor to(Tensor other, bool non_blocking = false) => to(other.dtype, other.device, non_blocking: non_blocking);
        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Move(type, null, copy, disposeAfter, non_blocking);
        public Tensor type(ScalarType dtype) => to(dtype);
        public Tensor type(Func<Tensor, Tensor> typeFunc) => typeFunc(this);
        public Tensor type_as(Tensor tensor) => to_type(tensor.dtype);
        public Tensor cpu() => to(CPU);

        public Tensor cuda(Device? device = null, bool non_blocking = false)
        {
            if (device is not null && device.type != DeviceType.CUDA) throw new ArgumentException("Not a CUDA device.", nameof(device));
            return to(device ?? CUDA, non_blocking: non_blocking);
        }

        public Tensor @bool() => to_type(ScalarType.Bool);
        public Tensor @byte() => to_type(ScalarType.Byte);
        public Tensor @char() => to_type(ScalarType.Int8);
        public Tensor @short() => to_type(ScalarType.Int16);
        public Tensor @int() => to_type(ScalarType.Int32);
        public Tensor @long() => to_type(ScalarType.Int64);
        public Tensor half() => to_type(ScalarType.Float16);
        public Tensor bfloat16() => to_type(ScalarType.BFloat16);
        public Tensor @float() => to_type(ScalarType.Float32);
        public Tensor @double() => to_type(ScalarType.Float64);
    }
}

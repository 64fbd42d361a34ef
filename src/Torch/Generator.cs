// Random number generators and the global one.
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A source of random numbers of its own (libtorch's mt19937 on the CPU).</summary>
    public unsafe class Generator : IDisposable
    {
        private nint handle;

        public Generator(ulong seed = 0, Device? device = null)
        {
            this.device = InitializeDevice(device);
            handle = rl_generator(seed, (long)this.device.type, this.device.index);
            if (handle == 0) Throw();
        }

        private Generator(nint handle) => (this.handle, device) = (handle, CPU);

        ~Generator() => Free();

        public IntPtr Handle => handle != 0 ? handle : throw new InvalidOperationException("Generator invalid -- empty handle.");
        public Device device { get; }

        /// <summary>The process-wide generator of the CPU.</summary>
        public static Generator Default => new(rl_default_generator());

        public Tensor get_state() => Tensor.New(rl_generator_state(Handle), this);
        public void set_state(Tensor value) { Check(rl_generator_set_state(Handle, value.H)); GC.KeepAlive(this); GC.KeepAlive(value); }
        public Generator manual_seed(long seed) { Check(rl_generator_set_seed(Handle, (ulong)seed)); GC.KeepAlive(this); return this; }

        /// <summary>Seeds from the system's source of entropy; the seed.</summary>
        public long seed() { ulong s; Check(rl_generator_reseed(Handle, &s)); GC.KeepAlive(this); return (long)s; }
        public long initial_seed() { ulong s; Check(rl_generator_seed(Handle, &s)); GC.KeepAlive(this); return (long)s; }

        public void Dispose() { Free(); GC.SuppressFinalize(this); }

        private void Free()
        {
            var h = Interlocked.Exchange(ref handle, 0);
            if (h != 0) rl_generator_free(h);
        }
    }

    public static long seed() => random.seed();
    public static Generator manual_seed(long seed) => random.manual_seed(seed);
    public static long initial_seed() => random.initial_seed();
    public static Tensor get_rng_state() => random.get_rng_state();
    public static void set_rng_state(Tensor new_state) => random.set_rng_state(new_state);

    public static class random
    {
        public static long seed() { using var g = Generator.Default; var s = g.seed(); manual_seed(s); return s; }
        public static Generator manual_seed(long seed) { Check(rl_manual_seed((ulong)seed)); return Generator.Default; }
        public static long initial_seed() { using var g = Generator.Default; return g.initial_seed(); }
        public static Tensor get_rng_state() { using var g = Generator.Default; return g.get_state(); }
        public static void set_rng_state(Tensor new_state) { using var g = Generator.Default; g.set_state(new_state); }
    }
}

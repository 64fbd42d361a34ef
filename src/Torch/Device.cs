// Devices, element types and the process-wide defaults.
using static TorchSharp.Native;

namespace TorchSharp;

public enum DeviceType { CPU = 0, CUDA = 1, MKLDNN = 2, OPENGL = 3, OPENCL = 4, IDEEP = 5, HIP = 6, FPGA = 7, MSNPU = 8, XLA = 9, MPS = 13, META = 14 }

public static partial class torch
{
    public enum ScalarType : sbyte
    {
        Byte = 0, Int8 = 1, Int16 = 2, Int32 = 3, Int64 = 4, Float16 = 5, Float32 = 6, Float64 = 7, ComplexFloat32 = 9, ComplexFloat64 = 10,
        Bool = 11, QInt8 = 12, QUInt8 = 13, QInt32 = 14, BFloat16 = 15,
    }

    public static ScalarType @bool = ScalarType.Bool, uint8 = ScalarType.Byte, int8 = ScalarType.Int8, int16 = ScalarType.Int16, int32 = ScalarType.Int32,
        int64 = ScalarType.Int64, bfloat16 = ScalarType.BFloat16, float16 = ScalarType.Float16, float32 = ScalarType.Float32, float64 = ScalarType.Float64,
        complex64 = ScalarType.ComplexFloat32, complex128 = ScalarType.ComplexFloat64, @short = ScalarType.Int16, @int = ScalarType.Int32,
        @long = ScalarType.Int64, half = ScalarType.Float16, @float = ScalarType.Float32, @double = ScalarType.Float64;

    public static bool is_integral(ScalarType type) => type is ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 or ScalarType.Int64 or ScalarType.Bool;
    public static bool is_floating_point(ScalarType type) => type is ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16;
    public static bool is_complex(ScalarType type) => type is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;
    public static bool is_integral(Tensor t) => is_integral(t.dtype);
    public static bool is_floating_point(Tensor input) => is_floating_point(input.dtype);
    public static bool is_complex(Tensor input) => is_complex(input.dtype);

    public class Device
    {
        private static readonly Device Cpu = new(DeviceType.CPU);
        public DeviceType type { get; }
        public int index { get; }

        public Device(DeviceType deviceType, int index = -1) => (type, this.index) = (deviceType, index);
        public Device(string deviceType, int index = -1) : this(Parse(deviceType), index) { }
        public Device(int index) : this(DeviceType.CUDA, index) { }

        public Device(string description)
        {
            var parts = description.Split(':');
            type = Parse(parts[0]);
            index = -1;
            if (parts.Length == 1) return;
            if (parts.Length > 2 || !int.TryParse(parts[1], out var i) || i < 0)
                throw new FormatException($"'{description}' is not a device: expected a type such as cpu or cuda, or type:index.");
            index = i;
        }

        internal static Device Of(DeviceType type, int index) => type == DeviceType.CPU && index == -1 ? Cpu : new Device(type, index);

        private static DeviceType Parse(string type) =>
            Enum.TryParse<DeviceType>(type, ignoreCase: true, out var t) && !int.TryParse(type, out _) ? t : throw new ArgumentException($"'{type}' is not a device type (cpu, cuda, meta).");

        public static implicit operator Device(string description) => new(description);
        public override string ToString() => index < 0 ? type.ToString().ToLowerInvariant() : $"{type.ToString().ToLowerInvariant()}:{index}";
    }

    public static readonly Device CPU = Device.Of(DeviceType.CPU, -1);
    public static readonly Device META = new(DeviceType.META);
    public static Device CUDA => InitializeDevice(new Device(DeviceType.CUDA));

    public static Device device(string description) => InitializeDevice(new Device(description));
    public static Device device(string deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));
    public static Device device(DeviceType deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));
    public static Device device(int index) => InitializeDevice(new Device(index));

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType switch
    {
        DeviceType.CPU or DeviceType.META => true,
        DeviceType.CUDA => cuda.is_available(),
        _ => false,
    };

    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType)) throw new InvalidOperationException($"Torch device type {deviceType} did not initialise on the current machine.");
    }

    public static Device InitializeDevice(Device? device)
    {
        device ??= default_device;
        InitializeDeviceType(device.type);
        return device;
    }

    private static ScalarType default_dtype = ScalarType.Float32;
    private static Device default_device = CPU;

    public static ScalarType get_default_dtype() => default_dtype;
    public static void set_default_dtype(ScalarType dtype) =>
        default_dtype = is_floating_point(dtype) ? dtype : throw new ArgumentException($"only floating-point types can be the default dtype, not {dtype}");
    public static void set_default_tensor_type(Tensor t) => (default_dtype, default_device) = (t.dtype, t.device);
    public static Device get_default_device() => default_device;
    public static void set_default_device(Device device) => default_device = InitializeDevice(device);
    public static void set_default_device(string device) => set_default_device(new Device(device));

    /// <summary>dtype and device in one word, as O in shim.h unpacks them; absent parts stay as libtorch has them.</summary>
    internal static long Pack(ScalarType? dtype, Device? device) =>
        (dtype is ScalarType t ? (long)t : 255) | (device is null ? 255L << 8 : ((long)device.type << 8) | ((long)(ushort)device.index << 16));

    public static int get_num_threads() => rl_threads();
    public static void set_num_threads(int num)
    {
        if (num < 1) throw new ArgumentException("The number of threads must be at least 1.", nameof(num));
        Check(rl_set_threads(num));
    }
    public static int get_num_interop_threads() => rl_interop_threads();
    public static void set_num_interop_threads(int num) => Check(rl_set_interop_threads(num));

    public static bool are_deterministic_algorithms_enabled() => (rl_deterministic() & 1) != 0;
    public static bool is_deterministic_algorithms_warn_only_enabled() => (rl_deterministic() & 2) != 0;

    public static IDisposable use_deterministic_algorithms(bool mode = true, bool warn_only = false)
    {
        var before = rl_deterministic();
        Check(rl_set_deterministic(mode, warn_only));
        return new Restore(() => Check(rl_set_deterministic((before & 1) != 0, (before & 2) != 0)));
    }

    private sealed class Restore(Action action) : IDisposable
    {
        private Action? action = action;
        public void Dispose() => Interlocked.Exchange(ref action, null)?.Invoke();
    }

    public static class cuda
    {
        public static bool is_available() => rl_cuda_available() != 0;
        public static bool is_cudnn_available() => rl_cudnn_available() != 0;
        public static int device_count() => rl_cuda_count();
        public static void manual_seed(long seed) => Check(rl_cuda_seed((ulong)seed, false));
        public static void manual_seed_all(long seed) => Check(rl_cuda_seed((ulong)seed, true));
        public static void synchronize(Device? device = null) => Check(rl_cuda_synchronize(device?.index ?? -1));
    }
}

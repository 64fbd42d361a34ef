// The C ABI of librlleap_torch.so: how it is found, how its errors become exceptions, and every import.
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace TorchSharp;

/// <summary>A scalar as it crosses: kind -1 absent, 0 integer, 1 double, 2 bool.</summary>
internal readonly struct Sc(long kind, long bits)
{
    public readonly long Kind = kind, Bits = bits;
    public static readonly Sc None = new(-1, 0);
    public static implicit operator Sc(long value) => new(0, value);
    public static implicit operator Sc(double value) => new(1, BitConverter.DoubleToInt64Bits(value));
    public static Sc Of(Scalar? value) => value is null ? None : value.Value;
    public static Sc Of(double? value) => value is double v ? v : None;
}

internal readonly unsafe struct Ints
{
    public readonly long* Data;
    public readonly long Count;
    public Ints(long* data, ReadOnlySpan<long> list) { Data = data; Count = list.Length; }
}

internal readonly unsafe struct Ptrs(nint* data, long count)
{
    public readonly nint* Data = data;
    public readonly long Count = count;
}

/// <summary>One entry of an index; see Index in core.cpp for the kinds.</summary>
internal struct RawIndex
{
    public long Kind, A, B, C;
    public nint Tensor;
}

internal static unsafe partial class Native
{
    private const string Lib = "rlleap_torch";
    private const string FileName = "librlleap_torch.so";

    /// <summary>Throws what the last failed native call of this thread reported.</summary>
    public static void Throw() => throw new ExternalException(Marshal.PtrToStringUTF8((nint)rl_error()) ?? "libtorch reported no reason.");

    public static void Check(int ok)
    {
        if (ok == 0) Throw();
    }

#pragma warning disable CA2255 // the one place that must run before any import
    [ModuleInitializer]
    internal static void FindLibrary() => NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, Resolve);
#pragma warning restore CA2255

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Lib) return 0;
        var tried = new List<string>();
        foreach (var folder in new[] { AppContext.BaseDirectory, Environment.GetEnvironmentVariable("RLLEAP_NATIVE") })
        {
            if (string.IsNullOrEmpty(folder)) continue;
            var file = Directory.Exists(folder) ? Path.Combine(folder, FileName) : folder;
            tried.Add(file);
            if (!File.Exists(file)) continue;
            nint library;
            string? why;
            try
            {
                library = NativeLibrary.Load(file);
                why = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "rl_init"))());
            }
            catch (Exception e)
            {
                // Behind general advice .NET hands on the loader's own words: the missing library or symbol.
                throw Unusable(file, e.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).LastOrDefault(l => l.Contains(".so")) ?? e.Message);
            }
            return why is null ? library : throw Unusable(file, why);
        }
        throw new DllNotFoundException($"The native tensor library was not found (looked for {string.Join(" and ", tried)}). " +
            "Run `./rlleap doctor`: it says what is missing and the command that adds it.");
    }

    private static DllNotFoundException Unusable(string file, string why) =>
        new($"The native tensor library {file} cannot be used: {why}. It must be built for the libtorch that is installed. Run `./rlleap doctor`.");

    // Errors, lifetime, properties. Those that only read a field skip the transition out of managed code.
    [DllImport(Lib)] private static extern byte* rl_error();
    [DllImport(Lib)] internal static extern void rl_free(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern long rl_dim(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern long rl_numel(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern long rl_dtype(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern long rl_device(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern int rl_sizes(nint x, long* output);
    [DllImport(Lib), SuppressGCTransition] internal static extern int rl_strides(nint x, long* output);
    [DllImport(Lib), SuppressGCTransition] internal static extern long rl_storage_offset(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern int rl_is_contiguous(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern int rl_requires_grad(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern int rl_is_leaf(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern int rl_is_sparse(nint x);
    [DllImport(Lib), SuppressGCTransition] internal static extern void* rl_data_ptr(nint x);
    [DllImport(Lib)] internal static extern int rl_set_requires_grad(nint x, bool v);
    [DllImport(Lib)] internal static extern nint rl_grad(nint x);
    [DllImport(Lib)] internal static extern int rl_set_grad(nint x, nint g);
    [DllImport(Lib)] internal static extern int rl_retain_grad(nint x);
    [DllImport(Lib)] internal static extern nint rl_share(nint x);
    [DllImport(Lib)] internal static extern nint rl_from_blob(void* data, Ints sizes, long options, delegate* unmanaged<nint, void> release, nint context);
    [DllImport(Lib)] internal static extern nint rl_copy_of(void* data, Ints sizes, long bytes, long options, long dtype);
    [DllImport(Lib)] internal static extern int rl_item(nint x, Sc* output);

    // Indexing, autograd, generators, devices, settings.
    [DllImport(Lib)] internal static extern nint rl_index(nint x, RawIndex* indices, long count);
    [DllImport(Lib)] internal static extern int rl_index_put_(nint x, RawIndex* indices, long count, nint value);
    [DllImport(Lib)] internal static extern int rl_index_put_s_(nint x, RawIndex* indices, long count, Sc value);
    [DllImport(Lib)] internal static extern int rl_backward(Ptrs outputs, Ptrs grads, bool retain, bool create, Ptrs inputs);
    [DllImport(Lib)] internal static extern long rl_autograd_grad(Ptrs outputs, Ptrs inputs, Ptrs grads, bool retain, bool create, bool unused, nint* output);
    [DllImport(Lib), SuppressGCTransition] internal static extern int rl_grad_enabled();
    [DllImport(Lib), SuppressGCTransition] internal static extern void rl_set_grad_enabled(bool v);
    [DllImport(Lib)] internal static extern nint rl_inference_enter(bool v);
    [DllImport(Lib)] internal static extern void rl_inference_leave(nint p);
    [DllImport(Lib)] internal static extern int rl_inference_enabled();
    [DllImport(Lib)] internal static extern int rl_anomaly();
    [DllImport(Lib)] internal static extern void rl_set_anomaly(bool v, bool check_nan);
    [DllImport(Lib)] internal static extern nint rl_generator(ulong seed, long type, long index);
    [DllImport(Lib)] internal static extern nint rl_default_generator();
    [DllImport(Lib)] internal static extern void rl_generator_free(nint g);
    [DllImport(Lib)] internal static extern int rl_generator_set_seed(nint g, ulong seed);
    [DllImport(Lib)] internal static extern int rl_generator_reseed(nint g, ulong* output);
    [DllImport(Lib)] internal static extern int rl_generator_seed(nint g, ulong* output);
    [DllImport(Lib)] internal static extern nint rl_generator_state(nint g);
    [DllImport(Lib)] internal static extern int rl_generator_set_state(nint g, nint state);
    [DllImport(Lib)] internal static extern int rl_manual_seed(ulong seed);
    [DllImport(Lib)] internal static extern int rl_cuda_available();
    [DllImport(Lib)] internal static extern int rl_cudnn_available();
    [DllImport(Lib)] internal static extern int rl_cuda_count();
    [DllImport(Lib)] internal static extern int rl_cuda_seed(ulong seed, bool all);
    [DllImport(Lib)] internal static extern int rl_cuda_synchronize(long device);
    [DllImport(Lib)] internal static extern int rl_threads();
    [DllImport(Lib)] internal static extern int rl_set_threads(int n);
    [DllImport(Lib)] internal static extern int rl_interop_threads();
    [DllImport(Lib)] internal static extern int rl_set_interop_threads(int n);
    [DllImport(Lib)] internal static extern int rl_deterministic();
    [DllImport(Lib)] internal static extern int rl_set_deterministic(bool v, bool warn_only);
}

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace RlLeap;

/// <summary>How many threads libtorch uses inside one operator: one, or as many as OMP_NUM_THREADS says.</summary>
/// <remarks>RlLeap runs tasks and environments side by side, and its tensors are small. More threads an operator cost
/// time there, and may change the last bits of a sum. It is set where this assembly is used for the first
/// time.</remarks>
public static class OperatorThreads
{
    private const string Variable = "OMP_NUM_THREADS";

    /// <summary>Threads an operator, at least one.</summary>
    public static int Count { get; } = Parse(Environment.GetEnvironmentVariable(Variable));

    /// <summary>Makes libtorch use <see cref="Count"/> threads in operators that the calling thread calls.</summary>
    /// <remarks>Needed at the start of a thread only where libtorch was loaded before RlLeap: libtorch reads the
    /// variable when it is loaded, and this assembly sets it before.</remarks>
    public static void Apply() => torch.set_num_threads(Count);

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Before libtorch is loaded, in any program that uses RlLeap.")]
    internal static void SetUp()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 }) return;
        NativeEnvironment.Set(Variable, "1");
        ApplyIfLoaded();
    }

    /// <summary>As <see cref="Apply"/>, where TorchSharp is loaded already.</summary>
    internal static void ApplyIfLoaded()
    {
        if (!AppDomain.CurrentDomain.GetAssemblies().Any(loaded => loaded.GetName().Name == "TorchSharp")) return;
        // Where libtorch cannot be loaded, its first use says so.
        try { Apply(); }
        catch (Exception e) when (e is TypeInitializationException or NotSupportedException or DllNotFoundException) { }
    }

    // A list ("4,2") gives the number for each level of nested parallelism; the first counts here.
    private static int Parse(string? text) => int.TryParse(text?.Split(',')[0], NumberStyles.Integer,
        CultureInfo.InvariantCulture, out var count) && count > 0 ? count : 1;
}

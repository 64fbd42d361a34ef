// What happens before the first test.
using System.Runtime.CompilerServices;

namespace RlLeap.Tests;

internal static class Start
{
    /// <summary>RlLeap's own start, before a test uses libtorch without it.</summary>
    [ModuleInitializer]
    internal static void Begin() => RuntimeHelpers.RunModuleConstructor(typeof(Rng).Module.ModuleHandle);
}

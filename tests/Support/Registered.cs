using System.Runtime.CompilerServices;
using RlLeap.Gymnasium;

namespace RlLeap.Tests;

internal static class Registered
{
    /// <summary>What the program does at its start: the tests use gymnasium's ids without it.</summary>
    [ModuleInitializer]
    internal static void Gymnasium() => GymnasiumEnvironments.Register();
}

// Which tensor back end the tests were built with, and facts that only ours promises.
using TorchSharp;
using Xunit;

namespace RlLeap.Tests;

internal static class TorchBackend
{
    /// <summary>True where the tests run on the TorchSharp package, false on our own binding to the installed libtorch.</summary>
    public static bool IsPackage { get; } = typeof(torch).Assembly.GetName().Name == "TorchSharp";
}

/// <summary>A test of something the TorchSharp package does otherwise or not at all (docs/torch.md lists them); skipped there.</summary>
public sealed class SystemTorchFactAttribute : FactAttribute
{
    public SystemTorchFactAttribute() => Skip = TorchBackend.IsPackage ? "the TorchSharp package does not promise this" : null;
}

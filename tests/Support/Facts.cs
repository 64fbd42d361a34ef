// Facts that run only where they can: long ones, and ones that need something optional. A test that needs something
// else derives its own attribute here and sets Skip to the reason.
using Xunit;

namespace RlLeap.Tests;

/// <summary>A test of the long tier: runs under `./rlleap test --long` (RLLEAP_LONG=1) only.</summary>
public sealed class LongFactAttribute : FactAttribute
{
    public LongFactAttribute() => Skip = Tier.SkipLong;
}

/// <summary>A test that runs a python3 of its own, without any package.</summary>
public sealed class Python3FactAttribute : FactAttribute
{
    public Python3FactAttribute() => Skip = Found ? null : "needs python3 on the PATH";

    private static bool Found { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, "python3")));
}

/// <summary>A theory of the long tier; see <see cref="LongFactAttribute"/>.</summary>
public sealed class LongTheoryAttribute : TheoryAttribute
{
    public LongTheoryAttribute() => Skip = Tier.SkipLong;
}

/// <summary>A test on a real data set: skipped where <c>path</c> (relative to RLLEAP_DATA) is not there.</summary>
public sealed class NeedsDataFactAttribute : FactAttribute
{
    public NeedsDataFactAttribute(string path) => Skip = TestData.SkipWithout(path);
}

/// <summary>A theory on a real data set; see <see cref="NeedsDataFactAttribute"/>.</summary>
public sealed class NeedsDataTheoryAttribute : TheoryAttribute
{
    public NeedsDataTheoryAttribute(string path) => Skip = TestData.SkipWithout(path);
}

/// <summary>Which tier runs: the short one, or with RLLEAP_LONG=1 the long one too.</summary>
public static class Tier
{
    public static bool Long => Environment.GetEnvironmentVariable("RLLEAP_LONG") == "1";
    internal static string? SkipLong => Long ? null : "long: runs with `./rlleap test --long`";
}

/// <summary>Where data sets are: the folder RLLEAP_DATA names.</summary>
public static class TestData
{
    public static string? Root =>
        Environment.GetEnvironmentVariable("RLLEAP_DATA") is { Length: > 0 } folder ? folder : null;

    /// <summary>Full path of a file or folder under RLLEAP_DATA; throws where RLLEAP_DATA is not set.</summary>
    public static string PathOf(string path) =>
        Path.Combine(Root ?? throw new InvalidOperationException("RLLEAP_DATA is not set"), path);

    internal static string? SkipWithout(string path) =>
        Root is null ? "needs data: set RLLEAP_DATA to the folder of data sets"
        : Path.Exists(PathOf(path)) ? null : $"needs data: there is no {path} in RLLEAP_DATA={Root}";
}

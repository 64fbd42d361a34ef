// Where systems differ: each choice, with every system; and that there is one place for them.
using System.Text.RegularExpressions;
using Xunit;

namespace RlLeap.Tests.Core;

public sealed partial class PlatformTests
{
    [Fact]
    public void Names_are_those_of_each_system()
    {
        Assert.Equal(["ffmpeg", "ffmpeg", "ffmpeg.exe"], Each(system => SystemNames.Program("ffmpeg", system)));
        Assert.Equal(["libtorch.so", "libtorch.dylib", "torch.dll"],
            Each(system => SystemNames.Library("torch", system)));
        Assert.Equal(["python3", "python3", "python.exe"], Each(SystemNames.PythonOf));
        Assert.Equal(["a/bin/python3"], SystemNames.PythonsIn("a", SystemKind.Linux));
        Assert.Equal(["a/python.exe", "a/Scripts/python.exe"], SystemNames.PythonsIn("a", SystemKind.Windows));
    }

    [Theory]
    [InlineData(null, false, true), InlineData("", false, true), InlineData("dumb", false, false)]
    [InlineData("unknown", false, true), InlineData("xterm-256color", true, true)]
    public void A_terminal_takes_escapes_by_its_name(string? name, bool linux, bool windows)
    {
        Assert.Equal(linux, SystemNames.TakesEscapes(name, SystemKind.Linux));
        Assert.Equal(linux, SystemNames.TakesEscapes(name, SystemKind.MacOs));
        Assert.Equal(windows, SystemNames.TakesEscapes(name, SystemKind.Windows));
    }

    [Fact]
    public void Numbers_of_errors_are_those_of_each_system()
    {
        // ENOSPC, EDQUOT; ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
        Assert.Equal(["28 122", "28 69", "39 112"], Numbers(SystemErrors.IsDiskFull));
        // EWOULDBLOCK; ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
        Assert.Equal(["11", "35", "32 33"], Numbers(SystemErrors.IsHeldByAnother));
        // EPIPE, EIO; ERROR_BROKEN_PIPE, ERROR_NO_DATA
        Assert.Equal(["5 32", "5 32", "109 232"], Numbers(SystemErrors.IsReaderGone));
    }

    // It formats and reads numbers without naming a culture.
    [Fact]
    public void The_program_has_one_culture_everywhere() => Assert.Contains("\"System.Globalization.Invariant\": true",
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "rlleap.runtimeconfig.json")));

    [Fact]
    public void A_program_is_found_on_the_path()
    {
        Assert.True(File.Exists(SystemNames.OnPath(SystemNames.Program("dotnet")).FirstOrDefault()));
        Assert.Null(SystemNames.OnPath("no-such-program-here").FirstOrDefault());
    }

    [Fact]
    public void Only_one_folder_asks_which_system_it_is()
    {
        var found = Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/'))
            .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/")
                && !path.StartsWith("src/Core/Platform/", StringComparison.Ordinal))
            .Where(path => Asks().IsMatch(File.ReadAllText(Path.Combine(Repository.Root, path)))).ToList();
        Assert.Empty(found);
    }

    private static string[] Each(Func<SystemKind, string> name) =>
        [.. Enum.GetValues<SystemKind>().Select(name)];

    private static string[] Numbers(Func<int, SystemKind, bool> holds) => Each(system =>
        string.Join(' ', Enumerable.Range(1, 300).Where(number => holds(number, system))));

    [GeneratedRegex(@"OperatingSystem\.Is|RuntimeInformation\.IsOSPlatform|\b(Dll|Library)Import\b|\(PosixSignal\)")]
    private static partial Regex Asks();
}

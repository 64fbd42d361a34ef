// doctor without libtorch: it says so, prints its other lines, and does not fall over.
using System.Diagnostics;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class DoctorTests
{
    [Fact]
    public void Without_libtorch_it_prints_all_lines_and_says_what_is_missing()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var folder = new TempFolder();
        Link(AppContext.BaseDirectory, folder.Root);
        foreach (var library in Directory.GetFiles(folder.Root, "libtorch*.so", SearchOption.AllDirectories))
            File.Delete(library);
        var start = new ProcessStartInfo("dotnet", [folder["rlleap.dll"], "doctor"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        var (exit, output, error) = ProgramProcess.Wait(Process.Start(start)!);
        Assert.Equal((1, ""), (exit, error));
        Assert.Contains("!!  libtorch      libtorch.so is missing.", output, StringComparison.Ordinal);
        Assert.Contains("data sets", output, StringComparison.Ordinal);
        Assert.Contains("1 required thing is missing", output, StringComparison.Ordinal);
    }

    // The same tree of folders, with links to its files. The program is copied: its folder is where its own file lies.
    private static void Link(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from))
        {
            var (name, link) = (Path.GetFileName(file), Path.Combine(to, Path.GetFileName(file)));
            if (name.StartsWith("rlleap.", StringComparison.Ordinal)) File.Copy(file, link);
            else File.CreateSymbolicLink(link, file);
        }
        foreach (var folder in Directory.GetDirectories(from))
            Link(folder, Directory.CreateDirectory(Path.Combine(to, Path.GetFileName(folder))).FullName);
    }
}

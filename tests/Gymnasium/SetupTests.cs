// `rlleap data get ale` against a package index of the test's own: wheels that answer like numpy, gymnasium and ale-py
// in the pinned versions.
using System.Diagnostics;
using System.IO.Compression;
using RlLeap.Gymnasium;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

/// <summary>A test that makes a virtual environment.</summary>
public sealed class NeedsVenvFactAttribute : FactAttribute
{
    public NeedsVenvFactAttribute() =>
        Skip = Ale.Missing("import venv, ensurepip") is { } missing ? $"needs python3-venv: {missing}" : null;
}

[Collection("python")]
public sealed class SetupTests
{
    [NeedsVenvFact]
    public void DataGetAleMakesAVirtualEnvironmentThatDoctorAndRunsFind()
    {
        using var project = new TempFolder();
        project.Write("RlLeap.sln", ""); // what the program knows a project's folder by
        Directory.CreateDirectory(project["wheels"]);

        // No way to the packages: one message that says how to bring them, and another Python is used as before.
        var (exit, _, error) = Program(project, "data", "get", "ale");
        Assert.Equal(1, exit);
        Assert.Contains("pip could not install numpy>=1.24, gymnasium==1.3.0, ale-py==0.12.1", error);
        Assert.Contains("--no-index --find-links WHEELS", error);
        Assert.DoesNotContain("   at ", error);
        Assert.DoesNotContain(project[".venv"], Line(project, "Python "));

        Wheel(project["wheels"], "numpy", "1.24.0", "__version__ = '1.24.0'");
        Wheel(project["wheels"], "gymnasium", "1.3.0", "__version__ = '1.3.0'");
        Wheel(project["wheels"], "ale_py", "0.12.1", """
            __version__ = '0.12.1'
            class roms:
                get_all_rom_ids = lambda: ['breakout'] * 104
            class AtariVectorEnv:
                def __init__(self, game, num_envs): assert game == 'breakout'
                def reset(self, seed): pass
            """);
        var (code, output, wrong) = Program(project, "data", "get", "ale");
        Assert.True(code == 0, wrong + output);
        Assert.Contains("gymnasium 1.3.0, ale-py 0.12.1 with 104 ROMs, numpy 1.24.0", output);
        Assert.Contains(project[".venv/bin/python3"], Line(project, "Python "));
        Assert.Contains("1.3.0", Line(project, "gymnasium"));
        Assert.Contains("0.12.1", Line(project, "ale-py"));
        Assert.Equal(0, Program(project, "data", "get", "ale").Exit); // again: nothing to do
    }

    private static string Line(TempFolder project, string name) =>
        Program(project, "doctor").Output.Split('\n')
            .Single(line => line.Contains("  " + name, StringComparison.Ordinal));

    // The smallest wheel that pip installs: one module and its metadata.
    private static void Wheel(string folder, string name, string version, string code)
    {
        using var zip = ZipFile.Open(Path.Combine(folder, $"{name}-{version}-py3-none-any.whl"), ZipArchiveMode.Create);
        void Add(string path, string text)
        {
            using var writer = new StreamWriter(zip.CreateEntry(path).Open());
            writer.Write(text);
        }
        var info = $"{name}-{version}.dist-info";
        Add($"{name}/__init__.py", code);
        Add($"{info}/METADATA", $"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        Add($"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
        Add($"{info}/RECORD", $"{name}/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n");
    }

    private static (int Exit, string Output, string Error) Program(TempFolder project, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = project.Root,
        };
        foreach (var name in new[] { "RLLEAP_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PIP_INDEX_URL",
            "PIP_EXTRA_INDEX_URL" }) start.Environment.Remove(name);
        // The Python that the tests run on comes first on the PATH, as it would on a user's.
        start.Environment["PATH"] = Path.GetDirectoryName(PythonInstallation.Find().Executable) + Path.PathSeparator
            + Environment.GetEnvironmentVariable("PATH");
        (start.Environment["PIP_NO_INDEX"], start.Environment["PIP_FIND_LINKS"]) = ("1", project["wheels"]);
        return ProgramProcess.Wait(Process.Start(start)!);
    }
}

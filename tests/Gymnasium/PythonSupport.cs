// What the tests of the bridge share: one Python a process, the fixtures' folder on its path, and skips with their
// reasons.
using Python.Runtime;
using RlLeap.Environments;
using RlLeap.Gymnasium;
using Xunit;

namespace RlLeap.Tests;

/// <summary>
/// Python can be started once a process, so that its tests run in one collection, one after the other.
/// </summary>
[CollectionDefinition("python")]
public sealed class PythonCollection : ICollectionFixture<RunningPython>;

/// <summary>Python, started where it can be, with the fixtures on its path.</summary>
public sealed class RunningPython
{
    public static string Fixtures { get; } = Path.Combine(AppContext.BaseDirectory, "Gymnasium", "fixtures");

    public RunningPython()
    {
        if (PythonFactAttribute.Missing is not null) return;
        PythonHost.Start();
        using (Py.GIL())
        {
            using PyObject sys = Py.Import("sys");
            using PyObject path = sys.GetAttr("path");
            using PyObject folder = Fixtures.ToPython();
            using PyObject done = path.InvokeMethod("append", folder);
        }
    }
}

/// <summary>A test that needs a Python with a shared library and numpy.</summary>
public sealed class PythonFactAttribute : FactAttribute
{
    public PythonFactAttribute() => Skip = Missing;

    internal static string? Missing { get; } = Find();

    private static string? Find()
    {
        try
        {
            PythonInstallation.Find();
            return null;
        }
        catch (EnvironmentException e)
        {
            return "needs Python: " + e.Message.Split('\n')[0];
        }
    }
}

/// <summary>A theory that needs a Python; see <see cref="PythonFactAttribute"/>.</summary>
public sealed class PythonTheoryAttribute : TheoryAttribute
{
    public PythonTheoryAttribute() => Skip = PythonFactAttribute.Missing;
}

/// <summary>A test on the real gymnasium and ale-py, on the one game whose ROM a build from source has.</summary>
public sealed class AleFactAttribute : FactAttribute
{
    public AleFactAttribute() => Skip = Ale.Missing();
}

/// <summary>A theory on the real gymnasium and ale-py; see <see cref="AleFactAttribute"/>.</summary>
public sealed class AleTheoryAttribute : TheoryAttribute
{
    public AleTheoryAttribute() => Skip = Ale.Missing();
}

/// <summary>
/// A test on the real gymnasium and ale-py and on gymnasium's AtariPreprocessing, which needs OpenCV.
/// </summary>
public sealed class OpenCvFactAttribute : FactAttribute
{
    public OpenCvFactAttribute() => Skip = Ale.Missing() ?? Ale.Missing("import cv2");
}

/// <summary>A long test on the real gymnasium and ale-py.</summary>
public sealed class LongAleFactAttribute : FactAttribute
{
    public LongAleFactAttribute() => Skip = Tier.SkipLong ?? Ale.Missing();
}

/// <summary>A test on the real gymnasium.</summary>
public sealed class GymnasiumFactAttribute : FactAttribute
{
    public GymnasiumFactAttribute() => Skip = Ale.Missing("import gymnasium");
}

/// <summary>Whether the Python that would be used imports what a test needs.</summary>
public static class Ale
{
    private static readonly Dictionary<string, string?> Answers = [];

    internal static string? Missing(string code = "import gymnasium, ale_py, os; ale_py.AtariVectorEnv; assert "
        + "os.path.exists(ale_py.roms.get_rom_path('tetris'))")
    {
        if (PythonFactAttribute.Missing is { } reason) return reason;
        lock (Answers)
        {
            if (Answers.TryGetValue(code, out var known)) return known;
            var python = PythonInstallation.Find();
            var (exit, _, error) = PythonInstallation.Run(python.Executable, ["-c", code]);
            var needed =
                code.Contains("cv2", StringComparison.Ordinal) ? "OpenCV (python3-opencv)" : "gymnasium and ale-py";
            return Answers[code] =
                exit == 0 ? null : $"needs {needed} in {python.Executable}: {error.Trim().Split('\n')[^1]}";
        }
    }
}

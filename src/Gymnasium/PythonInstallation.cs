using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Python.Runtime;

namespace RlLeap.Gymnasium;

/// <summary>A Python that can live in this process: it has a shared libpython and imports numpy.</summary>
/// <param name="Executable">The interpreter.</param>
/// <param name="Library">Its shared libpython.</param>
/// <param name="Version">Such as 3.11.2.</param>
public sealed record PythonInstallation(string Executable, string Library, string Version)
{
    // Debian keeps the library in LIBDIR/MULTIARCH, others in LIBDIR; on Windows it lies beside python.exe; a macOS
    // framework is LDLIBRARY itself.
    private const string Question = """
        import json, os, sys, sysconfig
        v = sysconfig.get_config_var
        windows = 'python%d%d.dll' % sys.version_info[:2] if os.name == 'nt' else None
        names = [n for n in (v('INSTSONAME'), v('LDLIBRARY'), windows) if n and not n.endswith('.a')]
        debian = v('LIBDIR') and v('MULTIARCH') and os.path.join(v('LIBDIR'), v('MULTIARCH'))
        others = [os.path.join(sys.base_prefix, 'lib'), sys.base_prefix, v('PYTHONFRAMEWORKPREFIX')]
        folders = [f for f in (v('LIBDIR'), debian, *others) if f]
        found = [p for f in folders for n in names if os.path.isfile(p := os.path.join(f, n))]
        try:
            import numpy; missing = None
        except Exception as e: missing = f'{type(e).__name__}: {e}'
        print(json.dumps(dict(executable=sys.executable, version=sys.version.split()[0],
            library=found[0] if found else None, missing=missing,
            minor='%d.%d' % sys.version_info[:2], free_threaded=bool(v('Py_GIL_DISABLED')))))
        """;

    /// <summary>
    /// The first usable one of: <paramref name="asked"/> (--python), $RLLEAP_PYTHON, the active virtual or conda
    /// environment, the project's own .venv (made by `./rlleap data get ale`), python3 on the PATH, /usr/bin/python3.
    /// </summary>
    /// <exception cref="EnvironmentException">None is usable; the message says for each why. One that was asked for by
    /// name is not passed over.</exception>
    public static PythonInstallation Find(string? asked = null) => Find(asked, out var refusals)
        ?? throw new EnvironmentException(
            $"No usable Python was found. RlLeap needs one ({Supported}) with a shared libpython and numpy:\n"
            + string.Join('\n', refusals.DefaultIfEmpty("there is no python3 on the PATH and no /usr/bin/python3")
                .Select(refusal => "  " + refusal))
            + $"\nOn Debian and Ubuntu: {InstallCommand()}. Another one is chosen with --python or RLLEAP_PYTHON.");

    /// <summary>The command that installs what a Python environment needs, on Debian and Ubuntu.</summary>
    /// <param name="version">The version of the Python that is there, such as 3.11.2; null where there is none.</param>
    public static string InstallCommand(string? version = null) => "sudo apt-get install -y python3 python3-numpy "
        + (version is null ? "libpython3-dev" : "libpython" + string.Join('.', version.Split('.').Take(2)));

    private static string Supported =>
        Maximum.Minor == int.MaxValue ? $"{Minimum} or later" : $"{Minimum} to {Maximum.Major}.{Maximum.Minor}";

    private static Version Minimum => PythonEngine.MinSupportedVersion;

    private static Version Maximum => PythonEngine.MaxSupportedVersion;

    /// <summary>Why pythonnet cannot use a Python of this version (major and minor); null where it can.</summary>
    internal static string? Unsupported(Version version, bool freeThreaded) =>
        !PythonEngine.IsSupportedVersion(version) ? $"{Supported} is needed"
        : freeThreaded && version < new Version(3, 14) ? "a build without the GIL can be used from 3.14 on" : null;

    /// <summary>As <see cref="Find(string?)"/>, or null; <paramref name="refusals"/> say why not each.</summary>
    public static PythonInstallation? Find(string? asked, out IReadOnlyList<string> refusals)
    {
        var list = new List<string>();
        refusals = list;
        foreach (var (path, source) in Candidates(asked).DistinctBy(candidate => candidate.Path))
        {
            if (Examine(path, out var refusal) is { } found) return found;
            list.Add($"{path} ({source}): {refusal}");
            if (source is "--python" or "RLLEAP_PYTHON") break;
        }
        return null;
    }

    /// <summary>Every interpreter in question, in the order of <see cref="Find"/>, and who names it.</summary>
    public static IEnumerable<(string Path, string Source)> Candidates(string? asked = null)
    {
        static string? Variable(string name) =>
            Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
        if (asked is not null) yield return (asked, "--python");
        if (Variable("RLLEAP_PYTHON") is { } chosen) yield return (chosen, "RLLEAP_PYTHON");
        foreach (var name in new[] { "VIRTUAL_ENV", "CONDA_PREFIX" })
            if (Variable(name) is { } folder) yield return (Inside(folder), name);
        foreach (var folder in ProjectFolders())
            if (File.Exists(Inside(folder))) yield return (Inside(folder), "the project's .venv");
        foreach (var file in SystemNames.OnPath(SystemNames.Python)) yield return (file, "PATH");
        if (File.Exists("/usr/bin/python3")) yield return ("/usr/bin/python3", "the system's");
    }

    /// <summary>The interpreter inside a virtual or conda environment.</summary>
    internal static string Inside(string environment)
    {
        var places = SystemNames.PythonsIn(environment);
        return places.FirstOrDefault(File.Exists) ?? places[^1];
    }

    /// <summary>Where `data get ale` puts it: .venv in the project's folder, seen from here or the program.</summary>
    internal static IEnumerable<string> ProjectFolders()
    {
        foreach (var start in new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory })
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
                if (File.Exists(Path.Combine(folder.FullName, "RlLeap.sln")))
                    yield return Path.Combine(folder.FullName, ".venv");
    }

    private const int Interrupted = 128 + 2; // by SIGINT

    /// <summary>Asks one interpreter what it is; null and the reason where it cannot be used.</summary>
    /// <exception cref="OperationCanceledException">Ctrl-C ended it before it answered.</exception>
    public static PythonInstallation? Examine(string path, out string refusal)
    {
        if (path.Contains(Path.DirectorySeparatorChar) && !File.Exists(path)) return Refuse(out refusal,
            Directory.Exists(path) ? "it is a folder; name the interpreter in it" : "there is no such file");
        try
        {
            var (code, output, error) = Run(path, ["-c", Question]);
            // Ctrl-C reaches every process of a terminal: nothing is wrong with this Python.
            if (code == Interrupted) throw new OperationCanceledException("Python was interrupted while it started.");
            if (code != 0) return Refuse(out refusal, $"it does not run: {Reason(error.Trim().Split('\n')[^1], code)}");
            var answer = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(output)!;
            refusal = "";
            if (Unsupported(System.Version.Parse(answer["minor"].GetString()!), answer["free_threaded"].GetBoolean())
                is { } unsupported)
                return Refuse(out refusal, $"it is Python {answer["version"]}; {unsupported}");
            if (answer["library"].GetString() is not { } library)
                return Refuse(out refusal, "it has no shared libpython (built without --enable-shared)");
            if (answer["missing"].GetString() is { } missing)
                return Refuse(out refusal, $"it does not import numpy ({missing})");
            return new PythonInstallation(answer["executable"].GetString() is { Length: > 0 } real ? real : path,
                library, answer["version"].GetString()!);
        }
        catch (Exception e) when (e is Win32Exception or JsonException or InvalidOperationException
            // What is no Python may answer with anything
            or KeyNotFoundException or ArgumentException or FormatException)
        {
            return Refuse(out refusal, $"it does not run ({e.Message})");
        }

        // What is no Python may say nothing, or answer with the whole question.
        static string Reason(string last, int code) =>
            last.Length is > 0 and < 160 ? last : $"it ends with exit code {code}";

        static PythonInstallation? Refuse(out string refusal, string why)
        {
            refusal = why;
            return null;
        }
    }

    /// <summary>Runs an interpreter as a process of its own, to its end.</summary>
    /// <exception cref="Win32Exception">It cannot be started.</exception>
    public static (int Code, string Output, string Error) Run(string path, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(path, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            UseShellExecute = false
        };
        start.Environment.Remove("LD_PRELOAD"); // the allocator is for our own process
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}

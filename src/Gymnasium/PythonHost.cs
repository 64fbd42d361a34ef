using System.Text.RegularExpressions;
using Python.Runtime;

namespace RlLeap.Gymnasium;

/// <summary>The one Python of this process: found and started at first use.</summary>
public static partial class PythonHost
{
    private static readonly Lock Gate = new();
    private static PythonInstallation? _installation;
    private static PyObject? _bridge;
    private static volatile string? _hung;

    /// <summary>The interpreter to use before all others (--python); set before the first environment.</summary>
    public static string? Asked { get; set; }

    /// <summary>Whether an environment hung: Python cannot be used any more, and the process leaves by _exit.</summary>
    internal static bool Hung => _hung is not null;

    /// <summary>What hung first, as a message.</summary>
    internal static string? WhatHung => _hung;

    /// <summary>The Python in use; null before <see cref="Start"/>.</summary>
    internal static PythonInstallation? Installation => _installation;

    /// <summary>Starts Python, once; later calls return what runs.</summary>
    /// <exception cref="EnvironmentException">No usable Python, or it does not start.</exception>
    public static PythonInstallation Start()
    {
        lock (Gate)
        {
            if (_installation is not null) return _installation;
            var found = PythonInstallation.Find(Asked);
            try
            {
                // First of all exit handlers, so that it runs before pythonnet's, which would wait for the GIL of a
                // hung environment, and searches Python's objects for garbage dozens of times.
                AppDomain.CurrentDomain.ProcessExit += (_, _) =>
                {
                    LeaveIfHung();
                    LeaveGarbage();
                };
                if (!PythonEngine.IsInitialized)
                {
                    Runtime.PythonDLL = found.Library;
                    PythonEngine.ProgramName = found.Executable;
                    PythonEngine.Initialize();
                    PythonEngine.BeginAllowThreads(); // this thread holds the GIL after Initialize, and would for ever
                }
                using (Py.GIL())
                {
                    foreach (var name in new[] { "rlleap_arrays", "rlleap_spaces", "rlleap_watch", "rlleap_vectors",
                        "rlleap_bridge" })
                        _bridge = PyModule.FromString(name, Source($"{name}.py"), $"{name}.py");
                    using PyObject started = Bridge.InvokeMethod("start");
                }
            }
            catch (PythonException e)
            {
                throw new EnvironmentException($"Python {found.Version} ({found.Executable}) started, but RlLeap's own "
                    + $"module does not load: {e.Message}", e);
            }
            catch (Exception e) when (e is MissingMethodException or DllNotFoundException or TypeInitializationException
                or BadImageFormatException)
            {
                throw new EnvironmentException($"The Python library {found.Library} of {found.Executable} cannot be "
                    + $"used: {e.Message} Choose another Python with --python or RLLEAP_PYTHON.", e);
            }
            return _installation = found;
        }
    }

    /// <summary>Python's side of the bridge; hold the GIL.</summary>
    internal static PyObject Bridge => _bridge ?? throw new InvalidOperationException("Python was not started.");

    /// <summary>Notes that a thread is lost inside Python.</summary>
    internal static void MarkHung(string what) => Interlocked.CompareExchange(ref _hung, what, null);

    /// <summary>
    /// A Python exception as one of ours: what it says and where, with its traceback as the details; or only the
    /// message where the bridge itself refused. Hold the GIL.
    /// </summary>
    /// <remarks>
    /// The Python exception is let go of: its traceback keeps every frame's variables alive, environments among them.
    /// </remarks>
    internal static EnvironmentException Translate(string id, string doing, PythonException e)
    {
        var (kind, message) = (e.Type.Name, e.Message);
        var text = kind == "Refused" ? "" : e.Format().TrimEnd();
        foreach (var held in new PyObject?[] { e.Traceback, e.Value, e.Type }) held?.Dispose();
        const string Actions = "ACTIONS ", Missing = "MISSING ";
        if (kind != "Refused")
            return new EnvironmentException($"{id}: Python raised {kind}: {message.Split('\n')[0].TrimEnd('.')} "
                + $"({doing}{PlaceOf(text)}).")
            { Details = text };
        if (message.StartsWith(Actions, StringComparison.Ordinal))
            return EnvironmentException.UnknownActions(id, message[Actions.Length..]);
        if (message.StartsWith(Missing, StringComparison.Ordinal))
            return new EnvironmentException(
                $"{id}: Python at {_installation?.Executable} lacks {message[Missing.Length..]}. "
                + "`./rlleap data get ale` installs gymnasium and ale-py with all ROMs in the project's .venv; another "
                + "Python is chosen with --python or RLLEAP_PYTHON.");
        return new EnvironmentException($"{id}: {(doing == PythonThread.Making ? "" : $"in {doing}, ")}{message}"
            + $"{(message.EndsWith('.') ? "" : ".")}");
    }

    // ", arm.py, line 12": where the exception came from, by its traceback's last frame.
    private static string PlaceOf(string traceback)
    {
        var frame = Frame().Matches(traceback).LastOrDefault();
        return frame is null ? "" : $", {Path.GetFileName(frame.Groups[1].Value)}, line {frame.Groups[2].Value}";
    }

    [GeneratedRegex("^  File \"(.+)\", line ([0-9]+)", RegexOptions.Multiline)]
    private static partial Regex Frame();

    /// <summary>The packages that decide what an environment does, with their versions; hold the GIL.</summary>
    internal static IEnumerable<(string Name, string Version)> Versions()
    {
        using PyObject found = Bridge.InvokeMethod("versions");
        return found.As<string[]>().Select(line => line.Split(' ')).Select(words => (words[0], words[1]));
    }

    private static string Source(string name)
    {
        using var stream = typeof(PythonHost).Assembly.GetManifestResourceStream(name)!;
        return new StreamReader(stream).ReadToEnd();
    }

    // What lives at the process's end is no garbage to look for: Python's collector is told to pass over it.
    private static void LeaveGarbage()
    {
        if (_installation is null || !PythonEngine.IsInitialized) return;
        using (Py.GIL())
        {
            using PyObject collector = Py.Import("gc");
            using PyObject nothing = collector.InvokeMethod("freeze");
        }
    }

    /// <summary>After a hang, ends the process at once: clean-up would wait for Python. Else does nothing.</summary>
    private static void LeaveIfHung()
    {
        if (_hung is null) return;
        Console.Out.Flush();
        Console.Error.Flush();
        ProcessEnd.Now(Environment.ExitCode);
    }
}

using System.Runtime.InteropServices;

namespace Python.Runtime;

/// <summary>The interpreter in this process: one for its whole life, since numpy does not survive a second start.</summary>
public class PythonEngine
{
    private static readonly Lock Gate = new();
    private static string? _programName, _pythonHome;
    private static bool _finalized;

    private PythonEngine() { }

    /// <summary>Whether <see cref="Initialize()"/> was called and <see cref="Shutdown"/> was not.</summary>
    public static bool IsInitialized { get; private set; }

    /// <summary>The interpreter's path, from which Python finds its library and a virtual environment; set it before Initialize.</summary>
    public static string ProgramName
    {
        get => _programName ?? "";
        set => _programName = value;
    }

    /// <summary>The prefix of the standard library, where it cannot be derived; set it before Initialize. Never a virtual environment.</summary>
    public static string PythonHome
    {
        get => _pythonHome ?? "";
        set => _pythonHome = value;
    }

    /// <summary>The version line, as sys.version has it.</summary>
    public static unsafe string Version => Marshal.PtrToStringUTF8(Runtime.Py_GetVersion()) ?? "";

    /// <summary>Starts the interpreter; later calls do nothing. The calling thread then holds the GIL until <see cref="BeginAllowThreads"/>.</summary>
    /// <exception cref="MissingMethodException">The library of <see cref="Runtime.PythonDLL"/> cannot be used.</exception>
    public static void Initialize() => Initialize(setSysArgv: true);

    /// <inheritdoc cref="Initialize()"/>
    public static void Initialize(bool setSysArgv = true, bool initSigs = false) => Initialize([], setSysArgv, initSigs);

    /// <inheritdoc cref="Initialize()"/>
    public static unsafe void Initialize(IEnumerable<string> args, bool setSysArgv = true, bool initSigs = false)
    {
        lock (Gate)
        {
            if (IsInitialized) return;
            if (_finalized) throw new InvalidOperationException("Python was shut down and cannot be started again in this process.");
            Runtime.Load();
            SetWide("Py_SetProgramName", _programName);
            SetWide("Py_SetPythonHome", _pythonHome);
            Runtime.Py_InitializeEx(initSigs ? 1 : 0); // 0: no signal handlers, so that Ctrl-C stays the program's
            IsInitialized = true;
            if (!setSysArgv) return;
            using PyObject sys = Py.Import("sys");
            using var argv = new PyList();
            foreach (string argument in args.Prepend(""))
            {
                using var item = new PyString(argument);
                argv.Append(item);
            }
            sys.SetAttr("argv", argv);
        }
    }

    // wchar_t* is 4 bytes wide outside Windows. Python keeps the pointer, so the memory is never freed.
    private static unsafe void SetWide(string function, string? value)
    {
        if (string.IsNullOrEmpty(value)) return;
        if (!NativeLibrary.TryGetExport(Runtime.Library, function, out IntPtr address)) return;
        byte[] wide = (OperatingSystem.IsWindows() ? System.Text.Encoding.Unicode : System.Text.Encoding.UTF32).GetBytes(value + '\0');
        IntPtr memory = Marshal.AllocHGlobal(wide.Length);
        Marshal.Copy(wide, 0, memory, wide.Length);
        ((delegate* unmanaged<IntPtr, void>)address)(memory);
    }

    /// <summary>Ends the interpreter. Python cannot be used in this process afterwards.</summary>
    public static unsafe void Shutdown()
    {
        lock (Gate)
        {
            if (!IsInitialized) return;
            Runtime.PyGILState_Ensure();
            IsInitialized = false;
            _finalized = true;
            _ = Runtime.Py_FinalizeEx();
        }
    }

    /// <summary>Lets go of the GIL that <see cref="Initialize()"/> left with this thread; the result goes to <see cref="EndAllowThreads"/>.</summary>
    public static unsafe IntPtr BeginAllowThreads() => Runtime.PyEval_SaveThread();

    /// <summary>Takes the GIL back for this thread.</summary>
    public static unsafe void EndAllowThreads(IntPtr ts) => Runtime.PyEval_RestoreThread(ts);

    /// <summary>Runs statements in __main__ and prints an exception; 0 when there was none.</summary>
    public static unsafe int RunSimpleString(string code)
    {
        fixed (byte* text = Runtime.Utf8(code)) return Runtime.PyRun_SimpleString(text);
    }

    /// <summary>The value of an expression.</summary>
    /// <exception cref="PythonException">What the expression raised.</exception>
    public static PyObject Eval(string code, PyDict? globals = null, PyObject? locals = null) => Run(code, 258, globals, locals);

    /// <summary>Runs statements.</summary>
    /// <exception cref="PythonException">What they raised.</exception>
    public static void Exec(string code, PyDict? globals = null, PyObject? locals = null) => Run(code, 257, globals, locals).Dispose();

    /// <summary>The calling thread's number in Python's eyes.</summary>
    public static ulong GetPythonThreadID()
    {
        using PyObject threading = Py.Import("threading");
        using PyObject id = threading.InvokeMethod("get_ident");
        return id.As<ulong>();
    }

    /// <summary>Raises KeyboardInterrupt in a thread as soon as it runs Python code; the number of threads reached.</summary>
    public static unsafe int Interrupt(ulong pythonThreadID) => Runtime.PyThreadState_SetAsyncExc(pythonThreadID, Runtime.KeyboardInterrupt);

    // The start symbols 257 (file) and 258 (eval) are those of Python's compile.h.
    private static unsafe PyObject Run(string code, int start, PyDict? globals, PyObject? locals)
    {
        ArgumentNullException.ThrowIfNull(code);
        using PyDict scope = globals is null ? new PyDict() : new PyDict(globals);
        if (!scope.HasKey("__builtins__"))
        {
            using var builtins = new PyObject(Runtime.PyEval_GetBuiltins(), borrowed: true);
            scope.SetItem("__builtins__", builtins);
        }
        fixed (byte* text = Runtime.Utf8(code))
            return new PyObject(Runtime.Check(Runtime.PyRun_String(text, start, scope.Pointer, (locals ?? scope).Pointer)));
    }
}

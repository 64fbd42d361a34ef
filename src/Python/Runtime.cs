using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;

namespace Python.Runtime;

/// <summary>The installed libpython: which file it is, and its C functions.</summary>
/// <remarks>
/// This room is the <c>system</c> back end: a source-compatible subset of pythonnet 3.1 (the <c>package</c> back end) over the C API of
/// CPython 3.10 and later. A name that pythonnet has keeps its signature and meaning; what pythonnet lacks is internal. Apart from
/// <see cref="PythonEngine"/>'s start, every call needs the GIL (<see cref="Py.GIL"/>).
/// </remarks>
public static unsafe class Runtime
{
    private static string? _pythonDll = Environment.GetEnvironmentVariable("PYTHONNET_PYDLL");

    /// <summary>The path or name of the shared libpython; set it before <see cref="PythonEngine.Initialize()"/>.</summary>
    /// <exception cref="InvalidOperationException">When set after initialization.</exception>
    public static string? PythonDLL
    {
        get => _pythonDll;
        set => _pythonDll = PythonEngine.IsInitialized
            ? throw new InvalidOperationException("This property must be set before runtime is initialized")
            : value;
    }

    /// <summary>Python's None.</summary>
    public static PyObject None => new(PyNone, borrowed: true);

    internal static IntPtr PyNone { get; private set; }
    internal static IntPtr PyTrue { get; private set; }
    internal static IntPtr PyFalse { get; private set; }

    // Objects whose wrapper was collected: the finalizer thread cannot take the GIL safely, so the next holder of it lets them go.
    private static readonly ConcurrentQueue<IntPtr> Abandoned = new();

    internal static void Abandon(IntPtr pointer) => Abandoned.Enqueue(pointer);

    internal static void ReleaseAbandoned()
    {
        while (Abandoned.TryDequeue(out IntPtr pointer)) Py_DecRef(pointer);
    }

    internal static IntPtr Library { get; private set; }

    [DllImport("libc", EntryPoint = "dlopen", CharSet = CharSet.Ansi)]
    private static extern IntPtr DlOpen(string file, int flags);

    [DllImport("libc", EntryPoint = "dlerror")]
    private static extern IntPtr DlError();

    /// <summary>Loads libpython so that extension modules see its symbols, and binds the functions below.</summary>
    internal static void Load()
    {
        if (Library != IntPtr.Zero) return;
        if (string.IsNullOrEmpty(_pythonDll))
            throw new BadPythonDllException("Runtime.PythonDLL was not set. Set it to the shared library of the Python to use, e.g. libpython3.11.so.1.0.", null);
        IntPtr library;
        if (OperatingSystem.IsWindows())
        {
            try { library = NativeLibrary.Load(_pythonDll); }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException) { throw CannotLoad(e.Message, e); }
        }
        else
        {
            // RTLD_NOW | RTLD_GLOBAL: numpy's modules take Python's symbols from the global scope; NativeLibrary.Load would hide them.
            library = DlOpen(_pythonDll, 2 | (OperatingSystem.IsMacOS() ? 8 : 0x100));
            if (library == IntPtr.Zero) throw CannotLoad(Marshal.PtrToStringUTF8(DlError()) ?? "unknown reason", null);
        }
        if (!NativeLibrary.TryGetExport(library, "Py_InitializeEx", out _))
            throw new BadPythonDllException($"{_pythonDll} is not a Python library: it has no Py_InitializeEx.", null);
        Bind(library);
        Library = library;

        static BadPythonDllException CannotLoad(string reason, Exception? inner) =>
            new($"Runtime.PythonDLL: cannot load the Python library {_pythonDll}: {reason}", inner);
    }

#pragma warning disable CS0649 // Bind assigns these by their names
    internal static delegate* unmanaged<int, void> Py_InitializeEx;
    internal static delegate* unmanaged<int> Py_IsInitialized, Py_FinalizeEx, PyGILState_Ensure;
    internal static delegate* unmanaged<int, void> PyGILState_Release;
    internal static delegate* unmanaged<IntPtr> PyEval_SaveThread, Py_GetVersion, PyErr_Occurred, PyDict_New, PyEval_GetBuiltins;
    internal static delegate* unmanaged<IntPtr, void> PyEval_RestoreThread, Py_IncRef, Py_DecRef, PyDict_Clear;
    internal static delegate* unmanaged<void*, void> PyBuffer_Release;
    internal static delegate* unmanaged<IntPtr*, IntPtr*, IntPtr*, void> PyErr_Fetch, PyErr_NormalizeException;
    internal static delegate* unmanaged<IntPtr, IntPtr, IntPtr, void> PyErr_Restore;
    internal static delegate* unmanaged<void> PyErr_Clear;
    internal static delegate* unmanaged<IntPtr, IntPtr, int> PyException_SetTraceback, PyObject_IsInstance, PyObject_IsSubclass, PyList_Append, PyObject_HasAttr,
        PyObject_DelItem, PyDict_Contains, PyDict_Update, PySequence_Contains;
    internal static delegate* unmanaged<byte*, IntPtr> PyImport_ImportModule, PyImport_AddModule;
    internal static delegate* unmanaged<byte*, byte*, int, IntPtr> Py_CompileString;
    internal static delegate* unmanaged<byte*, int, IntPtr, IntPtr, IntPtr> PyRun_String;
    internal static delegate* unmanaged<byte*, int> PyRun_SimpleString;
    internal static delegate* unmanaged<byte*, IntPtr, IntPtr> PyImport_ExecCodeModule;
    internal static delegate* unmanaged<IntPtr, IntPtr> PyModule_GetDict, PyObject_Repr, PyObject_Str, PyObject_GetIter, PyIter_Next, PyObject_Dir, PyObject_Type,
        PyDict_Keys, PyDict_Values, PyDict_Items, PyDict_Copy, PySequence_List, PySequence_Tuple, PyNumber_Float, PyNumber_Long, PyList_AsTuple;
    internal static delegate* unmanaged<IntPtr, IntPtr, IntPtr> PyObject_GetAttr, PyObject_GetItem, PySequence_Concat;
    internal static delegate* unmanaged<IntPtr, IntPtr, IntPtr, IntPtr> PyObject_Call;
    internal static delegate* unmanaged<IntPtr, IntPtr, IntPtr, int> PyObject_SetAttr, PyObject_SetItem;
    internal static delegate* unmanaged<IntPtr, IntPtr, int, IntPtr> PyObject_RichCompare;
    internal static delegate* unmanaged<IntPtr, int> PyObject_IsTrue, PyCallable_Check, PySequence_Check, PyNumber_Check;
    internal static delegate* unmanaged<IntPtr, nint> PyObject_Size, PyObject_Hash;
    internal static delegate* unmanaged<nint, IntPtr> PyTuple_New, PyList_New;
    internal static delegate* unmanaged<IntPtr, nint, IntPtr, int> PyTuple_SetItem, PyList_SetItem;
    internal static delegate* unmanaged<long, IntPtr> PyLong_FromLongLong, PyBool_FromLong;
    internal static delegate* unmanaged<ulong, IntPtr> PyLong_FromUnsignedLongLong;
    internal static delegate* unmanaged<IntPtr, long> PyLong_AsLongLong;
    internal static delegate* unmanaged<IntPtr, ulong> PyLong_AsUnsignedLongLong;
    internal static delegate* unmanaged<double, IntPtr> PyFloat_FromDouble;
    internal static delegate* unmanaged<IntPtr, double> PyFloat_AsDouble;
    internal static delegate* unmanaged<byte*, nint, IntPtr> PyUnicode_FromStringAndSize;
    internal static delegate* unmanaged<IntPtr, nint*, byte*> PyUnicode_AsUTF8AndSize;
    internal static delegate* unmanaged<IntPtr, void*, int, int> PyObject_GetBuffer;
    internal static delegate* unmanaged<void*, byte, int> PyBuffer_IsContiguous;
    internal static delegate* unmanaged<ulong, IntPtr, int> PyThreadState_SetAsyncExc;
#pragma warning restore CS0649
    internal static IntPtr PyUnicodeType, PyLongType, PyFloatType, PyBoolType, PyListType, PyTupleType, PyDictType, PyTypeType, KeyboardInterrupt;

    // One line a function: the field takes the export of its own name.
    private static void Bind(IntPtr library)
    {
        foreach (System.Reflection.FieldInfo field in typeof(Runtime).GetFields(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic))
        {
            if (!field.FieldType.IsFunctionPointer) continue;
            if (!NativeLibrary.TryGetExport(library, field.Name, out IntPtr address))
                throw new BadPythonDllException($"{_pythonDll} lacks the function {field.Name}; RlLeap needs CPython 3.10 or later.", null);
            field.SetValue(null, address);
        }
        PyUnicodeType = NativeLibrary.GetExport(library, "PyUnicode_Type");
        PyLongType = NativeLibrary.GetExport(library, "PyLong_Type");
        PyFloatType = NativeLibrary.GetExport(library, "PyFloat_Type");
        PyBoolType = NativeLibrary.GetExport(library, "PyBool_Type");
        PyListType = NativeLibrary.GetExport(library, "PyList_Type");
        PyTupleType = NativeLibrary.GetExport(library, "PyTuple_Type");
        PyDictType = NativeLibrary.GetExport(library, "PyDict_Type");
        PyTypeType = NativeLibrary.GetExport(library, "PyType_Type");
        KeyboardInterrupt = Marshal.ReadIntPtr(NativeLibrary.GetExport(library, "PyExc_KeyboardInterrupt"));
        PyNone = NativeLibrary.GetExport(library, "_Py_NoneStruct");
        PyTrue = NativeLibrary.GetExport(library, "_Py_TrueStruct");
        PyFalse = NativeLibrary.GetExport(library, "_Py_FalseStruct");
    }

    /// <summary>A new reference to the Python string of <paramref name="text"/>.</summary>
    internal static IntPtr NewString(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        byte[] bytes = new byte[length + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        fixed (byte* start = bytes) return Check(PyUnicode_FromStringAndSize(start, length));
    }

    /// <summary>A zero-terminated UTF-8 copy of <paramref name="text"/>.</summary>
    internal static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text + '\0');

    /// <summary>Passes a new reference on, or throws the Python exception that made it null.</summary>
    internal static IntPtr Check(IntPtr result) => result != IntPtr.Zero ? result : throw PythonException.FetchCurrent();

    /// <summary>Throws the Python exception of a call that answered a negative number.</summary>
    internal static int Check(int result) => result >= 0 ? result : throw PythonException.FetchCurrent();

    internal static nint Check(nint result, bool _) => result >= 0 ? result : throw PythonException.FetchCurrent();
}

/// <summary>The file given as <see cref="Runtime.PythonDLL"/> is missing, cannot be loaded, or is not a Python library.</summary>
internal class BadPythonDllException(string message, Exception? innerException) : MissingMethodException(message, innerException);

namespace Python.Runtime;

/// <summary>An exception raised by Python code; <see cref="Exception.Message"/> is Python's, <see cref="Format"/> adds the traceback.</summary>
public class PythonException : Exception
{
    /// <summary>Wraps a Python exception.</summary>
    public PythonException(PyType type, PyObject? value, PyObject? traceback, string message, Exception? innerException)
        : base(message, innerException) => (Type, Value, Traceback) = (type, value, traceback);

    /// <summary>Wraps a Python exception.</summary>
    public PythonException(PyType type, PyObject? value, PyObject? traceback) : this(type, value, traceback, MessageOf(type, value), null) { }

    /// <summary>The exception's class.</summary>
    public PyType Type { get; }

    /// <summary>The exception itself.</summary>
    public PyObject? Value { get; }

    /// <summary>Where it was raised.</summary>
    public PyObject? Traceback { get; }

    /// <summary>The Python traceback above the managed one.</summary>
    public override string StackTrace
    {
        get
        {
            if (Traceback is null || !PythonEngine.IsInitialized) return base.StackTrace ?? "";
            using Py.GILState _ = Py.GIL();
            using PyObject module = Py.Import("traceback");
            return Join(module.InvokeMethod("format_tb", Traceback)) + base.StackTrace;
        }
    }

    /// <summary>What Python would print: the traceback, then the class and message.</summary>
    public string Format()
    {
        using Py.GILState _ = Py.GIL();
        if (Value is null) return StackTrace;
        using PyObject module = Py.Import("traceback");
        return Join(module.InvokeMethod("format_exception", Type, Value, Traceback ?? Runtime.None));
    }

    private static string Join(PyObject lines)
    {
        using (lines)
        {
            using var nothing = new PyString("");
            using PyObject text = nothing.InvokeMethod("join", lines);
            return text.ToString()!;
        }
    }

    private static string MessageOf(PyType type, PyObject? value) => value?.ToString() is { Length: > 0 } message ? message : type.Name;

    /// <summary>Takes the pending exception from the interpreter.</summary>
    internal static unsafe PythonException FetchCurrent()
    {
        IntPtr type, value, traceback;
        Runtime.PyErr_Fetch(&type, &value, &traceback);
        if (type == IntPtr.Zero) throw new InvalidOperationException("A Python call failed without raising an exception.");
        Runtime.PyErr_NormalizeException(&type, &value, &traceback);
        if (traceback != IntPtr.Zero && value != IntPtr.Zero) _ = Runtime.PyException_SetTraceback(value, traceback);
        return new PythonException(new PyType(type), value == IntPtr.Zero ? null : new PyObject(value), traceback == IntPtr.Zero ? null : new PyObject(traceback));
    }
}

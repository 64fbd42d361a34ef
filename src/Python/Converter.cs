namespace Python.Runtime;

/// <summary>.NET values as Python objects.</summary>
public static class ConverterExtension
{
    /// <summary>None, bool, int, float or str of this value; a PyObject gives another reference to itself.</summary>
    /// <exception cref="NotSupportedException">A value of another type: this back end does not show .NET objects to Python.</exception>
    public static unsafe PyObject ToPython(this object? o) => o switch
    {
        null => Runtime.None,
        PyObject p => p.NewReference(),
        string s => new PyString(s),
        bool b => new PyObject(b ? Runtime.PyTrue : Runtime.PyFalse, borrowed: true),
        int i => new PyInt(i),
        long i => new PyInt(i),
        double d => new PyFloat(d),
        float f => new PyFloat(f),
        byte or sbyte or short or ushort or uint => new PyInt(Convert.ToInt64(o)),
        ulong u => new PyInt(u),
        _ => throw new NotSupportedException($"A {o.GetType()} has no Python counterpart here; pass numbers, strings, lists or tuples."),
    };
}

/// <summary>Python objects as .NET values.</summary>
internal static unsafe class Converter
{
    public static bool Is(PyObject value, IntPtr type)
    {
        using var kind = new PyObject(type, borrowed: true);
        return value.IsInstance(kind);
    }

    // As in pythonnet a number is an int or a float of Python's; numpy's float64 is one, its float32 and int64 are not (call item()), except to a cast.
    public static object? ToManaged(PyObject value, Type type, bool anyNumber = false)
    {
        if (type.IsInstanceOfType(value)) return value;
        if (typeof(PyObject).IsAssignableFrom(type)) return Wrap(value, type);
        if (value.IsNone() && !type.IsValueType) return null;
        if (Nullable.GetUnderlyingType(type) is { } underlying) return value.IsNone() ? null : ToManaged(value, underlying, anyNumber);
        if (type == typeof(string)) return PyString.IsStringType(value) ? Text(value.Pointer) : throw Wrong(value, type);
        if (type == typeof(bool)) return value.Pointer == Runtime.PyTrue || (value.Pointer == Runtime.PyFalse ? false : throw Wrong(value, type));
        if (type == typeof(double) || type == typeof(float))
        {
            if (!anyNumber && !Is(value, Runtime.PyFloatType) && !Is(value, Runtime.PyLongType)) throw Wrong(value, type);
            double number = Runtime.PyFloat_AsDouble(value.Pointer);
            ThrowIfPending(value, type);
            return type == typeof(double) ? (object)number : (float)number;
        }
        if (type.IsPrimitive && !anyNumber && !Is(value, Runtime.PyLongType)) throw Wrong(value, type);
        if (type == typeof(ulong))
        {
            ulong number = Runtime.PyLong_AsUnsignedLongLong(value.Pointer);
            ThrowIfPending(value, type);
            return number;
        }
        if (type.IsPrimitive)
        {
            long number = Runtime.PyLong_AsLongLong(value.Pointer);
            ThrowIfPending(value, type);
            try { return Convert.ChangeType(number, type); }
            catch (OverflowException e) { throw new InvalidCastException($"{number} does not fit in {type}", e); }
        }
        throw Wrong(value, type);
    }

    public static string? TextAndRelease(IntPtr text)
    {
        using var owned = new PyObject(Runtime.Check(text));
        return Text(owned.Pointer);
    }

    private static string Text(IntPtr text)
    {
        nint length;
        byte* start = Runtime.PyUnicode_AsUTF8AndSize(text, &length);
        return start == null ? throw PythonException.FetchCurrent() : System.Text.Encoding.UTF8.GetString(start, (int)length);
    }

    private static PyObject Wrap(PyObject value, Type type) =>
        type == typeof(PyList) ? new PyList(value)
        : type == typeof(PyTuple) ? new PyTuple(value)
        : type == typeof(PyDict) ? new PyDict(value)
        : type == typeof(PyType) ? new PyType(value)
        : type == typeof(PyIterable) ? new PyIterable(value)
        : throw Wrong(value, type);

    private static void ThrowIfPending(PyObject value, Type type)
    {
        if (Runtime.PyErr_Occurred() == IntPtr.Zero) return;
        throw new InvalidCastException($"cannot convert {value.GetPythonType().Name} to {type}", PythonException.FetchCurrent());
    }

    private static InvalidCastException Wrong(PyObject value, Type type) => new($"cannot convert {value.GetPythonType().Name} to {type}");
}

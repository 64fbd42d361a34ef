using System.Collections;

namespace Python.Runtime;

/// <summary>Something that can be iterated. The loop owns what it is handed: dispose each item.</summary>
public class PyIterable : PyObject, IEnumerable<PyObject>
{
    internal PyIterable(IntPtr pointer) : base(pointer) { }

    /// <summary>Another reference to an iterable object.</summary>
    public PyIterable(PyObject o) : base(o.Pointer, borrowed: true) { }

    /// <summary>Python's iter.</summary>
    public PyIter GetEnumerator() => PyIter.GetIter(this);

    IEnumerator<PyObject> IEnumerable<PyObject>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A Python iterator.</summary>
public class PyIter : PyObject, IEnumerator<PyObject>
{
    private PyObject? _current;

    private PyIter(IntPtr pointer) : base(pointer) { }

    /// <summary>Python's iter.</summary>
    public static unsafe PyIter GetIter(PyObject iterable) => new(Runtime.Check(Runtime.PyObject_GetIter(iterable.Pointer)));

    /// <summary>Python's next; false at the end.</summary>
    public unsafe bool MoveNext()
    {
        IntPtr next = Runtime.PyIter_Next(Pointer);
        if (next == IntPtr.Zero && Runtime.PyErr_Occurred() != IntPtr.Zero) throw PythonException.FetchCurrent();
        _current = next == IntPtr.Zero ? null : new PyObject(next);
        return _current is not null;
    }

    /// <summary>Python's iterators cannot start again.</summary>
    public void Reset() => throw new NotSupportedException();

    /// <summary>The present item.</summary>
    public PyObject Current => _current ?? throw new InvalidOperationException();

    object IEnumerator.Current => Current;
}

/// <summary>A sequence.</summary>
public class PySequence : PyIterable
{
    internal PySequence(IntPtr pointer) : base(pointer) { }

    /// <summary>Another reference to a sequence.</summary>
    public PySequence(PyObject o) : base(o) { }

    /// <summary>Whether an object is a sequence.</summary>
    public static unsafe bool IsSequenceType(PyObject value) => Runtime.PySequence_Check(value.Pointer) != 0;

    /// <summary>Python's in.</summary>
    public unsafe bool Contains(PyObject item) => Runtime.Check(Runtime.PySequence_Contains(Pointer, item.Pointer)) != 0;
}

/// <summary>A list.</summary>
public class PyList : PySequence
{
    internal PyList(IntPtr pointer) : base(pointer) { }

    /// <summary>An empty list.</summary>
    public unsafe PyList() : base(Runtime.Check(Runtime.PyList_New(0))) { }

    /// <summary>Another reference to a list.</summary>
    public PyList(PyObject o) : base(IsListType(o) ? o : throw new ArgumentException("object is not a list")) { }

    /// <summary>A list of these.</summary>
    public PyList(PyObject[] items) : this()
    {
        foreach (PyObject item in items) Append(item);
    }

    /// <summary>Whether an object is a list.</summary>
    public static bool IsListType(PyObject value) => Converter.Is(value, Runtime.PyListType);

    /// <summary>The items of any sequence in a new list.</summary>
    public static unsafe PyList AsList(PyObject value) => new(Runtime.Check(Runtime.PySequence_List(value.Pointer)));

    /// <summary>Adds an item at the end.</summary>
    public unsafe void Append(PyObject item) => Runtime.Check(Runtime.PyList_Append(Pointer, item.Pointer));
}

/// <summary>A tuple.</summary>
public class PyTuple : PySequence
{
    internal PyTuple(IntPtr pointer) : base(pointer) { }

    /// <summary>The empty tuple.</summary>
    public PyTuple() : this([]) { }

    /// <summary>Another reference to a tuple.</summary>
    public PyTuple(PyObject o) : base(IsTupleType(o) ? o : throw new ArgumentException("object is not a tuple")) { }

    /// <summary>A tuple of these.</summary>
    public PyTuple(PyObject[] items) : base(Make(items)) { }

    /// <summary>Whether an object is a tuple.</summary>
    public static bool IsTupleType(PyObject value) => Converter.Is(value, Runtime.PyTupleType);

    /// <summary>The items of any sequence in a tuple.</summary>
    public static unsafe PyTuple AsTuple(PyObject value) => new(Runtime.Check(Runtime.PySequence_Tuple(value.Pointer)));

    private static unsafe IntPtr Make(PyObject[] items)
    {
        IntPtr tuple = Runtime.Check(Runtime.PyTuple_New(items.Length));
        for (int i = 0; i < items.Length; i++)
        {
            Runtime.Py_IncRef(items[i].Pointer); // SetItem takes the reference over
            Runtime.Check(Runtime.PyTuple_SetItem(tuple, i, items[i].Pointer));
        }
        return tuple;
    }
}

/// <summary>A dictionary.</summary>
public class PyDict : PyIterable
{
    internal PyDict(IntPtr pointer) : base(pointer) { }

    /// <summary>An empty dictionary.</summary>
    public unsafe PyDict() : base(Runtime.Check(Runtime.PyDict_New())) { }

    /// <summary>Another reference to a dictionary.</summary>
    public PyDict(PyObject o) : base(IsDictType(o) ? o : throw new ArgumentException("object is not a dict")) { }

    /// <summary>Whether an object is a dictionary.</summary>
    public static bool IsDictType(PyObject value) => Converter.Is(value, Runtime.PyDictType);

    /// <summary>Whether it has the key.</summary>
    public unsafe bool HasKey(PyObject key) => Runtime.Check(Runtime.PyDict_Contains(Pointer, key.Pointer)) != 0;

    /// <summary>Whether it has the key.</summary>
    public bool HasKey(string key)
    {
        using var k = new PyString(key);
        return HasKey(k);
    }

    /// <summary>Its keys.</summary>
    public unsafe PyIterable Keys() => new(Runtime.Check(Runtime.PyDict_Keys(Pointer)));

    /// <summary>Its values.</summary>
    public unsafe PyIterable Values() => new(Runtime.Check(Runtime.PyDict_Values(Pointer)));

    /// <summary>Its pairs.</summary>
    public unsafe PyIterable Items() => new(Runtime.Check(Runtime.PyDict_Items(Pointer)));

    /// <summary>A shallow copy.</summary>
    public unsafe PyDict Copy() => new(Runtime.Check(Runtime.PyDict_Copy(Pointer)));

    /// <summary>Takes over another mapping's pairs.</summary>
    public unsafe void Update(PyObject other) => Runtime.Check(Runtime.PyDict_Update(Pointer, other.Pointer));

    /// <summary>Empties it.</summary>
    public unsafe void Clear() => Runtime.PyDict_Clear(Pointer);
}

/// <summary>A number.</summary>
public class PyNumber : PyObject
{
    internal PyNumber(IntPtr pointer) : base(pointer) { }

    /// <summary>Whether an object is a number.</summary>
    public static unsafe bool IsNumberType(PyObject value) => Runtime.PyNumber_Check(value.Pointer) != 0;
}

/// <summary>An int.</summary>
public class PyInt : PyNumber
{
    internal PyInt(IntPtr pointer) : base(pointer) { }

    /// <summary>The int of this value.</summary>
    public PyInt(int value) : this((long)value) { }

    /// <summary>The int of this value.</summary>
    public unsafe PyInt(long value) : base(Runtime.Check(Runtime.PyLong_FromLongLong(value))) { }

    /// <summary>The int of this value.</summary>
    public unsafe PyInt(ulong value) : base(Runtime.Check(Runtime.PyLong_FromUnsignedLongLong(value))) { }

    /// <summary>Whether an object is an int.</summary>
    public static bool IsIntType(PyObject value) => Converter.Is(value, Runtime.PyLongType);

    /// <summary>Python's int(value).</summary>
    public static unsafe PyInt AsInt(PyObject value) => new(Runtime.Check(Runtime.PyNumber_Long(value.Pointer)));

    /// <summary>The value.</summary>
    public int ToInt32() => As<int>();

    /// <summary>The value.</summary>
    public long ToInt64() => As<long>();
}

/// <summary>A float.</summary>
public class PyFloat : PyNumber
{
    internal PyFloat(IntPtr pointer) : base(pointer) { }

    /// <summary>The float of this value.</summary>
    public unsafe PyFloat(double value) : base(Runtime.Check(Runtime.PyFloat_FromDouble(value))) { }

    /// <summary>Whether an object is a float.</summary>
    public static bool IsFloatType(PyObject value) => Converter.Is(value, Runtime.PyFloatType);

    /// <summary>Python's float(value).</summary>
    public static unsafe PyFloat AsFloat(PyObject value) => new(Runtime.Check(Runtime.PyNumber_Float(value.Pointer)));

    /// <summary>The value.</summary>
    public double ToDouble() => As<double>();
}

/// <summary>A str.</summary>
public class PyString : PySequence
{
    /// <summary>The str of this text.</summary>
    public PyString(string s) : base(Runtime.NewString(s)) { }

    /// <summary>Whether an object is a str.</summary>
    public static bool IsStringType(PyObject value) => Converter.Is(value, Runtime.PyUnicodeType);
}

/// <summary>A class.</summary>
public class PyType : PyObject
{
    internal PyType(IntPtr pointer) : base(pointer) { }

    /// <summary>Another reference to a class.</summary>
    public PyType(PyObject o) : base(IsType(o) ? o.Pointer : throw new ArgumentException("object is not a type"), borrowed: true) { }

    /// <summary>Its name without the module.</summary>
    public string Name
    {
        get
        {
            using PyObject name = GetAttr("__name__");
            return name.ToString()!;
        }
    }

    /// <summary>Whether an object is a class.</summary>
    public static bool IsType(PyObject value) => Converter.Is(value, Runtime.PyTypeType);
}

/// <summary>A module.</summary>
public class PyModule : PyObject
{
    private PyModule(IntPtr pointer, bool borrowed) : base(pointer, borrowed) { }

    /// <summary>An empty module, known to nobody else.</summary>
    public PyModule(string name = "") : this(Create(name), borrowed: false) { }

    /// <summary>Imports a module by its full name.</summary>
    /// <exception cref="PythonException">ModuleNotFoundError, or what the module raised.</exception>
    public static unsafe PyObject Import(string name)
    {
        fixed (byte* text = Runtime.Utf8(name))
        {
            using var imported = new PyObject(Runtime.Check(Runtime.PyImport_ImportModule(text)));
            return new PyModule(imported.Pointer, borrowed: true);
        }
    }

    /// <summary>A module made of source text and entered in sys.modules.</summary>
    public static PyModule FromString(string name, string code) => FromString(name, code, "none");

    /// <summary>A module made of source text; tracebacks call it <paramref name="file"/>.</summary>
    public static unsafe PyModule FromString(string name, string code, string file)
    {
        fixed (byte* source = Runtime.Utf8(code), path = Runtime.Utf8(file), text = Runtime.Utf8(name))
        {
            using var compiled = new PyObject(Runtime.Check(Runtime.Py_CompileString(source, path, 257)));
            return new PyModule(Runtime.Check(Runtime.PyImport_ExecCodeModule(text, compiled.Pointer)), borrowed: false);
        }
    }

    /// <summary>Runs statements in this module.</summary>
    public PyModule Exec(string code, PyDict? locals = null)
    {
        using PyDict variables = Variables();
        PythonEngine.Exec(code, variables, locals);
        return this;
    }

    /// <summary>The value of an expression in this module.</summary>
    public PyObject Eval(string code, PyDict? locals = null)
    {
        using PyDict variables = Variables();
        return PythonEngine.Eval(code, variables, locals);
    }

    /// <summary>Its names and values.</summary>
    public unsafe PyDict Variables()
    {
        using var dict = new PyObject(Runtime.Check(Runtime.PyModule_GetDict(Pointer)), borrowed: true);
        return new PyDict(dict);
    }

    /// <summary>Sets a variable.</summary>
    public PyModule Set(string name, object? value)
    {
        using PyObject item = value.ToPython();
        SetAttr(name, item);
        return this;
    }

    /// <summary>The value of a variable.</summary>
    public PyObject Get(string name) => GetAttr(name);

    private static IntPtr Create(string name)
    {
        using PyObject types = Import("types");
        using PyObject make = types.GetAttr("ModuleType");
        using var text = new PyString(name);
        return make.Invoke(text).Detach();
    }
}

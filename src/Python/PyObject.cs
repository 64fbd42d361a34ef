using System.Dynamic;

namespace Python.Runtime;

/// <summary>A reference to a Python object. Everything on it needs the GIL, <see cref="Dispose()"/> included.</summary>
public class PyObject : DynamicObject, IDisposable
{
    private IntPtr _pointer;

    /// <summary>Owns a new reference.</summary>
    internal PyObject(IntPtr pointer) => _pointer = pointer;

    /// <summary>Takes a reference of its own to an object that someone else holds.</summary>
    internal unsafe PyObject(IntPtr pointer, bool borrowed)
    {
        _pointer = pointer;
        if (borrowed) Runtime.Py_IncRef(pointer);
    }

    internal IntPtr Pointer => _pointer != IntPtr.Zero ? _pointer : throw new ObjectDisposedException(nameof(PyObject));

    /// <summary>Hands the reference over; the wrapper is then disposed.</summary>
    internal IntPtr Detach()
    {
        IntPtr pointer = Pointer;
        _pointer = IntPtr.Zero;
        GC.SuppressFinalize(this);
        return pointer;
    }

    /// <summary>Python's None.</summary>
    public static PyObject None => Runtime.None;

    /// <summary>Another reference to the same object.</summary>
    public PyObject NewReference() => new(Pointer, borrowed: true);

    /// <summary>Leaves the reference to the next holder of the GIL.</summary>
    ~PyObject()
    {
        if (_pointer != IntPtr.Zero) Runtime.Abandon(_pointer);
    }

    /// <summary>Lets go of the reference.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of the reference.</summary>
    protected virtual unsafe void Dispose(bool disposing)
    {
        if (_pointer == IntPtr.Zero) return;
        if (PythonEngine.IsInitialized) Runtime.Py_DecRef(_pointer);
        _pointer = IntPtr.Zero;
    }

    /// <summary>The value as a .NET object of type <typeparamref name="T"/>: bool, numbers, string, PyObject and its kinds.</summary>
    /// <exception cref="InvalidCastException">The object is something else.</exception>
    public T As<T>() => (T)AsManagedObject(typeof(T))!;

    /// <inheritdoc cref="As{T}"/>
    public object? AsManagedObject(Type t) => Converter.ToManaged(this, t);

    /// <summary>The object's class.</summary>
    public unsafe PyType GetPythonType() => new(Runtime.Check(Runtime.PyObject_Type(Pointer)));

    /// <summary>Python's isinstance.</summary>
    public unsafe bool IsInstance(PyObject typeOrClass) => Runtime.Check(Runtime.PyObject_IsInstance(Pointer, typeOrClass.Pointer)) != 0;

    /// <summary>Python's issubclass.</summary>
    public unsafe bool IsSubclass(PyObject typeOrClass) => Runtime.Check(Runtime.PyObject_IsSubclass(Pointer, typeOrClass.Pointer)) != 0;

    /// <summary>Whether it can be called.</summary>
    public unsafe bool IsCallable() => Runtime.PyCallable_Check(Pointer) != 0;

    /// <summary>Whether it is None.</summary>
    public bool IsNone() => Pointer == Runtime.PyNone;

    /// <summary>Python's truth.</summary>
    public unsafe bool IsTrue() => Runtime.Check(Runtime.PyObject_IsTrue(Pointer)) != 0;

    /// <summary>Whether it can be iterated.</summary>
    public bool IsIterable() => HasAttr("__iter__");

    // ---- attributes

    /// <summary>Python's hasattr.</summary>
    public bool HasAttr(string name)
    {
        using var key = new PyString(name);
        return HasAttr(key);
    }

    /// <summary>Python's hasattr.</summary>
    public unsafe bool HasAttr(PyObject name) => Runtime.PyObject_HasAttr(Pointer, name.Pointer) != 0;

    /// <summary>Python's getattr.</summary>
    /// <exception cref="PythonException">AttributeError.</exception>
    public PyObject GetAttr(string name)
    {
        using var key = new PyString(name);
        return GetAttr(key);
    }

    /// <summary>Python's getattr with a default for AttributeError.</summary>
    public PyObject GetAttr(string name, PyObject _default)
    {
        using var key = new PyString(name);
        return HasAttr(key) ? GetAttr(key) : _default.NewReference();
    }

    /// <summary>Python's getattr.</summary>
    public unsafe PyObject GetAttr(PyObject name) => new(Runtime.Check(Runtime.PyObject_GetAttr(Pointer, name.Pointer)));

    /// <summary>Python's setattr.</summary>
    public void SetAttr(string name, PyObject value)
    {
        using var key = new PyString(name);
        SetAttr(key, value);
    }

    /// <summary>Python's setattr.</summary>
    public unsafe void SetAttr(PyObject name, PyObject value) => Runtime.Check(Runtime.PyObject_SetAttr(Pointer, name.Pointer, value.Pointer));

    // ---- items

    /// <summary>self[key].</summary>
    public virtual unsafe PyObject GetItem(PyObject key) => new(Runtime.Check(Runtime.PyObject_GetItem(Pointer, key.Pointer)));

    /// <summary>self[key].</summary>
    public virtual PyObject GetItem(string key)
    {
        using var k = new PyString(key);
        return GetItem(k);
    }

    /// <summary>self[index].</summary>
    public virtual PyObject GetItem(int index)
    {
        using var k = new PyInt(index);
        return GetItem(k);
    }

    /// <summary>self[key] = value.</summary>
    public virtual unsafe void SetItem(PyObject key, PyObject value) => Runtime.Check(Runtime.PyObject_SetItem(Pointer, key.Pointer, value.Pointer));

    /// <summary>self[key] = value.</summary>
    public virtual void SetItem(string key, PyObject value)
    {
        using var k = new PyString(key);
        SetItem(k, value);
    }

    /// <summary>self[index] = value.</summary>
    public virtual void SetItem(int index, PyObject value)
    {
        using var k = new PyInt(index);
        SetItem(k, value);
    }

    /// <summary>del self[key].</summary>
    public virtual unsafe void DelItem(PyObject key) => Runtime.Check(Runtime.PyObject_DelItem(Pointer, key.Pointer));

    /// <summary>Python's len.</summary>
    public virtual unsafe long Length() => Runtime.Check(Runtime.PyObject_Size(Pointer), true);

    /// <summary>self[key].</summary>
    public virtual PyObject this[PyObject key] { get => GetItem(key); set => SetItem(key, value); }

    /// <summary>self[key].</summary>
    public virtual PyObject this[string key] { get => GetItem(key); set => SetItem(key, value); }

    /// <summary>self[index].</summary>
    public virtual PyObject this[int index] { get => GetItem(index); set => SetItem(index, value); }

    /// <summary>Python's iter.</summary>
    public PyIter GetIterator() => PyIter.GetIter(this);

    // ---- calls

    /// <summary>self(*args).</summary>
    /// <exception cref="PythonException">What the call raised.</exception>
    public PyObject Invoke(params PyObject[] args) => Invoke(args, null);

    /// <summary>self(*args).</summary>
    public PyObject Invoke(PyTuple args) => Invoke(args, null);

    /// <summary>self(*args, **kw).</summary>
    public PyObject Invoke(PyObject[] args, PyDict? kw)
    {
        using var tuple = new PyTuple(args);
        return Invoke(tuple, kw);
    }

    /// <summary>self(*args, **kw).</summary>
    public unsafe PyObject Invoke(PyTuple args, PyDict? kw) => new(Runtime.Check(Runtime.PyObject_Call(Pointer, args.Pointer, kw?.Pointer ?? IntPtr.Zero)));

    /// <summary>self.name(*args).</summary>
    public PyObject InvokeMethod(string name, params PyObject[] args) => InvokeMethod(name, args, null);

    /// <summary>self.name(*args).</summary>
    public PyObject InvokeMethod(string name, PyTuple args) => InvokeMethod(name, args, null);

    /// <summary>self.name(*args).</summary>
    public PyObject InvokeMethod(PyObject name, params PyObject[] args)
    {
        using PyObject method = GetAttr(name);
        return method.Invoke(args);
    }

    /// <summary>self.name(*args, **kw).</summary>
    public PyObject InvokeMethod(string name, PyObject[] args, PyDict? kw)
    {
        using PyObject method = GetAttr(name);
        return method.Invoke(args, kw);
    }

    /// <summary>self.name(*args, **kw).</summary>
    public PyObject InvokeMethod(string name, PyTuple args, PyDict? kw)
    {
        using PyObject method = GetAttr(name);
        return method.Invoke(args, kw);
    }

    // ---- text, equality, memory

    /// <summary>Python's dir.</summary>
    public unsafe PyList Dir() => new(Runtime.Check(Runtime.PyObject_Dir(Pointer)));

    /// <summary>Python's repr.</summary>
    public unsafe string? Repr() => Converter.TextAndRelease(Runtime.PyObject_Repr(Pointer));

    /// <summary>Python's str.</summary>
    public override unsafe string? ToString() => Converter.TextAndRelease(Runtime.PyObject_Str(Pointer));

    /// <summary>Python's ==.</summary>
    public override bool Equals(object? o) => Equals(o as PyObject);

    /// <summary>Python's ==.</summary>
    public virtual unsafe bool Equals(PyObject? other)
    {
        if (other is null) return false;
        if (Pointer == other.Pointer) return true;
        using var answer = new PyObject(Runtime.Check(Runtime.PyObject_RichCompare(Pointer, other.Pointer, 2))); // 2: Py_EQ
        return answer.IsTrue();
    }

    /// <summary>Python's hash.</summary>
    public override unsafe int GetHashCode()
    {
        nint hash = Runtime.PyObject_Hash(Pointer);
        if (hash == -1 && Runtime.PyErr_Occurred() != IntPtr.Zero) throw PythonException.FetchCurrent();
        return ((long)hash).GetHashCode();
    }

    /// <summary>Python's ==.</summary>
    public static bool operator ==(PyObject? a, PyObject? b) => a is null ? b is null : a.Equals(b);

    /// <summary>Python's !=.</summary>
    public static bool operator !=(PyObject? a, PyObject? b) => !(a == b);

    /// <summary>The object's memory, for objects with the buffer protocol (numpy arrays, bytes, memoryview).</summary>
    /// <exception cref="PythonException">The object has none, or not of the kind asked for.</exception>
    public PyBuffer GetBuffer(PyBUF flags = PyBUF.SIMPLE) => new(this, flags);

    // ---- C#'s dynamic

    /// <inheritdoc/>
    public override bool TryGetMember(GetMemberBinder binder, out object? result)
    {
        result = GetAttr(binder.Name);
        return true;
    }

    /// <inheritdoc/>
    public override bool TrySetMember(SetMemberBinder binder, object? value)
    {
        using PyObject item = value.ToPython();
        SetAttr(binder.Name, item);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryInvokeMember(InvokeMemberBinder binder, object?[]? args, out object? result)
    {
        using PyObject method = GetAttr(binder.Name);
        result = method.Call(binder.CallInfo, args ?? []);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryInvoke(InvokeBinder binder, object?[]? args, out object? result)
    {
        result = Call(binder.CallInfo, args ?? []);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryConvert(ConvertBinder binder, out object? result)
    {
        result = Converter.ToManaged(this, binder.Type, anyNumber: binder.Explicit);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryGetIndex(GetIndexBinder binder, object[] indexes, out object? result)
    {
        using PyObject key = indexes.Length == 1 ? indexes[0].ToPython() : new PyTuple([.. indexes.Select(i => i.ToPython())]);
        result = GetItem(key);
        return true;
    }

    private PyObject Call(CallInfo call, object?[] args)
    {
        int positional = args.Length - call.ArgumentNames.Count;
        PyObject[] items = [.. args.Take(positional).Select(a => a.ToPython())];
        using PyDict? named = call.ArgumentNames.Count == 0 ? null : new PyDict();
        for (int i = 0; i < call.ArgumentNames.Count; i++)
        {
            using PyObject value = args[positional + i].ToPython();
            named!.SetItem(call.ArgumentNames[i], value);
        }
        try { return Invoke(items, named); }
        finally { foreach (PyObject item in items) item.Dispose(); }
    }
}

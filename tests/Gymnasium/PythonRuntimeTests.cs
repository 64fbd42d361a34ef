// The API of pythonnet that RlLeap uses.
using System.Runtime.InteropServices;
using Python.Runtime;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

[Collection("python")]
public sealed class PythonRuntimeTests
{
    [PythonFact]
    public void AttributesCallsAndIndexingReachPython()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject types = Py.Import("types");
        using PyObject space = types.InvokeMethod("SimpleNamespace");
        using PyObject three = 3.ToPython();
        space.SetAttr("x", three);
        Assert.True(space.HasAttr("x"));
        Assert.False(space.HasAttr("y"));
        using PyObject x = space.GetAttr("x");
        Assert.Equal(3, x.As<int>());
        using var dict = new PyDict();
        dict["a"] = three;
        Assert.True(dict.HasKey("a"));
        Assert.Equal(1, dict.Length());
        using var list = new PyList();
        list.Append(three);
        list.Append(dict);
        Assert.Equal(2, list.Length());
        using PyObject second = list[1];
        Assert.True(PyDict.IsDictType(second));
        using var tuple = new PyTuple([three, list]);
        using PyObject first = tuple[0];
        Assert.Equal("3", first.ToString());
        Assert.Equal("{'a': 3}", dict.Repr());
    }

    [PythonFact]
    public void KeywordArgumentsArrive()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject builtins = Py.Import("builtins");
        using PyObject make = builtins.GetAttr("dict");
        using PyDict named = Py.kw("a", 1, "b", "two", "c", null);
        using PyObject made = make.Invoke(Array.Empty<PyObject>(), named);
        Assert.Equal("{'a': 1, 'b': 'two', 'c': None}", made.ToString());
    }

    [PythonFact]
    public void ValuesSurviveTheWayThereAndBack()
    {
        using Py.GILState gil = Py.GIL();
        T Round<T>(T value)
        {
            using PyObject there = value.ToPython();
            return there.As<T>();
        }
        Assert.Equal(long.MinValue, Round(long.MinValue));
        Assert.Equal(ulong.MaxValue, Round(ulong.MaxValue));
        Assert.Equal(-7, Round(-7));
        Assert.Equal(0.1, Round(0.1));
        Assert.Equal(0.25f, Round(0.25f));
        Assert.True(Round(true));
        Assert.False(Round(false));
        Assert.Equal("größer 😀 \0 end", Round("größer 😀 \0 end"));
        using PyObject none = ((object?)null).ToPython();
        Assert.True(none.IsNone());
        Assert.Null(none.As<string>());
    }

    [PythonFact]
    public void AWrongConversionIsAnInvalidCast()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject text = "twelve".ToPython();
        Assert.Throws<InvalidCastException>(() => text.As<int>());
        Assert.Throws<InvalidCastException>(() => text.As<bool>());
    }

    [PythonFact]
    public void NumpysNumbersConvertWherePythonsDo()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject numpy = Py.Import("numpy");
        using PyObject half = 0.5.ToPython(), nine = 9.ToPython();
        using PyObject twice = numpy.InvokeMethod("float64", half), whole = numpy.InvokeMethod("int64", nine), single = numpy.InvokeMethod("float32", half);
        Assert.Equal(0.5, twice.As<double>());
        Assert.Equal(0.5f, twice.As<float>());
        Assert.Throws<InvalidCastException>(() => whole.As<int>()); // not one of Python's
        Assert.Throws<InvalidCastException>(() => single.As<double>());
        using PyObject number = single.InvokeMethod("item"), count = whole.InvokeMethod("item");
        Assert.Equal((0.5, 9), (number.As<double>(), count.As<int>()));
    }

    [PythonFact]
    public void AnExceptionHasPythonsMessageTypeAndTraceback()
    {
        using Py.GILState gil = Py.GIL();
        using PyModule module = PyModule.FromString("raises", "def inner():\n    raise KeyError('lost')\ndef outer():\n    inner()\n", "raises.py");
        var e = Assert.Throws<PythonException>(() => module.InvokeMethod("outer"));
        Assert.Equal("KeyError", e.Type.Name);
        Assert.Equal("'lost'", e.Message);
        Assert.Contains("raises.py\", line 2, in inner", e.Format());
        Assert.EndsWith("KeyError: 'lost'", e.Format().TrimEnd());
        using PyObject after = Py.Import("sys"); // and nothing is pending afterwards
    }

    [PythonFact]
    public void AMissingAttributeOrModuleRaises()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject sys = Py.Import("sys");
        Assert.Equal("AttributeError", Assert.Throws<PythonException>(() => sys.GetAttr("nothing_of_this_name")).Type.Name);
        Assert.Equal("ModuleNotFoundError", Assert.Throws<PythonException>(() => Py.Import("nothing_of_this_name")).Type.Name);
    }

    [PythonFact]
    public void ABufferIsTheArraysOwnMemory()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject numpy = Py.Import("numpy");
        using PyObject six = 6.ToPython();
        using PyDict kind = Py.kw("dtype", "float32");
        using PyObject flat = numpy.InvokeMethod("arange", [six], kind);
        using PyObject rows = 2.ToPython(), columns = 3.ToPython();
        using PyObject array = flat.InvokeMethod("reshape", rows, columns);
        using (PyBuffer view = array.GetBuffer(PyBUF.CONTIG))
        {
            Assert.Equal([2, 3], view.Shape!);
            Assert.Equal((24, 4, 2), (view.Length, view.ItemSize, view.Dimensions));
            Assert.False(view.ReadOnly);
            Assert.Equal(4f, BitConverter.Int32BitsToSingle(Marshal.ReadInt32(view.Buffer, 16)));
            Marshal.WriteInt32(view.Buffer, 16, BitConverter.SingleToInt32Bits(100));
        }
        using PyObject sum = array.InvokeMethod("sum"), number = sum.InvokeMethod("item");
        Assert.Equal(111, number.As<double>());
    }

    [PythonFact]
    public void ABufferOfBytesReadsAndRefusesWriting()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject bytes = PythonEngine.Eval("bytes(range(8))");
        using PyBuffer view = bytes.GetBuffer(PyBUF.CONTIG_RO);
        var read = new byte[4];
        view.Read(read, 1, 3, 5);
        Assert.Equal([0, 5, 6, 7], read);
        Assert.Throws<InvalidOperationException>(() => view.Write([1], 0, 1, 0));
        Assert.Throws<PythonException>(() => bytes.GetBuffer(PyBUF.CONTIG));
    }

    [PythonFact]
    public void DynamicReadsLikePython()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject numpy = Py.Import("numpy");
        dynamic np = numpy;
        dynamic array = np.arange(6, dtype: "int64").reshape(2, 3);
        Assert.Equal(5, (int)array[1][2]);
        Assert.Equal(15, (long)array.sum());
    }

    [PythonFact]
    public void ThreadsShareTheInterpreterAndTheGilNests()
    {
        using PyModule module = MakeCounter();
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 200; i++)
            {
                using Py.GILState outer = Py.GIL();
                using Py.GILState inner = Py.GIL();
                using PyObject done = module.InvokeMethod("add");
            }
        });
        using Py.GILState gil = Py.GIL();
        using PyObject count = module.GetAttr("count");
        Assert.Equal(1600, count.As<int>());

        static PyModule MakeCounter()
        {
            using Py.GILState gil = Py.GIL();
            return PyModule.FromString("counter", "count = 0\ndef add():\n    global count\n    count += 1\n", "counter.py");
        }
    }

    [PythonFact]
    public void DisposingGivesReferencesBack()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject sys = Py.Import("sys"), count = sys.GetAttr("getrefcount");
        using var list = new PyList();
        long References()
        {
            using PyObject n = count.Invoke(list);
            return n.As<long>();
        }
        var before = References();
        for (var i = 0; i < 1000; i++)
        {
            using var tuple = new PyTuple([list, list]);
            using PyObject same = tuple[0];
            using PyObject again = same.NewReference();
        }
        Assert.Equal(before, References());
    }

    [PythonFact]
    public void CtrlCStaysTheProgramsOwn()
    {
        using Py.GILState gil = Py.GIL();
        using PyObject ours = PythonEngine.Eval("__import__('signal').getsignal(__import__('signal').SIGINT) is __import__('signal').default_int_handler");
        Assert.False(ours.As<bool>());
    }
}

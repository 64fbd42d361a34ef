// What RlLeap relies on in pythonnet and Python: memory that is shared, references that are given back, exceptions with
// their traceback, the GIL from any thread, and Ctrl-C that stays ours.
using System.Runtime.InteropServices;
using Python.Runtime;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

[Collection("python")]
public sealed class PythonRuntimeTests
{
    [PythonFact]
    public void AnExceptionHasPythonsMessageTypeAndTraceback()
    {
        using Py.GILState gil = Py.GIL();
        using PyModule module = PyModule.FromString("raises",
            "def inner():\n    raise KeyError('lost')\ndef outer():\n    inner()\n", "raises.py");
        var e = Assert.Throws<PythonException>(() => module.InvokeMethod("outer"));
        Assert.Equal("KeyError", e.Type.Name);
        Assert.Equal("'lost'", e.Message);
        Assert.Contains("raises.py\", line 2, in inner", e.Format());
        Assert.EndsWith("KeyError: 'lost'", e.Format().TrimEnd());
        using PyObject after = Py.Import("sys"); // and nothing is pending afterwards
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
            return PyModule.FromString("counter", "count = 0\ndef add():\n    global count\n    count += 1\n",
                "counter.py");
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
        using PyObject ours = PythonEngine.Eval(
            "__import__('signal').getsignal(__import__('signal').SIGINT) is __import__('signal').default_int_handler");
        Assert.False(ours.As<bool>());
    }
}

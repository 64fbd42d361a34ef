namespace Python.Runtime;

/// <summary>The GIL, imports and keyword arguments.</summary>
public static class Py
{
    /// <summary>Takes the GIL for this thread until the result is disposed; may be nested, from any thread.</summary>
    public static GILState GIL() => new();

    /// <summary>Imports a module by its full name.</summary>
    /// <exception cref="PythonException">ModuleNotFoundError, or what the module raised.</exception>
    public static PyObject Import(string name) => PyModule.Import(name);

    /// <summary>An empty module to run code in.</summary>
    public static PyModule CreateScope() => new();

    /// <summary>Keyword arguments: name, value, name, value, ...</summary>
    public static KeywordArguments kw(params object?[] kv)
    {
        if (kv.Length % 2 != 0) throw new ArgumentException("Must have an equal number of keys and values");
        var dict = new KeywordArguments();
        for (int i = 0; i < kv.Length; i += 2)
        {
            if (kv[i] is not string key) throw new ArgumentException("Keys must be non-null strings");
            if (kv[i + 1] is PyObject given) dict.SetItem(key, given);
            else
            {
                using PyObject value = kv[i + 1].ToPython();
                dict.SetItem(key, value);
            }
        }
        return dict;
    }

    /// <summary>A dictionary that <see cref="kw"/> makes.</summary>
    public class KeywordArguments : PyDict;

    /// <summary>The GIL, held until disposed by the thread that took it.</summary>
    public class GILState : IDisposable
    {
        private readonly int _state;
        private bool _held;

        internal unsafe GILState()
        {
            if (!PythonEngine.IsInitialized) throw new InvalidOperationException("Python must be initialized for this operation");
            _state = Runtime.PyGILState_Ensure();
            _held = true;
            Runtime.ReleaseAbandoned();
        }

        /// <summary>Lets go of the GIL.</summary>
        public virtual unsafe void Dispose()
        {
            if (!_held) return;
            _held = false;
            Runtime.PyGILState_Release(_state);
            GC.SuppressFinalize(this);
        }
    }
}

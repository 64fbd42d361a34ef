using Python.Runtime;

namespace RlLeap.Gymnasium;

/// <summary>The bridge's Vector (rlleap_vectors.py): the arrays that both sides see, and its calls.</summary>
/// <remarks>
/// Every call takes the GIL itself and runs in the environment's Python thread. Between two calls the observations
/// lie in Python's array, held through the buffer protocol: they can be read without the GIL, while other threads'
/// Python goes on.
/// </remarks>
internal sealed unsafe class BridgeVector
{
    private readonly PythonRequest _request;
    private readonly ObservationReader _reader;
    private readonly PyObject _vector, _step, _reset;
    private readonly PyTuple _nothing;
    private readonly List<PyBuffer> _views = [];
    private PyObject? _rows, _finals; // what Python returned last
    private PyBuffer? _rowsView, _finalsView; // and its memory

    /// <summary>Makes the environments.</summary>
    public BridgeVector(PythonRequest request, SourceChecks checks)
    {
        _request = request;
        using (Py.GIL())
        {
            _vector = request.Make(PythonHost.Bridge);
            (_step, _reset, _nothing) = (_vector.GetAttr("step"), _vector.GetAttr("reset"), new PyTuple());
            Actions = (long*)Share("actions");
            Numbers = (double*)Share("numbers");
            Rewards = (double*)Share("rewards");
            Terminated = (byte*)Share("terminated");
            Truncated = (byte*)Share("truncated");
            Over = (byte*)Share("over");
            using PyObject observations = _vector.GetAttr("observations");
            var element = Get<bool>(observations, "bytes") ? ElementType.Byte : ElementType.Float32;
            var (shape, low, high) = (Get<long[]>(observations, "shape"), Get<double>(observations, "low"),
                Get<double>(observations, "high"));
            _reader = new ObservationReader(element, shape, low, high, request.Planes);
            var options = new Dictionary<string, string>(request.Options)
            {
                ["python"] = PythonHost.Installation?.Version ?? PythonEngine.Version,
                ["stepped by"] = Get<string>(_vector, "kind"),
                ["shown by Python"] = Get<string>(observations, "source") + " "
                    + RlLeap.Shape.Text(Get<long[]>(observations, "source_shape")),
            };
            foreach (var (name, version) in PythonHost.Versions()) options[name] = version;
            var (lows, highs) = (Get<double[]>(observations, "lows"), Get<double[]>(observations, "highs"));
            var box = element == ElementType.Float32 && lows.Length > 0 ? Box.Between(lows, highs)
                : new Box(element, _reader.Shape, low, high)
                {
                    Images = SpaceDescription.ReadImages(Get<string>(observations, "images")),
                };
            Spec = new EnvironmentSpec(request.Id, box,
                SpaceDescription.Read(request.Id, Get<string>(_vector, "action_space")))
            {
                ActionNames = Get<string[]>(_vector, "action_names"),
                ChannelNames = _reader.ChannelNames,
                FramesPerStep = request.FramesPerStep,
                MaxEpisodeSteps = Get<int>(_vector, "max_steps") is > 0 and var steps ? steps : request.MaxEpisodeSteps,
                Options = options,
            };
            if (checks == SourceChecks.None) return;
            using PyObject types = checks.HasFlag(SourceChecks.Values).ToPython(),
                sharing = checks.HasFlag(SourceChecks.Sharing).ToPython();
            using PyObject watched = _vector.InvokeMethod("watch", types, sharing);
        }
    }

    public EnvironmentSpec Spec { get; }

    /// <summary>[N], read by Python in each step if actions are Discrete.</summary>
    public long* Actions { get; }

    /// <summary>[N, K], read by Python in each step if actions are of another kind.</summary>
    public double* Numbers { get; }

    /// <summary>[N], of the last step.</summary>
    public double* Rewards { get; }

    /// <summary>[N] truth values, of the last step.</summary>
    public byte* Terminated { get; }

    /// <summary>[N] truth values, of the last step.</summary>
    public byte* Truncated { get; }

    /// <summary>[N] truth values: whether the game itself ended in the last step, not only a life.</summary>
    public byte* Over { get; }

    /// <summary>Starts new episodes in all copies.</summary>
    /// <param name="seeded">Whether each copy's generator is seeded anew, from the request's streams.</param>
    public void Reset(bool seeded)
    {
        using (Py.GIL())
        {
            Release();
            if (!seeded)
            {
                Take(_reset.Invoke(_nothing));
                return;
            }
            using var seeds = new PyList();
            for (var i = 0; i < _request.Count; i++)
            {
                // Python's seeds start at 0, ale-py's are 32-bit.
                using var seed = new PyInt((int)(_request.Stream(i).Split("seed").NextUInt32() >> 1));
                seeds.Append(seed);
            }
            Take(_reset.Invoke(seeds));
        }
    }

    /// <summary>Steps all copies with <see cref="Actions"/>.</summary>
    public void Step()
    {
        using (Py.GIL())
        {
            Release();
            Take(_step.Invoke(_nothing));
            if (!new ReadOnlySpan<byte>(Terminated, _request.Count).ContainsAnyExcept((byte)0)
                && !new ReadOnlySpan<byte>(Truncated, _request.Count).ContainsAnyExcept((byte)0)) return;
            _finals = _vector.InvokeMethod("finals");
            _finalsView = ViewOf(_finals);
        }
    }

    /// <summary>Copies what all copies show now; needs no GIL.</summary>
    public void Read(Span<byte> target) => Read(_rowsView!, target, 0, _request.Count);

    /// <summary>Copies the last observation of the episode that ended in copy <paramref name="i"/> in the last
    /// step.</summary>
    public void ReadFinal(int i, Span<byte> target) => Read(_finalsView!, target, i, 1);

    /// <summary>The value in Python that became element <paramref name="element"/> of copy <paramref name="i"/>'s
    /// row.</summary>
    public double Original(int i, int element, bool final)
    {
        var view = (final ? _finalsView : _rowsView)!;
        return _reader.Original(RowAt(view, i), ItemSize(view), element);
    }

    /// <summary>A picture that the environment draws of copy <paramref name="index"/>.</summary>
    public Picture Render(int index, bool ended)
    {
        using (Py.GIL())
        {
            using PyObject i = index.ToPython(), last = ended.ToPython();
            using PyObject frame = _vector.InvokeMethod("render", i, last);
            using PyBuffer view = frame.GetBuffer(PyBUF.CONTIG_RO);
            var pixels = new ReadOnlySpan<byte>((void*)view.Buffer, checked((int)view.Length)).ToArray();
            return new Picture((int)view.Shape![1], (int)view.Shape[0], pixels);
        }
    }

    /// <summary>Closes the environments and lets go of everything of Python's.</summary>
    public void Close()
    {
        using (Py.GIL())
        {
            Release();
            foreach (var view in _views) view.Dispose();
            _views.Clear();
            try
            {
                using PyObject closed = _vector.InvokeMethod("close");
            }
            finally
            {
                foreach (var held in new PyObject[] { _step, _reset, _nothing, _vector }) held.Dispose();
            }
        }
    }

    private void Take(PyObject rows)
    {
        _rows = rows;
        _rowsView = ViewOf(rows);
    }

    private void Release()
    {
        foreach (var held in new IDisposable?[] { _rowsView, _rows, _finalsView, _finals }) held?.Dispose();
        (_rowsView, _rows, _finalsView, _finals) = (null, null, null, null);
    }

    private void Read(PyBuffer view, Span<byte> target, int row, int rows) =>
        _reader.Read(RowAt(view, row), ItemSize(view), target, rows);

    private byte* RowAt(PyBuffer view, int row) => (byte*)view.Buffer + (long)row * _reader.RowLength * ItemSize(view);

    private static int ItemSize(PyBuffer view) => (int)view.ItemSize;

    // The memory of all rows. pythonnet aborts where the buffer is asked for more than CONTIG_RO does (its issue 2371).
    private PyBuffer ViewOf(PyObject rows)
    {
        var view = rows.GetBuffer(PyBUF.CONTIG_RO);
        var (given, expected) = (view.Length, (long)_request.Count * _reader.RowLength * ItemSize(view));
        var fits = _reader.ItemSize == 1 ? ItemSize(view) == 1 : ItemSize(view) is 4 or 8;
        if (given == expected && fits) return view;
        var size = ItemSize(view);
        view.Dispose();
        throw new EnvironmentException(
            $"{_request.Id}: Python gave {given} bytes of observations in elements of {size}; expected are "
                + $"{expected}.");
    }

    private IntPtr Share(string name)
    {
        using PyObject array = _vector.GetAttr(name);
        var view = array.GetBuffer(PyBUF.CONTIG);
        _views.Add(view);
        return view.Buffer;
    }

    private static T Get<T>(PyObject of, string name)
    {
        using PyObject value = of.GetAttr(name);
        return value.As<T>();
    }
}

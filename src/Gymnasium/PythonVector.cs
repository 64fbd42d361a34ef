using RlLeap.Environments;
using Python.Runtime;

namespace RlLeap.Gymnasium;

/// <summary>What a <see cref="PythonVector"/> is made from.</summary>
/// <param name="Id">The id, options included.</param>
/// <param name="Count">N.</param>
/// <param name="Make">Calls the bridge (the argument) for a Vector; runs under the GIL.</param>
internal sealed record PythonRequest(string Id, int Count, Func<PyObject, PyObject> Make)
{
    /// <summary>The random stream of copy i; its Python seed is drawn from it.</summary>
    public required Func<int, Rng> Stream { get; init; }

    /// <summary>The longest a call may take; zero: no limit.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Bound of the rewards' absolute value; zero: none. Recorded returns stay raw.</summary>
    public float Clip { get; init; }

    /// <summary>Whether images of bytes whose last dimension is 1, 3 or 4 become planes, [C, H, W].</summary>
    public bool Planes { get; init; } = true;

    /// <summary>Emulated frames per agent step.</summary>
    public int FramesPerStep { get; init; } = 1;

    /// <summary>The longest episode in agent steps, where Python does not say.</summary>
    public int? MaxEpisodeSteps { get; init; }

    /// <summary>Options for the run's record.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}

/// <summary>N environments of Python's as one vector of ours.</summary>
/// <remarks>
/// One Python call a vector step. Actions, rewards and flags lie in numpy arrays that both sides see; observations stay in Python's array, held through the
/// buffer protocol until the next step, and are copied once, without the GIL, where they are read. Other threads' work goes on meanwhile.
/// </remarks>
internal sealed unsafe class PythonVector : IVectorEnvironment
{
    private static readonly string[] Gray = ["gray"], Colours = ["red", "green", "blue", "alpha"];

    private readonly PythonRequest _request;
    private readonly PythonThread _python;
    private readonly Action _resetting, _stepping;
    private readonly double[] _returns;
    private readonly int[] _lengths;
    private readonly List<EpisodeRecord> _finished = [];
    private readonly List<PyBuffer> _views = [];
    private readonly ObservationBuffer.Writer _copying;
    private PyObject? _rows; // what Python returned last
    private PyBuffer? _view; // and its memory
    private PyObject _vector = null!, _step = null!, _reset = null!;
    private PyTuple _nothing = null!;
    private long* _actions;
    private float* _rewards;
    private byte* _terminated, _truncated, _over;
    private long _images, _pixels;
    private int _channels; // above 0: images of [pixels, channels] that become planes
    private bool _seeded, _started, _disposed;
    private string? _failure;
    private long _steps;

    public PythonVector(PythonRequest request)
    {
        _request = request;
        PythonHost.Start();
        Count = request.Count;
        Rewards = new float[Count];
        RawRewards = new float[Count];
        Moments = new StepType[Count];
        _returns = new double[Count];
        _lengths = new int[Count];
        (_resetting, _stepping, _copying) = (ResetInPython, StepInPython, CopyRows);
        _python = new PythonThread(request.Id, request.Timeout);
        try
        {
            EnvironmentSpec? spec = null;
            _python.Run(PythonThread.Making, () => spec = MakeInPython());
            Spec = spec!;
            Observations = new ObservationBuffer(Spec.Observation, Count);
            FinalObservations = new ObservationBuffer(Spec.Observation, Count);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public EnvironmentSpec Spec { get; }
    public int Count { get; }
    public ObservationBuffer Observations { get; }
    public ObservationBuffer FinalObservations { get; }
    public float[] Rewards { get; }
    public float[] RawRewards { get; }
    public StepType[] Moments { get; }
    public IReadOnlyList<EpisodeRecord> Finished => _finished;

    // ---- what agents call

    public void Reset()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _steps = 0;
        Call("reset", _resetting);
        (_seeded, _started) = (true, true);
        Array.Clear(_returns);
        Array.Clear(_lengths);
        Array.Clear(Rewards);
        Array.Clear(RawRewards);
        Array.Fill(Moments, StepType.First);
        CheckNumbers(Observations, 0, Count);
    }

    public void Step(ReadOnlySpan<int> actions)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        VectorEnvironmentChecks.CheckStep(Spec, Count, actions, _started, _failure);
        for (var i = 0; i < actions.Length; i++) _actions[i] = actions[i];
        _steps++;
        Call("step", _stepping);
        for (var i = 0; i < Count; i++)
        {
            var reward = _rewards[i];
            if (!float.IsFinite(reward)) throw Wrong(i, $"the reward of action {actions[i]} is {reward}.");
            RawRewards[i] = reward;
            Rewards[i] = _request.Clip > 0 ? Math.Clamp(reward, -_request.Clip, _request.Clip) : reward;
            Moments[i] = _terminated[i] != 0 ? StepType.Terminated : _truncated[i] != 0 ? StepType.Truncated : StepType.Mid;
            _returns[i] += reward;
            _lengths[i]++;
            if (_over[i] == 0) continue;
            _finished.Add(new EpisodeRecord(i, _returns[i], _lengths[i], Moments[i]));
            (_returns[i], _lengths[i]) = (0, 0);
            CheckNumbers(FinalObservations, i, 1);
        }
        CheckNumbers(Observations, 0, Count);
    }

    private void CheckNumbers(ObservationBuffer observations, int first, int count)
    {
        if (observations.Element != ElementType.Float32 || !Describe.HasNaN(observations.Floats.AsSpan(first * observations.RowLength, count * observations.RowLength))) return;
        throw Wrong(Enumerable.Range(first, count).First(i => Describe.HasNaN(observations.FloatRow(i))), "the observation contains NaN.");
    }

    private EnvironmentException Wrong(int copy, string what) => new(_failure = $"{Spec.Id} (copy {copy} of {Count}), step {_steps}: {what}");

    public void Run(Action work) => _python.Watch(work);

    private void Call(string doing, Action action)
    {
        _finished.Clear();
        _failure = null;
        try
        {
            _python.Run(doing, action, _steps);
        }
        catch (EnvironmentException e)
        {
            _failure = e.Message;
            throw;
        }
    }

    // Made with render_mode=rgb_array, an environment of Python's draws itself; otherwise its observation is the picture, where that is an image.
    private bool Draws => Spec.Options.TryGetValue("render_mode", out var mode) && mode == "rgb_array";

    public bool CanRender => Draws || ObservedPicture.Shows(Spec);

    public Picture Render(int index) => Render(index, ended: false);

    /// <summary>As <see cref="Render(int)"/>, or of the last moment of the episode that ended in the last step.</summary>
    public Picture Render(int index, bool ended)
    {
        if (!CanRender) throw new NotSupportedException($"{Spec.Id} draws pictures when made with ?render_mode=rgb_array.");
        if (!Draws) return ObservedPicture.Of(Spec, (ended ? FinalObservations : Observations).ByteRow(index));
        Picture? picture = null;
        _python.Run("render", () =>
        {
            using (Py.GIL())
            {
                using PyObject i = index.ToPython(), last = ended.ToPython(), frame = _vector.InvokeMethod("render", i, last);
                using PyBuffer view = frame.GetBuffer(PyBUF.CONTIG_RO);
                picture = new Picture((int)view.Shape![1], (int)view.Shape[0], new Span<byte>((void*)view.Buffer, checked((int)view.Length)).ToArray());
            }
        });
        return picture!;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        try
        {
            _python.Run("close", CloseInPython);
        }
        catch (EnvironmentException) when (PythonHost.Hung) { } // nothing of Python's can be given back any more
        finally
        {
            _python.Dispose();
        }
    }

    // ---- what runs in Python's thread

    private EnvironmentSpec MakeInPython()
    {
        using (Py.GIL())
        {
            _vector = _request.Make(PythonHost.Bridge);
            (_step, _reset, _nothing) = (_vector.GetAttr("step"), _vector.GetAttr("reset"), new PyTuple());
            _actions = (long*)Share("actions");
            _rewards = (float*)Share("rewards");
            _terminated = (byte*)Share("terminated");
            _truncated = (byte*)Share("truncated");
            _over = (byte*)Share("over");

            using PyObject observations = _vector.GetAttr("observations");
            var element = Text(observations, "dtype") == "uint8" ? ElementType.Byte : ElementType.Float32;
            var options = new Dictionary<string, string>(_request.Options) { ["python"] = PythonHost.Installation?.Version ?? PythonEngine.Version, ["stepped by"] = Text(_vector, "kind") };
            foreach (var (name, version) in Pairs(PythonHost.Bridge, "versions")) options[name] = version;
            return new EnvironmentSpec(_request.Id,
                new Box(element, ShapeOf([.. Items(observations, "shape").Select(long.Parse)], element), Number(observations, "low"), Number(observations, "high")),
                new Discrete((int)Number(_vector, "action_count")))
            {
                ActionNames = [.. Items(_vector, "action_names")],
                ChannelNames = [.. Enumerable.Repeat(_channels == 1 ? Gray : Colours[.._channels], (int)_images / Count).SelectMany(names => names)],
                FramesPerStep = _request.FramesPerStep,
                MaxEpisodeSteps = (int)Number(_vector, "max_steps") is > 0 and var steps ? steps : _request.MaxEpisodeSteps,
                Options = options,
            };
        }
    }

    // [H, W, C] -> [C, H, W] and [S, H, W, C] -> [S*C, H, W]: the planes of the last image last.
    private long[] ShapeOf(long[] shape, ElementType element)
    {
        if (!_request.Planes || element != ElementType.Byte || shape.Length is not (3 or 4) || shape[^1] is not (1 or 3 or 4)) return shape;
        var stack = shape.Length == 4 ? shape[0] : 1;
        (_images, _pixels, _channels) = (stack * Count, shape[^3] * shape[^2], (int)shape[^1]);
        return [stack * shape[^1], shape[^3], shape[^2]];
    }

    private void ResetInPython()
    {
        using (Py.GIL())
        {
            Release();
            if (_seeded) Take(_reset.Invoke(_nothing));
            else
            {
                using var seeds = new PyList();
                for (var i = 0; i < Count; i++)
                {
                    using var seed = new PyInt((int)(_request.Stream(i).Split("seed").NextUInt32() >> 1)); // Python's seeds start at 0, ale-py's are 32-bit
                    seeds.Append(seed);
                }
                Take(_reset.Invoke(seeds));
            }
        }
    }

    private void StepInPython()
    {
        using (Py.GIL())
        {
            Release();
            Take(_step.Invoke(_nothing));
            for (var i = 0; i < Count; i++)
            {
                if ((_terminated[i] | _truncated[i]) == 0) continue;
                using var index = new PyInt(i);
                using PyObject row = _vector.InvokeMethod("final", index);
                using PyBuffer view = ViewOf(row, 1);
                Copy(view, FinalObservations.Raw, i, 1);
            }
        }
    }

    // The rows of all copies: one array of N rows, or a list of N arrays.
    private void Take(PyObject rows)
    {
        _rows = rows;
        if (PyList.IsListType(rows))
        {
            for (var i = 0; i < Count; i++)
            {
                using PyObject row = rows[i];
                using PyBuffer one = ViewOf(row, 1);
                Copy(one, Observations.Raw, i, 1);
            }
            return;
        }
        _view = ViewOf(rows, Count);
        Observations.ReadFrom(_copying);
    }

    // Without the GIL: the view keeps the array alive.
    private void CopyRows(Span<byte> target) => Copy(_view!, target, 0, Count);

    private void Release()
    {
        Observations.ReadFrom(null);
        _view?.Dispose();
        _rows?.Dispose();
        (_view, _rows) = (null, null);
    }

    private void Copy(PyBuffer view, Span<byte> to, int row, int count)
    {
        fixed (byte* start = to)
        {
            var at = start + (long)row * RowBytes;
            if (_channels > 1) ImageLayout.ToPlanes((byte*)view.Buffer, at, _images / Count * count, _pixels, _channels);
            else System.Buffer.MemoryCopy((void*)view.Buffer, at, view.Length, view.Length);
        }
    }

    private int RowBytes => Spec.Observation.Length * (Spec.Observation.Element == ElementType.Byte ? 1 : sizeof(float));

    // The memory of so many rows.
    private PyBuffer ViewOf(PyObject rows, int count)
    {
        var view = rows.GetBuffer(PyBUF.CONTIG_RO);
        var (given, expected) = (view.Length, (long)RowBytes * count);
        if (given == expected) return view;
        view.Dispose();
        throw new EnvironmentException($"{_request.Id}: Python gave {given} bytes of observations where {expected} were expected.");
    }

    private void CloseInPython()
    {
        using (Py.GIL())
        {
            if (Observations is not null) Release(); // null where making it failed
            foreach (var view in _views) view.Dispose();
            _views.Clear();
            try
            {
                if (_vector is not null)
                {
                    using PyObject closed = _vector.InvokeMethod("close");
                }
            }
            finally
            {
                foreach (var held in new PyObject?[] { _step, _reset, _nothing, _vector }) held?.Dispose();
            }
        }
    }

    // ---- small conversions

    private IntPtr Share(string name)
    {
        using PyObject array = _vector.GetAttr(name);
        var view = array.GetBuffer(PyBUF.CONTIG);
        _views.Add(view);
        return view.Buffer;
    }

    private static string Text(PyObject of, string name)
    {
        using PyObject value = of.GetAttr(name);
        return value.ToString()!;
    }

    private static double Number(PyObject of, string name)
    {
        using PyObject value = of.GetAttr(name);
        return value.As<double>();
    }

    private static List<string> Items(PyObject of, string name)
    {
        using PyObject sequence = of.GetAttr(name);
        var texts = new List<string>();
        for (var i = 0; i < sequence.Length(); i++)
        {
            using PyObject item = sequence[i];
            texts.Add(item.ToString()!);
        }
        return texts;
    }

    private static List<(string, string)> Pairs(PyObject of, string function)
    {
        using PyObject list = of.InvokeMethod(function);
        var pairs = new List<(string, string)>();
        for (var i = 0; i < list.Length(); i++)
        {
            using PyObject pair = list[i];
            using PyObject key = pair[0], value = pair[1];
            pairs.Add((key.ToString()!, value.ToString()!));
        }
        return pairs;
    }
}

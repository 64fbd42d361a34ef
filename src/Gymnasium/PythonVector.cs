namespace RlLeap.Gymnasium;

/// <summary>N environments of Python's as one vector of ours.</summary>
/// <remarks>
/// One Python call a vector step. Actions, rewards and ends lie in numpy arrays that both sides see. Observations are
/// copied by the bridge as each copy hands them over (but ale-py's, which are new arrays every step), and once more,
/// without the GIL, where they are read. Other threads' work goes on meanwhile. Floats are looked through
/// in that pass: none is NaN or infinite, or too large for float32.
/// </remarks>
internal sealed unsafe class PythonVector : IVectorEnvironment
{
    private readonly PythonRequest _request;
    private readonly PythonThread _python;
    private readonly Action _resetting, _stepping;
    private readonly double[] _returns;
    private readonly int[] _lengths;
    private readonly List<EpisodeRecord> _finished = [];
    private readonly ObservationBuffer.Writer _reading;
    private BridgeVector _vector = null!;
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
        StepTypes = new StepType[Count];
        _returns = new double[Count];
        _lengths = new int[Count];
        _python = new PythonThread(request.Id, request.Timeout);
        var checks = EnvironmentTrial.Checks;
        try
        {
            _python.Run(PythonThread.Making, () => _vector = new BridgeVector(request, checks));
            Spec = _vector.Spec;
            Observations = new ObservationBuffer(Spec.Observation, Count);
            FinalObservations = new ObservationBuffer(Spec.Observation, Count);
            (_resetting, _stepping, _reading) = (() => _vector.Reset(seeded: !_seeded), _vector.Step, _vector.Read);
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
    public StepType[] StepTypes { get; }
    public IReadOnlyList<EpisodeRecord> Finished => _finished;

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
        Array.Fill(StepTypes, StepType.First);
        CheckNumbers(0, Count, final: false);
    }

    public void Step(ReadOnlySpan<int> actions)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        VectorEnvironmentChecks.CheckStep(Spec, Count, actions, _started, _failure);
        for (var i = 0; i < actions.Length; i++) (_vector.Actions[i], _vector.Numbers[i]) = (actions[i], actions[i]);
        Step();
    }

    public void Step(ReadOnlySpan<float> actions)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ActionNumbers.CheckStep(Spec, Count, actions, _started, _failure);
        for (var i = 0; i < actions.Length; i++) _vector.Numbers[i] = actions[i];
        if (Spec.Action is Discrete)
            for (var i = 0; i < actions.Length; i++) _vector.Actions[i] = (long)actions[i];
        Step();
    }

    private void Step()
    {
        _steps++;
        Call("step", _stepping);
        for (var i = 0; i < Count; i++)
        {
            var reward = (float)_vector.Rewards[i];
            if (!float.IsFinite(reward))
                throw Wrong(i,
                    $"the reward of action {ActionOf(i)} is {Describe.NotAFloat(_vector.Rewards[i])}.");
            RawRewards[i] = reward;
            Rewards[i] = _request.Clip > 0 ? Math.Clamp(reward, -_request.Clip, _request.Clip) : reward;
            StepTypes[i] = _vector.Terminated[i] != 0 ? StepType.Terminated
                : _vector.Truncated[i] != 0 ? StepType.Truncated : StepType.Mid;
            _returns[i] += reward;
            _lengths[i]++;
            if (!StepTypes[i].IsLast()) continue;
            _vector.ReadFinal(i, FinalObservations.RawRow(i));
            CheckNumbers(i, 1, final: true);
            if (_vector.Over[i] == 0) continue;
            _finished.Add(new EpisodeRecord(i, _returns[i], _lengths[i], StepTypes[i]));
            (_returns[i], _lengths[i]) = (0, 0);
        }
        CheckNumbers(0, Count, final: false);
    }

    private string ActionOf(int copy)
    {
        var numbers = new float[Spec.Action.Length];
        for (var k = 0; k < numbers.Length; k++) numbers[k] = (float)_vector.Numbers[copy * numbers.Length + k];
        return ActionNumbers.Text(numbers);
    }

    private void CheckNumbers(int first, int count, bool final)
    {
        var observations = final ? FinalObservations : Observations;
        if (observations.Element != ElementType.Float32) return;
        var bad = Describe.FirstNotFinite(observations.Floats.AsSpan(first * observations.RowLength,
            count * observations.RowLength));
        if (bad < 0) return;
        var (copy, element) = (first + bad / observations.RowLength, bad % observations.RowLength);
        var value = Describe.NotAFloat(_vector.Original(copy, element, final));
        throw Wrong(copy, $"element {element} of the {(final ? "final " : "")}observation is {value}.");
    }

    private EnvironmentException Wrong(int copy, string what) =>
        new(_failure = $"{Spec.Id} (copy {copy} of {Count}), step {_steps}: {what}");

    public void Run(Action work) => _python.Watch(work);

    private void Call(string doing, Action action)
    {
        _finished.Clear();
        _failure = null;
        Observations.ReadFrom(null);
        try
        {
            _python.Run(doing, action, _steps);
        }
        catch (EnvironmentException e)
        {
            _failure = e.Message;
            throw;
        }
        Observations.ReadFrom(_reading);
    }

    // Made with render_mode=rgb_array, an environment of Python's draws itself; otherwise its observation is the
    // picture, where that is an image.
    private bool Draws => Spec.Options.TryGetValue("render_mode", out var mode) && mode == "rgb_array";

    public bool CanRender => Draws || ObservedPicture.Shows(Spec);

    public Picture Render(int index) => Render(index, ended: false);

    /// <summary>As <see cref="Render(int)"/>, or of the last moment of the episode that ended in the last
    /// step.</summary>
    public Picture Render(int index, bool ended)
    {
        if (!CanRender)
            throw new NotSupportedException($"{Spec.Id} draws pictures when made with ?render_mode=rgb_array.");
        if (!Draws) return ObservedPicture.Of(Spec, (ended ? FinalObservations : Observations).ByteRow(index));
        Picture? picture = null;
        _python.Run("render", () => picture = _vector.Render(index, ended));
        return picture!;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        try
        {
            Observations?.ReadFrom(null);
            if (_vector is not null) _python.Run("close", _vector.Close);
        }
        catch (EnvironmentException) when (PythonHost.Hung) { } // nothing of Python's can be given back any more
        finally
        {
            _python.Dispose();
        }
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RlLeap.Environments.Classic;

/// <summary>N copies of a problem in one array. A step allocates nothing.</summary>
internal sealed class ClassicVector<TSystem> : IVectorEnvironment where TSystem : unmanaged, IClassicSystem<TSystem>
{
    private struct Copy
    {
        public TSystem System;
        public double Return;
        public int Length;
    }

    private readonly Copy[] _copies;
    private readonly Rng[] _random;
    private readonly float[] _actions, _observations;
    private readonly EpisodeRecord[] _ended;
    private readonly List<EpisodeRecord> _finished;
    private readonly int _limit, _row;
    private readonly WorkerPool _pool;
    private readonly Action<int, int> _work;
    private bool _started, _resetting;

    public ClassicVector(string id, Rng[] random, int limit, int threads)
    {
        (Spec, _random, _limit, Count) = (ClassicControl.Spec(id, TSystem.Info, limit), random, limit, random.Length);
        _copies = new Copy[Count];
        Observations = new ObservationBuffer(Spec.Observation, Count);
        FinalObservations = new ObservationBuffer(Spec.Observation, Count);
        (_observations, _row) = (Observations.Floats, Spec.Observation.Length);
        Rewards = new float[Count];
        StepTypes = new StepType[Count];
        _actions = new float[Count];
        _ended = new EpisodeRecord[Count];
        _finished = new List<EpisodeRecord>(Count);
        (_pool, _work) = (VectorEnvironmentChecks.StepThreads(Count, threads), Work);
    }

    public EnvironmentSpec Spec { get; }

    public int Count { get; }

    public ObservationBuffer Observations { get; }

    public ObservationBuffer FinalObservations { get; }

    public float[] Rewards { get; }

    public StepType[] StepTypes { get; }

    public IReadOnlyList<EpisodeRecord> Finished => _finished;

    public void Reset()
    {
        _resetting = true;
        _finished.Clear();
        _pool.RunSlices(Count, _work);
        _started = true;
    }

    public void Step(ReadOnlySpan<int> actions)
    {
        VectorEnvironmentChecks.CheckStep(Spec, Count, actions, _started);
        for (var i = 0; i < actions.Length; i++) _actions[i] = actions[i];
        Step();
    }

    public void Step(ReadOnlySpan<float> actions)
    {
        ActionNumbers.CheckStep(Spec, Count, actions, _started);
        actions.CopyTo(_actions);
        Step();
    }

    private void Step()
    {
        _resetting = false;
        _finished.Clear();
        _pool.RunSlices(Count, _work);
        VectorEnvironmentChecks.Collect(StepTypes, _ended, _finished);
    }

    private void Work(int start, int end)
    {
        if (_resetting)
            for (var i = start; i < end; i++)
            {
                Begin(i);
                (Rewards[i], StepTypes[i]) = (0, StepType.First);
                _copies[i].System.Observe(Row(i));
            }
        else StepSlice(start, end);
    }

    private void StepSlice(int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            ref var copy = ref _copies[i];
            var terminated = copy.System.Step(_actions[i], out var reward);
            copy.Return += (float)reward;
            copy.Length++;
            var type = terminated ? StepType.Terminated : copy.Length >= _limit ? StepType.Truncated : StepType.Mid;
            (Rewards[i], StepTypes[i]) = ((float)reward, type);
            if (type != StepType.Mid) Finish(i, type);
            copy.System.Observe(Row(i));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Finish(int i, StepType type)
    {
        ref var copy = ref _copies[i];
        copy.System.Observe(FinalObservations.FloatRow(i));
        _ended[i] = new EpisodeRecord(i, copy.Return, copy.Length, type);
        Begin(i);
    }

    private void Begin(int i)
    {
        ref var copy = ref _copies[i];
        copy.System.Reset(_random[i]);
        (copy.Return, copy.Length) = (0, 0);
    }

    private Span<float> Row(int i) => _observations.AsSpan(i * _row, _row);

    public bool CanSnapshot => true;

    private string SnapshotKind => $"{TSystem.Info.Name} x {Count}";

    public byte[] Snapshot() => ClassicControl.Snapshot(SnapshotKind, writer =>
    {
        writer.Write(MemoryMarshal.AsBytes(_copies.AsSpan()));
        foreach (var random in _random) writer.Write(random.SaveState());
        writer.Write(_started);
        VectorEnvironmentChecks.Save(writer, this);
    });

    public void Restore(ReadOnlySpan<byte> snapshot) =>
        ClassicControl.Restore(Spec, SnapshotKind, snapshot, reader =>
        {
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(_copies.AsSpan()));
            for (var i = 0; i < Count; i++) _random[i] = Rng.FromState(reader.ReadBytes(_random[i].SaveState().Length));
            _started = reader.ReadBoolean();
            VectorEnvironmentChecks.Load(reader, this);
            _finished.Clear();
        });

    public bool CanRender => true;

    public Picture Render(int index) => ClassicControl.Picture(ref _copies[index].System);

    public void Dispose() => _pool.Dispose();
}

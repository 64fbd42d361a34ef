using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RlLeap.Environments.Classic;

/// <summary>N copies of a problem in one array.</summary>
internal sealed class ClassicVector<TSystem> : SlicedVector, IVectorEnvironment
    where TSystem : unmanaged, IClassicSystem<TSystem>
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
    private readonly int _limit, _row;

    public ClassicVector(string id, Rng[] random, int limit, int threads)
        : base(ClassicControl.Spec(id, TSystem.Info, limit), random.Length, threads)
    {
        (_random, _limit) = (random, limit);
        _copies = new Copy[Count];
        (_observations, _row) = (Observations.Floats, Spec.Observation.Length);
        _actions = new float[Count];
    }

    public override void Step(ReadOnlySpan<int> actions)
    {
        VectorEnvironmentChecks.CheckStep(Spec, Count, actions, Started);
        for (var i = 0; i < actions.Length; i++) _actions[i] = actions[i];
        StepAll();
    }

    public void Step(ReadOnlySpan<float> actions)
    {
        ActionNumbers.CheckStep(Spec, Count, actions, Started);
        actions.CopyTo(_actions);
        StepAll();
    }

    protected override void ResetSlice(int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            Begin(i);
            (Rewards[i], StepTypes[i]) = (0, StepType.First);
            _copies[i].System.Observe(Row(i));
        }
    }

    protected override void StepSlice(int start, int end)
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
        Ended[i] = new EpisodeRecord(i, copy.Return, copy.Length, type);
        Begin(i);
    }

    private void Begin(int i)
    {
        ref var copy = ref _copies[i];
        copy.System.Reset(_random[i]);
        (copy.Return, copy.Length) = (0, 0);
    }

    private Span<float> Row(int i) => _observations.AsSpan(i * _row, _row);

    protected override string Kind => $"{TSystem.Info.Name} x {Count}";

    protected override OldState Old => OldState.Named;

    protected override void SaveCopies(BinaryWriter writer)
    {
        writer.Write(MemoryMarshal.AsBytes(_copies.AsSpan()));
        foreach (var random in _random) writer.Write(random.SaveState());
    }

    protected override void LoadCopies(BinaryReader reader)
    {
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(_copies.AsSpan()));
        for (var i = 0; i < Count; i++) _random[i] = Rng.FromState(reader.ReadBytes(_random[i].SaveState().Length));
    }

    public override Picture Render(int index) => ClassicControl.Picture(ref _copies[index].System);
}

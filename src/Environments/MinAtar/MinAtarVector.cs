using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>N MinAtar games in contiguous memory: a step allocates nothing and writes each observation straight into its row.</summary>
internal sealed class MinAtarVector<TGame> : IVectorEnvironment where TGame : unmanaged, IGame<TGame>
{
    private readonly MinAtarOptions _options;
    private readonly GameInstance<TGame>[] _slots;
    private readonly int[] _actionMap;
    private readonly int[] _actions;
    private readonly EpisodeRecord[] _ended;
    private readonly List<EpisodeRecord> _finished;
    private readonly WorkerPool _pool;
    private readonly Action<int, int> _work;
    private bool _started;
    private bool _resetting;

    public MinAtarVector(string id, ReadOnlySpan<uint> seeds, MinAtarOptions options, int threads)
    {
        (_options, Spec, _actionMap) = (options, MinAtarSuite.Spec(id, TGame.Facts, options), MinAtarSuite.ActionsOf(TGame.Facts, options));
        Count = seeds.Length;
        _slots = new GameInstance<TGame>[Count];
        for (var i = 0; i < Count; i++) _slots[i].Random.Seed(seeds[i]);
        Observations = new ObservationBuffer(Spec.Observation, Count);
        FinalObservations = new ObservationBuffer(Spec.Observation, Count);
        Rewards = new float[Count];
        Moments = new StepType[Count];
        _actions = new int[Count];
        _ended = new EpisodeRecord[Count];
        _finished = new List<EpisodeRecord>(Count);
        (_pool, _work) = (VectorEnvironmentChecks.StepThreads(Count, threads), Work);
    }

    public EnvironmentSpec Spec { get; }

    public int Count { get; }

    public ObservationBuffer Observations { get; }

    public ObservationBuffer FinalObservations { get; }

    public float[] Rewards { get; }

    public StepType[] Moments { get; }

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
        actions.CopyTo(_actions);
        _resetting = false;
        _finished.Clear();
        _pool.RunSlices(Count, _work);
        VectorEnvironmentChecks.Collect(Moments, _ended, _finished);
    }

    private void Work(int start, int end)
    {
        if (_resetting) ResetSlice(start, end);
        else StepSlice(start, end);
    }

    private void ResetSlice(int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            _slots[i].Reset();
            (Rewards[i], Moments[i]) = (0, StepType.First);
            Renderer.Draw(ref _slots[i].Game, Observations.ByteRow(i), _options.Rgb);
        }
    }

    private void StepSlice(int start, int end)
    {
        var (sticky, ramping, limit, rgb) = (_options.Sticky, _options.Ramping, _options.TimeLimit ?? int.MaxValue, _options.Rgb);
        for (var i = start; i < end; i++)
        {
            ref var slot = ref _slots[i];
            var reward = slot.Step(_actionMap[_actions[i]], sticky, ramping, limit, out var moment);
            (Rewards[i], Moments[i]) = (reward, moment);
            if (moment.IsLast()) Finish(i, moment);
            Renderer.Draw(ref slot.Game, Observations.ByteRow(i), rgb);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Finish(int i, StepType moment)
    {
        ref var slot = ref _slots[i];
        Renderer.Draw(ref slot.Game, FinalObservations.ByteRow(i), _options.Rgb);
        _ended[i] = new EpisodeRecord(i, slot.Return, slot.Length, moment);
        slot.Reset();
    }

    public bool CanSnapshot => true;

    private string What => $"{TGame.Facts.Name} x {Count}, {Spec.Observation}";

    public byte[] Snapshot() => GameSnapshot.Write<GameInstance<TGame>>(What, _slots, writer =>
    {
        writer.Write(_started);
        VectorEnvironmentChecks.Save(writer, this);
    });

    public void Restore(ReadOnlySpan<byte> snapshot) => GameSnapshot.Read(Spec, What, snapshot, _slots.AsSpan(), reader =>
    {
        _started = reader.ReadBoolean();
        VectorEnvironmentChecks.Load(reader, this);
        _finished.Clear();
    });

    public bool CanRender => true;

    public Picture Render(int index) => Renderer.Picture(ref _slots[index].Game);

    public void Dispose() => _pool.Dispose();
}

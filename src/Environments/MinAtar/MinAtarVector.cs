using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>
/// N MinAtar games in one array. A step allocates nothing and writes each observation directly into its row.
/// </summary>
internal sealed class MinAtarVector<TGame> : IVectorEnvironment where TGame : unmanaged, IGame<TGame>
{
    private readonly MinAtarOptions _options;
    private readonly GameInstance<TGame>[] _games;
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
        (_options, Spec) = (options, MinAtarSuite.Spec(id, TGame.Info, options));
        _actionMap = MinAtarSuite.ActionsOf(TGame.Info, options);
        Count = seeds.Length;
        _games = new GameInstance<TGame>[Count];
        for (var i = 0; i < Count; i++) _games[i].Random.Seed(seeds[i]);
        Observations = new ObservationBuffer(Spec.Observation, Count);
        FinalObservations = new ObservationBuffer(Spec.Observation, Count);
        Rewards = new float[Count];
        StepTypes = new StepType[Count];
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
        actions.CopyTo(_actions);
        _resetting = false;
        _finished.Clear();
        _pool.RunSlices(Count, _work);
        VectorEnvironmentChecks.Collect(StepTypes, _ended, _finished);
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
            _games[i].Reset();
            (Rewards[i], StepTypes[i]) = (0, StepType.First);
            Renderer.Draw(ref _games[i].Game, Observations.ByteRow(i), _options.Rgb);
        }
    }

    private void StepSlice(int start, int end)
    {
        var (sticky, ramping, rgb) = (_options.Sticky, _options.Ramping, _options.Rgb);
        var limit = _options.TimeLimit ?? int.MaxValue;
        for (var i = start; i < end; i++)
        {
            ref var game = ref _games[i];
            var reward = game.Step(_actionMap[_actions[i]], sticky, ramping, limit, out var type);
            (Rewards[i], StepTypes[i]) = (reward, type);
            if (type.IsLast()) Finish(i, type);
            Renderer.Draw(ref game.Game, Observations.ByteRow(i), rgb);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Finish(int i, StepType type)
    {
        ref var game = ref _games[i];
        Renderer.Draw(ref game.Game, FinalObservations.ByteRow(i), _options.Rgb);
        _ended[i] = new EpisodeRecord(i, game.Return, game.Length, type);
        game.Reset();
    }

    public bool CanSnapshot => true;

    // Identifies what a snapshot is of.
    private string SnapshotKind => $"{TGame.Info.Name} x {Count}, {Spec.Observation}";

    public byte[] Snapshot() => GameSnapshot.Write<GameInstance<TGame>>(SnapshotKind, _games, writer =>
    {
        writer.Write(_started);
        VectorEnvironmentChecks.Save(writer, this);
    });

    public void Restore(ReadOnlySpan<byte> snapshot) => GameSnapshot.Read(
        Spec, SnapshotKind, snapshot, _games.AsSpan(), reader =>
        {
            _started = reader.ReadBoolean();
            VectorEnvironmentChecks.Load(reader, this);
            _finished.Clear();
        });

    public bool CanRender => true;

    public Picture Render(int index) => Renderer.Picture(ref _games[index].Game);

    public void Dispose() => _pool.Dispose();
}

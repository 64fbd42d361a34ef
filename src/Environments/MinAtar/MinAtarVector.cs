using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>N MinAtar games in one array. A step writes each observation directly into its row.</summary>
internal sealed class MinAtarVector<TGame> : SlicedVector where TGame : unmanaged, IGame<TGame>
{
    private readonly MinAtarOptions _options;
    private readonly GameInstance<TGame>[] _games;
    private readonly int[] _actionMap;
    private readonly int[] _actions;

    public MinAtarVector(string id, ReadOnlySpan<uint> seeds, MinAtarOptions options, int threads)
        : base(MinAtarSuite.Spec(id, TGame.Info, options), seeds.Length, threads)
    {
        _options = options;
        _actionMap = MinAtarSuite.ActionsOf(TGame.Info, options);
        _games = new GameInstance<TGame>[Count];
        for (var i = 0; i < Count; i++) _games[i].Random.Seed(seeds[i]);
        _actions = new int[Count];
    }

    public override void Step(ReadOnlySpan<int> actions)
    {
        VectorEnvironmentChecks.CheckStep(Spec, Count, actions, Started);
        actions.CopyTo(_actions);
        StepAll();
    }

    protected override void ResetSlice(int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            _games[i].Reset();
            (Rewards[i], StepTypes[i]) = (0, StepType.First);
            Renderer.Draw(ref _games[i].Game, Observations.ByteRow(i), _options.Rgb);
        }
    }

    protected override void StepSlice(int start, int end)
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
        Ended[i] = new EpisodeRecord(i, game.Return, game.Length, type);
        game.Reset();
    }

    protected override string Kind => $"{TGame.Info.Name} x {Count}, {Spec.Observation}";

    protected override void SaveCopies(BinaryWriter writer) => writer.Write(MemoryMarshal.AsBytes(_games.AsSpan()));

    protected override void LoadCopies(BinaryReader reader) =>
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(_games.AsSpan()));

    public override Picture Render(int index) => Renderer.Picture(ref _games[index].Game);
}

using System.Runtime.InteropServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>One MinAtar game.</summary>
internal sealed class MinAtarEnvironment<TGame> : IEnvironment, IDrawsFromMt19937 where TGame : unmanaged, IGame<TGame>
{
    private readonly MinAtarOptions _options;
    private readonly int[] _actions;
    private GameInstance<TGame> _game;
    private bool _started, _running;

    public MinAtarEnvironment(string id, uint seed, MinAtarOptions options)
    {
        (_options, Spec) = (options, MinAtarSuite.Spec(id, TGame.Info, options));
        _actions = MinAtarSuite.ActionsOf(TGame.Info, options);
        _game.Random.Seed(seed);
    }

    public EnvironmentSpec Spec { get; }

    public Mt19937 Stream => _game.Random;

    public TimeStep Reset()
    {
        _game.Reset();
        _started = _running = true;
        return TimeStep.First(Observe());
    }

    public TimeStep Step(int action)
    {
        if (!_running)
            throw new EnvironmentException($"{Spec.Id}: Step was called " +
                $"{(_started ? "after the episode's end" : "before the first Reset")}. Call Reset first.");
        if ((uint)action >= (uint)_actions.Length)
            throw new EnvironmentException($"{Spec.Id}: {Describe.BadAction(action, Spec)}");
        var limit = _options.TimeLimit ?? int.MaxValue;
        var reward = _game.Step(_actions[action], _options.Sticky, _options.Ramping, limit, out var type);
        _running = !type.IsLast();
        return new TimeStep(type, reward, Observe());
    }

    private Observation Observe()
    {
        var observation = new byte[Spec.Observation.Length];
        Renderer.Draw(ref _game.Game, observation, _options.Rgb);
        return observation;
    }

    public bool CanSnapshot => true;

    public byte[] Snapshot() => SavedState.Write(TGame.Info.Name, writer =>
    {
        writer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<GameInstance<TGame>>(in _game)));
        writer.Write(_started);
        writer.Write(_running);
    });

    public void Restore(ReadOnlySpan<byte> snapshot) => SavedState.Read(Spec, TGame.Info.Name, snapshot, reader =>
    {
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(new Span<GameInstance<TGame>>(ref _game)));
        _started = reader.ReadBoolean();
        _running = reader.ReadBoolean();
    });

    public bool CanRender => true;

    public Picture Render() => Renderer.Picture(ref _game.Game);
}

namespace RlLeap.Environments.MinAtar;

/// <summary>One MinAtar game.</summary>
internal sealed class MinAtarEnvironment<TGame> : IEnvironment, IDrawsFromMt19937 where TGame : unmanaged, IGame<TGame>
{
    private readonly MinAtarOptions _options;
    private readonly int[] _actions;
    private GameInstance<TGame> _slot;
    private bool _started, _running;

    public MinAtarEnvironment(string id, uint seed, MinAtarOptions options)
    {
        (_options, Spec, _actions) = (options, MinAtarSuite.Spec(id, TGame.Facts, options), MinAtarSuite.ActionsOf(TGame.Facts, options));
        _slot.Random.Seed(seed);
    }

    public EnvironmentSpec Spec { get; }

    public Mt19937 Stream => _slot.Random;

    public TimeStep Reset()
    {
        _slot.Reset();
        _started = _running = true;
        return TimeStep.First(Observe());
    }

    public TimeStep Step(int action)
    {
        if (!_running) throw new EnvironmentException($"{Spec.Id}: Step was called {(_started ? "after the episode's end" : "before the first Reset")}. Call Reset first.");
        if ((uint)action >= (uint)_actions.Length) throw new EnvironmentException($"{Spec.Id}: {Describe.BadAction(action, Spec)}");
        var reward = _slot.Step(_actions[action], _options.Sticky, _options.Ramping, _options.TimeLimit ?? int.MaxValue, out var moment);
        _running = !moment.IsLast();
        return new TimeStep(moment, reward, Observe());
    }

    private Observation Observe()
    {
        var observation = new byte[Spec.Observation.Length];
        Renderer.Draw(ref _slot.Game, observation, _options.Rgb);
        return observation;
    }

    public bool CanSnapshot => true;

    public byte[] Snapshot() => GameSnapshot.Write(TGame.Facts.Name, new ReadOnlySpan<GameInstance<TGame>>(in _slot), writer =>
    {
        writer.Write(_started);
        writer.Write(_running);
    });

    public void Restore(ReadOnlySpan<byte> snapshot) => GameSnapshot.Read(Spec, TGame.Facts.Name, snapshot, new Span<GameInstance<TGame>>(ref _slot), reader =>
    {
        _started = reader.ReadBoolean();
        _running = reader.ReadBoolean();
    });

    public bool CanRender => true;

    public Picture Render() => Renderer.Picture(ref _slot.Game);
}

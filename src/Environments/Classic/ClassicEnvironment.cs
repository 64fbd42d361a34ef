using System.Runtime.InteropServices;

namespace RlLeap.Environments.Classic;

/// <summary>One problem of classic control.</summary>
internal sealed class ClassicEnvironment<TSystem> : IEnvironment where TSystem : unmanaged, IClassicSystem<TSystem>
{
    private readonly int _limit;
    private TSystem _system;
    private Rng _random;
    private int _length;
    private bool _started, _running;

    public ClassicEnvironment(string id, Rng random, int limit) =>
        (Spec, _random, _limit) = (ClassicControl.Spec(id, TSystem.Info, limit), random, limit);

    public EnvironmentSpec Spec { get; }

    public TimeStep Reset()
    {
        _system.Reset(_random);
        (_started, _running, _length) = (true, true, 0);
        return TimeStep.First(Observe());
    }

    public TimeStep Step(int action) => Step([action]);

    public TimeStep Step(ReadOnlySpan<float> action)
    {
        if (!_running)
            throw new EnvironmentException($"{Spec.Id}: Step was called " +
                $"{(_started ? "after the episode's end" : "before the first Reset")}. Call Reset first.");
        if (action.Length != 1)
            throw new EnvironmentException($"{Spec.Id}: an action is 1 number; it was given {action.Length}.");
        if (ActionNumbers.Wrong(Spec, action) is { } wrong) throw new EnvironmentException($"{Spec.Id}: {wrong}");
        var terminated = _system.Step(action[0], out var reward);
        var type = terminated ? StepType.Terminated : ++_length >= _limit ? StepType.Truncated : StepType.Mid;
        _running = !type.IsLast();
        return new TimeStep(type, (float)reward, Observe());
    }

    private Observation Observe()
    {
        var observation = new float[Spec.Observation.Length];
        _system.Observe(observation);
        return observation;
    }

    public bool CanSnapshot => true;

    public byte[] Snapshot() => SavedState.Write(TSystem.Info.Name, writer =>
    {
        writer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<TSystem>(in _system)));
        writer.Write(_random.SaveState());
        writer.Write(_length);
        writer.Write(_started);
        writer.Write(_running);
    });

    public void Restore(ReadOnlySpan<byte> snapshot) =>
        SavedState.Read(Spec, TSystem.Info.Name, snapshot, reader =>
        {
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(new Span<TSystem>(ref _system)));
            _random = Rng.FromState(reader.ReadBytes(_random.SaveState().Length));
            _length = reader.ReadInt32();
            _started = reader.ReadBoolean();
            _running = reader.ReadBoolean();
        }, OldState.Named);

    public bool CanRender => true;

    public Picture Render() => ClassicControl.Picture(ref _system);
}

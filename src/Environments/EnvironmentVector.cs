using System.Runtime.InteropServices;

namespace RlLeap.Environments;

/// <summary>N single environments as one vector. Agents use any <see cref="IEnvironment"/> through it.</summary>
/// <remarks>
/// With several threads, copies are stepped at the same time. Then they must not share mutable state, such as statics.
/// </remarks>
public sealed class EnvironmentVector : IVectorEnvironment
{
    private readonly CheckedEnvironment[] _environments;
    private readonly double[] _returns;
    private readonly EpisodeRecord[] _ended;
    private readonly EnvironmentException?[] _errors;
    private readonly List<EpisodeRecord> _finished = [];
    private readonly float[] _actions;
    private readonly int _actionLength;
    private readonly WorkerPool _pool;
    private readonly Action<int, int> _work;
    private bool _started;
    private bool _resetting;
    private string? _failure;

    /// <param name="count">N, the number of copies.</param>
    /// <param name="make">Makes copy i.</param>
    /// <param name="threads">How many threads step the copies, including the caller's.</param>
    public EnvironmentVector(int count, Func<int, IEnvironment> make, int threads = 1)
    {
        _environments = new CheckedEnvironment[count];
        try
        {
            for (var i = 0; i < count; i++) _environments[i] = new CheckedEnvironment(make(i), $"copy {i} of {count}");
        }
        catch
        {
            foreach (var made in _environments) made?.Dispose();
            throw;
        }
        Spec = _environments[0].Spec;
        Observations = new ObservationBuffer(Spec.Observation, count);
        FinalObservations = new ObservationBuffer(Spec.Observation, count);
        Rewards = new float[count];
        RawRewards = new float[count];
        StepTypes = new StepType[count];
        _returns = new double[count];
        _ended = new EpisodeRecord[count];
        _errors = new EnvironmentException?[count];
        _actionLength = Spec.Action.Length;
        _actions = new float[count * _actionLength];
        (_pool, _work) = (VectorEnvironmentChecks.StepThreads(count, threads), Work);
    }

    public EnvironmentSpec Spec { get; }
    public int Count => _environments.Length;
    public ObservationBuffer Observations { get; }
    public ObservationBuffer FinalObservations { get; }
    public float[] Rewards { get; }
    public float[] RawRewards { get; }
    public StepType[] StepTypes { get; }
    public IReadOnlyList<EpisodeRecord> Finished => _finished;

    public void Reset()
    {
        _resetting = true;
        Run();
        _started = true;
    }

    public void Step(ReadOnlySpan<int> actions)
    {
        VectorEnvironmentChecks.CheckStep(Spec, Count, actions, _started, _failure);
        for (var i = 0; i < actions.Length; i++) _actions[i] = actions[i];
        _resetting = false;
        Run();
    }

    public void Step(ReadOnlySpan<float> actions)
    {
        ActionNumbers.CheckStep(Spec, Count, actions, _started, _failure);
        actions.CopyTo(_actions);
        _resetting = false;
        Run();
    }

    private void Run()
    {
        _finished.Clear();
        _failure = null;
        _pool.RunSlices(Count, _work);
        VectorEnvironmentChecks.Collect(StepTypes, _ended, _finished);
        var failed = _errors.FirstOrDefault(error => error is not null);
        if (failed is null) return;
        _failure = failed.Message;
        throw failed;
    }

    private void Work(int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            _errors[i] = null;
            try
            {
                if (_resetting) ResetOne(i);
                else StepOne(i);
            }
            catch (EnvironmentException e)
            {
                // The other copies continue, and this row keeps its last observation.
                (Rewards[i], RawRewards[i], StepTypes[i], _errors[i]) = (0, 0, StepType.Mid, e);
            }
        }
    }

    private void ResetOne(int i)
    {
        Observations.Set(i, _environments[i].Reset().Observation);
        (_returns[i], Rewards[i], RawRewards[i], StepTypes[i]) = (0, 0, 0, StepType.First);
    }

    private void StepOne(int i)
    {
        var step = Spec.Action is Discrete ? _environments[i].Step((int)_actions[i])
            : _environments[i].Step(_actions.AsSpan(i * _actionLength, _actionLength));
        _returns[i] += step.RawReward;
        if (step.IsLast)
        {
            FinalObservations.Set(i, step.Observation);
            _ended[i] = new EpisodeRecord(i, _returns[i], _environments[i].StepsTaken, step.StepType);
            _returns[i] = 0;
            Observations.Set(i, _environments[i].Reset().Observation);
        }
        else Observations.Set(i, step.Observation);
        (Rewards[i], RawRewards[i], StepTypes[i]) = (step.Reward, step.RawReward, step.StepType);
    }

    private const string Kind = "environments";

    public bool CanSnapshot => _environments[0].CanSnapshot;

    public byte[] Snapshot() => SavedState.Write(Kind, writer =>
    {
        writer.Write(Count);
        writer.Write(_started);
        foreach (var environment in _environments) writer.WriteBytes(environment.Snapshot());
        writer.Write(MemoryMarshal.AsBytes(_returns.AsSpan()));
        VectorEnvironmentChecks.Save(writer, this);
    });

    public void Restore(ReadOnlySpan<byte> snapshot) => SavedState.Read(Spec, Kind, snapshot, reader =>
    {
        if (reader.ReadInt32() is var count && count != Count)
            throw new EnvironmentException(
                $"{Spec.Id}: the saved state is of {count} copies, not of {Count}, or it is damaged.");
        _started = reader.ReadBoolean();
        foreach (var environment in _environments) environment.Restore(reader.ReadCountedBytes());
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(_returns.AsSpan()));
        VectorEnvironmentChecks.Load(reader, this);
        _finished.Clear();
        _failure = null;
    }, OldState.Values);

    public bool CanRender => _environments[0].CanRender || ObservedPicture.Shows(Spec);

    public Picture Render(int index) => _environments[index].CanRender || !CanRender
        ? _environments[index].Render()
        : ObservedPicture.Of(Spec, Observations.ByteRow(index));

    public void Dispose()
    {
        _pool.Dispose();
        foreach (var environment in _environments) environment.Dispose();
    }
}

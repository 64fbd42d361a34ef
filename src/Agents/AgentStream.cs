namespace RlLeap.Agents;

/// <summary>An agent at work: a stream of losses whose batches say which episodes ended in them.</summary>
public interface IAgentStream : ITaskStream
{
    /// <summary>Means over the last episodes of all batches so far, and how many there were.</summary>
    EpisodeWindow Episodes { get; }

    /// <summary>The observations so far that were outside their space.</summary>
    OutOfSpaceCounter OutOfSpace { get; }

    /// <summary>Batches that the rollout of the last one still has; 0 if the next batch acts.</summary>
    int BatchesLeft => 0;
}

/// <summary>What every agent's stream has: an actor in its environments, episodes, and a state that is saved.</summary>
internal abstract class AgentStream : IAgentStream
{
    /// <summary>Bytes of a saved <see cref="Rng"/>.</summary>
    protected const int RngBytes = 64;

    private readonly Rng _rng;
    private readonly Func<Rng, IVectorEnvironment> _open;
    private readonly RunningMoments? _moments;
    private Actor? _actor;
    private int _generation;
    private long _agentSteps;

    protected AgentStream(ActorCriticTask task, Rng rng, Device device, Func<Rng, IVectorEnvironment> open)
    {
        (Task, _rng, Device, _open) = (task, rng, device, open);
        OutOfSpace = new OutOfSpaceCounter(task.Spec.Observation);
        if (task.Options.NormalizeObservations) _moments = new RunningMoments(task.Spec.Observation.Length);
    }

    /// <summary>What is learned.</summary>
    protected ActorCriticTask Task { get; }

    /// <summary>Where batches lie.</summary>
    protected Device Device { get; }

    public EpisodeWindow Episodes { get; } = new();
    public OutOfSpaceCounter OutOfSpace { get; }
    public virtual int BatchesLeft => 0;
    public abstract IBatch NextBatch(Model model, Split split = Split.Train);
    public abstract Tensor Loss(Model model, IBatch batch);

    /// <summary>The next rollout of <paramref name="model"/>; its episodes are taken in.</summary>
    protected Rollout Collect(Model model)
    {
        // Between two rollouts: within one, and in all losses of it, the statistics are the same.
        if (_moments is { Count: > 0 }) NormalizedNetwork.Set(model, _moments);
        var rollout = Acting.Run(model);
        if (_moments is not null) AddTo(_moments, rollout);
        Episodes.Add(rollout.Episodes);
        OutOfSpace.See(rollout, _agentSteps);
        _agentSteps += rollout.Count;
        return rollout;
    }

    /// <summary>Nothing: an agent is seen in its <see cref="Episodes"/>, or by <see cref="Evaluation"/>.</summary>
    public IReadOnlyDictionary<string, double> Score(Model model, Split split) => new Dictionary<string, double>();

    public bool CanSave => Acting.Environment.CanSnapshot;

    /// <summary>Environments where they can be saved, the stream of actions, and the window of episodes.</summary>
    public byte[] Save()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(_generation);
        writer.Write(_agentSteps);
        writer.Write(Acting.SaveState());
        Episodes.Save(writer);
        var environments = Acting.Environment.CanSnapshot ? Acting.Environment.Snapshot() : [];
        writer.Write(environments.Length);
        writer.Write(environments);
        _moments?.Save(writer);
        Acting.SaveMore(writer);
        SaveMore(writer);
        OutOfSpace.Save(writer);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Goes on where it was saved; environments that cannot be saved start other, fresh episodes.</summary>
    public void Restore(ReadOnlySpan<byte> state)
    {
        using var reader = new BinaryReader(new MemoryStream(state.ToArray()));
        var generation = reader.ReadInt32();
        _agentSteps = reader.ReadInt64();
        var actions = reader.ReadBytes(RngBytes);
        Episodes.Restore(reader);
        var environments = reader.ReadBytes(reader.ReadInt32());
        if (environments.Length > 0) Acting.Environment.Restore(environments);
        else
        {
            Close();
            _generation = generation + 1;
        }
        _moments?.Restore(reader);
        Acting.RestoreState(actions);
        Acting.RestoreMore(reader);
        RestoreMore(reader);
        if (reader.BaseStream.Position < reader.BaseStream.Length) OutOfSpace.Restore(reader); // older ones lack it
    }

    /// <summary>Writes what only this kind of stream has to save.</summary>
    protected virtual void SaveMore(BinaryWriter writer) { }

    /// <summary>Reads what <see cref="SaveMore"/> wrote.</summary>
    protected virtual void RestoreMore(BinaryReader reader) { }

    public virtual void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    // Opened when first needed: a learner that is about to be restored need not start an emulator twice.
    private Actor Acting
    {
        get
        {
            if (_actor is not null) return _actor;
            _open(_rng.Split("environments", _generation)).DisposeOnError(environment =>
            {
                if (environment.Count != Task.Options.Environments)
                    throw new RlLeapException($"{Task.Info.Id}: {environment.Count} environments were opened, "
                        + $"but the options say {Task.Options.Environments}.");
                environment.Reset();
                _actor = new Actor(environment, Task.Options, _rng.Split("actions", _generation), Device);
            });
            return _actor!;
        }
    }

    private void Close()
    {
        if (_actor is null) return;
        _actor.Environment.Dispose();
        _actor.Dispose();
        _actor = null;
    }

    private static void AddTo(RunningMoments moments, Rollout rollout)
    {
        var (observations, count) = (rollout.Observations, (int)rollout.Count * rollout.Observations.RowLength);
        if (observations.Element == ElementType.Float32) moments.Add(observations.Floats.AsSpan(0, count));
        else moments.Add(observations.Bytes.AsSpan(0, count));
    }

    /// <summary>A scalar's value.</summary>
    protected static double Scalar(Tensor value)
    {
        using var scope = NewDisposeScope();
        return value.detach().to_type(ScalarType.Float64).item<double>();
    }
}

/// <summary>An actor-critic at work in its environments: every batch is a rollout.</summary>
internal sealed class ActorCriticStream(ActorCriticTask task, Rng rng, Device device,
    Func<Rng, IVectorEnvironment> open) : AgentStream(task, rng, device, open)
{
    /// <summary>The next rollout of <paramref name="model"/>.</summary>
    public override IBatch NextBatch(Model model, Split split = Split.Train) => Collect(model);

    public override Tensor Loss(Model model, IBatch batch)
    {
        var rollout = (Rollout)batch;
        var loss = ActorCritic.Loss(model, rollout, Task.Options, Task.Distribution);
        rollout.Note("policy_loss", Scalar(loss.Policy));
        rollout.Note("value_loss", Scalar(loss.Value));
        rollout.Note("entropy", Scalar(loss.Entropy));
        rollout.Note("explained_variance", loss.ExplainedVariance);
        return loss.Total;
    }
}

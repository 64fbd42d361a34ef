namespace RlLeap.Environments;

/// <summary>What vectors whose copies lie in one array share: the buffers that agents read, and threads of which each
/// steps a slice of the copies. A step allocates nothing.</summary>
internal abstract class SlicedVector : IVectorEnvironment
{
    private readonly List<EpisodeRecord> _finished;
    private readonly WorkerPool _pool;
    private readonly Action<int, int> _reset, _step;

    protected SlicedVector(EnvironmentSpec spec, int count, int threads)
    {
        (Spec, Count) = (spec, count);
        Observations = new ObservationBuffer(spec.Observation, count);
        FinalObservations = new ObservationBuffer(spec.Observation, count);
        Rewards = new float[count];
        StepTypes = new StepType[count];
        Ended = new EpisodeRecord[count];
        _finished = new List<EpisodeRecord>(count);
        (_pool, _reset, _step) = (VectorEnvironmentChecks.StepThreads(count, threads), ResetSlice, StepSlice);
    }

    public EnvironmentSpec Spec { get; }

    public int Count { get; }

    public ObservationBuffer Observations { get; }

    public ObservationBuffer FinalObservations { get; }

    public float[] Rewards { get; }

    public StepType[] StepTypes { get; }

    public IReadOnlyList<EpisodeRecord> Finished => _finished;

    public bool CanSnapshot => true;

    public bool CanRender => true;

    /// <summary>Whether there was a reset.</summary>
    protected bool Started { get; private set; }

    /// <summary>[N]: the episode that ended in a copy; it counts where the step type is a last one.</summary>
    protected EpisodeRecord[] Ended { get; }

    public void Reset()
    {
        _finished.Clear();
        _pool.RunSlices(Count, _reset);
        Started = true;
    }

    public abstract void Step(ReadOnlySpan<int> actions);

    public byte[] Snapshot() => SavedState.Write(Kind, writer =>
    {
        SaveCopies(writer);
        writer.Write(Started);
        VectorEnvironmentChecks.Save(writer, this);
    });

    public void Restore(ReadOnlySpan<byte> snapshot) => SavedState.Read(Spec, Kind, snapshot, reader =>
    {
        LoadCopies(reader);
        Started = reader.ReadBoolean();
        VectorEnvironmentChecks.Load(reader, this);
        _finished.Clear();
    }, Old);

    public abstract Picture Render(int index);

    public void Dispose() => _pool.Dispose();

    /// <summary>Steps all copies, whose actions have been stored, and lists the episodes that ended.</summary>
    protected void StepAll()
    {
        _finished.Clear();
        _pool.RunSlices(Count, _step);
        VectorEnvironmentChecks.Collect(StepTypes, Ended, _finished);
    }

    /// <summary>Begins an episode in each copy of a slice.</summary>
    protected abstract void ResetSlice(int start, int end);

    /// <summary>Steps each copy of a slice, and begins anew where an episode ends.</summary>
    protected abstract void StepSlice(int start, int end);

    /// <summary>What a snapshot is of.</summary>
    protected abstract string Kind { get; }

    /// <summary>What version 0.1 saved.</summary>
    protected virtual OldState Old => OldState.None;

    /// <summary>Writes all copies.</summary>
    protected abstract void SaveCopies(BinaryWriter writer);

    /// <summary>Reads what <see cref="SaveCopies"/> wrote.</summary>
    protected abstract void LoadCopies(BinaryReader reader);
}

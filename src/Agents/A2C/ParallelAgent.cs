namespace RlLeap.Agents;

/// <summary>An agent split over threads: each acts in its environments and differentiates its loss.</summary>
/// <remarks>
/// <para>The algorithm is that of one worker: the loss is the mean (or sum) over all environments, its gradient the
/// mean (or sum) of the parts', added in their order, one update for all. Streams of random numbers belong to parts, so
/// results depend on how many workers there are, and on nothing else. Advantages, where they are normalized, are so
/// within each part.</para>
/// <para>Workers meet twice in a step, so one's emulation overlaps with another's passes: cores are used better than by
/// passes that are spread over threads.</para>
/// <para><see cref="Loss"/> computes the parts' gradients together with their losses (<see cref="GradientReplicas"/>),
/// so it is refused for a model at other parameters than its own (MAML).</para>
/// </remarks>
internal sealed class ParallelAgentStream : IAgentStream
{
    private readonly ActorCriticStream[] _parts;
    private readonly ActorCriticOptions _options;
    private readonly Box _space;
    private readonly WorkerPool _pool;
    private readonly GradientReplicas _replicas;

    public ParallelAgentStream(ActorCriticTask task, int workers, Rng rng, Device device,
        Func<ActorCriticTask, Rng, IVectorEnvironment> open)
    {
        (_options, _space) = (task.Options, task.Spec.Observation);
        var part = new ActorCriticTask(task.Spec, task.Options with
        { Environments = task.Options.Environments / workers }, _ => throw new InvalidOperationException());
        _parts = [.. Enumerable.Range(0, workers)
            .Select(k => new ActorCriticStream(part, rng.Split("worker", k), device, r => open(part, r)))];
        _pool = new WorkerPool(workers, "agent");
        _replicas = new GradientReplicas(workers, _pool);
    }

    public EpisodeWindow Episodes { get; } = new();

    public OutOfSpaceCounter OutOfSpace
    {
        get
        {
            var all = new OutOfSpaceCounter(_space);
            foreach (var part in _parts) all.Add(part.OutOfSpace);
            return all;
        }
    }

    public IBatch NextBatch(Model model, Split split = Split.Train)
    {
        _replicas.Follow(model);
        var rollouts = new Rollout[_parts.Length];
        try { _pool.Run(_parts.Length, k => rollouts[k] = (Rollout)_parts[k].NextBatch(_replicas.Models[k], split)); }
        catch
        {
            foreach (var rollout in rollouts) rollout?.Dispose();
            throw;
        }
        var batch = new Parts(rollouts);
        Episodes.Add(batch.Episodes);
        return batch;
    }

    public Tensor Loss(Model model, IBatch batch)
    {
        _replicas.Follow(model);
        var parts = (Parts)batch;
        var weight = _options.Reduction == LossReduction.Mean ? 1.0 / _parts.Length : 1.0;
        using Scalar factor = weight;
        var sum = _replicas.Sum((k, replica) =>
        {
            var loss = _parts[k].Loss(replica, parts.Rollouts[k]);
            return weight == 1 ? loss : loss * factor;
        });
        parts.Summarize(_options.Reduction);
        return sum;
    }

    public IReadOnlyDictionary<string, double> Score(Model model, Split split) => new Dictionary<string, double>();

    public bool CanSave => _parts.All(part => part.CanSave);

    public byte[] Save()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        Episodes.Save(writer);
        foreach (var part in _parts)
        {
            var state = part.Save();
            writer.Write(state.Length);
            writer.Write(state);
        }
        writer.Flush();
        return stream.ToArray();
    }

    public void Restore(ReadOnlySpan<byte> state)
    {
        using var reader = new BinaryReader(new MemoryStream(state.ToArray()));
        Episodes.Restore(reader);
        foreach (var part in _parts) part.Restore(reader.ReadBytes(reader.ReadInt32()));
    }

    public void Dispose()
    {
        foreach (var part in _parts) part.Dispose();
        _replicas.Dispose();
        _pool.Dispose();
    }

    // The rollouts of all parts as one batch.
    private sealed class Parts(Rollout[] rollouts) : IBatch
    {
        private readonly Dictionary<string, double> _metrics = [];

        public Rollout[] Rollouts => rollouts;

        public long Count => rollouts.Sum(rollout => rollout.Count);

        public IReadOnlyDictionary<string, double> Metrics => _metrics;

        // A part counts its own steps; all parts step together. In the order of ends, then of parts.
        public IReadOnlyList<FinishedEpisode> Episodes { get; } = [.. rollouts.SelectMany(rollout => rollout.Episodes)
            .Select(episode => episode with { AgentStep = episode.AgentStep * rollouts.Length })
            .OrderBy(episode => episode.AgentStep)];

        public Tensor? Inputs => rollouts[0].Inputs; // the first worker's stand for all

        public void Summarize(LossReduction reduction)
        {
            foreach (var name in new[] { "policy_loss", "value_loss", "entropy" })
                _metrics[name] = rollouts.Sum(rollout => rollout.Metrics[name]) / (reduction == LossReduction.Mean
                    ? rollouts.Length : 1);
            _metrics["explained_variance"] = rollouts.Average(rollout => rollout.Metrics["explained_variance"]);
        }

        public void Dispose()
        {
            foreach (var rollout in rollouts) rollout.Dispose();
        }
    }
}

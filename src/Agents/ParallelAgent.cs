// One agent on several cores: its environments in parts, each on a thread of its own.
using RlLeap.Environments;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.Agents;

/// <summary>An agent whose environments are split over threads ("workers"): each acts in its part with the same model and differentiates its part's loss.</summary>
/// <remarks>
/// <para>The same algorithm as one worker's: the loss is the mean (or sum) over all environments, the gradient the mean (or sum) of the parts', added in
/// their order, one update for all. Streams of random numbers belong to parts, so that results depend on how many workers there are, and on nothing else.
/// Advantages, where they are normalized, are so within each part.</para>
/// <para>A worker acts and differentiates on its core without meeting the others: cores are used better than by passes that are spread over threads, since
/// one's emulation overlaps with the other's passes. Who is done first (episodes that end cost an emulator many steps) takes pieces of the others' backward passes.</para>
/// <para>The gradient is made with the loss and handed over by <see cref="Backward"/>: the loss carries no graph, so that methods that differentiate
/// through training (MAML) cannot use it.</para>
/// </remarks>
internal sealed class ParallelAgentStream : IAgentStream
{
    private readonly ActorCriticStream[] _parts;
    private readonly ActorCriticOptions _options;
    private readonly Threads _team;
    private readonly Pieces _pieces;
    private readonly List<(long AgentStep, EpisodeRecord Episode)> _finished = [];
    private ParameterVector? _of; // whose replicas these are
    private ParameterVector[] _replicas = [];
    private readonly double[] _losses;
    private Model[] _models = [];

    public ParallelAgentStream(ActorCriticTask task, int workers, Rng rng, Device device, Func<ActorCriticTask, Rng, IVectorEnvironment> open)
    {
        _options = task.Options;
        var part = new ActorCriticTask(task.Spec, task.Options with { Environments = task.Options.Environments / workers }, _ => throw new InvalidOperationException());
        _parts = [.. Enumerable.Range(0, workers).Select(k => new ActorCriticStream(part, rng.Split("worker", k), device, r => open(part, r)))];
        (_team, _pieces, _losses) = (new Threads(workers), new Pieces(workers), new double[workers]);
        if (device.type == DeviceType.CPU) Team = _team;
    }

    public ITeam? Team { get; }

    public EpisodeWindow Episodes { get; } = new();

    public IReadOnlyList<(long AgentStep, EpisodeRecord Episode)> Finished => _finished;

    public IBatch Draw(Model model, Split split)
    {
        var draws = new Rollout[_parts.Length];
        _team.Run(k => draws[k] = (Rollout)_parts[k].Draw(model, split));
        return Collected(draws);
    }

    public Tensor Loss(Model model, IBatch draw)
    {
        var parts = (Parts)draw;
        Differentiate(model, (k, own) => _parts[k].Loss(own, parts.Rollouts[k]));
        return Total(parts);
    }

    // One meeting less than Draw and then Loss.
    public (IBatch Draw, Tensor Loss) Next(Model model)
    {
        var draws = new Rollout[_parts.Length];
        Differentiate(model, (k, own) =>
        {
            var (draw, loss) = _parts[k].Next(own);
            draws[k] = (Rollout)draw;
            return loss;
        });
        var parts = Collected(draws);
        return (parts, Total(parts));
    }

    public void Backward(Model model, Tensor loss)
    {
        var weight = _options.Reduction == LossReduction.Mean ? 1.0 / _parts.Length : 1.0;
        model.Parameters.ClipFactor = 1;
        FusedOptimizers.Sum(model.Parameters.Gradient!, [.. _replicas.Select(replica => replica.Gradient!)], weight, _team);
    }

    // Every worker: its loss, at a replica of the model's parameters, and its part of the backward passes, then what is left of others'.
    private void Differentiate(Model model, Func<int, Model, Tensor> loss)
    {
        Replicate(model);
        _pieces.Expect();
        _team.Run(k =>
        {
            try
            {
                _parts[k].Run(() =>
                {
                    using var scope = NewDisposeScope();
                    var own = loss(k, _models[k]);
                    _losses[k] = own.detach().to_type(ScalarType.Float64).item<double>();
                    _pieces.Offer(k, _parts[k].BackwardInPieces(_models[k], own));
                    _pieces.Work();
                });
            }
            finally { _pieces.Offer(k, []); } // where it failed nobody waits for it
        });
    }

    private Tensor Total(Parts parts)
    {
        parts.Summarize(_options.Reduction);
        return tensor(_options.Reduction == LossReduction.Mean ? _losses.Average() : _losses.Sum());
    }

    // A part counts its own steps; all parts step together. Episodes in the order of their ends, then of copies.
    private Parts Collected(Rollout[] draws)
    {
        _finished.Clear();
        _finished.AddRange(_parts.SelectMany((part, k) => part.Finished.Select(f =>
            (f.AgentStep * _parts.Length, f.Episode with { Index = k * draws[k].Environments + f.Episode.Index }))).OrderBy(f => f.Item1));
        foreach (var (_, episode) in _finished) Episodes.Add(episode);
        return new Parts(draws);
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
        foreach (var replica in _replicas) replica.Dispose();
        _team.Dispose();
    }

    private void Replicate(Model model)
    {
        if (ReferenceEquals(_of, model.Parameters)) return;
        if (model.Buffers.Layout.Entries.Count > 0)
            throw new RlLeapException($"{model.Network.Name} has buffers ({model.Buffers.Layout.Entries[0].Name}), which {_parts.Length} workers would change at the same time. Use one worker (--set workers=1), or a network without.");
        foreach (var replica in _replicas) replica.Dispose();
        _of = model.Parameters;
        _replicas = [.. _parts.Select(_ => model.Parameters.Replica())];
        _models = [.. _replicas.Select(model.At)];
    }

    // The rollouts of all parts as one draw.
    private sealed class Parts(Rollout[] rollouts) : IBatch
    {
        private readonly Dictionary<string, double> _metrics = [];

        public Rollout[] Rollouts => rollouts;

        public long Count => rollouts.Sum(rollout => rollout.Count);

        public IReadOnlyDictionary<string, double> Metrics => _metrics;

        public Tensor? Inputs => rollouts[0].Inputs; // the first worker's stand for all

        public void Summarize(LossReduction reduction)
        {
            foreach (var name in new[] { "policy_loss", "value_loss", "entropy" })
                _metrics[name] = rollouts.Sum(rollout => rollout.Metrics[name]) / (reduction == LossReduction.Mean ? rollouts.Length : 1);
            _metrics["explained_variance"] = rollouts.Average(rollout => rollout.Metrics["explained_variance"]);
            var episodes = _metrics["episodes"] = rollouts.Sum(rollout => rollout.Metrics["episodes"]);
            if (episodes == 0) return;
            foreach (var name in new[] { "return", "length" })
                _metrics[name] = rollouts.Sum(rollout => rollout.Metrics.GetValueOrDefault(name) * rollout.Metrics["episodes"]) / episodes;
        }

        public void Dispose()
        {
            foreach (var rollout in rollouts) rollout.Dispose();
        }
    }
}

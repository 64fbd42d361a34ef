// One agent on several cores: its environments in parts, each on a thread of its own.
using RlLeap.Environments;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.Agents;

/// <summary>
/// An agent whose environments are split over threads ("workers"): each acts in its part and differentiates its part's
/// loss.
/// </summary>
/// <remarks>
/// <para>The algorithm is that of one worker: the loss is the mean (or sum) over all environments, its gradient the
/// mean (or sum) of the parts', added in their order, one update for all. Streams of random numbers belong to parts, so
/// results depend on how many workers there are, and on nothing else. Advantages, where they are normalized, are so
/// within each part.</para>
/// <para>Workers meet twice in a step, so one's emulation overlaps with another's passes: cores are used better than by
/// passes that are spread over threads.</para>
/// <para><see cref="Loss"/> computes the parts' gradients together with their losses. What it returns has that value
/// and that gradient. It has no second derivative, so it is refused for a model at other parameters than its own
/// (MAML).</para>
/// </remarks>
internal sealed class ParallelAgentStream : IAgentStream
{
    private readonly ActorCriticStream[] _parts;
    private readonly ActorCriticOptions _options;
    private readonly WorkerPool _pool;
    private readonly List<(long AgentStep, EpisodeRecord Episode)> _finished = [];
    private readonly double[] _losses;
    private ParameterVector? _of; // whose replicas these are
    private ParameterVector[] _replicas = [];
    private Model[] _models = [];

    public ParallelAgentStream(ActorCriticTask task, int workers, Rng rng, Device device,
        Func<ActorCriticTask, Rng, IVectorEnvironment> open)
    {
        _options = task.Options;
        var part = new ActorCriticTask(task.Spec, task.Options with
        { Environments = task.Options.Environments / workers }, _ => throw new InvalidOperationException());
        _parts = [.. Enumerable.Range(0, workers)
            .Select(k => new ActorCriticStream(part, rng.Split("worker", k), device, r => open(part, r)))];
        (_pool, _losses) = (new WorkerPool(workers, "agent"), new double[workers]);
    }

    public EpisodeWindow Episodes { get; } = new();

    public IReadOnlyList<(long AgentStep, EpisodeRecord Episode)> Finished => _finished;

    public IBatch NextBatch(Model model, Split split = Split.Train)
    {
        Replicate(model);
        var rollouts = new Rollout[_parts.Length];
        try { _pool.Run(_parts.Length, k => rollouts[k] = (Rollout)_parts[k].NextBatch(_models[k], split)); }
        catch
        {
            foreach (var rollout in rollouts) rollout?.Dispose();
            throw;
        }
        CollectEpisodes(rollouts);
        return new Parts(rollouts);
    }

    public Tensor Loss(Model model, IBatch batch)
    {
        Replicate(model);
        var parts = (Parts)batch;
        var weight = _options.Reduction == LossReduction.Mean ? 1.0 / _parts.Length : 1.0;
        _pool.Run(_parts.Length, k => _losses[k] = Differentiate(k, parts.Rollouts[k], weight));
        parts.Summarize(_options.Reduction);
        return Known(model.Parameters, _losses.Sum());
    }

    // A part's share of the loss; its gradient is then that of its replica.
    private double Differentiate(int part, Rollout rollout, double weight)
    {
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        var loss = _parts[part].Loss(_models[part], rollout);
        using Scalar factor = weight;
        if (weight != 1) loss *= factor;
        _replicas[part].ZeroGradient();
        loss.backward();
        return loss.detach().to_type(ScalarType.Float64).item<double>();
    }

    // A scalar of this value, whose gradient is the sum of the replicas'.
    private Tensor Known(ParameterVector parameters, double value)
    {
        var sum = _replicas[0];
        using (no_grad())
            foreach (var replica in _replicas.Skip(1)) sum.Gradient!.add_(replica.Gradient!);
        using var _ = enable_grad();
        // Its graph knows the sum's version: backward of a loss whose gradient was overwritten by a later one's is
        // refused.
        var guard = parameters.Views[^1].select(0, 0) * sum.GradientOf(parameters.Views.Count - 1).select(0, 0);
        return KnownGradient.apply([value, sum, guard, .. parameters.Views]);
    }

    // (value, vector with the gradient, guard, parameters...) to a scalar. Exceptions in backward would end the
    // process: it has none.
    private sealed class KnownGradient : autograd.SingleTensorFunction<KnownGradient>
    {
        public override string Name => "KnownGradient";

        public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
        {
            var sum = (ParameterVector)inputs[1];
            context.save_data("sum", sum);
            return full([], (double)inputs[0], sum.Flat.dtype, sum.Flat.device);
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            var sum = (ParameterVector)context.get_data("sum");
            var one = gradient.to_type(ScalarType.Float64).item<double>() == 1; // as most often: no copy
            return [null!, null!, zeros_like(gradient),
                .. sum.Views.Select((_, i) => one ? sum.GradientOf(i) : sum.GradientOf(i) * gradient)];
        }
    }

    // A part counts its own steps; all parts step together. Episodes in the order of their ends, then of copies.
    private void CollectEpisodes(Rollout[] rollouts)
    {
        _finished.Clear();
        _finished.AddRange(_parts.SelectMany((part, k) => part.Finished.Select(f =>
            (f.AgentStep * _parts.Length, f.Episode with { Index = k * rollouts[k].Environments + f.Episode.Index })))
            .OrderBy(f => f.Item1));
        foreach (var (_, episode) in _finished) Episodes.Add(episode);
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
        _pool.Dispose();
    }

    private void Replicate(Model model)
    {
        if (ReferenceEquals(_of, model.Parameters) && model.IsAtParameters) return;
        if (!model.IsAtParameters)
            throw new RlLeapException($"{model.Network.Name} is to be evaluated at other parameters than its own, "
                + $"through which {_parts.Length} workers cannot differentiate. Use one worker (--set workers=1).");
        if (model.Buffers.Layout.Entries.Count > 0)
            throw new RlLeapException($"{model.Network.Name} has buffers ("
                + $"{model.Buffers.Layout.Entries[0].Name}), which {_parts.Length} workers would change at the same "
                + "time. Use one worker (--set workers=1), or a network without.");
        foreach (var replica in _replicas) replica.Dispose();
        _of = model.Parameters;
        _replicas = [.. _parts.Select(_ => model.Parameters.Replica())];
        _models = [.. _replicas.Select(model.At)];
    }

    // The rollouts of all parts as one batch.
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
                _metrics[name] = rollouts.Sum(rollout => rollout.Metrics[name]) / (reduction == LossReduction.Mean
                    ? rollouts.Length : 1);
            _metrics["explained_variance"] = rollouts.Average(rollout => rollout.Metrics["explained_variance"]);
            var episodes = _metrics["episodes"] = rollouts.Sum(rollout => rollout.Metrics["episodes"]);
            if (episodes == 0) return;
            foreach (var name in new[] { "return", "length" })
                _metrics[name] = rollouts.Sum(rollout =>
                    rollout.Metrics.GetValueOrDefault(name) * rollout.Metrics["episodes"]) / episodes;
        }

        public void Dispose()
        {
            foreach (var rollout in rollouts) rollout.Dispose();
        }
    }
}

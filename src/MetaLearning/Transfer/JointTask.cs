namespace RlLeap.MetaLearning;

/// <summary>Tasks as one: a batch of each, and their weighted losses.</summary>
internal sealed class JointTask : ITask
{
    private readonly IReadOnlyList<ITask> _tasks;
    private readonly MultiTaskNetwork _network;
    private readonly MultiTaskOptions _options;

    public JointTask(IReadOnlyList<ITask> tasks, MultiTaskNetwork network, MultiTaskOptions options)
    {
        (_tasks, _network, _options) = (tasks, network, options);
        if (tasks.FirstOrDefault(task => task.Info.Heads.Count != 1) is { } odd)
            throw new RlLeapException($"{odd.Info.Id} has {odd.Info.Heads.Count} heads; classification has one.");
        Info = new TaskInfo("joint", tasks[0].Info.InputShape, [.. tasks.Select(task =>
            task.Info.Heads[0] with { Name = MultiTaskNetwork.HeadOf(task.Info.Id), Shared = false })]);
    }

    public TaskInfo Info { get; }

    public ITaskStream Open(Rng rng, Device device) =>
        new Stream(this, [.. _tasks.Select(task => task.Open(rng.Split(task.Info.Id), device))]);

    /// <summary>Each task's weight as it is now.</summary>
    public static double[] WeightsOf(MultiTaskNetwork network, Model model, LossWeights weights)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var values = weights switch
        {
            LossWeights.Uncertainty => exp(-network.LogVariance(model)),
            LossWeights.GradNorm => network.Weights(model),
            _ => ones_like(network.Weights(model)),
        };
        return values.to_type(ScalarType.Float64).cpu().data<double>().ToArray();
    }

    private sealed class Stream(JointTask joint, ITaskStream[] streams) : ITaskStream
    {
        private double[] _first = []; // each task's loss at the first step, for GradNorm

        public IBatch NextBatch(Model model, Split split = Split.Train)
        {
            if (joint._options.Weights == LossWeights.GradNorm) Normalize(model);
            return new Batches([.. streams.Zip(joint._tasks, (stream, task) =>
                LabelledBatch.Require(stream.NextBatch(model, split), task.Info.Id))], joint._tasks);
        }

        public Tensor Loss(Model model, IBatch batch)
        {
            var parts = ((Batches)batch).Parts;
            var losses = new Tensor[parts.Length];
            for (var t = 0; t < parts.Length; t++)
            {
                var logits = model.Forward(parts[t].Inputs, t);
                parts[t].RecordError(logits);
                losses[t] = F.cross_entropy(logits, parts[t].Labels);
            }
            var (network, options) = (joint._network, joint._options);
            var all = stack(losses);
            var loss = options.Weights switch
            {
                LossWeights.Uncertainty => ((-network.LogVariance(model)).exp() * all + network.LogVariance(model) / 2)
                    .sum(),
                LossWeights.GradNorm => (network.Weights(model).detach() * all).sum() + GradNorm(model, losses),
                _ => all.sum(),
            };
            return options is { Sharing: Sharing.Soft, Penalty: > 0 }
                ? loss + network.Distance(model) * options.Penalty : loss;
        }

        // A term with the value 0 whose gradient in the weights is GradNorm's: it is linear in them.
        private Tensor GradNorm(Model model, Tensor[] losses)
        {
            var (weights, shared) = (joint._network.Weights(model), joint._network.LastShared(model)!);
            Tensor slopes;
            using (NewDisposeScope())
            {
                var norms = stack([.. losses.Select(loss =>
                    autograd.grad([loss], [shared], retain_graph: true)[0].norm().detach())]);
                using var _ = no_grad();
                var now = losses.Select(loss => loss.detach().to_type(ScalarType.Float64).item<double>()).ToArray();
                if (_first.Length == 0) _first = now;
                slopes = Slopes(weights.detach(), norms, now, _first, joint._options.Alpha).MoveToOuterDisposeScope();
            }
            return ((weights - weights.detach()) * slopes).sum();
        }

        public IReadOnlyDictionary<string, double> Score(Model model, Split split) => new Dictionary<string, double>();

        public bool CanSave => streams.All(stream => stream.CanSave);

        public byte[] Save()
        {
            using var bytes = new MemoryStream();
            using var writer = new BinaryWriter(bytes);
            writer.Write(_first.Length);
            foreach (var loss in _first) writer.Write(loss);
            foreach (var state in streams.Select(stream => stream.Save()))
            {
                writer.Write(state.Length);
                writer.Write(state);
            }
            writer.Flush();
            return bytes.ToArray();
        }

        public void Restore(ReadOnlySpan<byte> state)
        {
            using var reader = new BinaryReader(new MemoryStream(state.ToArray()));
            _first = new double[reader.ReadInt32()];
            for (var i = 0; i < _first.Length; i++) _first[i] = reader.ReadDouble();
            foreach (var stream in streams) stream.Restore(reader.ReadBytes(reader.ReadInt32()));
        }

        public void Dispose()
        {
            foreach (var stream in streams) stream.Dispose();
        }

        // After every step: positive, and one a task on average.
        private void Normalize(Model model)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            using Scalar least = 0.01;
            var weights = joint._network.Weights(model);
            weights.clamp_(min: least);
            weights.copy_(weights * weights.numel() / weights.sum());
        }
    }

    /// <summary>The derivative of sum_t |G_t - mean(G) r_t^alpha| in each weight, the second term a constant.</summary>
    /// <param name="weights">[tasks].</param>
    /// <param name="norms">[tasks] the norm of each loss's gradient in the shared weight, before its weight.</param>
    /// <param name="first">Each task's first loss.</param>
    /// <param name="alpha">How strongly slow tasks are favoured.</param>
    internal static Tensor Slopes(Tensor weights, Tensor norms, double[] losses, double[] first, double alpha)
    {
        double[] ratios = [.. losses.Zip(first, (now, then) => now / then)];
        var rates = tensor([.. ratios.Select(ratio => Math.Pow(ratio / ratios.Average(), alpha))])
            .to(weights.dtype, weights.device);
        var own = weights * norms;
        return (own - own.mean() * rates).sign() * norms;
    }

    private sealed class Batches(ILabelledBatch[] parts, IReadOnlyList<ITask> tasks) : IBatch
    {
        public ILabelledBatch[] Parts => parts;

        public long Count => parts.Sum(part => part.Count);

        public IReadOnlyDictionary<string, double> Metrics => parts.Zip(tasks)
            .Where(pair => pair.First.Metrics.ContainsKey("error"))
            .ToDictionary(pair => "error." + pair.Second.Info.Id, pair => pair.First.Metrics["error"]);

        public void Dispose()
        {
            foreach (var part in parts) part.Dispose();
        }
    }
}

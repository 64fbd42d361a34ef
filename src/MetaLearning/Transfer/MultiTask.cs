using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.MetaLearning;

/// <summary>What tasks share that are learned together.</summary>
public enum Sharing
{
    /// <summary>One trunk; the heads and batch norms are each task's own.</summary>
    Hard,
    /// <summary>A column for each task; a penalty holds their weights together.</summary>
    Soft,
    /// <summary>A column for each task; after every layer each takes a learned mixture of all columns' units.</summary>
    CrossStitch,
    /// <summary>Nothing: each task is learned by itself.</summary>
    None,
}

/// <summary>How the losses of tasks are weighted.</summary>
public enum LossWeights
{
    /// <summary>All alike.</summary>
    Equal,
    /// <summary>By each task's uncertainty, which is learned.</summary>
    Uncertainty,
    /// <summary>So that all tasks train at like rates.</summary>
    GradNorm,
}

/// <summary>Multi-task learning: tasks that are learned at once, and share a trunk or parts of it.</summary>
/// <remarks>
/// <para>
/// Hard and soft sharing as in Ruder 2017, arXiv 1706.05098. Cross-stitch units: Misra et al. 2016, arXiv 1604.03539:
/// after layer l, x_c = sum_d S_cd x_d. Here every image of a task passes all columns, since tasks have images of
/// their own. Uncertainty: Kendall et al. 2018, arXiv 1705.07115, in the form
/// </para>
/// <code>
/// loss = sum_t exp(-s_t) L_t + s_t / 2
/// </code>
/// <para>GradNorm: Chen et al. 2018, arXiv 1711.02257. With W the last weight that all tasks share:</para>
/// <code>
/// G_t = |gradient in W of w_t L_t|        r_t = (L_t / L_t(0)) / mean over tasks
/// w descends  sum_t |G_t - mean(G) r_t^alpha|,  the second term a constant, and keeps the sum of one a task
/// </code>
/// <para>A gradient step takes a batch of every task. All tasks of the pool are in every meta-batch.</para>
/// </remarks>
public sealed record MultiTaskOptions : MetaLearningMethod
{
    /// <summary>What tasks share.</summary>
    public Sharing Sharing { get; init; } = Sharing.Hard;

    /// <summary>How losses are weighted.</summary>
    public LossWeights Weights { get; init; } = LossWeights.Equal;

    /// <summary>Soft sharing's penalty on the squared distances of the columns' weights from their mean.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Penalty { get; init; } = 0.001;

    /// <summary>GradNorm's alpha: how strongly tasks that train slowly are favoured.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Alpha { get; init; } = 1.5;

    /// <inheritdoc/>
    public override string Name => "multi-task";

    /// <inheritdoc/>
    protected override void Check(MetaLearnerContext context)
    {
        context.RequireDistinctTasks("multi-task learning keeps one head for each task");
        if (!context.Network.IsFunctional || Sharing == Sharing.CrossStitch && !context.Network.IsLayered)
            throw new RlLeapException($"{context.Network.Name} cannot be learned with {Sharing}: it cannot be walked "
                + "layer by layer. Use a RlLeap.Network that overrides Layer.");
        if (Weights == LossWeights.GradNorm && Sharing is not (Sharing.Hard or Sharing.CrossStitch))
            throw new RlLeapException($"GradNorm needs a weight that all tasks share; with {Sharing} there is none. "
                + "Use hard sharing or cross-stitch units, or other weights.");
    }

    /// <inheritdoc/>
    protected override IMetaLearner Open(MetaLearnerContext context) => new MultiTask(this, context);
}

/// <summary>One <see cref="Learner"/> over batches of all tasks.</summary>
internal sealed class MultiTask : MetaLearner
{
    private const string Prefix = "learner.";

    private readonly MultiTaskNetwork _network;
    private readonly string[] _tasks;
    private readonly Learner _learner;

    public MultiTask(MultiTaskOptions options, MetaLearnerContext context) : base(options, context, null)
    {
        _tasks = [.. context.Pool.Select(task => task.Info.Id)];
        _network = new MultiTaskNetwork(context.Network, _tasks, options.Sharing);
        var learning = context.Learner.For(context.Pool[0].Info);
        _learner = new Learner(new JointTask(context.Pool, _network, options), _network,
            learning with { GradientSteps = Math.Max(1, context.MetaSteps) * learning.GradientSteps, Stopping = null },
            context.Rng.Split("tasks"), context.Device, dtype: context.DType);
    }

    /// <summary>The model of all tasks.</summary>
    public Model Model => _learner.Model;

    /// <summary>A learner of one of the tasks, with its own features and head.</summary>
    /// <exception cref="RlLeapException">It is not one of them.</exception>
    public override Learner Begin(ITask task, LearnerOptions options, Rng rng)
    {
        var at = Array.IndexOf(_tasks, task.Info.Id);
        if (at < 0)
            throw new RlLeapException($"{task.Info.Id} is not one of the tasks that were learned together: "
                + $"{string.Join(", ", _tasks)}.");
        var learner = new Learner(new PrivateHeadsTask(task), new MultiTaskView(_network, at), options, rng,
            Context.Device, dtype: Context.DType);
        using var scope = NewDisposeScope();
        var (all, head) = (_learner.Model.Export().ToDictionary(e => e.Name, e => e.Value),
            MultiTaskNetwork.HeadOf(task.Info.Id));
        foreach (var part in new[] { ".weight", ".bias" }) all[task.Info.Heads[0].Name + part] = all[head + part];
        learner.Model.Import(all);
        return learner;
    }

    public override void Dispose()
    {
        _learner.Dispose();
        base.Dispose();
    }

    protected override MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation)
    {
        if (!batch.Select(task => task.Info.Id).Order().SequenceEqual(_tasks.Order()))
            throw new RlLeapException($"Multi-task learning takes all {_tasks.Length} tasks in every meta-step; "
                + $"it got {batch.Count}. Set meta.batch to {_tasks.Length}.");
        using var scope = NewDisposeScope();
        var before = LearnerState.Of(_learner);
        var losses = new LossSummary();
        var errors = _tasks.ToDictionary(id => id, _ => new List<double>());
        try
        {
            for (var i = 0L; i < jobs[0].Learner.GradientSteps && !_learner.IsDone; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                var step = _learner.TrainStep();
                losses.Add(step.Loss);
                foreach (var id in _tasks) errors[id].Add(step.Metrics["error." + id]);
            }
            _learner.RequireFinite();
        }
        catch
        {
            LearnerState.Restore(_learner, name => before[name]);
            throw;
        }
        var weights = JointTask.WeightsOf(_network, _learner.Model, ((MultiTaskOptions)Method).Weights);
        return new MetaStepRecord(MetaSteps, [.. jobs.Select(job => new TaskRecord(
            job.TaskId, job.Seed, losses.Count, new Dictionary<string, double>(losses.Metrics)
            {
                [TrainingSummary.Error] = errors[job.TaskId].Average(),
                ["weight"] = weights[Array.IndexOf(_tasks, job.TaskId)],
            }))], [], 0);
    }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes) =>
        LearnerState.Of(_learner, Prefix);

    protected override void Import(MetaCheckpoint checkpoint) =>
        LearnerState.Restore(_learner, name => checkpoint[name], Prefix);
}

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
    /// <param name="losses">Each task's loss.</param>
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

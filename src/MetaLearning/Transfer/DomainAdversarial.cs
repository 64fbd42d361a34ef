using System.ComponentModel.DataAnnotations;

namespace RlLeap.MetaLearning;

/// <summary>
/// Domain-adversarial training: features that classify labelled images and do not tell them from unlabelled ones.
/// </summary>
/// <remarks>
/// <para>Ganin et al. 2016, arXiv 1505.07818. A step draws a batch of the source, with labels, and one of the target,
/// whose labels are not looked at. With the gradient of the features reversed in the second term:</para>
/// <code>
/// loss = cross-entropy(classes of the source)  +  weight * cross-entropy(source or target)
/// lambda = 2 / (1 + exp(-10 p)) - 1,  p the part of training that is done
/// </code>
/// <para>
/// The first task of the pool is the source. Learning another task from this method is adapting to it: its score is
/// that of its own test images. Against <c>none</c>, the target is learned with its labels. With a weight of 0 the
/// target's images are not looked at either: the source alone is learned.
/// </para>
/// </remarks>
public sealed record DomainAdversarialOptions : MetaLearningMethod
{
    /// <summary>Weight of telling domains apart; 0 for learning the source only.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Weight { get; init; } = 1;

    /// <summary>Units of the hidden layer that tells domains apart.</summary>
    [Range(1, int.MaxValue)]
    public int Hidden { get; init; } = 100;

    /// <summary>How fast lambda rises from 0 to 1.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Steepness { get; init; } = 10;

    public override string Name => "domain-adversarial";

    /// <summary>lambda after a part of training, 0 .. 1.</summary>
    public double LambdaAt(double part) => 2 / (1 + Math.Exp(-Steepness * part)) - 1;

    protected override void Check(MetaLearnerContext context)
    {
        if (context.Pool.Count != 1)
            throw new RlLeapException("Domain-adversarial training has one source, the only task of the pool; "
                + $"{context.Pool.Count} are named. The target is a task to evaluate.");
        if (!context.Network.IsFunctional)
            throw new RlLeapException($"{context.Network.Name} is a torch.nn.Module, which cannot be part of a larger "
                + "network. Write it as a RlLeap.Network.");
    }

    protected override IMetaLearner Open(MetaLearnerContext context) => new DomainAdversarial(this, context);
}

internal sealed class DomainAdversarial(DomainAdversarialOptions options, MetaLearnerContext context)
    : StepsOnlyCount(options, context)
{
    public override Learner Begin(ITask task, LearnerOptions learning, Rng rng)
    {
        learning = learning.For(task.Info);
        return new(new DomainAdversarialTask(Context.Pool[0], task, options, learning.GradientSteps),
            options.Weight > 0 ? new DomainNetwork(Context.Network, options.Hidden) : Context.Network, learning, rng,
            Context.Device, dtype: Context.DType);
    }
}

/// <summary>A labelled source and an unlabelled target as one task. Scores are the target's.</summary>
/// <remarks>With a weight above 0 its network is a <see cref="DomainNetwork"/>.</remarks>
/// <param name="source">A classification task.</param>
/// <param name="target">One with the same head and inputs.</param>
/// <param name="options">Weight and schedule.</param>
/// <param name="steps">Gradient steps of the whole training.</param>
public sealed class DomainAdversarialTask(
    ITask source, ITask target, DomainAdversarialOptions options, long steps) : ITask
{
    /// <summary>The head that tells source from target.</summary>
    public static Head Domain { get; } = new("domain", 2);

    public TaskInfo Info { get; } = InfoOf(source.Info, target.Info, options);

    public ITaskStream Open(Rng rng, Device device) => new Stream(
        source.Open(rng.Split("source"), device), target.Open(rng.Split("target"), device), options, steps);

    private static TaskInfo InfoOf(TaskInfo source, TaskInfo target, DomainAdversarialOptions options)
    {
        if (source.Heads is not [var classes] || target.Heads is not [var same] || classes.Size != same.Size)
            throw new RlLeapException($"{source.Id} and {target.Id} must have one head of equal size each.");
        classes = classes with { Shared = false };
        return target with { Heads = options.Weight > 0 ? [classes, Domain] : [classes] };
    }

    private sealed class Stream(
        ITaskStream source, ITaskStream target, DomainAdversarialOptions options, long steps) : ITaskStream
    {
        private long _step;

        public IBatch NextBatch(Model model, Split split = Split.Train)
        {
            var pair = new Pair(LabelledBatch.Require(source.NextBatch(model, split), "a source"),
                LabelledBatch.Require(target.NextBatch(model, split), "a target"));
            if (model.Network is DomainNetwork network) network.Lambda = options.LambdaAt(_step / (double)steps);
            if (split == Split.Train) _step++;
            return pair;
        }

        public Tensor Loss(Model model, IBatch batch)
        {
            var pair = (Pair)batch;
            var count = pair.Source.Labels.shape[0];
            var features = model.Features(
                options.Weight == 0 ? pair.Source.Inputs : cat([pair.Source.Inputs, pair.Target.Inputs], 0));
            var logits = model.Output(0, features.narrow(0, 0, count));
            pair.RecordError(logits);
            var loss = F.cross_entropy(logits, pair.Labels);
            if (options.Weight == 0) return loss;
            var domains = cat([zeros_like(pair.Source.Labels), ones_like(pair.Target.Labels)], 0);
            using Scalar weight = options.Weight;
            return loss + F.cross_entropy(model.Output(1, features), domains) * weight;
        }

        public IReadOnlyDictionary<string, double> Score(Model model, Split split)
        {
            // The target's own score is of one head on the encoder.
            var encoder = model.Network is DomainNetwork network ? network.Encoder : model.Network;
            using var own = new Model(encoder, [model.Heads[0]], model.DType, model.Device);
            using var scope = NewDisposeScope();
            own.Import(model.Export().ToDictionary(entry => entry.Name, entry => entry.Value));
            return target.Score(own, split);
        }

        public bool CanSave => source.CanSave && target.CanSave;

        public byte[] Save()
        {
            var first = source.Save();
            return
            [
                .. BitConverter.GetBytes(_step), .. BitConverter.GetBytes(first.Length), .. first, .. target.Save(),
            ];
        }

        public void Restore(ReadOnlySpan<byte> state)
        {
            _step = BitConverter.ToInt64(state);
            var first = BitConverter.ToInt32(state[8..]);
            source.Restore(state.Slice(12, first));
            target.Restore(state[(12 + first)..]);
        }

        public void Dispose()
        {
            source.Dispose();
            target.Dispose();
        }
    }

    /// <summary>A batch of each. What counts as its inputs and labels are the source's.</summary>
    private sealed class Pair(ILabelledBatch source, ILabelledBatch target) : ILabelledBatch
    {
        public ILabelledBatch Source => source;

        public ILabelledBatch Target => target;

        public Tensor Inputs => source.Inputs;

        Tensor? IBatch.Inputs => source.Inputs;

        public Tensor Labels => source.Labels;

        public long Count => source.Count;

        public IReadOnlyDictionary<string, double> Metrics => source.Metrics;

        public void Record(string metric, double value) => source.Record(metric, value);

        public void Dispose()
        {
            source.Dispose();
            target.Dispose();
        }
    }
}

/// <summary>An encoder, and beside its features units that tell domains apart, behind reversed gradients.</summary>
/// <remarks>Heads read the features. <see cref="DomainAdversarialTask.Domain"/> reads these units.</remarks>
internal sealed class DomainNetwork : NetworkWrapper
{
    private readonly long _hidden;

    public DomainNetwork(Network inner, long hidden) : base(inner)
    {
        _hidden = hidden;
        Parameters = [.. inner.Parameters, new("domain-units.weight", [hidden, inner.Features]),
            new("domain-units.bias", [hidden])];
    }

    /// <summary>The encoder.</summary>
    public Network Encoder => Inner;

    /// <summary>What reversed gradients are multiplied by.</summary>
    public double Lambda { get; set; }

    public override string Name => $"domains({Inner.Name})";
    public override long Features => Inner.Features + _hidden;
    public override IReadOnlyList<ParameterInfo> Parameters { get; }

    public override (long Start, long Count) FeaturesOf(Head head) =>
        head.Name == DomainAdversarialTask.Domain.Name ? (Inner.Features, _hidden) : (0, Inner.Features);

    public override Tensor Forward(Pass pass, Tensor input)
    {
        var features = Inner.Forward(pass, input);
        var at = Inner.Parameters.Count;
        var units = F.relu(F.linear(
            GradientReversal.Apply(features, Lambda), pass.Parameter(at), pass.Parameter(at + 1)));
        return cat([features, units], 1);
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        Inner.Initialize(parameter, buffer, rng);
        var at = Inner.Parameters.Count;
        Initialization.TorchDefault(parameter(at), parameter(at + 1), rng.Split("domain-units"));
    }
}

using System.ComponentModel.DataAnnotations;

namespace RlLeap.MetaLearning;

/// <summary>
/// HAT, hard attention to the task: each task learns which units it uses, and those are protected from others.
/// </summary>
/// <remarks>
/// <para>Serra et al. 2018, arXiv 1801.01423. In layer l, a task with the embedding e [units] has</para>
/// <code>
/// a = sigmoid(s e)                             its mask, which multiplies the units               equation 1
/// A = max over the other tasks of their a      the cumulative mask
/// gradient of the weight between units j and i  *=  1 - min(A_i, A_j);  of the bias of i  *=  1 - A_i      equation 2
/// s = 1/s_max ... s_max                        linear over the gradient steps of an epoch         equation 3
/// gradient of e  *=  s_max (cosh(s e) + 1) / (s (cosh(e) + 1))                                    equation 8
/// loss  +=  lambda * sum a (1 - A) / sum (1 - A)                                                  equation 5
/// </code>
/// <para>
/// In evaluation s is s_max. In a visit without epochs, or shorter than an epoch, s rises once over the visit.
/// </para>
/// <para>
/// The Leap paper allows revisits, the original does not. The cumulative mask therefore leaves out the task's own mask,
/// or a task seen again would freeze itself. Batch-norm parameters and statistics belong to the task: shared ones would
/// change what protected weights compute. See docs/fidelity.md.
/// </para>
/// </remarks>
public sealed record HatOptions : MetaLearningMethod
{
    /// <summary>s_max: the slope at which masks are nearly binary.</summary>
    [Range(1, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double MaxSlope { get; init; } = 400;

    /// <summary>lambda: the cost of using units that no other task uses.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Sparsity { get; init; } = 0.75;

    /// <summary>Embeddings are clamped to plus and minus this.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double EmbeddingBound { get; init; } = 6;

    public override string Name => "hat";

    /// <summary>Adapted ones only.</summary>
    public override bool Supports(ParameterRole role) => role == ParameterRole.Adapted;

    protected override void Check(MetaLearnerContext context)
    {
        var network = context.Network;
        if (!(MaxSlope > 1)) throw new RlLeapException($"HAT's largest slope must be above 1; it is {MaxSlope}.");
        if (!network.IsFunctional || network.HiddenUnits.Count == 0)
            throw new RlLeapException($"HAT cannot learn {network.Name}: it offers no hidden units to mask. "
                + "Use a RlLeap.Network with HiddenUnits.");
        if (context.Learner.Optimizer.WeightDecay != 0)
            throw new RlLeapException("HAT cannot be combined with weight decay: it would move the weights that masks "
                + "protect. Set it to 0.");
        _ = HatNetwork.RolesOf(network);
    }

    protected override IMetaLearner Open(MetaLearnerContext context) => new Hat(this, context);
}

/// <summary>Visits tasks with HAT. The state of a task is its embeddings, batch norms and heads.</summary>
internal sealed class Hat(HatOptions options, MetaLearnerContext context) : ContinualMetaLearner(options, context)
{
    private readonly HatNetwork.Role[] _roles = HatNetwork.RolesOf(context.Network);

    public override Learner Begin(ITask task, LearnerOptions learning, Rng rng)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        learning = learning.For(task.Info);
        var masks = CumulativeMasks(except: task.Info.Id);
        var annealingSteps = AnnealingSteps(task.Info, learning);
        var network = new HatNetwork(Context.Network, options, _roles, masks, annealingSteps);
        var learner = new Learner(new HatTask(task), network, learning, rng, Context.Device, dtype: Context.DType);
        Initialization.ApplyTo(learner.Model);
        if (Tasks.TryGetValue(task.Info.Id, out var own)) learner.Model.Import(own);
        return learner;
    }

    protected override Dictionary<string, Tensor> Consolidate(ITask task, Learner learner)
    {
        HatNetwork.ClampEmbeddings(learner.Model);
        var (layout, views) = (learner.Model.Parameters.Layout, learner.Model.Parameters.Views);
        var shared = new HashSet<string>();
        for (var i = 0; i < _roles.Length; i++)
        {
            if (_roles[i].IsTasksOwn) continue;
            Initialization.Shared.Views[i].copy_(views[i]);
            shared.Add(layout.Entries[i].Name);
        }
        return Copy(learner.Model, except: shared);
    }

    /// <summary>Gradient steps in which the slope rises once: an epoch's, or the visit's if shorter.</summary>
    private static long AnnealingSteps(TaskInfo task, LearnerOptions learning) =>
        task.StepsPerEpoch > 0 ? Math.Min(task.StepsPerEpoch, learning.GradientSteps) : learning.GradientSteps;

    /// <summary>The elementwise maximum of the other tasks' final masks, by layer; zeros without other tasks.</summary>
    private Tensor[] CumulativeMasks(string except)
    {
        var others = Tasks.Where(task => task.Key != except).Select(task => task.Value).ToList();
        var masks = new Tensor[Context.Network.HiddenUnits.Count];
        for (var l = 0; l < masks.Length; l++)
        {
            var mask = zeros([Context.Network.HiddenUnits[l]], Context.DType, Context.Device);
            foreach (var other in others)
                mask = mask.maximum(sigmoid(other[HatNetwork.EmbeddingName(l)] * options.MaxSlope));
            masks[l] = mask.DetachFromDisposeScope();
        }
        return masks;
    }
}

/// <summary>A task with private heads: HAT's sparsity term in its loss; each training batch sets the slope.</summary>
internal sealed class HatTask(ITask inner) : ITask
{
    public TaskInfo Info { get; } = new PrivateHeadsTask(inner).Info;

    public ITaskStream Open(Rng rng, Device device) => new Stream(inner.Open(rng, device));

    private sealed class Stream(ITaskStream inner) : StreamWrapper(inner)
    {
        private long _step;

        public override IBatch NextBatch(Model model, Split split = Split.Train)
        {
            HatNetwork.ClampEmbeddings(model);
            if (split == Split.Train) ((HatNetwork)model.Network).Anneal(_step++);
            return base.NextBatch(model, split);
        }

        public override Tensor Loss(Model model, IBatch batch)
        {
            var loss = Inner.Loss(model, batch);
            return model.Training ? loss + HatNetwork.Sparsity(model) : loss;
        }

        public override IReadOnlyDictionary<string, double> Score(Model model, Split split)
        {
            HatNetwork.ClampEmbeddings(model);
            return base.Score(model, split);
        }

        public override byte[] Save() => [.. BitConverter.GetBytes(_step), .. base.Save()];

        public override void Restore(ReadOnlySpan<byte> state)
        {
            _step = BitConverter.ToInt64(state);
            base.Restore(state[8..]);
        }
    }
}

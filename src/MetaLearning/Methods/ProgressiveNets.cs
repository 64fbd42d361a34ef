namespace RlLeap.MetaLearning;

/// <summary>
/// Progressive Nets: every task has a column of its own, which also reads the hidden units of other columns.
/// </summary>
/// <remarks>
/// <para>
/// Rusu et al. 2016, arXiv 1606.04671, section 2.1. For layer l above the first, with the source columns j:
/// </para>
/// <code>
/// h_l = f(W_l h_(l-1) + U_l relu(V_l [scale_j h_(l-1)^(j)]))
/// </code>
/// <para>
/// The units below of every source column are multiplied by a learned scalar and concatenated. V_l (a 1x1 convolution
/// or a linear map) reduces them to the width of one column. U_l has the shape of the layer's own weight W_l. Only the
/// column of the task being trained learns; the others run in evaluation mode.
/// </para>
/// <para>
/// The Leap paper has lateral connections between all pretraining tasks, and revisits. So all columns exist from the
/// start, and a column reads the others as they are now. A held-out task gets a new column, which reads all others and
/// is read by none. Heads have no lateral connections. See docs/fidelity.md.
/// </para>
/// </remarks>
public sealed record ProgressiveOptions : MetaLearningMethod
{
    /// <summary>
    /// Whether a column reads only the columns of tasks before it in the pool, as in the original: then what a column
    /// computes does not change any more when other tasks are learned.
    /// </summary>
    public bool EarlierOnly { get; init; }

    public override string Name => "progressive";

    /// <summary>Adapted ones only.</summary>
    public override bool Supports(ParameterRole role) => role == ParameterRole.Adapted;

    protected override void Check(MetaLearnerContext context)
    {
        if (!context.Network.IsFunctional || !context.Network.IsLayered)
            throw new RlLeapException($"Progressive Nets cannot be made of {context.Network.Name}: it cannot be walked "
                + "layer by layer. Use a RlLeap.Network that overrides Layer.");
        context.RequireDistinctTasks("Progressive Nets keep one column for each task");
    }

    protected override IMetaLearner Open(MetaLearnerContext context) => new ProgressiveNets(this, context);
}

/// <summary>Trains one column after another. The state of a task is its column and its heads.</summary>
internal sealed class ProgressiveNets : ContinualMetaLearner
{
    private readonly string[] _pool;
    private readonly bool _earlierOnly;

    public ProgressiveNets(ProgressiveOptions options, MetaLearnerContext context) : base(options, context)
    {
        _earlierOnly = options.EarlierOnly;
        _pool = [.. context.Pool.Select(task => task.Info.Id)];
        foreach (var task in context.Pool)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var network = new ProgressiveNetwork(
                context.Network, task.Info.Id, _pool, new Dictionary<string, Dictionary<string, Tensor>>(),
                earlierOnly: options.EarlierOnly);
            var heads = PrivateHeadsTask.PrivateHeads(task.Info);
            using var column = new Model(network, heads, context.DType, context.Device);
            column.Initialize(context.Rng.Split("column." + task.Info.Id));
            var own = Copy(column);
            foreach (var value in own.Values) value.DetachFromDisposeScope();
            Tasks[task.Info.Id] = own;
        }
    }

    public override Learner Begin(ITask task, LearnerOptions options, Rng rng)
    {
        var others = Tasks.Where(other => other.Key != task.Info.Id).ToDictionary();
        var network = new ProgressiveNetwork(
            Context.Network, task.Info.Id, _pool, others, Context.DType, Context.Device, _earlierOnly);
        var learner = new Learner(
            new PrivateHeadsTask(task), network, options, rng, Context.Device, dtype: Context.DType);
        if (Tasks.TryGetValue(task.Info.Id, out var own)) learner.Model.Import(own);
        return learner;
    }

    protected override Dictionary<string, Tensor> Consolidate(ITask task, Learner learner)
    {
        if (!_pool.Contains(task.Info.Id))
            throw new RlLeapException(
                $"{task.Info.Id} is not in the pool that Progressive Nets were set up with, so it has no column.");
        return Copy(learner.Model);
    }
}

namespace RlLeap.MetaLearning;

/// <summary>
/// Sequential finetuning: one encoder learns one task after another, with a head for each, and nothing is protected.
/// </summary>
/// <remarks>It is what methods against forgetting are compared with. Batches of one task at a time are the point:
/// <see cref="FinetuningOptions"/> mixes the tasks of a batch, which is joint training.</remarks>
public sealed record SequentialOptions : MetaLearningMethod
{
    /// <summary>
    /// Whether batch-norm parameters and statistics belong to a task, as in HAT. Shared ones change with every task,
    /// whatever protects the weights.
    /// </summary>
    public bool TaskNorms { get; init; } = true;

    public override string Name => "sequential";
    protected override void Check(MetaLearnerContext context) => SequentialLearner.Check(context, TaskNorms);
    protected override IMetaLearner Open(MetaLearnerContext context) => new SequentialLearner(this, context, TaskNorms);
}

/// <summary>Visits tasks with one encoder. The state of a task is its heads, and its batch norms.</summary>
internal class SequentialLearner : ContinualMetaLearner
{
    private readonly HashSet<string> _norms;

    /// <summary>A meta-learner whose tasks have batch norms of their own, or share them.</summary>
    public SequentialLearner(MetaLearningMethod method, MetaLearnerContext context, bool taskNorms)
        : base(method, context) =>
        _norms = taskNorms ? NormsOf(context.Network) : [];

    /// <summary>Throws where a network cannot be learned so.</summary>
    public static void Check(MetaLearnerContext context, bool taskNorms)
    {
        context.RequireDistinctTasks("each task keeps heads of its own");
        if (taskNorms) NormsOf(context.Network);
    }

    public override Learner Begin(ITask task, LearnerOptions options, Rng rng) => new Learner(
        TaskOf(new PrivateHeadsTask(task)), Context.Network, options, rng, Context.Device, dtype: Context.DType)
        .DisposeOnError(learner =>
        {
            Initialization.ApplyTo(learner.Model);
            if (Tasks.TryGetValue(task.Info.Id, out var own)) learner.Model.Import(own);
        });

    /// <summary>What is learned in a visit of a task.</summary>
    protected virtual ITask TaskOf(ITask task) => task;

    /// <summary>Whether a parameter of the encoder belongs to the task that is learned.</summary>
    protected bool IsTasksOwn(string parameter) => _norms.Contains(parameter);

    protected override Dictionary<string, Tensor> Consolidate(ITask task, Learner learner)
    {
        var encoder = Initialization.Shared.Layout.Entries;
        var shared = new HashSet<string>();
        for (var i = 0; i < encoder.Count; i++)
        {
            if (IsTasksOwn(encoder[i].Name)) continue;
            Initialization.Shared.Views[i].copy_(learner.Model.Parameters.Views[i]);
            shared.Add(encoder[i].Name);
        }
        if (_norms.Count == 0)
        {
            Initialization.Buffers.CopyFrom(learner.Model.Buffers);
            foreach (var buffer in Context.Network.Buffers) shared.Add(Model.BufferPrefix + buffer.Name);
        }
        return Copy(learner.Model, except: shared);
    }

    // A network without buffers has no statistics, and needs no layers that can be told.
    private static HashSet<string> NormsOf(Network network) => network.Buffers.Count == 0 ? []
        : [.. HatNetwork.RolesOf(network).Zip(network.Parameters).Where(pair => pair.First.IsTasksOwn)
            .Select(pair => pair.Second.Name)];
}

using System.Text.Json.Serialization;

namespace RlLeap.MetaLearning;

/// <summary>A method of meta-learning with its options: what a config names, and what makes a meta-learner.</summary>
/// <remarks>
/// An immutable record that survives JSON, so that a worker on another machine gets the same options.
/// </remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "method")]
[JsonDerivedType(typeof(NoPretrainingOptions), "none")]
[JsonDerivedType(typeof(LeapOptions), "leap")]
[JsonDerivedType(typeof(ReptileOptions), "reptile")]
[JsonDerivedType(typeof(FirstOrderMamlOptions), "fomaml")]
[JsonDerivedType(typeof(MamlOptions), "maml")]
[JsonDerivedType(typeof(WarpOptions), "warp")]
[JsonDerivedType(typeof(MetaSgdOptions), "meta-sgd")]
[JsonDerivedType(typeof(FinetuningOptions), "finetuning")]
[JsonDerivedType(typeof(HatOptions), "hat")]
[JsonDerivedType(typeof(ProgressiveOptions), "progressive")]
[JsonDerivedType(typeof(SequentialOptions), "sequential")]
[JsonDerivedType(typeof(EwcOptions), "ewc")]
[JsonDerivedType(typeof(DistillationOptions), "distillation")]
[JsonDerivedType(typeof(DomainAdversarialOptions), "domain-adversarial")]
[JsonDerivedType(typeof(MultiTaskOptions), "multi-task")]
[JsonDerivedType(typeof(PretrainingOptions), "pretraining")]
[JsonDerivedType(typeof(MetaTransferOptions), "meta-transfer")]
[JsonDerivedType(typeof(PrototypicalOptions), "prototypical")]
[JsonDerivedType(typeof(MatchingOptions), "matching")]
[JsonDerivedType(typeof(RelationOptions), "relation")]
[JsonDerivedType(typeof(SiameseOptions), "siamese")]
public abstract record MetaLearningMethod
{
    /// <summary>The name that configs use.</summary>
    [JsonIgnore]
    public abstract string Name { get; }

    /// <summary>Makes a meta-learner. Its initialization is drawn from <see cref="MetaLearnerContext.Rng"/>.</summary>
    /// <exception cref="RlLeapException">
    /// The pool is empty, its tasks do not fit one another or the network, or the method cannot work with the context.
    /// </exception>
    public IMetaLearner Create(MetaLearnerContext context)
    {
        context.Check();
        context = context with { Network = NetworkFor(context.Network) };
        context.CheckRoles(this);
        Check(context);
        return Open(context);
    }

    /// <summary>The network that tasks learn with: the context's, with whatever the method adds to it.</summary>
    /// <exception cref="RlLeapException">The network does not fit the method.</exception>
    protected virtual Network NetworkFor(Network network) => network;

    /// <summary>
    /// Whether the method can leave parameters of this role to be what they are. By default it does not move frozen
    /// ones, and has nothing that would learn meta ones.
    /// </summary>
    public virtual bool Supports(ParameterRole role) => role != ParameterRole.Meta;

    /// <summary>Throws when the method cannot work with the context.</summary>
    protected virtual void Check(MetaLearnerContext context) { }

    /// <summary>Makes the meta-learner; the context has been checked.</summary>
    protected abstract IMetaLearner Open(MetaLearnerContext context);
}

/// <summary>A method that trains a batch's tasks from one initialization and averages their contributions.</summary>
public abstract record PerTaskMethod : MetaLearningMethod
{
    /// <summary>An observer for the training of one task.</summary>
    public abstract PathObserver Observe(string taskId);

    /// <summary>
    /// Called with each learner that starts from what was meta-learned, before its first step, in meta-training and
    /// after it. A method sets here how a task learns, where that is meta-learned too.
    /// </summary>
    public virtual void Prepare(Learner learner) { }

    /// <summary>How a meta parameter moves along the tasks' mean; by default as the initialization does.</summary>
    /// <param name="entry">The parameter.</param>
    /// <param name="optimizer">How the initialization moves.</param>
    protected internal virtual OptimizerOptions MetaParameterOptimizer(
        ParameterInfo entry, OptimizerOptions optimizer) => optimizer;

    /// <summary>
    /// What is averaged, made from what all tasks contributed. For methods that need the tasks together; by default the
    /// contributions as they are.
    /// </summary>
    /// <param name="start">Where the tasks started. It must not change.</param>
    /// <param name="trained">The tasks that did not diverge, at least one, in the order of the batch.</param>
    /// <param name="cancellation">Asks to leave.</param>
    protected internal virtual IReadOnlyList<Contribution> Gather(
        MetaInitialization start, IReadOnlyList<TrainedTask> trained, CancellationToken cancellation) =>
        [.. trained.Select(task => task.Contribution)];

    /// <summary>Trains one task and returns its contribution. By default: ordinary training with an observer.</summary>
    public virtual Contribution Train(TaskRun run)
    {
        var observer = Observe(run.Job.TaskId) ?? throw new RlLeapException(
            $"The method {Name}{PluginFault.Place(GetType())} returned null from Observe instead of an observer.");
        using var learner = run.Begin(observer);
        run.Complete(learner);
        return learner.Contribute();
    }

    protected override IMetaLearner Open(MetaLearnerContext context) => new MapReduceMetaLearner(this, context);
}

/// <summary>A task of a meta-step with what it contributed.</summary>
/// <param name="Task">The task.</param>
/// <param name="Job">Its training.</param>
/// <param name="Contribution">What it contributes.</param>
public sealed record TrainedTask(ITask Task, TaskJob Job, Contribution Contribution);

/// <summary>Everything that a meta-learner is made from, for every method.</summary>
public sealed record MetaLearnerContext
{
    /// <summary>The encoder.</summary>
    public required Network Network { get; init; }

    /// <summary>The network of teachers, for distillation; null for <see cref="Network"/>.</summary>
    public Network? Teacher { get; init; }

    /// <summary>The tasks to pretrain on. Heads that they mark as shared are meta-learned with the encoder.</summary>
    public required IReadOnlyList<ITask> Pool { get; init; }

    /// <summary>How tasks are learned inside a meta-step.</summary>
    public LearnerOptions Learner { get; init; } = new();

    /// <summary>How the initialization moves along the averaged contributions.</summary>
    public OptimizerOptions MetaOptimizer { get; init; } = new();

    /// <summary>Meta-steps of the whole run, for the meta-optimizer's schedule; 0 when unknown.</summary>
    public long MetaSteps { get; init; }

    /// <summary>Tasks of a meta-step, for the schedule of methods that make one gradient step for each.</summary>
    public int MetaBatch { get; init; } = 1;

    /// <summary>The largest part of a meta-batch that may diverge and be left out. Beyond it the run stops.</summary>
    public double MaxDiverged { get; init; } = 0.5;

    /// <summary>The only source of randomness.</summary>
    public required Rng Rng { get; init; }

    /// <summary>Where the initialization lies and tasks are trained.</summary>
    public Device? Device { get; init; }

    /// <summary>Floating type of all parameters.</summary>
    public ScalarType DType { get; init; } = ScalarType.Float32;

    /// <summary>The heads that all tasks share.</summary>
    public IReadOnlyList<Head> SharedHeads => SharedHeadsOf(Pool[0]);

    /// <summary>Throws when the pool is empty, or its tasks do not fit one another or the network.</summary>
    /// <exception cref="RlLeapException">Names the task and what does not fit.</exception>
    public void Check()
    {
        RequireTasks(Pool.Count);
        if (MaxDiverged is not (>= 0 and <= 1))
            throw new RlLeapException("The largest part of a meta-batch that may diverge must lie in 0 .. 1; "
                + $"it is {MaxDiverged}.");
        foreach (var task in Pool)
        {
            if (!task.Info.InputShape.AsSpan().SequenceEqual(Network.InputShape))
                throw new RlLeapException($"{Network.Name} takes inputs of {Shape.Text(Network.InputShape)}, but "
                    + $"{task.Info.Id} gives {Shape.Text(task.Info.InputShape)}. "
                    + "All tasks of a pool must fit one network.");
            if (!SharedHeadsOf(task).SequenceEqual(SharedHeads))
                throw new RlLeapException($"{task.Info.Id} shares the heads {Names(task)}, {Pool[0].Info.Id} shares "
                    + $"{Names(Pool[0])}: heads can only be shared where all tasks have the same.");
        }

        static string Names(ITask task) =>
            SharedHeadsOf(task) is { Count: > 0 } heads
                ? string.Join(", ", heads.Select(head => $"{head.Name} [{head.Size}]"))
                : "none";
    }

    /// <summary>Throws when a pattern of a role or rate matches nothing, or a method cannot honour a role.</summary>
    internal void CheckRoles(MetaLearningMethod method)
    {
        foreach (var task in Pool)
        {
            Learner.ParameterRoles?.RequireMatches(Network, task.Info.Heads);
            var layout = Model.LayoutOf(Network, task.Info.Heads, Learner.ParameterRoles);
            if (layout.Entries.FirstOrDefault(entry => !method.Supports(entry.Role)) is { } entry)
                throw new RlLeapException($"{entry.Name} of {task.Info.Id} is {Names.Kebab(entry.Role.ToString())}, "
                    + $"which the method {Methods.NameOf(method)} cannot honour. {Hint(entry.Role)}");
            if (layout.Count > 0 && layout.Groups().Count == 0)
                throw new RlLeapException($"The roles leave no parameter of {Network.Name} and the heads of "
                    + $"{task.Info.Id} adapted: a task would learn nothing.");
        }

        static string Hint(ParameterRole role) => role == ParameterRole.Meta
            ? "Freeze it, or choose a method that learns meta parameters: fomaml, maml or warp."
            : "Leave its role out, or choose another method.";
    }

    internal static void RequireTasks(int poolSize)
    {
        if (poolSize < 1)
            throw new RlLeapException("The pool of tasks to pretrain on is empty. Name at least one task.");
    }

    /// <summary>Throws when the pool has a task twice.</summary>
    /// <param name="reason">Why the method needs tasks that differ: "finetuning keeps one head for each task".</param>
    internal void RequireDistinctTasks(string reason)
    {
        var twice = Pool.GroupBy(task => task.Info.Id).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null)
            throw new RlLeapException($"The pool has {twice.Key} twice: {reason} and cannot tell them apart.");
    }

    private static List<Head> SharedHeadsOf(ITask task) => [.. task.Info.Heads.Where(head => head.Shared)];
}

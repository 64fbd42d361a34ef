using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>A method of meta-learning with its options: what a config names, and what makes a meta-learner.</summary>
/// <remarks>An immutable record that survives JSON, so that a worker on another machine gets exactly what the driver decided.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "method")]
[JsonDerivedType(typeof(NoPretrainingOptions), "none")]
[JsonDerivedType(typeof(LeapOptions), "leap")]
[JsonDerivedType(typeof(ReptileOptions), "reptile")]
[JsonDerivedType(typeof(FirstOrderMamlOptions), "fomaml")]
[JsonDerivedType(typeof(MamlOptions), "maml")]
[JsonDerivedType(typeof(FinetuningOptions), "finetuning")]
[JsonDerivedType(typeof(HatOptions), "hat")]
[JsonDerivedType(typeof(ProgressiveOptions), "progressive")]
public abstract record MetaLearningMethod
{
    /// <summary>The name configs use.</summary>
    [JsonIgnore]
    public abstract string Name { get; }

    /// <summary>Makes a meta-learner that starts from an initialization drawn from the setting's <see cref="MetaLearnerContext.Rng"/>.</summary>
    /// <exception cref="RlLeapException">The pool is empty, its tasks do not fit one another or the network, or the method cannot work with the setting.</exception>
    public IMetaLearner Create(MetaLearnerContext setting)
    {
        setting.Check();
        Check(setting);
        return Open(setting);
    }

    /// <summary>Throws when the method cannot work with the setting.</summary>
    protected virtual void Check(MetaLearnerContext setting) { }

    /// <summary>Makes the meta-learner; the setting has been checked.</summary>
    protected abstract IMetaLearner Open(MetaLearnerContext setting);
}

/// <summary>A method whose meta-step is a map over tasks and a reduce: every task is trained from the shared initialization and contributes a direction.</summary>
public abstract record PerTaskMethod : MetaLearningMethod
{
    /// <summary>An observer for one task's training.</summary>
    public abstract PathObserver Observe(string taskId);

    /// <summary>Trains one task from its start and returns its contribution. By default: <see cref="Observe"/> the ordinary training.</summary>
    public virtual Contribution Train(TaskRun run)
    {
        using var learner = run.Begin(Observe(run.Work.TaskId)
            ?? throw new RlLeapException($"The method {Name}{PluginFault.Place(GetType())} returned null from Observe instead of an observer."));
        run.Complete(learner);
        return learner.Contribute();
    }

    /// <inheritdoc/>
    protected override IMetaLearner Open(MetaLearnerContext setting) => new MapReduceMetaLearner(this, setting);
}

/// <summary>All that a meta-learner is made from, whatever its method.</summary>
public sealed record MetaLearnerContext
{
    /// <summary>The encoder.</summary>
    public required Network Network { get; init; }
    /// <summary>The tasks to pretrain on. Heads that they mark as shared are meta-learned with the encoder.</summary>
    public required IReadOnlyList<ITask> Pool { get; init; }
    /// <summary>How tasks are learned inside a meta-step.</summary>
    public LearnerOptions Learner { get; init; } = new();
    /// <summary>How the initialization moves along the averaged contributions.</summary>
    public OptimizerOptions MetaOptimizer { get; init; } = new();
    /// <summary>Meta-steps of the whole run, for the meta-optimizer's schedule; 0 when unknown.</summary>
    public long MetaSteps { get; init; }
    /// <summary>Largest part of a meta-batch that may diverge and be left out; beyond it the run stops.</summary>
    public double MaxDiverged { get; init; } = 0.5;
    /// <summary>The only source of randomness.</summary>
    public required Rng Rng { get; init; }
    /// <summary>Where the initialization lies and tasks are trained.</summary>
    public Device? Device { get; init; }
    /// <summary>Floating type of all parameters.</summary>
    public ScalarType DType { get; init; } = ScalarType.Float32;

    /// <summary>The heads that all tasks share.</summary>
    public IReadOnlyList<Head> SharedHeads => [.. Pool[0].Info.Heads.Where(head => head.Shared)];

    /// <summary>Throws when the pool is empty or its tasks do not fit one another or the network.</summary>
    /// <exception cref="RlLeapException">Names the task and what does not fit.</exception>
    public void Check()
    {
        if (Pool.Count == 0) throw new RlLeapException("The pool of tasks to pretrain on is empty. Name at least one task.");
        if (MaxDiverged is not (>= 0 and <= 1)) throw new RlLeapException($"The largest part of a meta-batch that may diverge must lie in 0 .. 1; it is {MaxDiverged}.");
        foreach (var task in Pool)
        {
            if (!task.Info.InputShape.AsSpan().SequenceEqual(Network.InputShape))
                throw new RlLeapException($"{Network.Name} takes inputs of {Shape.Text(Network.InputShape)}, but {task.Info.Id} gives {Shape.Text(task.Info.InputShape)}. All tasks of a pool must fit one network.");
            if (!task.Info.Heads.Where(head => head.Shared).SequenceEqual(SharedHeads))
                throw new RlLeapException($"{task.Info.Id} shares the heads {Names(task)}, {Pool[0].Info.Id} shares {Names(Pool[0])}: heads can only be shared where all tasks have the same.");
        }

        static string Names(ITask task) => string.Join(", ", task.Info.Heads.Where(head => head.Shared).Select(head => $"{head.Name} [{head.Size}]")) is { Length: > 0 } names ? names : "none";
    }
}

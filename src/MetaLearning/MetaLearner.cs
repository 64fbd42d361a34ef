using System.Globalization;

namespace RlLeap.MetaLearning;

/// <summary>What all meta-learners of this library share: seeds of tasks, limits, and checkpoints.</summary>
/// <remarks>A method implements <see cref="Step"/>, <see cref="Export"/> and <see cref="Import"/>.</remarks>
internal abstract class MetaLearner : IMetaLearner
{
    private const string MethodNote = "method", NetworkNote = "network", MetaStepsNote = "meta-steps";

    /// <summary>Draws the initialization from the context's random stream.</summary>
    /// <param name="sharedHeads">
    /// Heads that are meta-learned with the encoder; null when every task has new heads.
    /// </param>
    protected MetaLearner(MetaLearningMethod method, MetaLearnerContext context, IReadOnlyList<Head>? sharedHeads)
    {
        (Method, Context) = (method, context);
        Initialization = new MetaInitialization(
            context.Network, sharedHeads, context.DType, context.Device, context.Learner.ParameterRoles);
        Initialization.Initialize(context.Rng.Split("initialization"));
    }

    public MetaLearningMethod Method { get; }
    public long MetaSteps { get; private set; }
    public MetaInitialization Initialization { get; }

    /// <summary>What the meta-learner was made from.</summary>
    protected MetaLearnerContext Context { get; }

    public MetaStepRecord MetaStep(
        IReadOnlyList<ITask> batch, IExecutor executor, CancellationToken cancellation = default)
    {
        if (batch.Count == 0) throw new RlLeapException("A meta-step needs at least one task; the batch is empty.");
        var record = Step(batch, [.. batch.Select(JobOf)], executor, cancellation);
        MetaSteps++;
        return record;
    }

    public virtual Learner Begin(ITask task, LearnerOptions options, Rng rng) =>
        Initialization.Begin(task, options, rng);

    public virtual void StartFrom(IReadOnlyDictionary<string, Tensor> parameters)
    {
        if (MetaSteps > 0)
            throw new RlLeapException($"A warm start comes before the first meta-step; {MetaSteps} were made.");
        Initialization.Import(parameters, "what is started from");
    }

    public void Save(string path)
    {
        using var scope = NewDisposeScope();
        var notes = new Dictionary<string, string>
        {
            [MethodNote] = Method.Name,
            [NetworkNote] = Context.Network.Name,
            [MetaStepsNote] = MetaSteps.ToString(CultureInfo.InvariantCulture),
        };
        ParameterRoles.Note(Initialization.Shared.Layout, notes);
        SafeTensors.Write(path, Export(notes), notes);
    }

    public void Load(string path)
    {
        using var scope = NewDisposeScope();
        var (tensors, notes) = SafeTensors.Read(path);
        if (notes.GetValueOrDefault(MethodNote) != Method.Name
            || !long.TryParse(notes.GetValueOrDefault(MetaStepsNote), out var metaSteps))
            throw NotMine(path, notes);
        Import(new MetaCheckpoint(path, tensors, notes));
        MetaSteps = metaSteps;
    }

    public virtual void Dispose() => Initialization.Dispose();

    /// <summary>Makes one meta-step. After an exception the state must be as it was before.</summary>
    /// <param name="batch">The tasks; at least one.</param>
    /// <param name="jobs">One for each task of the batch, in the same order.</param>
    protected abstract MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation);

    /// <summary>All tensors of a checkpoint, by name. The caller's dispose scope owns them.</summary>
    /// <param name="notes">The checkpoint's header. A method may add notes of its own.</param>
    protected abstract Dictionary<string, Tensor> Export(Dictionary<string, string> notes);

    /// <summary>Takes over what <see cref="Export"/> gave.</summary>
    /// <exception cref="RlLeapException">Something is missing or does not fit.</exception>
    protected abstract void Import(MetaCheckpoint checkpoint);

    /// <summary>Stops the run when more tasks of a batch diverged than may, or all of them.</summary>
    /// <exception cref="RlLeapException">Names the first three with their seeds.</exception>
    protected void RequireEnoughTasks(IReadOnlyCollection<TaskOutcome> diverged, int batchSize)
    {
        if (diverged.Count <= Context.MaxDiverged * batchSize && diverged.Count < batchSize) return;
        throw new RlLeapException($"Meta-step {MetaSteps}: {diverged.Count} of {batchSize} tasks diverged "
            + $"(at most {Context.MaxDiverged:P0} may): "
            + string.Join(" ", diverged.Take(3).Select(outcome => $"[seed {outcome.Job.Seed}] {outcome.Failure}")));
    }

    private TaskJob JobOf(ITask task, int index) => new()
    {
        TaskId = task.Info.Id,
        Seed = (long)(Context.Rng.Split("meta-step", MetaSteps).Split("task", index).NextUInt64() >> 1),
        MetaStep = MetaSteps,
        Index = index,
        Method = Method,
        Learner = Context.Learner.For(task.Info),
    };

    private RlLeapException NotMine(string path, IReadOnlyDictionary<string, string> notes)
    {
        var other = notes.GetValueOrDefault(MethodNote) ?? "something else";
        return new RlLeapException($"{path} is a checkpoint of {other}, not of {Method.Name}.");
    }
}

/// <summary>A meta-learner's checkpoint as it was read.</summary>
/// <param name="Path">The file, for messages.</param>
/// <param name="Tensors">All tensors by name; the caller's dispose scope owns them.</param>
internal sealed record MetaCheckpoint(
    string Path, IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Notes)
{
    /// <summary>The tensor of this name.</summary>
    /// <exception cref="RlLeapException">There is none.</exception>
    public Tensor this[string name] => Tensors.TryGetValue(name, out var value) ? value : throw Lacks(name);

    /// <summary>The note of this name.</summary>
    /// <exception cref="RlLeapException">There is none.</exception>
    public string Note(string name) => Notes.TryGetValue(name, out var note) ? note : throw Lacks(name);

    private RlLeapException Lacks(string name) => new($"{Path} lacks {name}: it is not a whole checkpoint.");
}

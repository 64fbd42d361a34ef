using System.Text.Json;

namespace RlLeap.MetaLearning;

/// <summary>What HAT and Progressive Nets share: they learn one task after another, and one state grows.</summary>
/// <remarks>
/// The state is the initialization, which all tasks share, and for every task seen its own tensors by name. A meta-step
/// visits the tasks of its batch in order. A task may be visited again. All runs on the calling thread.
/// </remarks>
internal abstract class ContinualMetaLearner(MetaLearningMethod method, MetaLearnerContext context)
    : MetaLearner(method, context, sharedHeads: null)
{
    private const string TaskPrefix = "task:", TasksNote = "tasks";

    /// <summary>Each task's own tensors by name, by the task's id.</summary>
    /// <remarks>A dictionary of tensors never changes: a visit puts another one in its place.</remarks>
    protected Dictionary<string, Dictionary<string, Tensor>> Tasks { get; private set; } = [];

    /// <summary>A learner of a task at the present state. Its training must not change the state.</summary>
    public abstract override Learner Begin(ITask task, LearnerOptions options, Rng rng);

    /// <summary>Refused: such a method grows from nothing, and protects only what it learned itself.</summary>
    /// <exception cref="RlLeapException">Always.</exception>
    public override void StartFrom(IReadOnlyDictionary<string, Tensor> parameters) => throw new RlLeapException(
        $"{Method.Name} cannot start from the parameters of another run: it keeps what its own tasks learned, task by "
        + "task. Use leap, reptile, fomaml, maml or finetuning.");

    /// <summary>Frees the tensors of all tasks.</summary>
    public override void Dispose()
    {
        foreach (var own in Tasks.Values) Free(own);
        base.Dispose();
    }

    /// <summary>Takes over what a visit learned. The shared part goes into the initialization.</summary>
    /// <returns>The task's own tensors, made by <see cref="Copy"/>.</returns>
    protected abstract Dictionary<string, Tensor> Consolidate(ITask task, Learner learner);

    /// <summary>Copies of a model's parameters and buffers, by the names that files use.</summary>
    protected static Dictionary<string, Tensor> Copy(Model model, IReadOnlySet<string>? except = null) => model.Export()
        .Where(entry => except?.Contains(entry.Name) != true)
        .ToDictionary(entry => entry.Name, entry => entry.Value.to(model.Device));

    protected override MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var tasksBefore = new Dictionary<string, Dictionary<string, Tensor>>(Tasks);
        var sharedBefore = Initialization.Shared.Flat.detach().clone();
        var (records, diverged) = (new List<TaskRecord>(), new List<TaskOutcome>());
        try
        {
            foreach (var job in jobs)
                try
                {
                    records.Add(Visit(batch[job.Index], job, tasksBefore, cancellation));
                }
                catch (DivergenceException e)
                {
                    diverged.Add(new TaskOutcome(job, null, e.Message));
                    RequireEnoughTasks(diverged, batch.Count);
                }
        }
        catch
        {
            foreach (var own in Tasks.Values.Except(tasksBefore.Values)) Free(own);
            Tasks = tasksBefore;
            Initialization.Shared.CopySharedFrom(sharedBefore);
            throw;
        }
        foreach (var replaced in tasksBefore.Values.Except(Tasks.Values)) Free(replaced);
        return new MetaStepRecord(MetaSteps, records, diverged, GradientNorm: 0);
    }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes)
    {
        var tensors = Initialization.Export();
        foreach (var (id, own) in Tasks)
            foreach (var (name, value) in own) tensors.Add(Prefix(id) + name, value);
        notes[TasksNote] = JsonSerializer.Serialize(Tasks.Keys);
        return tensors;
    }

    protected override void Import(MetaCheckpoint checkpoint)
    {
        var ids = JsonSerializer.Deserialize<string[]>(checkpoint.Note(TasksNote))!;
        Initialization.Import(checkpoint.Tensors, checkpoint.Path);
        foreach (var own in Tasks.Values) Free(own);
        var device = Initialization.Shared.Flat.device;
        Tasks = ids.ToDictionary(id => id, id => checkpoint.Tensors
            .Where(tensor => tensor.Key.StartsWith(Prefix(id), StringComparison.Ordinal))
            .ToDictionary(
                tensor => tensor.Key[Prefix(id).Length..],
                tensor => tensor.Value.to(device).DetachFromDisposeScope()));
    }

    private TaskRecord Visit(
        ITask task, TaskJob job, Dictionary<string, Dictionary<string, Tensor>> tasksBefore,
        CancellationToken cancellation)
    {
        using var learner = Begin(task, job.Learner, new Rng(job.Seed));
        learner.Diagnosis = new TrainingDiagnosis();
        var losses = new LossSummary();
        while (!learner.IsDone)
        {
            cancellation.ThrowIfCancellationRequested();
            losses.Add(learner.TrainStep().Loss);
        }
        learner.RequireFinite(); // all tasks share what comes next

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var own = Consolidate(task, learner);
        foreach (var value in own.Values) value.DetachFromDisposeScope();
        // A second visit in one batch replaces tensors that the state before the batch does not hold.
        if (Tasks.TryGetValue(task.Info.Id, out var previous) && !tasksBefore.ContainsValue(previous)) Free(previous);
        Tasks[task.Info.Id] = own;

        var metrics = losses.Metrics;
        learner.Record(metrics);
        return new TaskRecord(task.Info.Id, job.Seed, learner.Step, metrics);
    }

    private static string Prefix(string id) => $"{TaskPrefix}{id}:";

    private static void Free(Dictionary<string, Tensor> own)
    {
        foreach (var value in own.Values) value.Dispose();
    }
}

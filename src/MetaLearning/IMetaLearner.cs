namespace RlLeap.MetaLearning;

/// <summary>Learns, over many tasks, where learning a task should start.</summary>
/// <remarks>Training a task from what was meta-learned (<see cref="Begin"/>) does not change a bit of it.</remarks>
public interface IMetaLearner : IDisposable
{
    /// <summary>The method with its options.</summary>
    MetaLearningMethod Method { get; }

    /// <summary>Meta-steps made.</summary>
    long MetaSteps { get; }

    /// <summary>The initialization as it is now.</summary>
    MetaInitialization Initialization { get; }

    /// <summary>Learns from one batch of tasks.</summary>
    /// <param name="batch">The tasks; one may occur several times.</param>
    /// <param name="executor">
    /// Where tasks are trained, for methods that train them independently of one another.
    /// </param>
    /// <param name="cancellation">Asks to leave; the meta-learner is then as before the step.</param>
    /// <exception cref="RlLeapException">The batch is empty, or too many tasks diverged.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    MetaStepRecord MetaStep(
        IReadOnlyList<ITask> batch, IExecutor executor, CancellationToken cancellation = default);

    /// <summary>A learner of a task, known or new, that starts from what was meta-learned.</summary>
    /// <param name="task">What to learn.</param>
    /// <param name="options">How.</param>
    /// <param name="rng">The only source of randomness: new heads, the task's stream.</param>
    Learner Begin(ITask task, LearnerOptions options, Rng rng);

    /// <summary>Takes over parameters that were learned elsewhere, before the first meta-step: a warm start.</summary>
    /// <param name="parameters">
    /// By the names that files use, for all of the initialization. What it does not have is passed over.
    /// </param>
    /// <exception cref="RlLeapException">
    /// One is missing or has another shape; a meta-step was made; or the method cannot start so.
    /// </exception>
    void StartFrom(IReadOnlyDictionary<string, Tensor> parameters) => throw new RlLeapException(
        $"{Method.Name} cannot start from the parameters of another run.");

    /// <summary>Saves everything that is needed to go on (safetensors).</summary>
    void Save(string path);

    /// <summary>Goes on where <see cref="Save"/> was called, to the same bits.</summary>
    /// <exception cref="RlLeapException">The file is damaged, or it is from another method or network.</exception>
    void Load(string path);
}

/// <summary>What one meta-step saw.</summary>
/// <param name="MetaStep">Its number, from 0.</param>
/// <param name="Tasks">What each task contributed, in the order of the batch, without those that diverged.</param>
/// <param name="Diverged">The trainings that diverged, with task, seed and reason.</param>
/// <param name="GradientNorm">Norm of the averaged meta-gradient; 0 for methods without one.</param>
public sealed record MetaStepRecord(
    long MetaStep, IReadOnlyList<TaskRecord> Tasks, IReadOnlyList<TaskOutcome> Diverged, double GradientNorm)
{
    /// <summary>A metric averaged over the tasks that have it; NaN where none has.</summary>
    public double Mean(string metric) => Tasks
        .Where(task => task.Metrics.ContainsKey(metric))
        .Select(task => task.Metrics[metric])
        .DefaultIfEmpty(double.NaN)
        .Average();
}

/// <summary>What the training of one task inside a meta-step saw.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Seed">Seed of its randomness.</param>
/// <param name="GradientSteps">Gradient steps made.</param>
/// <param name="Metrics">Losses, path length and the like, by name.</param>
public sealed record TaskRecord(
    string TaskId, long Seed, long GradientSteps, IReadOnlyDictionary<string, double> Metrics);

/// <summary>Draws the tasks of each meta-batch from a pool.</summary>
/// <remarks>
/// A pass over the pool is a permutation of it. A batch larger than the pool passes over it again, in a new
/// permutation. A batch depends on the number of its meta-step alone, so a resumed run needs no state of the sampler.
/// </remarks>
public sealed class TaskSampler
{
    private readonly Rng _rng;
    private readonly int _poolSize;
    private readonly int _batchSize;

    /// <summary>Draws batches of <paramref name="batchSize"/> from <paramref name="poolSize"/> tasks.</summary>
    /// <exception cref="RlLeapException">The pool or the batch is empty.</exception>
    public TaskSampler(Rng rng, int poolSize, int batchSize)
    {
        MetaLearnerContext.RequireTasks(poolSize);
        if (batchSize < 1)
            throw new RlLeapException($"A meta-batch has at least one task; {batchSize} are asked for.");
        (_rng, _poolSize, _batchSize) = (rng, poolSize, batchSize);
    }

    /// <summary>Positions in the pool of the tasks of one meta-step.</summary>
    public int[] Batch(long metaStep)
    {
        var batch = new int[_batchSize];
        var step = _rng.Split("meta-batch", metaStep);
        for (var (filled, pass) = (0, 0); filled < batch.Length; filled += _poolSize, pass++)
        {
            var order = step.Split("pass", pass).Permutation(_poolSize);
            order.AsSpan(0, Math.Min(_poolSize, batch.Length - filled)).CopyTo(batch.AsSpan(filled));
        }
        return batch;
    }
}

namespace RlLeap;

/// <summary>Which part of a task's data a batch comes from. Environments have one stream: they ignore it.</summary>
public enum Split
{
    /// <summary>To learn from.</summary>
    Train,
    /// <summary>To choose settings and to stop by.</summary>
    Validation,
    /// <summary>To report.</summary>
    Test,
}

/// <summary>What a network must fit to learn a task.</summary>
/// <param name="Id">Names the task in records ("MinAtar/Breakout-v0", "omniglot/Greek").</param>
/// <param name="InputShape">One input, without the batch axis.</param>
/// <param name="Heads">The outputs the task needs.</param>
public sealed record TaskInfo(string Id, long[] InputShape, IReadOnlyList<Head> Heads)
{
    /// <summary>Gradient steps that see the training data once; 0 where that means nothing (environments).</summary>
    public long StepsPerEpoch { get; init; }
}

/// <summary>What is to be learned: a stream of losses.</summary>
/// <remarks>
/// Supervised learning takes a minibatch for each loss, reinforcement learning a rollout of the model that is being
/// trained. A task is immutable and safe to share between threads. All that moves is in the stream that
/// <see cref="Open"/> returns.
/// </remarks>
public interface ITask
{
    /// <summary>Name, input shape, outputs.</summary>
    TaskInfo Info { get; }

    /// <summary>A new stream: random by <paramref name="rng"/>, batches on <paramref name="device"/>.</summary>
    ITaskStream Open(Rng rng, Device device);
}

/// <summary>One learning process's view of a task: batches and their losses.</summary>
/// <remarks>
/// A training step is <c>batch = NextBatch(model)</c>, <c>loss = Loss(model, batch)</c>, <c>loss.backward()</c>,
/// update. <see cref="Learner"/> makes it; a loop of one's own may as well.
/// </remarks>
public interface ITaskStream : IDisposable
{
    /// <summary>The next minibatch or rollout. Environments are stepped by <paramref name="model"/>.</summary>
    /// <param name="model">The model that is being trained.</param>
    /// <param name="split">Which part of the data to take it from.</param>
    /// <returns>A batch, which the caller disposes.</returns>
    IBatch NextBatch(Model model, Split split = Split.Train);

    /// <summary>The loss of a batch: always a scalar that can be differentiated by the model's parameters.</summary>
    /// <remarks>
    /// It belongs to the caller's dispose scope. For the model and the parameters that <see cref="NextBatch"/> was
    /// called with, a stream that acts may reuse the passes it acted by: differentiate such a loss before the
    /// parameters change.
    /// </remarks>
    Tensor Loss(Model model, IBatch batch);

    /// <summary>How well the model does on a split ("error", "loss"); empty for environments. Learns nothing.</summary>
    IReadOnlyDictionary<string, double> Score(Model model, Split split);

    /// <summary>Whether <see cref="Save"/> captures all, so that a resumed run has the same bits.</summary>
    bool CanSave { get; }

    /// <summary>All state that moves and can be saved: positions, environments, random streams.</summary>
    byte[] Save();

    /// <summary>Goes on where <see cref="Save"/> was called; what could not be saved starts anew.</summary>
    void Restore(ReadOnlySpan<byte> state);
}

/// <summary>What one loss is computed from: a minibatch or a rollout. Owns its tensors.</summary>
public interface IBatch : IDisposable
{
    /// <summary>Units of experience in it: images of a minibatch, agent steps of a rollout (T x N).</summary>
    long Count { get; }

    /// <summary>
    /// What is worth recording of it by name: accuracy, terms of the loss.
    /// </summary>
    /// <remarks><see cref="ITaskStream.Loss"/> fills in what comes free with the loss.</remarks>
    IReadOnlyDictionary<string, double> Metrics { get; }

    /// <summary>
    /// The episodes that ended while it was collected, in the order of their ends; null where the task has none
    /// (images). The list does not change later.
    /// </summary>
    IReadOnlyList<FinishedEpisode>? Episodes => null;

    /// <summary>
    /// Gradient steps that the stream leaves out after this batch's, as PPO does where it has moved far enough. They
    /// count as made. Known when the loss is.
    /// </summary>
    long StepsSkipped => 0;

    /// <summary>[N, input...] what the network read, for diagnoses (<see cref="NetworkDiagnostics"/>), valid until the
    /// batch is disposed; null where it is not kept.</summary>
    Tensor? Inputs => null;
}

/// <summary>Sees a learning process at every gradient step, and sums it up for a meta-step.</summary>
/// <remarks>
/// The order of a step is: backward, <see cref="Observe"/>, update. Position, gradient and loss are those of one point,
/// and the gradient is not clipped yet. What an observer needs of an earlier point it keeps itself.
/// </remarks>
public interface IPathObserver : IDisposable
{
    /// <summary>The process is at a point.</summary>
    /// <param name="position">The shared parameters [s]. Read only; they change with the next update.</param>
    /// <param name="gradient">The gradient [s] of the loss at <paramref name="position"/>, before clipping. Read
    /// only.</param>
    /// <param name="loss">The loss of the step's batch at <paramref name="position"/>.</param>
    void Observe(Tensor position, Tensor gradient, double loss);

    /// <summary>The contribution of the whole process, which has ended.</summary>
    /// <param name="end">The shared parameters [s] after the last update.</param>
    Contribution Contribute(Tensor end);

    /// <summary>Every tensor that the observer remembers between steps, by name; checkpoints include it.</summary>
    IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>Every number that it remembers, by name.</summary>
    IReadOnlyDictionary<string, double> Scalars { get; }

    /// <summary>Goes on where a saved observer was.</summary>
    void Restore(IReadOnlyDictionary<string, Tensor> state, IReadOnlyDictionary<string, double> scalars);
}

/// <summary>What one trained task contributes to a meta-step.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="MetaGradient">The meta-gradient [s] of the shared parameters, to be averaged over tasks and
/// descended.</param>
/// <param name="Steps">Gradient steps of the process.</param>
/// <param name="Metrics">Path length and energy, losses.</param>
public sealed record Contribution(string TaskId, double[] MetaGradient, long Steps,
    IReadOnlyDictionary<string, double> Metrics)
{
    /// <summary>
    /// Points of the path for a method that goes over those of all tasks together: the adapted numbers of the task's
    /// model, its own heads included. null for most methods.
    /// </summary>
    public IReadOnlyList<float[]>? Points { get; init; }
}

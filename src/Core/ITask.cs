using static TorchSharp.torch;

namespace RlLeap;

/// <summary>Which part of a task's data a draw comes from. Environments have one stream: they ignore it.</summary>
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
    /// <summary>Gradient steps that see the training data once; 0 where there is no such thing (environments).</summary>
    public long StepsPerEpoch { get; init; }
}

/// <summary>A task is a stream of losses: supervised learning draws a minibatch for each, reinforcement learning a rollout of the very model being trained.</summary>
/// <remarks>Immutable and safe to share between threads; all that moves is in the stream that <see cref="Open"/> returns.</remarks>
public interface ITask
{
    /// <summary>Name, input shape, outputs.</summary>
    TaskInfo Info { get; }

    /// <summary>A new stream. All its randomness comes from <paramref name="rng"/>; its draws lie on <paramref name="device"/>.</summary>
    ITaskStream Open(Rng rng, Device device);
}

/// <summary>One learning process's view of a task.</summary>
public interface ITaskStream : IDisposable
{
    /// <summary>The next minibatch or rollout. For an environment: steps it with <paramref name="model"/>'s own actions. The caller disposes the draw.</summary>
    IBatch Draw(Model model, Split split);

    /// <summary>The loss of a draw, a differentiable scalar, at the model's parameters. Belongs to the caller's dispose scope.</summary>
    Tensor Loss(Model model, IBatch draw);

    /// <summary>The next draw to learn from and its loss at the same parameters. A stream that acts may differentiate the passes that it acted by; else as Draw and Loss. The caller disposes the draw.</summary>
    (IBatch Draw, Tensor Loss) Next(Model model)
    {
        var draw = Draw(model, Split.Train);
        try { return (draw, Loss(model, draw)); }
        catch
        {
            draw.Dispose();
            throw;
        }
    }

    /// <summary>Makes the model's gradient buffer the gradient of a loss that <see cref="Loss"/> or <see cref="Next"/> just returned; what was in it is lost.</summary>
    /// <remarks>Not a sum with what was there: a stream that knows all of its gradient writes it once, where a sum is zeroed, read and written.</remarks>
    void Backward(Model model, Tensor loss)
    {
        model.Parameters.ZeroGradient();
        loss.backward();
    }

    /// <summary>The threads that the stream differentiates on, where they are several: they share the update too. Null where there is one, or a device of its own.</summary>
    ITeam? Team => null;

    /// <summary>How well the model does on a split, by name ("error", "loss", "return"); does not learn. Empty where only draws tell (environments).</summary>
    IReadOnlyDictionary<string, double> Score(Model model, Split split);

    /// <summary>Whether <see cref="Save"/> captures all state, so that a resumed run is bit-identical (false for emulators that cannot be saved).</summary>
    bool CanSave { get; }

    /// <summary>All state that moves and can be saved: positions, environments, random streams.</summary>
    byte[] Save();

    /// <summary>Goes on where <see cref="Save"/> was called; what could not be saved starts anew (fresh episodes).</summary>
    void Restore(ReadOnlySpan<byte> state);
}

/// <summary>Threads that work side by side.</summary>
public interface ITeam
{
    /// <summary>How many, the caller's among them.</summary>
    int Count { get; }

    /// <summary>Calls <paramref name="work"/> with 0 .. Count - 1, each on a thread of its own, and returns when all have ended.</summary>
    void Run(Action<int> work);
}

/// <summary>What one loss is computed from: a minibatch or a rollout. Owns its tensors.</summary>
public interface IBatch : IDisposable
{
    /// <summary>Units of experience in it: images of a minibatch, agent steps of a rollout (T x N).</summary>
    long Count { get; }

    /// <summary>What is worth recording of it by name: mean reward, finished episodes' returns, accuracy (filled by <see cref="ITaskStream.Loss"/> where it comes free).</summary>
    IReadOnlyDictionary<string, double> Metrics { get; }

    /// <summary>[N, input...] what the network read, for diagnoses (<see cref="NetworkDiagnostics"/>), valid until the batch is disposed; null where it is not kept.</summary>
    Tensor? Inputs => null;
}

/// <summary>Sees a learning process at every gradient step; its result is a serializable contribution, so tasks can be trained anywhere.</summary>
/// <remarks>
/// <see cref="Observe"/> is called after the forward and before the backward pass of every step: then the position theta^i and its loss f(theta^i) are known and the
/// vector's gradient buffer still holds the gradient at theta^(i-1), untouched since the last update. A segment of the path is complete at that moment, and no
/// observer ever needs a copy of the gradient.
/// </remarks>
public interface IPathObserver : IDisposable
{
    /// <summary>The process is at <paramref name="theta"/>, where the loss of its draw is <paramref name="loss"/>.</summary>
    void Observe(ParameterVector theta, double loss);

    /// <summary>The process has ended; <paramref name="theta"/> is where it ended, the gradient buffer that of the last step.</summary>
    Contribution Finish(ParameterVector theta);

    /// <summary>Everything the observer remembers between two steps, by name; a task's checkpoint includes it.</summary>
    IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>Scalars of the state, by name.</summary>
    IReadOnlyDictionary<string, double> Scalars { get; }

    /// <summary>Goes on where a saved observer was.</summary>
    void Restore(IReadOnlyDictionary<string, Tensor> state, IReadOnlyDictionary<string, double> scalars);
}

/// <summary>What one trained task contributes to a meta-step: a direction for the shared parameters, and what is worth recording.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="MetaGradient">The meta-gradient [shared count], to be averaged over tasks and descended. float32 or float64 as the process was.</param>
/// <param name="Steps">Gradient steps of the process.</param>
/// <param name="Metrics">Path length and energy, losses.</param>
public sealed record Contribution(string TaskId, double[] MetaGradient, long Steps, IReadOnlyDictionary<string, double> Metrics);

namespace RlLeap.Environments;

/// <summary>N copies of an environment that are stepped together. Agents use this interface.</summary>
/// <remarks>
/// <para><b>Automatic reset in the same step.</b> When the episode of copy i ends, that step's <c>Rewards[i]</c> and
/// <c>StepTypes[i]</c> belong to the ended episode. Row i of <c>FinalObservations</c> is its last observation. Row i of
/// <c>Observations</c> is already the first observation of the next episode. So no transition has to be masked, and a
/// learner can bootstrap at a truncation.</para>
/// <para><b>Buffers</b> are owned by the environment and allocated once. Step overwrites them, so copy what you need
/// after the next Step.</para>
/// <para><b>Errors.</b> Actions are checked before any copy is stepped. If one copy fails, the others complete the step
/// and their rows are valid. One <see cref="EnvironmentException"/> names the copy and its step. After it, Step throws
/// until Reset is called.</para>
/// </remarks>
public interface IVectorEnvironment : IDisposable
{
    /// <summary>The description of each copy.</summary>
    EnvironmentSpec Spec { get; }

    /// <summary>The number of copies, N.</summary>
    int Count { get; }

    /// <summary>[N, ...]: the current observation of each copy.</summary>
    ObservationBuffer Observations { get; }

    /// <summary>[N, ...]: the last observation of each episode that ended in the last step; else not valid.</summary>
    ObservationBuffer FinalObservations { get; }

    /// <summary>[N]: rewards of the last step, clipped only if the id asks for it. They are 0 after Reset.</summary>
    float[] Rewards { get; }

    /// <summary>
    /// [N]: the rewards before any clipping, by default <see cref="Rewards"/>. They are not part of a snapshot, so read
    /// them only after a step.
    /// </summary>
    float[] RawRewards => Rewards;

    /// <summary>[N]: First after Reset, then Mid, Terminated or Truncated, also where a new episode began.</summary>
    StepType[] StepTypes { get; }

    /// <summary>The episodes that ended in the last step, in order of copies. The next step reuses the list.</summary>
    IReadOnlyList<EpisodeRecord> Finished { get; }

    /// <summary>Starts a new episode in every copy. The returns of running episodes are discarded.</summary>
    void Reset();

    /// <summary>Takes [N] actions, one in each copy.</summary>
    /// <exception cref="EnvironmentException">An action is not valid, or a copy failed.</exception>
    void Step(ReadOnlySpan<int> actions);

    /// <summary>
    /// Takes [N, Spec.Action.Length] numbers, one row for each copy (<see cref="Space"/>). Values of a Box may lie
    /// outside its bounds: the environment clips them.
    /// </summary>
    /// <exception cref="EnvironmentException">An action is not valid, or a copy failed.</exception>
    void Step(ReadOnlySpan<float> actions)
    {
        var indices = new int[actions.Length];
        for (var i = 0; i < actions.Length; i++) indices[i] = ActionNumbers.ToIndex(Spec, actions.Slice(i, 1));
        Step(indices);
    }

    /// <summary>
    /// Runs work that steps this environment many times on the thread where steps are cheapest. Returns when the work
    /// is done, and passes on its exceptions.
    /// </summary>
    /// <remarks>
    /// An environment may have a thread of its own and run the work there. So the work has to set up what it needs per
    /// thread (no_grad, dispose scopes).
    /// </remarks>
    void Run(Action work) => work();

    /// <summary>Whether <see cref="Snapshot"/> and <see cref="Restore"/> work.</summary>
    bool CanSnapshot => false;

    /// <summary>All state as bytes: every copy, random streams, returns of running episodes, public buffers.</summary>
    /// <exception cref="NotSupportedException"><see cref="CanSnapshot"/> is false.</exception>
    byte[] Snapshot() => throw new NotSupportedException($"{Spec.Id} cannot save its state (CanSnapshot is false).");

    /// <summary>Restores a state saved by a vector with the same spec and count, to the bit.</summary>
    /// <exception cref="NotSupportedException"><see cref="CanSnapshot"/> is false.</exception>
    void Restore(ReadOnlySpan<byte> snapshot) =>
        throw new NotSupportedException($"{Spec.Id} cannot restore a state (CanSnapshot is false).");

    /// <summary>Whether <see cref="Render"/> works. By default it does if observations are images.</summary>
    bool CanRender => ObservedPicture.Shows(Spec);

    /// <summary>
    /// A picture of the current state of copy <paramref name="index"/> for people to look at. By default it is the
    /// newest frame of the observation. After an automatic reset it shows the new episode.
    /// </summary>
    /// <exception cref="NotSupportedException"><see cref="CanRender"/> is false.</exception>
    Picture Render(int index) => ObservedPicture.Of(Spec, CanRender ? Observations.ByteRow(index) : []);

    /// <summary>Releases what the environment holds. Does nothing by default.</summary>
    void IDisposable.Dispose() { }
}

/// <summary>A finished episode. Its return is of rewards before any clipping.</summary>
/// <param name="Index">The copy that played it.</param>
/// <param name="Return">The sum of its rewards.</param>
/// <param name="Length">Its number of agent steps.</param>
/// <param name="End">Terminated or Truncated.</param>
public readonly record struct EpisodeRecord(int Index, double Return, int Length, StepType End);

namespace RlLeap.Environments;

/// <summary>A single environment: what you implement. Agents use <see cref="IVectorEnvironment"/>.</summary>
/// <remarks>
/// <para>Call <c>Reset</c>, then <c>Step</c> until the result <see cref="TimeStep.IsLast"/>, then <c>Reset</c> again.
/// An environment never resets itself. <c>Step</c> before the first Reset or after an episode's end throws
/// <see cref="EnvironmentException"/>.</para>
/// <para>All randomness comes from the <see cref="Rng"/> that the environment was made with. A reset does not restart
/// it, so episodes differ. Two environments made with equal streams behave the same.</para>
/// <para>Only Spec, Reset and Step have to be written. Snapshots and pictures are optional, and off by default.</para>
/// </remarks>
public interface IEnvironment : IDisposable
{
    /// <summary>The description. It never changes.</summary>
    EnvironmentSpec Spec { get; }

    /// <summary>Starts an episode. May be called in the middle of one.</summary>
    TimeStep Reset();

    /// <summary>Takes one action of a Discrete space: 0 .. its count - 1.</summary>
    /// <exception cref="EnvironmentException">No episode is running, or there is no such action.</exception>
    TimeStep Step(int action);

    /// <summary>
    /// Takes one action as the numbers that its space says (<see cref="Space"/>). By default a Discrete one becomes
    /// <see cref="Step(int)"/>; an environment with other actions implements this method, and Step(int) with it.
    /// </summary>
    /// <param name="action">Spec.Action.Length numbers. Values of a Box may lie outside its bounds: clip them.</param>
    /// <exception cref="EnvironmentException">No episode is running, or there is no such action.</exception>
    TimeStep Step(ReadOnlySpan<float> action) => Spec.Action is Discrete
        ? Step(ActionNumbers.ToIndex(Spec, action))
        : throw new EnvironmentException(
            $"{Spec.Id}: its actions are {Spec.Action}, but it does not implement Step(ReadOnlySpan<float>).");

    /// <summary>Whether <see cref="Snapshot"/> and <see cref="Restore"/> work.</summary>
    bool CanSnapshot => false;

    /// <summary>The complete state as bytes, including the random stream.</summary>
    /// <exception cref="NotSupportedException"><see cref="CanSnapshot"/> is false.</exception>
    byte[] Snapshot() => throw new NotSupportedException($"{Spec.Id} cannot save its state (CanSnapshot is false).");

    /// <summary>Restores a state saved by an environment with the same spec, to the bit.</summary>
    /// <exception cref="NotSupportedException"><see cref="CanSnapshot"/> is false.</exception>
    void Restore(ReadOnlySpan<byte> snapshot) =>
        throw new NotSupportedException($"{Spec.Id} cannot restore a state (CanSnapshot is false).");

    /// <summary>Whether <see cref="Render"/> works.</summary>
    bool CanRender => false;

    /// <summary>A picture of the current state for people to look at.</summary>
    /// <exception cref="NotSupportedException"><see cref="CanRender"/> is false.</exception>
    Picture Render() => throw new NotSupportedException($"{Spec.Id} cannot draw itself (CanRender is false).");

    /// <summary>Releases what the environment holds. Does nothing by default.</summary>
    void IDisposable.Dispose() { }
}

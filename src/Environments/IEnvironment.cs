namespace RlLeap.Environments;

/// <summary>What an environment is: its name, what it shows and what can be done in it.</summary>
/// <param name="Id">The id it was made by, options included.</param>
/// <param name="Observation">The space of observations.</param>
/// <param name="Action">The space of actions.</param>
public sealed record EnvironmentSpec(string Id, Box Observation, Discrete Action)
{
    /// <summary>What each action means, where known; empty or one name an action.</summary>
    public IReadOnlyList<string> ActionNames { get; init; } = [];

    /// <summary>What each plane of a [C, H, W] observation shows, where known; empty or one name a plane ("" for one that was added and shows nothing).</summary>
    public IReadOnlyList<string> ChannelNames { get; init; } = [];

    /// <summary>The longest an episode lasts, in agent steps; null when it has no limit.</summary>
    public int? MaxEpisodeSteps { get; init; }

    /// <summary>Emulated frames per agent step (4 for ALE with its usual frame skip).</summary>
    public int FramesPerStep { get; init; } = 1;

    /// <summary>Every option with its resolved value, defaults included: what a run's record prints.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}

/// <summary>One environment: what a researcher writes and tests. Agents see <see cref="IVectorEnvironment"/>.</summary>
/// <remarks>
/// <para>The loop: <c>Reset</c>, then <c>Step</c> until the result <see cref="TimeStep.IsLast"/>, then <c>Reset</c> again. It never resets
/// itself; <c>Step</c> before the first Reset or after an end throws <see cref="EnvironmentException"/>. All its randomness comes
/// from the <see cref="Rng"/> it was made with, and goes on across resets: episodes differ, two environments made with equal streams agree.</para>
/// <para>Spec, Reset and Step are all there is to write. Snapshots and pictures are optional abilities with defaults that say no.</para>
/// </remarks>
public interface IEnvironment : IDisposable
{
    /// <summary>What it is; constant over its life.</summary>
    EnvironmentSpec Spec { get; }

    /// <summary>Starts an episode (also in the middle of one).</summary>
    TimeStep Reset();

    /// <summary>Takes one action, a number from 0 .. Spec.Action.Count-1.</summary>
    TimeStep Step(int action);

    /// <summary>Whether <see cref="Snapshot"/> and <see cref="Restore"/> work.</summary>
    bool CanSnapshot => false;

    /// <summary>The complete state as bytes, random stream included.</summary>
    /// <exception cref="NotSupportedException">Unless <see cref="CanSnapshot"/>.</exception>
    byte[] Snapshot() => throw new NotSupportedException($"{Spec.Id} cannot save its state (CanSnapshot is false).");

    /// <summary>Goes back to a state saved by an environment of the same spec: what follows is the same bits.</summary>
    /// <exception cref="NotSupportedException">Unless <see cref="CanSnapshot"/>.</exception>
    void Restore(ReadOnlySpan<byte> snapshot) => throw new NotSupportedException($"{Spec.Id} cannot restore a state (CanSnapshot is false).");

    /// <summary>Whether <see cref="Render"/> works.</summary>
    bool CanRender => false;

    /// <summary>A picture of the present state, for people.</summary>
    /// <exception cref="NotSupportedException">Unless <see cref="CanRender"/>.</exception>
    Picture Render() => throw new NotSupportedException($"{Spec.Id} cannot draw itself (CanRender is false).");

    /// <summary>Gives back what it holds; nothing by default.</summary>
    void IDisposable.Dispose() { }
}

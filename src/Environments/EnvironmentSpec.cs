namespace RlLeap.Environments;

/// <summary>The description of an environment: its id, its observations and its actions.</summary>
/// <param name="Id">The id it was made from, including options.</param>
/// <param name="Observation">The space of observations.</param>
/// <param name="Action">The space of actions.</param>
public sealed record EnvironmentSpec(string Id, Box Observation, Space Action)
{
    /// <summary>One name for each action, or empty if they are not known.</summary>
    public IReadOnlyList<string> ActionNames { get; init; } = [];

    /// <summary>A name for each plane of [C, H, W], "" for a padding plane; empty if they are not known.</summary>
    public IReadOnlyList<string> ChannelNames { get; init; } = [];

    /// <summary>The most agent steps of an episode, or null if there is no limit.</summary>
    public int? MaxEpisodeSteps { get; init; }

    /// <summary>Emulated frames per agent step. ALE with its usual frame skip has 4.</summary>
    public int FramesPerStep { get; init; } = 1;

    /// <summary>The values of all options, including defaults. They are recorded with a run.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}

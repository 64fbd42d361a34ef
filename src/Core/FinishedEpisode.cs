namespace RlLeap;

/// <summary>An episode of an environment that ended while a batch was collected.</summary>
/// <param name="AgentStep">Agent steps of the batch up to its end, all copies together: 1 .. the rollout's.</param>
/// <param name="Return">The sum of its rewards, before any clipping.</param>
/// <param name="Length">Its number of agent steps.</param>
public readonly record struct FinishedEpisode(long AgentStep, double Return, int Length);

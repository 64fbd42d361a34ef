using RlLeap.Environments;
using static TorchSharp.torch;

namespace RlLeap.Agents;

/// <summary>Plays whole episodes with a model that does not learn.</summary>
public static class Evaluation
{
    /// <summary>
    /// Every copy of <paramref name="environment"/> plays <paramref name="episodesEach"/> episodes from a reset; all
    /// are returned, in the order of their ends.
    /// </summary>
    /// <remarks>A fixed number per copy: taking the first so many to finish would favour short episodes.</remarks>
    /// <param name="model">The agent.</param>
    /// <param name="environment">N copies; reset here.</param>
    /// <param name="episodesEach">Episodes of each copy.</param>
    /// <param name="rng">What actions are drawn from; null for the most probable action always.</param>
    /// <param name="maxSteps">Agent steps of each copy after which unfinished episodes are counted as they are (a
    /// greedy agent may never finish).</param>
    /// <param name="seen">Called before every step, and after the last, with the environment: to record
    /// pictures.</param>
    /// <param name="cancellation">Ends early with what there is.</param>
    public static IReadOnlyList<EpisodeRecord> Play(
        Model model, IVectorEnvironment environment, int episodesEach, Rng? rng, long maxSteps = 100_000,
        Action<IVectorEnvironment>? seen = null, CancellationToken cancellation = default)
    {
        var records = new List<EpisodeRecord>();
        // Batch statistics, dropout and whatever a network counts are of training: playing moves none of it.
        var training = model.Training;
        model.Training = false;
        try
        {
            environment.Run(() => Play(model, environment, episodesEach, rng, maxSteps, seen, records, cancellation));
        }
        finally
        {
            model.Training = training;
        }
        return records;
    }

    private static void Play(
        Model model, IVectorEnvironment environment, int episodesEach, Rng? rng, long maxSteps,
        Action<IVectorEnvironment>? seen, List<EpisodeRecord> records, CancellationToken cancellation)
    {
        var played = new int[environment.Count];
        var running = new (double Return, int Length)[environment.Count];
        var actions = new int[environment.Count];
        using var outer = NewDisposeScope();
        using var _ = no_grad();
        environment.Reset();
        var observations = Rollout.Share(environment.Observations);
        for (long step = 0; step < maxSteps && Array.Exists(played, p => p < episodesEach)
            && !cancellation.IsCancellationRequested; step++)
        {
            seen?.Invoke(environment);
            using var scope = NewDisposeScope();
            environment.Observations.Update(); // the tensor is on its memory
            var input = observations.to(model.Device);
            if (rng is null) Policy.ActGreedily(model, input, actions);
            else Policy.Act(model, input, rng, actions);
            environment.Step(actions);
            for (var i = 0; i < running.Length; i++)
                running[i] = (running[i].Return + environment.RawRewards[i], running[i].Length + 1);
            foreach (var episode in environment.Finished)
            {
                running[episode.Index] = default;
                if (played[episode.Index]++ < episodesEach) records.Add(episode);
            }
        }
        seen?.Invoke(environment);
        for (var i = 0; i < running.Length; i++)
            if (played[i] < episodesEach && running[i].Length > 0)
                records.Add(new EpisodeRecord(i, running[i].Return, running[i].Length, StepType.Truncated));
    }
}

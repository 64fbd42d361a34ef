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
    /// <param name="onStep">Called before every step, and after the last, with the environment: to record
    /// pictures.</param>
    /// <param name="cancellation">Ends early with what there is.</param>
    /// <param name="distribution">What the policy's outputs mean; null for the default of the environment's
    /// actions.</param>
    public static IReadOnlyList<EpisodeRecord> Play(
        Model model, IVectorEnvironment environment, int episodesEach, Rng? rng, long maxSteps = 100_000,
        Action<IVectorEnvironment>? onStep = null, CancellationToken cancellation = default,
        ActionDistribution? distribution = null)
    {
        var records = new List<EpisodeRecord>();
        // Playing must not move batch statistics, or anything else that a network counts in training.
        var training = model.Training;
        model.Training = false;
        try
        {
            environment.Run(() => Play(
                model, environment, episodesEach, rng, maxSteps, onStep, records, cancellation,
                distribution ?? new ActionDistribution(environment.Spec)));
        }
        finally
        {
            model.Training = training;
        }
        return records;
    }

    private static void Play(
        Model model, IVectorEnvironment environment, int episodesEach, Rng? rng, long maxSteps,
        Action<IVectorEnvironment>? onStep, List<EpisodeRecord> records, CancellationToken cancellation,
        ActionDistribution distribution)
    {
        var played = new int[environment.Count];
        var running = new (double Return, int Length)[environment.Count];
        var acting = new Acting(model, environment, distribution, rng);
        using var outer = NewDisposeScope();
        using var _ = no_grad();
        environment.Reset();
        var observations = Rollout.Share(environment.Observations);
        for (long step = 0; step < maxSteps && Array.Exists(played, p => p < episodesEach)
            && !cancellation.IsCancellationRequested; step++)
        {
            onStep?.Invoke(environment);
            using var scope = NewDisposeScope();
            environment.Observations.Update(); // the tensor is on its memory
            var input = observations.to(model.Device);
            acting.Step(input);
            for (var i = 0; i < running.Length; i++)
                running[i] = (running[i].Return + environment.RawRewards[i], running[i].Length + 1);
            foreach (var episode in environment.Finished)
            {
                running[episode.Index] = default;
                if (played[episode.Index]++ < episodesEach) records.Add(episode);
            }
        }
        onStep?.Invoke(environment);
        for (var i = 0; i < running.Length; i++)
            if (played[i] < episodesEach && running[i].Length > 0)
                records.Add(new EpisodeRecord(i, running[i].Return, running[i].Length, StepType.Truncated));
    }

    // Steps an environment by a model's actions.
    private sealed class Acting(Model model, IVectorEnvironment environment, ActionDistribution distribution, Rng? rng)
    {
        private readonly int[] _indices = new int[environment.Count];
        private readonly float[] _drawn = new float[environment.Count * distribution.ActionSize];
        private readonly float[] _sent = new float[environment.Count * distribution.ActionSize];
        private readonly float[] _noise = new float[
            distribution.NoiseCorrelation > 0 ? environment.Count * distribution.DeviationSize : 0];

        public void Step(Tensor input)
        {
            if (distribution.IsDiscrete)
            {
                if (rng is null) Policy.ActGreedily(model, input, _indices);
                else Policy.Act(model, input, rng, _indices);
                environment.Step(_indices);
                return;
            }
            var outputs = Policy.Host(model.Forward(input, ActorCritic.PolicyHead));
            if (rng is null) distribution.Mode(outputs, _drawn);
            else
            {
                var deviations = distribution.DeviationSize > 0
                    ? Policy.Host(model.Forward(input, ActorCritic.DeviationHead)) : [];
                distribution.Sample(outputs, deviations, rng, _drawn, _noise);
            }
            distribution.ToEnvironment(_drawn, _sent);
            environment.Step(_sent);
        }
    }
}

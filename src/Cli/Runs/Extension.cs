using RlLeap.Cli.MetaTraining;

namespace RlLeap.Cli.Runs;

/// <summary>How a complete run goes on beyond its end.</summary>
/// <param name="KeepsRows">Whether the rows that it wrote after its last checkpoint stay: those of the last evaluation
/// of an agent are part of its history, those of held-out tasks are learned anew.</param>
/// <param name="Aside">Files that it ended with, and that get the step of their end into their name.</param>
public sealed record Extension(bool KeepsRows, params IReadOnlyList<string> Aside)
{
    /// <summary>Of a training.</summary>
    internal static Extension OfTraining { get; } = new(KeepsRows: true, TrainRun.ModelFile);

    /// <summary>Of a meta-training.</summary>
    internal static Extension OfMetaTraining { get; } = new(KeepsRows: false, TrainedInitialization.FileName);

    /// <exception cref="RlLeapException">Always: only a checkpoint has all that a run goes on with.</exception>
    internal void RequireCheckpoint(string folder) => throw new RlLeapException(
        $"{folder} has no checkpoint any more, which more steps would go on from. Start a new run from what it "
        + $"learned: --from {folder}");

    /// <summary>The config of a finished training with more agent steps.</summary>
    /// <param name="config">Its own, or what is asked for.</param>
    /// <param name="more">Agent steps beyond those that it was to make.</param>
    /// <exception cref="RlLeapException">The run is not finished, its learning rate ends with its steps, or there are
    /// no more steps to make.</exception>
    internal static TrainConfig Of(TrainConfig config, string folder, long more)
    {
        RunDirectory.RequireComplete(folder, "there is nothing to extend");
        RequireConstant(folder, config.Agent.Optimizer, "agent.optimizer", "agent steps",
            $"--set agent.optimizer.schedule=constant --set agent.optimizer.learning-rate=RATE --accept-changes, or "
            + $"start a new training from what this one learned: {Shell.Name} train {config.Environment} "
            + $"--from {folder}");
        var longer = config with { AgentSteps = Sum(config.AgentSteps, more, "agent-steps") };
        var rollout = config.Agent.BatchSize;
        var (made, wanted) = (Rollouts(config.AgentSteps), Rollouts(longer.AgentSteps));
        if (wanted == made)
            throw new RlLeapException($"{folder} has made {made * rollout} agent steps, whole rollouts of {rollout}; "
                + $"{longer.AgentSteps} are no more than that. Extend it by at least "
                + $"{made * rollout - config.AgentSteps + 1}.");
        return longer;

        long Rollouts(long steps) => (steps + rollout - 1) / rollout;
    }

    /// <summary>The config of a finished meta-training with more meta-steps.</summary>
    /// <param name="more">Meta-steps beyond those that it was to make.</param>
    /// <exception cref="RlLeapException">The run is not finished, a rate ends with its steps, or it stopped early.
    /// </exception>
    internal static MetaTrainConfig Of(MetaTrainConfig config, string folder, long more)
    {
        RunDirectory.RequireComplete(folder, "there is nothing to extend");
        var instead =
            $"start a new meta-training from what this one learned: {Shell.Name} meta-train CONFIG --from {folder}";
        foreach (var (optimizer, key) in Rates(config))
            RequireConstant(folder, optimizer, key, "meta-steps", instead);
        if (RunDirectory.CheckpointsOf(folder).Newest() is { } last
            && last.Step < config.Meta.Steps)
            throw new RlLeapException($"{folder} ended after {last.Step} of {config.Meta.Steps} meta-steps, because "
                + $"its validation error fell no more (meta.patience: {config.Meta.Patience}). More meta-steps would "
                + "end at once.");
        return config with
        {
            Meta = config.Meta with { Steps = Sum(config.Meta.Steps, more, "meta.steps") },
        };
    }

    /// <summary>Why trainings of a config cannot be extended, in words; null where they can.</summary>
    internal static string? Obstacle(TrainConfig config) =>
        config.Agent.Optimizer.Schedule == Schedule.Constant ? null : Falls("agent.optimizer", "agent steps");

    /// <summary>Why meta-trainings of a config cannot be extended, in words; null where they can.</summary>
    internal static string? Obstacle(MetaTrainConfig config) =>
        config.Meta.Patience > 0 ? "meta.patience may end them early"
        : Rates(config).FirstOrDefault(rate => rate.Optimizer.Schedule != Schedule.Constant) is { Key: { } key }
            ? Falls(key, "meta-steps") : null;

    private static string Falls(string key, string steps) => $"{key}.schedule falls over the {steps} of a run";

    private static IEnumerable<(OptimizerOptions Optimizer, string Key)> Rates(MetaTrainConfig config)
    {
        yield return (config.Meta.Optimizer, "meta.optimizer");
        if (config.Method is not MetaLearning.FinetuningOptions) yield break;
        // One optimizer lives through all meta-steps, so its schedule is that of the whole run.
        if (config.Learner is { } learner) yield return (learner.Optimizer, "learner.optimizer");
        if (config.Games is { } games) yield return (games.Agent.Optimizer, "games.agent.optimizer");
    }

    private static void RequireConstant(string folder, OptimizerOptions optimizer, string key, string steps,
        string instead)
    {
        if (optimizer.Schedule == Schedule.Constant) return;
        throw new RlLeapException($"the learning rate of {folder} fell over the {steps} it was to make "
            + $"({key}.schedule: {Names.Kebab($"{optimizer.Schedule}")}), so it ended low; a longer schedule would "
            + $"have fallen more slowly, and going on with it would raise the rate. Say what you want: {instead}");
    }

    private static long Sum(long steps, long more, string key) =>
        steps + (double)more <= 1e15 ? steps + more
            : throw new RlLeapException($"{key} would be {steps} + {more}; at most 1e15 are possible.");
}

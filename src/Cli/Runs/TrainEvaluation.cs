using System.Diagnostics;
using RlLeap.Agents;

namespace RlLeap.Cli.Runs;

/// <summary>An evaluation within a run of `rlleap train`.</summary>
/// <param name="Greedy">Episodes of the most probable actions.</param>
/// <param name="Sampled">Episodes of sampled actions, as in training.</param>
internal sealed record TrainEvaluation(IReadOnlyList<EpisodeRecord> Greedy, IReadOnlyList<EpisodeRecord> Sampled)
{
    // Steps of an evaluation episode where none ever ended.
    private const int EndlessSteps = 1000;

    /// <summary>Plays in environments and by streams of its own: evaluating moves nothing in the training.</summary>
    /// <param name="config">How many episodes, and of what.</param>
    /// <param name="rng">All that is random in it.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="stop">Ends it early, with what there is.</param>
    public static TrainEvaluation Play(TrainConfig config, ActorCriticTask task, Learner learner, Rng rng,
        Progress progress, CancellationToken stop)
    {
        // Where no episode has ended in the whole training, none will in an evaluation.
        var most = ((IAgentStream)learner.Stream).Episodes.Count > 0 ? config.Record.EvaluationStepsMax
            : Math.Min(config.Record.EvaluationStepsMax, EndlessSteps);
        var count = Math.Min(config.Record.EvaluationEpisodes, task.Options.Environments);
        var each = (config.Record.EvaluationEpisodes + count - 1) / count;
        return new(Play("greedy"), Play("sampled"));

        IReadOnlyList<EpisodeRecord> Play(string kind)
        {
            var own = rng.Split(kind);
            var (ended, said) = (0, Stopwatch.StartNew());
            using var environment = Registry.MakeVector(config.Environment, count, own.Split("environments"),
                config.EnvironmentThreads);
            return Evaluation.Play(learner.Model, environment, each, kind == "sampled" ? own.Split("actions") : null,
                most, Tell, stop, task.Distribution);

            void Tell(IVectorEnvironment vector)
            {
                ended += vector.Finished.Count;
                if (said.Elapsed < TimeSpan.FromSeconds(1)) return;
                said.Restart();
                progress.Note($"evaluation, {kind}: {Math.Min(ended, each * count)} of {each * count} episodes");
            }
        }
    }

    /// <summary>The row of metrics of an evaluation at agent step <paramref name="now"/>.</summary>
    public Row Row(long now) => new("evaluation", now,
        ("evaluation/greedy_return", Greedy.Average(e => e.Return)),
        ("evaluation/greedy_length", Greedy.Average(e => e.Length)),
        ("evaluation/sampled_return", Sampled.Average(e => e.Return)),
        ("evaluation/sampled_length", Sampled.Average(e => e.Length)));

    /// <summary>Both mean returns, in words.</summary>
    public override string ToString() =>
        $"evaluation of {Greedy.Count} episodes: mean return {Greedy.Average(e => e.Return):0.##} greedy (the most "
        + $"probable action), {Sampled.Average(e => e.Return):0.##} sampled (as trained)";
}

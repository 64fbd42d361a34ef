using System.Diagnostics;

namespace RlLeap.Cli.MetaTraining;

/// <summary>Says what a config comes to; time is estimated from a few gradient steps of the first task.</summary>
public static class Estimate
{
    /// <summary>Prints the resolved config and the estimate.</summary>
    public static void Print(MetaTrainConfig config)
    {
        Console.Write(ConfigFile.ToYaml(config, documented: true));
        var suite = Suite.Open(config);
        var workers = config.Executor is { Kind: ExecutorKind.Slurm } jobs
            ? jobs.Concurrency > 0 ? jobs.Concurrency * jobs.TasksPerJob : config.Meta.Batch
            : config.Run.Parallel > 0 ? config.Run.Parallel : Environment.ProcessorCount;
        using var meta = MetaTrainRun.Open(config, suite);
        // A method may add to the network.
        var network = config.Method is PerTaskMethod ? meta.Initialization.Network : suite.Network;
        // More steps than are measured, whatever the length of a task.
        using var learner = new Learner(suite.Pool[0], network, suite.Learner.For(suite.Pool[0].Info) with
        {
            GradientSteps = 1_000_000,
            Stopping = null
        }, new Rng(config.Run.Seed), Devices.Open(config.Run.Device));
        learner.Model.Parameters.Differentiate(ParameterRole.Meta, config.Method.Supports(ParameterRole.Meta));
        for (var i = 0; i < 5 && !learner.IsDone; i++) learner.TrainStep();
        var clock = Stopwatch.StartNew();
        var steps = 0;
        while (clock.Elapsed.TotalSeconds < 2 && !learner.IsDone) { learner.TrainStep(); steps++; }
        var rate = Math.Max(1, steps) / clock.Elapsed.TotalSeconds;
        var parameters = learner.Model.Parameters.Layout.Count;
        var length = suite.Pool.Average(task => suite.Learner.For(task.Info).GradientSteps);
        double updates = config.Meta.Steps * config.Meta.Batch * length;
        if (config.Evaluation is { } e)
            updates += (double)Math.Max(1, e.Tasks.Count > 0 ? e.Tasks.Count : suite.HeldOut.Count) * e.Seeds * (1
                + e.Against.Count) * (suite.EvaluationLearner.Epochs > 0
                    ? suite.HeldOut.Average(id => suite.EvaluationLearner.For(suite.Find(id).Info).GradientSteps)
                    : suite.EvaluationLearner.GradientSteps);
        var seconds = updates / rate / Math.Min(workers, config.Meta.Batch);
        // Per running task: parameters, gradient, two of the optimizer, two of the observer; activations and buffers
        // are small beside the process itself.
        var memory = 250e6 + workers * parameters * 4.0 * 6;
        var disk = parameters * (3 * 8.0 + config.Meta.Batch * 8.0);
        var atMost = suite.Learner.Stopping is null ? "" : " at most";
        var andMore = config.Method is InnerUpdateMethod ? " and more, because it is differentiated through"
            : config.Method is WarpOptions { Update: not WarpUpdate.Online } ? " and the steps at stored points" : "";
        var place = config.Run.Directory;
        var points = Points(config, learner, (long)length, workers);
        Console.WriteLine($"""

            # {suite.Pool.Count} tasks in the pool, {parameters:N0} parameters, {network.Name}
            # {config.Meta.Steps} meta-steps of {config.Meta.Batch}, {length:N0} gradient steps each{atMost}
            # {updates:N0} gradient steps in all, about {rate:N0} a second and worker ({suite.Pool[0].Info.Id})
            # {workers} side by side: about {Span(seconds)}{andMore}
            # memory: about {memory / 1e6:N0} MB; disk: about {Math.Max(1, disk / 1e6):N0} MB in {place}{points}
            # nothing was run and nothing was written
            """);
    }

    // What WarpGrad stores to come back to.
    private static string Points(MetaTrainConfig config, Learner learner, long steps, int workers)
    {
        if (config.Method is not WarpOptions { Update: not WarpUpdate.Online } warp) return "";
        var adapted = learner.Optimizer.Groups.Sum(group => group.Count);
        var (each, count) = (warp.PointBytes(adapted, steps), (steps + warp.KeepEvery - 1) / warp.KeepEvery);
        var tasks = warp.HoldsBatch ? config.Meta.Batch : Math.Min(workers, config.Meta.Batch);
        return $"""

            # stored points: {count:N0} a task (keep-every: {warp.KeepEvery}), {adapted:N0} numbers each; of {tasks:N0}
            #   tasks at once: about {Math.Max(1, tasks * each / 1e6):N0} MB more
            """;
    }

    private static string Span(double seconds) => seconds switch
    {
        < 90 => $"{seconds:F0} seconds",
        < 5400 => $"{seconds / 60:F0} minutes",
        < 172_800 => $"{seconds / 3600:F1} hours",
        _ => $"{seconds / 86_400:F1} days",
    };
}

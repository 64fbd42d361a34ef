using System.Diagnostics;
using RlLeap.Cli.Slurm;

namespace RlLeap.Cli.MetaTraining;

/// <summary>One meta-training run in its folder.</summary>
/// <remarks>
/// The result is a function of the config: workers, interruptions and resumes do not show in it (emulators whose state
/// cannot be saved excepted).
/// </remarks>
public sealed class MetaTrainRun(MetaTrainConfig config, RunDirectory run)
{
    internal const string StateName = "meta.safetensors";

    private const string PatienceName = "patience.txt";

    // Shorter work is repeated faster than it is written to a disk and read again.
    private static readonly TimeSpan WorthKeeping = TimeSpan.FromSeconds(1);

    /// <summary>Runs to the end, or until asked to leave; a checkpoint has been written then.</summary>
    public Result Execute(Suite suite, CancellationToken cancellation)
    {
        using var learner = Open(config, suite);
        if (run.Restored is { } checkpoint) learner.Load(checkpoint.PathOf(StateName));
        else if (config.From is { } from) StartFrom(from, suite, learner);
        MetaTrain(suite, learner, cancellation);
        learner.Save(run.PathOf(TrainedInitialization.FileName));
        return run.Complete(Evaluate(suite, learner, cancellation));
    }

    // A checkpoint is saved at once, so that the run no longer depends on the other one.
    private void StartFrom(string folder, Suite suite, IMetaLearner learner)
    {
        using var start = new WarmStart(folder);
        start.ApplyTo(learner, suite.Pool);
        run.History.Add(RunHistory.StartedFrom, 0, start.Text + start.Warning(HeldOutOf(config, suite)));
        SaveCheckpoint(learner, RestoredPatience(suite, made: 0));
    }

    private static IReadOnlyList<string> HeldOutOf(MetaTrainConfig config, Suite suite) =>
        config.Evaluation is not { } wanted ? [] : wanted.Tasks.Count > 0 ? wanted.Tasks : suite.HeldOut;

    /// <summary>A meta-learner as a config has it, not yet trained.</summary>
    public static IMetaLearner Open(MetaTrainConfig config, Suite suite) => config.Method.Create(new MetaLearnerContext
    {
        Network = suite.Network,
        Teacher = suite.Teacher,
        Pool = suite.Pool,
        Learner = suite.Learner,
        MetaOptimizer = config.Meta.Optimizer,
        MetaSteps = config.Meta.Steps,
        MetaBatch = config.Meta.Batch,
        MaxDiverged = config.Meta.MaxDiverged,
        Rng = new Rng(config.Run.Seed).Split("meta-training"),
        // Where jobs train, the machine that submits them needs no GPU; a method that trains one growing state does
        // that here.
        Device = Devices.Open(config.Executor.Kind == ExecutorKind.Slurm
            && config.Method is PerTaskMethod or NoPretrainingOptions ? "cpu" : config.Run.Device),
    });

    private void MetaTrain(Suite suite, IMetaLearner learner, CancellationToken cancellation)
    {
        var sampler = new TaskSampler(new Rng(config.Run.Seed).Split("meta-batches"), suite.Pool.Count,
            config.Meta.Batch);
        using var progress = new Progress($"{Methods.NameOf(config.Method)} over {suite.Pool.Count} tasks",
            config.Meta.Steps, "meta-steps", learner.MetaSteps, worth: 1.0 / config.Meta.Batch);
        var times = new StepTimes(Workers);
        var work = run.PathOf("work");
        var stored = new CachingExecutor(SlurmExecutor.Of(config, run.Root) is { } cluster ? cluster.Steps(step =>
            CachingExecutor.StepFolder(work, step), progress) : times.Watch(Threads(suite, progress, times)), work)
        { WorthKeeping = WorthKeeping };
        var metrics = new MetaTrainMetrics(config, run.Metrics);
        var patience = RestoredPatience(suite, learner.MetaSteps);
        if (run.HasAcceptedChanges) SaveCheckpoint(learner, patience);
        var (recorded, saved, savedAt) = (learner.MetaSteps, learner.MetaSteps, 0L);
        try
        {
            while (learner.MetaSteps < config.Meta.Steps && patience is not { IsOver: true })
            {
                cancellation.ThrowIfCancellationRequested();
                times.Begin();
                var batch = suite.BatchOf(learner.MetaSteps)
                    ?? [.. sampler.Batch(learner.MetaSteps).Select(i => suite.Pool[i])];
                var record = suite.Validated(learner.MetaStep(batch, stored, cancellation), learner, cancellation);
                metrics.Write(record, suite);
                foreach (var row in suite.Measure(learner)) run.Metrics.Write(row);
                recorded = learner.MetaSteps;
                if (patience is not null) Count(patience, record.Mean(suite.PatienceMetric!));
                if (savedAt == 0 || Stopwatch.GetElapsedTime(savedAt) >= WorthKeeping) Save();
                // Finished contributions are part of this checkpoint, or were too short to be kept.
                stored.Forget(record.MetaStep);
                run.Times.Write(times.End(record.MetaStep));
                var summary = metrics.Summary(record);
                progress.Report(learner.MetaSteps, summary);
                Log.Information("meta-step {MetaStep} of {All}{Summary}", learner.MetaSteps, config.Meta.Steps,
                    summary.Length == 0 ? "" : ": " + summary);
            }
        }
        finally
        {
            // Also when cancelled; not in the middle of a meta-step's record.
            if (saved < recorded && recorded == learner.MetaSteps) Save();
        }
        CachingExecutor.Discard(work);

        void Save()
        {
            SaveCheckpoint(learner, patience);
            (saved, savedAt) = (learner.MetaSteps, Stopwatch.GetTimestamp());
        }
    }

    private void SaveCheckpoint(IMetaLearner learner, Patience? patience) => run.SaveCheckpoint(learner.MetaSteps,
        folder =>
    {
        learner.Save(Path.Combine(folder, StateName));
        if (patience is not null) File.WriteAllText(Path.Combine(folder, PatienceName), patience.ToText());
    });

    // The patience of meta-training, as it was at the checkpoint.
    private Patience? RestoredPatience(Suite suite, long made)
    {
        if (config.Meta.Patience == 0) return null;
        if (run.Restored?.PathOf(PatienceName) is { } kept && File.Exists(kept))
            return Patience.Of(config.Meta.Patience, File.ReadAllText(kept));
        // A checkpoint of a version that did not keep it: what it has seen is in the run's metrics.
        var patience = new Patience(config.Meta.Patience);
        if (made > 0)
            foreach (var row in JsonLines.Read(run.PathOf(RunDirectory.MetricsName))
                .Where(row => row.Series == "meta" && row.Step < made))
                Count(patience,
                    row.Values.First(value => value.Column == MetaTrainMetrics.Column(suite.PatienceMetric!)).Value);
        return patience;
    }

    // A meta-step without tasks (no pretraining) has no error.
    private static void Count(Patience patience, double error)
    {
        if (!double.IsNaN(error)) patience.Add(error);
    }

    private static string NoteOf(StepRecord step)
    {
        var ended = step.Episodes is { Count: > 0 } episodes
            ? $"return {episodes.Average(episode => episode.Return):G4}, " : "";
        return ended + $"loss {step.Loss:G4}";
    }

    private int Workers => config.Run.Parallel > 0 ? config.Run.Parallel : Environment.ProcessorCount;

    private ThreadExecutor Threads(Suite suite, Progress progress, StepTimes times)
    {
        var lines = new System.Collections.Concurrent.ConcurrentDictionary<string, Progress.Line>();
        return new ThreadExecutor(Workers, new TrainingHooks
        {
            Stepped = (work, step) => lines.GetOrAdd(work.Label, _ => progress.Begin(work.TaskId,
                suite.Experience(work.Learner.GradientSteps), suite.Curve.Axis, suite.Experience(step.Step)))
                .Update(suite.Experience(step.Step + 1), NoteOf(step)),
            CheckpointEvery = TimeSpan.FromSeconds(config.Run.CheckpointSeconds),
            SetAside = (work, path) =>
                Log.Warning("the checkpoint of {Task} was damaged and is now {Path}; the task starts again", work.Label,
                    path),
            Trained = (_, time) => times.Trained(time),
        }, outcome =>
        {
            if (lines.TryRemove(outcome.Job.Label, out var line)) line.Dispose();
            if (outcome.Failure is { } failure)
                Log.Warning("left out (seed {Seed}): {Failure}", outcome.Job.Seed, failure);
        });
    }

    private Result Evaluate(Suite suite, IMetaLearner learner, CancellationToken cancellation)
    {
        if (suite is FewShotSuite { Tests: var tests } fewShot)
            return FewShotTest.Run(config, fewShot, learner, tests, config.FewShot!.TestEpisodes,
                HeldOutEvaluation.ResultOf(config, suite, run.Root, "meta-train", []), cancellation);
        if (suite is ImageSetsSuite sets && config.Evaluation is null)
            return sets.Complete(HeldOutEvaluation.ResultOf(config, suite, run.Root, "meta-train", []));
        var start = StartingPoint.Of(Methods.NameOf(config.Method), learner);
        var finished = config.Evaluation is { } wanted
            ? HeldOutEvaluation.Run(config, suite, run.Root, wanted, start, cancellation) : [];
        foreach (var row in MetaTrainMetrics.DiagnosisRows(finished)) run.Metrics.Write(row);
        return HeldOutEvaluation.ResultOf(config, suite, run.Root, "meta-train", finished);
    }

    /// <summary>Whether a config can be run to its end: all that can be told before anything is trained.</summary>
    /// <exception cref="RlLeapException">The method cannot work so, or a held-out task or a run to compare with is not
    /// there or does not fit.</exception>
    public static void Check(MetaTrainConfig config, Suite suite)
    {
        using var learner = Open(config, suite);
        if (config.From is { } from)
            using (var start = new WarmStart(from)) start.ApplyTo(learner, suite.Pool);
        if (config.Evaluation is not { } wanted) return;
        foreach (var id in HeldOutEvaluation.Check(suite, wanted).Tasks)
            suite.EvaluationLearner.ParameterRoles?.RequireMatches(learner.Initialization.Network,
                suite.Find(id).Info.Heads);
    }
}

// A meta-training run from config to result: meta-steps, checkpoints, evaluation, report.
using System.Globalization;
using System.Runtime.InteropServices;
using RlLeap.Cli.Slurm;
using RlLeap.Cli.Config;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using RlLeap.MetaLearning;
using Serilog;

namespace RlLeap.Cli.MetaTraining;

/// <summary>One meta-training run in its folder.</summary>
/// <remarks>
/// The result is a function of the config: workers, interruptions and resumes do not show in it (emulators whose state
/// cannot be saved excepted).
/// </remarks>
public sealed class MetaTrainRun(MetaTrainConfig config, RunDirectory run)
{
    /// <summary>File name of what was meta-learned.</summary>
    public const string InitializationName = "initialization.safetensors";

    private const string StateName = "meta.safetensors", PatienceName = "patience.txt";

    /// <summary>
    /// Runs to the end, or to where <paramref name="cancellation"/> asks to leave; then a checkpoint has been written.
    /// </summary>
    /// <param name="suite">The config's.</param>
    /// <param name="cancellation">Asks to leave.</param>
    public Result Execute(Suite suite, CancellationToken cancellation)
    {
        using var learner = Open(config, suite);
        if (run.Restored is { } checkpoint) learner.Load(checkpoint.PathOf(StateName));
        MetaTrain(suite, learner, cancellation);
        learner.Save(run.PathOf(InitializationName));
        return run.Complete(Evaluate(suite, learner, cancellation));
    }

    /// <summary>A meta-learner as a config has it, not yet trained.</summary>
    public static IMetaLearner Open(MetaTrainConfig config, Suite suite) => config.Method.Create(new MetaLearnerContext
    {
        Network = suite.Network,
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

    /// <summary>The meta-learner that a finished run in <paramref name="folder"/> ended with.</summary>
    /// <exception cref="RlLeapException">There is no finished meta-training in the folder.</exception>
    public static IMetaLearner Load(string folder, Suite suite, MetaTrainConfig config)
    {
        RequireFinished(folder);
        var path = Path.Combine(folder, InitializationName);
        RestoreInitialization(folder);
        // Evaluated as jobs, it is only handed on from here.
        var learner = Open(config.Executor.Kind == ExecutorKind.Slurm
            ? config with { Run = config.Run with { Device = "cpu" } } : config, suite);
        try
        {
            learner.Load(path);
            return learner;
        }
        catch
        {
            learner.Dispose();
            throw;
        }
    }

    private void MetaTrain(Suite suite, IMetaLearner learner, CancellationToken cancellation)
    {
        var sampler = new TaskSampler(new Rng(config.Run.Seed).Split("meta-batches"), suite.Pool.Count,
            config.Meta.Batch);
        using var progress = new Progress($"{Methods.NameOf(config.Method)} over {suite.Pool.Count} tasks",
            config.Meta.Steps, "meta-steps", learner.MetaSteps, worth: 1.0 / config.Meta.Batch);
        var times = new StepTimes(Workers);
        var work = run.PathOf("work");
        var stored = new CachingExecutor(SlurmExecutor.Of(config, run.Root) is { } cluster ? cluster.Steps(step =>
            CachingExecutor.StepFolder(work, step), progress) : times.Watch(Threads(suite, progress, times)), work);
        var patience = RestoredPatience(suite, learner.MetaSteps);
        if (run.HasAcceptedChanges) SaveCheckpoint(learner, patience);
        while (learner.MetaSteps < config.Meta.Steps && patience is not { IsOver: true })
        {
            cancellation.ThrowIfCancellationRequested();
            times.Begin();
            var batch = sampler.Batch(learner.MetaSteps).Select(i => suite.Pool[i]).ToList();
            var record = learner.MetaStep(batch, stored, cancellation);
            Write(record, suite);
            if (patience is not null) Count(patience, record.Mean(suite.PatienceMetric!));
            // Finished contributions are part of this checkpoint; what is kept of the step can go.
            SaveCheckpoint(learner, patience);
            stored.Forget(record.MetaStep);
            run.Times.Write(times.End(record.MetaStep));
            var summary = Summary(record);
            progress.Report(learner.MetaSteps, summary);
            Log.Information("meta-step {MetaStep} of {All}: {Summary}", learner.MetaSteps, config.Meta.Steps, summary);
        }
        CachingExecutor.Discard(work);
    }

    private void SaveCheckpoint(IMetaLearner learner, Patience? patience) => run.SaveCheckpoint(learner.MetaSteps,
        folder =>
    {
        learner.Save(Path.Combine(folder, StateName));
        if (patience is not null) File.WriteAllText(Path.Combine(folder, PatienceName), patience.ToText());
    });

    // Of meta-training, as it was at the checkpoint.
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
                    row.Values.First(value => value.Column == Column(suite.PatienceMetric!)).Value);
        return patience;
    }

    // A meta-step without tasks (no pretraining) has no error.
    private static void Count(Patience patience, double error)
    {
        if (!double.IsNaN(error)) patience.Add(error);
    }

    private static string Column(string metric) => metric.Replace('.', '/');

    private int Workers => config.Run.Parallel > 0 ? config.Run.Parallel : Environment.ProcessorCount;

    private ThreadExecutor Threads(Suite suite, Progress progress, StepTimes times)
    {
        var (lines, unit) =
            (new System.Collections.Concurrent.ConcurrentDictionary<string, Progress.Line>(), suite.StepsPerUpdate);
        return new ThreadExecutor(Workers, new TrainingHooks
        {
            Stepped = (work, step) => lines.GetOrAdd(work.Label,
                _ => progress.Begin(work.TaskId, work.Learner.GradientSteps * unit, suite.Curve.Axis, step.Step * unit))
                .Update((step.Step + 1) * unit, FormattableString.Invariant(
                    $"{(step.Metrics.TryGetValue("return", out var r) ? $"return {r:G4}, " : "")}loss {step.Loss:G4}")),
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

    private void Write(MetaStepRecord record, Suite suite)
    {
        run.Metrics.Write(new Row("meta", record.MetaStep, [("loss/first", record.Mean("loss.first")),
            ("loss/last", record.Mean("loss.last")), ("loss/mean", record.Mean("loss.mean")),
            ("path/length", record.Mean("path.length")), ("path/energy", record.Mean("path.energy")),
            ("meta/gradient_norm", record.GradientNorm), ("meta/diverged", record.Diverged.Count),
            .. suite.TaskMetrics.Select(metric => (Column(metric), record.Mean(metric)))]));
        foreach (var task in record.Tasks.GroupBy(t => t.TaskId))
            run.Metrics.Write(new Row("task/" + task.Key, record.MetaStep, [.. Of(task, diagnosis: false)]));
        foreach (var task in record.Tasks.Where(t => t.Metrics.Keys.Any(TrainingDiagnosis.Has)).GroupBy(t => t.TaskId))
        {
            run.Metrics.Write(new Row(DiagnosisSeries + task.Key, record.MetaStep, [.. Of(task, diagnosis: true)]));
            _alarm.Look(task.First().Metrics, $"The initialization at meta-step {record.MetaStep}, on {task.Key}");
        }

        static IEnumerable<(string, double)> Of(IGrouping<string, TaskRecord> task, bool diagnosis) =>
            task.First().Metrics.Keys
            .Where(key => TrainingDiagnosis.Has(key) == diagnosis).Order(StringComparer.Ordinal)
            .Select(key => (Column(key), task.Average(t => t.Metrics[key])));
    }

    /// <summary>
    /// What the names of the series begin with that say in which state networks were: of the initialization, task by
    /// task, and of what evaluations started from.
    /// </summary>
    public const string DiagnosisSeries = "diagnosis/";

    /// <summary>
    /// What stands, in the name of such a series, between a held-out task and what it was learned from.
    /// </summary>
    public const string FromWord = " from ";

    private readonly DormancyAlarm _alarm = new();

    private string Summary(MetaStepRecord record)
    {
        var path = config.Method is LeapOptions { Metric: PathMetric.Energy }
            ? Part("path energy", "path.energy", "G4") : Part("path length", "path.length", "G4");
        return $"{path}{Part("error", TrainingSummary.Error, "G3")}loss {Text("loss.mean", "G4")}";

        string Text(string metric, string format) => record.Mean(metric).ToString(format, CultureInfo.InvariantCulture);
        string Part(string name, string metric, string format) =>
            double.IsNaN(record.Mean(metric)) ? "" : $"{name} {Text(metric, format)}, ";
    }

    private Result Evaluate(Suite suite, IMetaLearner learner, CancellationToken cancellation)
    {
        if (suite is FewShotSuite { Tests: var tests } fewShot)
            return FewShotTest.Run(config, fewShot, learner, tests, config.FewShot!.TestEpisodes,
                ResultOf(config, suite, run.Root, "meta-train", []), cancellation);
        var method = Methods.NameOf(config.Method);
        var finished = config.Evaluation is { } wanted
            ? EvaluateFrom(config, suite, run.Root, wanted, StartingPoint.Of(method, learner), cancellation)
            : [];
        foreach (var (curve, diagnosis) in finished.Where(f => f.Diagnosis is not null)
            .Select(f => (f.Curve, f.Diagnosis!)))
        {
            run.Metrics.Write(new Row($"{DiagnosisSeries}{curve.Task}{FromWord}{curve.Method}", curve.Seed,
                [.. diagnosis.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => (Column(d.Key), d.Value))]));
            _alarm.Look(diagnosis, $"What {curve.Task} was learned from ({curve.Method})");
        }
        return ResultOf(config, suite, run.Root, "meta-train", finished);
    }

    /// <summary>Whether a config can be run to its end: all that can be told before anything is trained.</summary>
    /// <exception cref="RlLeapException">The method cannot work so, or a held-out task or a run to compare with is not
    /// there or does not fit.</exception>
    public static void Check(MetaTrainConfig config, Suite suite)
    {
        Open(config, suite).Dispose();
        if (config.Evaluation is { } wanted) Check(suite, wanted);
    }

    // The tasks to evaluate, and the runs to compare with.
    private static (IReadOnlyList<string> Tasks, IReadOnlyList<Other> Others) Check(Suite suite,
        EvaluationSection wanted)
    {
        var tasks = wanted.Tasks.Count > 0 ? wanted.Tasks : suite.HeldOut;
        if (tasks.Count == 0)
            throw new RlLeapException("No held-out tasks are named: set evaluation.tasks, or give --tasks.");
        foreach (var task in tasks)
            if (suite.Find(task).Info.InputShape is var shape && !shape.AsSpan()
                .SequenceEqual(suite.Network.InputShape))
                throw new RlLeapException(
                    $"{suite.Network.Name} takes inputs of {Shape.Text(suite.Network.InputShape)}, but the held-out "
                        + $"task {task} gives {Shape.Text(shape)}. It must show what the pool shows.");
        var heldOut = tasks.Except(suite.Pool.Select(task => task.Info.Id)).ToList();
        var others = new List<Other>();
        foreach (var folder in wanted.Against.Where(other => other != "none")
            .Select(other => Path.TrimEndingDirectorySeparator(Path.GetFullPath(other))).Distinct())
        {
            RequireFinished(folder);
            var config = ConfigFile.LoadRun<MetaTrainConfig>(folder);
            RunChanges.RequireOwnConfig(folder);
            others.Add(new(folder, config, Suite.Open(config)));
            if (heldOut.Intersect(others[^1].Suite.Pool.Select(task => task.Info.Id)).FirstOrDefault() is { } seen)
                throw new RlLeapException(
                    $"{folder} was trained on {seen}, which is held out here, so learning it would not be compared. "
                        + "Compare with a run that holds it out too, or name tasks that neither was trained on.");
        }
        return (tasks, others);
    }

    // A run to compare with.
    private sealed record Other(string Folder, MetaTrainConfig Config, Suite Suite);

    private static void RequireFinished(string folder)
    {
        RunDirectory.ConfigOf(folder);
        RestoreInitialization(folder);
        if (File.Exists(Path.Combine(folder, InitializationName))) return;
        throw new RlLeapException(RunDirectory.IsComplete(folder)
            ? $"{folder} is complete, but its {InitializationName} is gone, and no checkpoint holds it any more. "
                + $"Bring it "
                + "back, or run the meta-training again in another folder."
            : $"{folder} has no {InitializationName}: its meta-training is not finished. Go on with it by: "
                + $"rlleap meta-train --resume {folder}");
    }

    /// <summary>Brings a complete run's initialization back from its last checkpoint, which holds the same, where the
    /// file is gone or damaged.</summary>
    public static void RestoreInitialization(string folder)
    {
        if (!RunDirectory.IsComplete(folder)) return;
        var path = Path.Combine(folder, InitializationName);
        if (File.Exists(path))
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            try
            {
                SafeTensors.Read(path);
                return;
            }
            catch (DamagedFileException e) { Log.Warning("{Message}", e.Message); }
        }
        if (new CheckpointStore(Path.Combine(folder, "checkpoints")).Find(StateName) is not { } kept) return;
        if (File.Exists(path)) DamagedFileException.SetAside(path);
        AtomicFile.WriteAllBytes(path, File.ReadAllBytes(kept));
        Log.Warning("{Path} was brought back from {Checkpoint}", path, Path.GetDirectoryName(kept));
    }

    /// <summary>
    /// Learns held-out tasks from <paramref name="point"/> and from what <paramref name="wanted"/> compares it with.
    /// </summary>
    public static IReadOnlyList<Evaluation.Finished> EvaluateFrom(
        MetaTrainConfig config, Suite suite, string root, EvaluationSection wanted, StartingPoint point,
        CancellationToken cancellation)
    {
        var (tasks, others) = Check(suite, wanted);
        var points = new List<StartingPoint> { point };
        var opened = new List<IMetaLearner>();
        try
        {
            var names = RunNames.Tails([.. others.Select(other => other.Folder)], "none", point.Name);
            if (wanted.Against.Contains("none") && point.Name != "none") points.Add(StartingPoint.None);
            foreach (var (other, name) in others.Zip(names))
            {
                var theirs = other.Config with { Executor = config.Executor };
                opened.Add(Load(other.Folder, other.Suite, theirs));
                points.Add(StartingPoint.Of(name, opened[^1]) with { Config = theirs });
            }
            using var progress =
                new Progress("evaluation", tasks.Count * wanted.Seeds * points.Count, "runs", worth: 1);
            var evaluation = new Evaluation(suite, config.Run.Seed, Path.Combine(root, "evaluation"),
                Path.Combine(Path.GetDirectoryName(root)!, ".random-initialization"));
            var finished =
                evaluation.Run(tasks, points, wanted.Seeds, config.Run.Parallel, config.Run.CheckpointSeconds,
                    config.Run.Device, SlurmExecutor.Of(config, root), progress, cancellation);
            // That what it is compared with diverges is a result.
            var own = finished.Where(f => f.Curve.Method == point.Name).ToList();
            var lost = own.Where(f => f.Curve.Diverged is not null).ToList();
            if (lost.Count > config.Meta.MaxDiverged * own.Count)
                throw new RlLeapException($"{lost.Count} of {own.Count} held-out learning processes from "
                    + $"{point.Name} diverged (meta.max-diverged allows {config.Meta.MaxDiverged:P0}), "
                    + $"{lost[0].Curve.Task} for one. Lower the learning rate or clip the gradient. What was learned "
                    + $"is kept in {root}.");
            return finished;
        }
        finally
        {
            foreach (var other in opened) other.Dispose();
        }
    }

    /// <summary>The result of a run with what its metrics file holds.</summary>
    public static Result ResultOf(MetaTrainConfig config, Suite suite, string root, string kind,
        IReadOnlyList<Evaluation.Finished> finished)
    {
        RunChanges.CheckMetrics(root);
        var curves = RecordedCurve.ReadMeta(Path.Combine(root, RunDirectory.MetricsName), bad =>
            Log.Warning("{Line}", bad));
        var (measure, axis, higher) = suite.Curve;
        return new Result(kind, Path.GetFileName(Path.TrimEndingDirectorySeparator(root)),
            [.. finished.Select(f => f.Curve)], curves, measure, axis, higher, suite.Window, Scales(finished),
            Facts(config, suite))
            {
                Method = Methods.NameOf(config.Method),
                Smoothing = suite.Smoothing,
                Scores = [.. finished.SelectMany(f =>
                    f.Scores.Select(s => new Score(f.Curve.Task, f.Curve.Method, f.Curve.Seed, s.Key, s.Value)))],
            };
    }

    private static Dictionary<string, Scale> Scales(IReadOnlyList<Evaluation.Finished> finished) =>
        finished.Select(f => f.Curve.Task).Distinct()
        .Select(task => (task, scale: Statistics.Scales.Of(task))).Where(s => s.scale is not null)
        .ToDictionary(s => s.task, s => s.scale!);

    private static SortedDictionary<string, string> Facts(MetaTrainConfig config, Suite suite)
    {
        var facts = new SortedDictionary<string, string>(suite.Facts.ToDictionary(f => f.Key, f => f.Value),
            StringComparer.Ordinal)
            {
                ["method"] = ConfigFile.ToLine(config.Method),
                ["network"] = suite.Network.Name,
                ["seed"] = config.Run.Seed.ToString(CultureInfo.InvariantCulture),
                ["runtime"] = RuntimeInformation.FrameworkDescription,
                ["system"] = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, "
                    + $"{Environment.ProcessorCount} cores",
            };
        if (Plugins.Identity is { } own) facts["assemblies"] = own;
        return facts;
    }
}

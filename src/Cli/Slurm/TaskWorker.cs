using System.Collections.Concurrent;
using RlLeap.Cli.MetaTraining;

namespace RlLeap.Cli.Slurm;

/// <summary>Trains tasks from specifications; those of a folder share data and initialization. Thread-safe.</summary>
public sealed class TaskWorker(TimeSpan checkpointEvery, Progress progress) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<(MetaTrainConfig Config, Suite Suite)>> _suites = new();
    private readonly ConcurrentDictionary<string, Lazy<IMetaLearner>> _starts = new();

    /// <summary>
    /// Where the checkpoint of a task lies that was not finished. The hash of the input is part of the name: another
    /// task's is never taken for it.
    /// </summary>
    public static string CheckpointPath(string resultPath, string input) => $"{resultPath}.{input[..12]}.checkpoint";

    /// <summary>
    /// Does one task: from its checkpoint where there is one, not at all where its result is there already. An error is
    /// written as the result and thrown.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled; the checkpoint is written.</exception>
    public void Do(string specPath, string resultPath, CancellationToken cancellation)
    {
        var (spec, input) = TaskSpec.Load(specPath);
        if (TaskResult.IsThere(resultPath, input))
        {
            Log.Information("{Label}: {Path} is there already", spec.Label, resultPath);
            return;
        }
        try
        {
            var folder = Path.GetDirectoryName(Path.GetFullPath(specPath))!;
            if (spec.Work is { } work) Train(spec, work, folder, resultPath, input, cancellation);
            else Learn(spec, spec.Evaluation!, folder, resultPath, input, cancellation);
        }
        catch (Exception e) when (!(e is OperationCanceledException && cancellation.IsCancellationRequested))
        {
            TaskResult.Save(resultPath, input, e);
            throw;
        }
    }

    private void Train(TaskSpec spec, TaskJob work, string folder, string resultPath, string input,
        CancellationToken cancellation)
    {
        var (config, suite) = SuiteOf(spec.Config, folder);
        var reference = spec.Start ?? throw new RlLeapException($"The specification of {spec.Label} says no start.");
        var start = Start(spec.Config, reference, folder,
            learner => learner.Initialization.Load(reference.In(folder))).Initialization;
        var task = suite.Pool.FirstOrDefault(task => task.Info.Id == work.TaskId) ?? suite.Find(work.TaskId);
        Progress.Line? line = null;
        try
        {
            TaskRun.Execute(work, task, start, new TrainingHooks
            {
                Stepped = (_, step) => (line ??= progress.Begin(work.Label, work.Learner.GradientSteps, "updates",
                    step.Step)).Update(step.Step + 1, $"loss {step.Loss:G4}"),
                Checkpoint = _ => CheckpointPath(resultPath, input),
                CheckpointEvery = checkpointEvery,
                SetAside = (_, path) => Log.Warning(
                    "the checkpoint of {Task} was damaged and is now {Path}; the task starts again", work.Label, path),
                SaveOutcome = outcome => TaskResult.Save(resultPath, input, outcome),
            }, cancellation);
        }
        finally { line?.Dispose(); }
    }

    private void Learn(TaskSpec spec, EvaluationWork work, string folder, string resultPath, string input,
        CancellationToken cancellation)
    {
        var (config, suite) = SuiteOf(spec.Config, folder);
        var point = spec.Start is not { } reference ? StartingPoint.None with { Name = work.From }
            : new StartingPoint(work.From, Start(spec.StartConfig ?? spec.Config, reference, folder,
                learner => learner.Load(reference.In(folder))), reference.Sha256)
            {
                Suite = SuiteOf(spec.StartConfig ?? spec.Config, folder).Suite,
            };
        var evaluation = new Evaluation(suite, config.Run.Seed, folder, folder);
        var finished = evaluation.Learn(new Evaluation.Item(work.TaskId, point, work.Seed),
            CheckpointPath(resultPath, input), checkpointEvery, config.Run.Device, progress, cancellation);
        TaskResult.Save(resultPath, input, finished);
        File.Delete(CheckpointPath(resultPath, input));
    }

    private (MetaTrainConfig Config, Suite Suite) SuiteOf(FileReference reference, string folder) =>
        _suites.GetOrAdd(reference.Sha256, _ => new(() =>
        {
            var config = ConfigFile.Load<MetaTrainConfig>(reference.In(folder));
            return (config, Suite.Open(config));
        })).Value;

    private IMetaLearner Start(FileReference of, FileReference reference, string folder, Action<IMetaLearner> load) =>
        _starts.GetOrAdd(of.Sha256 + reference.Sha256, _ => new(() =>
        {
            var (config, suite) = SuiteOf(of, folder);
            return MetaTrainRun.Open(config, suite).DisposeOnError(load);
        })).Value;

    public void Dispose()
    {
        foreach (var start in _starts.Values)
            if (start.IsValueCreated) start.Value.Dispose();
    }
}

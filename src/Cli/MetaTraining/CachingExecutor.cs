using System.Diagnostics;

namespace RlLeap.Cli.MetaTraining;

/// <summary>An executor that finds in a folder what was finished before, and has another one train the rest.</summary>
/// <param name="inner">Trains the rest. What it trains here is kept as soon as it is finished, and checkpoints lie
/// beside it.</param>
/// <param name="folder">Folder of the run's work; every meta-step has one in it.</param>
public sealed class CachingExecutor(IExecutor inner, string folder) : IExecutor
{
    /// <summary>The outcome of a shorter training is not kept: training again is cheaper.</summary>
    public TimeSpan WorthKeeping { get; init; }

    /// <summary>Where the outcome of a work lies.</summary>
    public string OutcomePath(TaskJob work) =>
        Path.Combine(StepFolder(folder, work.MetaStep), $"{work.Index:D4}.outcome");

    /// <summary>Where the checkpoint of a work that is not finished lies.</summary>
    public string CheckpointPath(TaskJob work) =>
        Path.Combine(StepFolder(folder, work.MetaStep), $"{work.Index:D4}.checkpoint");

    public IReadOnlyList<TaskOutcome> Map(MetaBatch step, TrainTask train, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(StepFolder(folder, step.MetaStep));
        var outcomes = step.Jobs.Select(Find).ToArray();
        var missing = step.Jobs.Where((_, i) => outcomes[i] is null).ToList();
        if (missing.Count > 0)
        {
            var trained = inner.Map(step with { Jobs = missing }, Kept, cancellation);
            foreach (var outcome in trained)
                outcomes[Array.FindIndex([.. step.Jobs], work => work.Index == outcome.Job.Index)] = outcome;
        }
        return outcomes!;

        TaskOutcome Kept(TaskJob work, TrainingHooks hooks, CancellationToken stop)
        {
            var began = Stopwatch.GetTimestamp();
            return train(work, hooks with
            {
                Checkpoint = CheckpointPath,
                SaveOutcome = outcome =>
                {
                    if (Stopwatch.GetElapsedTime(began) >= WorthKeeping) outcome.Save(OutcomePath(work));
                },
            }, stop);
        }
    }

    /// <summary>Deletes what is kept of a meta-step; its result is part of a checkpoint now.</summary>
    public void Forget(long metaStep) => Discard(StepFolder(folder, metaStep));

    /// <summary>Deletes a folder of work that nobody needs, as far as that goes: a job may hold a file open.</summary>
    public static void Discard(string folder)
    {
        try { if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Information("{Folder} could not be deleted yet: {Reason}", folder, e.Message);
        }
    }

    /// <summary>The folder of a meta-step in the folder of a run's work.</summary>
    public static string StepFolder(string folder, long metaStep) => Path.Combine(folder, $"step-{metaStep:D6}");

    private TaskOutcome? Find(TaskJob work)
    {
        var path = OutcomePath(work);
        if (!File.Exists(path)) return null;
        try { return TaskOutcome.Load(path, work); }
        catch (DamagedFileException e)
        {
            Log.Warning("{Message} It is now {Path}; the task is trained again", e.Message,
                DamagedFileException.SetAside(path));
            return null;
        }
        catch (RlLeapException e)
        {
            Log.Warning("{Path} is not used and the task is trained again: {Reason}", path, e.Message);
            File.Delete(path);
            return null;
        }
    }
}

// Meta-steps and evaluations on a Slurm cluster: the files of their tasks, and their results back in order.
using RlLeap.Cli.MetaTraining;

namespace RlLeap.Cli.Slurm;

/// <summary>
/// Trains the tasks of a meta-step, or learns the tasks of an evaluation, as jobs of a Slurm array (docs/cluster.md).
/// Results are those of threads, bit for bit.
/// </summary>
/// <param name="name">Begins the names of jobs: the run's name.</param>
public sealed class SlurmExecutor(MetaTrainConfig config, string name)
{
    private readonly MetaTrainConfig _config = config;

    /// <summary>The executor of a config; null where it is threads.</summary>
    /// <exception cref="RlLeapException">Jobs cannot be submitted from this machine.</exception>
    public static SlurmExecutor? Of(MetaTrainConfig config, string root)
    {
        if (config.Executor.Kind != ExecutorKind.Slurm) return null;
        SlurmCommands.Check();
        return new SlurmExecutor(config, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(root))));
    }

    /// <summary>The seam for meta-steps.</summary>
    /// <param name="folderOf">The folder of a meta-step; outcomes are left there as NNNN.outcome.</param>
    public IExecutor Steps(Func<long, string> folderOf, Progress progress) =>
        new StepExecutor(this, folderOf, progress);

    private sealed class StepExecutor(SlurmExecutor owner, Func<long, string> folderOf, Progress progress) : IExecutor
    {
        public IReadOnlyList<TaskOutcome> Map(MetaBatch step, TrainTask train, CancellationToken cancellation = default)
        {
            var folder = folderOf(step.MetaStep);
            Directory.CreateDirectory(folder);
            var settings = PutConfig(folder, "config.yaml", owner._config);
            var start = FileReference.Put(folder, "start.safetensors", step.Start.Save);
            var tasks = step.Jobs.Select(work =>
                Put(folder, work.Index, new TaskSpec { Config = settings, Start = start, Work = work })).ToList();
            var outcomes = step.Jobs.ToDictionary(work => work.Index, _ => (TaskOutcome?)null);
            owner.Run(folder, $"step-{step.MetaStep}", HashOf([settings.Sha256, start.Sha256]), tasks, (task, _) =>
            {
                var work = step.Jobs.First(work => work.Index == task.Index);
                var outcome = TaskOutcome.Load(Path.Combine(folder, TaskUnit.ResultName(task.Index)), work);
                if (outcome.Failure is { } failure)
                    Serilog.Log.Warning("left out (seed {Seed}): {Failure}", work.Seed, failure);
                outcomes[task.Index] = outcome;
            }, progress, cancellation);
            return [.. step.Jobs.Select(work => outcomes[work.Index]!)];
        }
    }

    /// <summary>Learns the <paramref name="items"/> not done; <paramref name="store"/> gets each that is.</summary>
    /// <param name="items">The whole evaluation, so that its numbers stay when a part is done.</param>
    /// <param name="keyOf">Tells items apart, from those of other evaluations too.</param>
    /// <param name="isDone">Whether an item needs no learning.</param>
    /// <param name="folder">Where the evaluation's folder is made; deleted when all is learned.</param>
    /// <param name="store">Keeps a finished item.</param>
    public void Evaluate(IReadOnlyList<Evaluation.Item> items, Func<Evaluation.Item, string> keyOf,
        Func<Evaluation.Item, bool> isDone, string folder,
        Action<Evaluation.Item, Evaluation.Finished> store, Progress progress, CancellationToken cancellation)
    {
        if (items.All(isDone)) return;
        var identity = HashOf(items.Select(keyOf));
        var home = Path.Combine(folder, "array-" + identity[..16]);
        Directory.CreateDirectory(home);
        var settings = PutConfig(home, "config.yaml", _config);
        var starts = new Dictionary<string, (FileReference Start, FileReference Config)>();
        foreach (var point in items.Select(item => item.From))
            if (point.Meta is { } meta && !starts.ContainsKey(point.Identity))
                starts[point.Identity] = (FileReference.Put(home, $"start-{point.Identity}.safetensors", meta.Save),
                    PutConfig(home, $"start-{point.Identity}.yaml", point.Config ?? _config));
        var tasks = new List<TaskUnit>();
        for (var i = 0; i < items.Count; i++)
        {
            if (isDone(items[i])) continue;
            var (start, of) = starts.TryGetValue(items[i].From.Identity, out var found)
                ? found : (null, (FileReference?)null);
            tasks.Add(Put(home, i, new TaskSpec
            {
                Config = settings, Start = start, StartConfig = of,
                Evaluation = new EvaluationWork(items[i].TaskId, items[i].Seed, items[i].From.Name)
            }));
        }
        Run(home, "evaluation", HashOf([settings.Sha256, identity]), tasks,
            (task, result) => store(items[task.Index], result.Finished!), progress, cancellation);
        CachingExecutor.Discard(home);
    }

    // What does not change a result is left at its default, so that a run that goes on elsewhere has the same input.
    private static FileReference PutConfig(string folder, string name, MetaTrainConfig config) =>
        FileReference.Put(folder, name, next =>
        AtomicFile.WriteAllText(next, ConfigFile.ToYaml(config with
        {
            Run = config.Run with
            { Directory = "unused", Parallel = 0, CheckpointSeconds = 120 },
            Executor = new ExecutorSection()
        })));

    private static TaskUnit Put(string folder, int index, TaskSpec spec) =>
        new(index, spec.Label, spec.Save(Path.Combine(folder, TaskUnit.SpecName(index))));

    private static string HashOf(IEnumerable<string> parts) => FileHash.OfText(string.Join('\n', parts));

    private void Run(string folder, string what, string inputs, IReadOnlyList<TaskUnit> tasks,
        Action<TaskUnit, TaskResult> finished, Progress progress, CancellationToken cancellation)
    {
        var lines = new Dictionary<int, Progress.Line>();
        var prefix = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '_'));
        try
        {
            SlurmArray.Run(_config.Executor, folder, $"rlleap-{prefix}-{what}", inputs, tasks,
                _config.Run.CheckpointSeconds, finished, Show, cancellation);
        }
        finally
        {
            foreach (var line in lines.Values) line.Dispose();
        }

        void Show(ArrayStatus status)
        {
            progress.Note(status.ToString());
            foreach (var (task, node, job) in status.Running)
            {
                if (!lines.TryGetValue(task.Index, out var line))
                    lines[task.Index] = line = progress.Begin(task.Label, 1, "task");
                line.Update(0, $"on {node}{(job > 1 ? $", job {job}" : "")}");
            }
            foreach (var index in lines.Keys.Except(status.Running.Select(r => r.Task.Index)).ToList())
            {
                lines[index].Dispose();
                lines.Remove(index);
            }
        }
    }
}

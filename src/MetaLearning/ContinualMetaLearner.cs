using System.Globalization;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>What methods share that train task after task and grow one state: HAT and Progressive Nets.</summary>
/// <remarks>The state is the initialization (what all tasks share) and, for every task seen, tensors by name. A meta-step visits the tasks of its batch in order;
/// a task may be visited again. Runs on the calling thread: these methods are parallel over seeds and splits only.</remarks>
internal abstract class ContinualMetaLearner : IMetaLearner
{
    private const string TaskPrefix = "task:";

    protected ContinualMetaLearner(MetaLearningMethod method, MetaLearnerContext setting)
    {
        (Method, Setting) = (method, setting);
        Initialization = new MetaInitialization(setting.Network, sharedHeads: null, setting.DType, setting.Device);
        Initialization.Draw(setting.Rng.Split("initialization"));
    }

    public MetaLearningMethod Method { get; }

    public long MetaSteps { get; private set; }

    public MetaInitialization Initialization { get; }

    protected MetaLearnerContext Setting { get; }

    /// <summary>What is kept for each task, by its id. Never changed in place: a visit puts another dictionary there.</summary>
    protected Dictionary<string, Dictionary<string, Tensor>> Tasks { get; private set; } = [];

    /// <summary>A learner of a task at the present state; its training must not change the state.</summary>
    public abstract Learner Begin(ITask task, LearnerOptions options, Rng rng);

    /// <summary>Takes over what a visit learned: what is shared into <see cref="Initialization"/>; returns what is the task's own.</summary>
    protected abstract Dictionary<string, Tensor> Consolidate(ITask task, Learner learner);

    public MetaStepRecord MetaStep(IReadOnlyList<ITask> batch, IExecutor executor, CancellationToken cancellation = default)
    {
        if (batch.Count == 0) throw new RlLeapException("A meta-step needs at least one task; the batch is empty.");
        using var scope = NewDisposeScope();
        var (before, shared) = (new Dictionary<string, Dictionary<string, Tensor>>(Tasks), Initialization.Shared.Flat.detach().clone());
        var (records, diverged) = (new List<TaskRecord>(), new List<TaskOutcome>());
        try
        {
            for (var i = 0; i < batch.Count; i++)
            {
                var seed = (long)(Setting.Rng.Split("meta-step", MetaSteps).Split("task", i).NextUInt64() >> 1);
                try
                {
                    records.Add(Visit(batch[i], seed, cancellation));
                }
                catch (DivergenceException e)
                {
                    diverged.Add(new TaskOutcome(new TaskJob { TaskId = batch[i].Info.Id, Seed = seed, MetaStep = MetaSteps, Index = i, Method = Method, Learner = Setting.Learner }, null, e.Message));
                    if (diverged.Count > Setting.MaxDiverged * batch.Count || diverged.Count == batch.Count)
                        throw new RlLeapException($"Meta-step {MetaSteps}: {diverged.Count} of {batch.Count} tasks diverged (at most {Setting.MaxDiverged:P0} may): [seed {seed}] {e.Message}");
                }
            }
        }
        catch
        {
            foreach (var (id, kept) in Tasks)
                if (!before.TryGetValue(id, out var old) || !ReferenceEquals(old, kept)) Free(kept);
            Tasks = before;
            Initialization.Shared.CopySharedFrom(shared);
            throw;
        }
        foreach (var (id, old) in before)
            if (!ReferenceEquals(Tasks[id], old)) Free(old);
        return new MetaStepRecord(MetaSteps++, records, diverged, 0);

        TaskRecord Visit(ITask task, long seed, CancellationToken cancel)
        {
            using var learner = Begin(task, Setting.Learner, new Rng(seed));
            var losses = new List<double>();
            while (!learner.IsDone)
            {
                cancel.ThrowIfCancellationRequested();
                losses.Add(learner.TrainStep().Loss);
            }
            learner.RequireFinite(); // what is absorbed is everybody's
            using var inner = NewDisposeScope();
            using var _ = no_grad();
            var own = Consolidate(task, learner);
            foreach (var value in own.Values) value.DetachFromDisposeScope();
            // Seen twice in one batch: the first visit's tensors are nobody's any more.
            if (Tasks.TryGetValue(task.Info.Id, out var previous) && !before.ContainsValue(previous)) Free(previous);
            Tasks[task.Info.Id] = own;
            var metrics = new Dictionary<string, double> { ["loss.first"] = losses[0], ["loss.last"] = losses[^1], ["loss.mean"] = losses.Average() };
            learner.Record(metrics);
            return new TaskRecord(task.Info.Id, seed, learner.Step, metrics);
        }
    }

    public void Save(string path)
    {
        using var scope = NewDisposeScope();
        var tensors = Initialization.Export();
        foreach (var (id, own) in Tasks)
            foreach (var (name, value) in own) tensors.Add($"{TaskPrefix}{id}:{name}", value);
        SafeTensors.Write(path, tensors, new Dictionary<string, string>
        {
            ["method"] = Method.Name, ["network"] = Setting.Network.Name, ["meta-steps"] = MetaSteps.ToString(CultureInfo.InvariantCulture), ["tasks"] = JsonSerializer.Serialize(Tasks.Keys),
        });
    }

    public void Load(string path)
    {
        using var scope = NewDisposeScope();
        var (tensors, notes) = SafeTensors.Read(path);
        if (notes.GetValueOrDefault("method") != Method.Name || !long.TryParse(notes.GetValueOrDefault("meta-steps"), out var steps) || !notes.TryGetValue("tasks", out var ids))
            throw new RlLeapException($"{path} is a checkpoint of {notes.GetValueOrDefault("method") ?? "something else"}, not of {Method.Name}.");
        Initialization.Import(tensors, path);
        foreach (var own in Tasks.Values) Free(own);
        Tasks = [];
        foreach (var id in JsonSerializer.Deserialize<string[]>(ids)!)
        {
            var prefix = $"{TaskPrefix}{id}:";
            Tasks[id] = tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal))
                .ToDictionary(t => t.Key[prefix.Length..], t => t.Value.to(Initialization.Shared.Flat.device).DetachFromDisposeScope());
        }
        MetaSteps = steps;
    }

    public void Dispose()
    {
        foreach (var own in Tasks.Values) Free(own);
        Initialization.Dispose();
    }

    private static void Free(Dictionary<string, Tensor> own)
    {
        foreach (var value in own.Values) value.Dispose();
    }
}

/// <summary>A task whose heads are its own, whatever it says of sharing them.</summary>
internal sealed class PrivateHeads(ITask inner) : ITask
{
    public TaskInfo Info { get; } = inner.Info with { Heads = [.. inner.Info.Heads.Select(head => head with { Shared = false })] };

    public ITaskStream Open(Rng rng, Device device) => inner.Open(rng, device);
}

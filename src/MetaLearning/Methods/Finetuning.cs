using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>Multi-head finetuning: one network with a head for every pretraining task is trained on all of them; a new task keeps the encoder and gets a new head.</summary>
/// <remarks>
/// <para>A gradient step draws one minibatch (or rollout) of every task of the meta-batch and descends the mean of their losses, encoder and heads together, with the
/// learner's optimizer, which lives through all meta-steps; a meta-step is as many gradient steps as the other methods train each task for
/// (at most: the tasks share the steps, so none of them can stop early; their validation scores are recorded all the same). So every
/// method sees the same number of minibatches, and batches are mixed over tasks.</para>
/// <para>Heads marked as shared are private here: one head for all tasks would not be multi-headed. A held-out task's head is freshly drawn; the authors of Leap hand
/// it one of 50 heads that was never trained, which is the same thing. Batch-norm statistics belong to the network and carry on. See docs/fidelity.md.</para>
/// </remarks>
public sealed record FinetuningOptions : MetaLearningMethod
{
    /// <inheritdoc/>
    public override string Name => "finetuning";

    /// <inheritdoc/>
    protected override void Check(MetaLearnerContext setting)
    {
        if (setting.Pool.GroupBy(task => task.Info.Id).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new RlLeapException($"The pool has {twice.Key} twice: finetuning keeps one head for each task and cannot tell them apart.");
    }

    /// <inheritdoc/>
    protected override IMetaLearner Open(MetaLearnerContext setting) => new Finetuning(this, setting);
}

internal sealed class Finetuning : IMetaLearner
{
    private readonly MetaLearnerContext _setting;
    private readonly ParameterVector _all; // the encoder, then every task's heads
    private readonly long _encoder;
    private readonly Dictionary<string, long> _headsAt = [];
    private readonly Dictionary<string, Model> _models = [];
    private readonly VectorOptimizer _optimizer;
    private readonly long _steps;

    public Finetuning(FinetuningOptions method, MetaLearnerContext setting)
    {
        (Method, _setting) = (method, setting);
        // Where tasks differ in the length of their epochs: their mean.
        _steps = (long)Math.Round(setting.Pool.Average(task => setting.Learner.For(task.Info).GradientSteps));
        var entries = setting.Network.Parameters.Select(p => p with { Shared = true }).ToList();
        foreach (var task in setting.Pool)
            entries.AddRange(Model.LayoutOf(setting.Network, PrivateHeads(task)).Entries.Where(e => !e.Shared).Select(e => e with { Name = $"{task.Info.Id}:{e.Name}" }));
        _all = new ParameterVector(new ParameterLayout(entries), setting.DType, setting.Device);
        _encoder = _all.Layout.SharedCount;
        Initialization = new MetaInitialization(setting.Network, sharedHeads: null, setting.DType, setting.Device);
        Initialization.Draw(setting.Rng.Split("initialization"));
        _optimizer = new VectorOptimizer(_all, setting.Learner.Optimizer, setting.MetaSteps * _steps);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _all.Shared.copy_(Initialization.Shared.Shared);
        var at = _encoder;
        foreach (var task in setting.Pool)
        {
            var model = ModelOf(task);
            model.InitializeHeads(setting.Rng.Split("head." + task.Info.Id));
            var count = model.Parameters.Layout.Count - _encoder;
            if (count > 0) _all.Flat.narrow(0, at, count).copy_(model.Parameters.Flat.narrow(0, _encoder, count));
            _headsAt[task.Info.Id] = at;
            at += count;
        }
    }

    public MetaLearningMethod Method { get; }

    public long MetaSteps { get; private set; }

    public MetaInitialization Initialization { get; }

    public MetaStepRecord MetaStep(IReadOnlyList<ITask> batch, IExecutor executor, CancellationToken cancellation = default)
    {
        if (batch.Count == 0) throw new RlLeapException("A meta-step needs at least one task; the batch is empty.");
        foreach (var task in batch)
            if (!_headsAt.ContainsKey(task.Info.Id)) throw new RlLeapException($"{task.Info.Id} is not in the pool that finetuning was set up with, so it has no head.");
        using var scope = NewDisposeScope();
        var before = (Parameters: _all.Flat.detach().clone(), Buffers: Initialization.Buffers.Flat.detach().clone(), Optimizer: _optimizer.SaveState());
        var losses = batch.Select(_ => new List<double>()).ToList();
        var errors = batch.Select(_ => new TrainingSummary()).ToList();
        var scores = new double?[batch.Count];
        var seeds = batch.Select((_, i) => (long)(_setting.Rng.Split("meta-step", MetaSteps).Split("task", i).NextUInt64() >> 1)).ToList();
        var diverged = new TaskOutcome?[batch.Count];
        var streams = new ITaskStream?[batch.Count];
        double norm = 0;
        try
        {
            for (var i = 0; i < batch.Count; i++) streams[i] = batch[i].Open(new Rng(seeds[i]).Split("stream"), _all.Flat.device);
            for (var step = 0L; step < _steps; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                norm = Step(batch, streams, losses, errors, i => Diverge(i, step));
            }
            if (_setting.Learner.Stopping is { } stopping)
                for (var i = 0; i < batch.Count; i++)
                    if (streams[i] is { } stream) scores[i] = Evaluate(batch[i], stream, stopping);
        }
        catch
        {
            using var _ = no_grad();
            _all.Flat.copy_(before.Parameters);
            Initialization.Buffers.Flat.copy_(before.Buffers);
            _optimizer.RestoreState(before.Optimizer);
            throw;
        }
        finally
        {
            foreach (var stream in streams) stream?.Dispose();
        }
        Initialization.Shared.CopySharedFrom(_all.Shared);
        return new MetaStepRecord(MetaSteps++, [.. batch.Select((task, i) => new TaskRecord(task.Info.Id, seeds[i], losses[i].Count, Metrics(i))).Where((_, i) => diverged[i] is null)],
            [.. diverged.OfType<TaskOutcome>()], norm);

        Dictionary<string, double> Metrics(int i)
        {
            var metrics = new Dictionary<string, double>
            {
                ["loss.first"] = losses[i].FirstOrDefault(double.NaN), ["loss.last"] = losses[i].LastOrDefault(double.NaN), ["loss.mean"] = losses[i].DefaultIfEmpty(double.NaN).Average(),
            };
            errors[i].Record(metrics);
            if (scores[i] is { } score) metrics[_setting.Learner.Stopping!.Metric] = score;
            return metrics;
        }

        // Leaves a task out of the rest of this meta-step.
        void Diverge(int i, long step)
        {
            var work = new TaskJob { TaskId = batch[i].Info.Id, Seed = seeds[i], MetaStep = MetaSteps, Index = i, Method = Method, Learner = _setting.Learner };
            diverged[i] = new TaskOutcome(work, null, $"{work.TaskId}: the loss was not finite at gradient step {step}; the task was left out of the rest of the meta-step.");
            var count = diverged.Count(outcome => outcome is not null);
            if (count > _setting.MaxDiverged * batch.Count || count == batch.Count)
                throw new RlLeapException($"Meta-step {MetaSteps}: {count} of {batch.Count} tasks diverged (at most {_setting.MaxDiverged:P0} may). [seed {seeds[i]}] {diverged[i]!.Failure}");
            streams[i]!.Dispose();
            streams[i] = null;
        }
    }

    public Learner Begin(ITask task, LearnerOptions options, Rng rng) => Initialization.Begin(task, options, rng);

    public void Save(string path)
    {
        using var scope = NewDisposeScope();
        var tensors = _all.Export().ToDictionary(t => t.Name, t => t.Value);
        foreach (var (name, value) in Initialization.Buffers.Export(Model.BufferPrefix)) tensors.Add(name, value);
        tensors.Add("meta.optimizer", tensor(_optimizer.SaveState()));
        SafeTensors.Write(path, tensors, new Dictionary<string, string>
        {
            ["method"] = Method.Name, ["network"] = _setting.Network.Name, ["meta-steps"] = MetaSteps.ToString(CultureInfo.InvariantCulture),
        });
    }

    public void Load(string path)
    {
        using var scope = NewDisposeScope();
        var (tensors, notes) = SafeTensors.Read(path);
        if (notes.GetValueOrDefault("method") != Method.Name || !tensors.TryGetValue("meta.optimizer", out var optimizer) || !long.TryParse(notes.GetValueOrDefault("meta-steps"), out var steps))
            throw new RlLeapException($"{path} is a checkpoint of {notes.GetValueOrDefault("method") ?? "something else"}, not of {Method.Name}.");
        if (_all.Import(tensors) is { Count: > 0 } missing) throw new RlLeapException($"{path} lacks {string.Join(", ", missing)}: it was saved with another pool or network.");
        Initialization.Import(tensors, path);
        _optimizer.RestoreState(optimizer.data<byte>().ToArray());
        MetaSteps = steps;
    }

    public void Dispose()
    {
        foreach (var model in _models.Values) model.Dispose();
        _optimizer.Dispose();
        Initialization.Dispose();
        _all.Dispose();
    }

    private static IReadOnlyList<Head> PrivateHeads(ITask task) => [.. task.Info.Heads.Select(head => head with { Shared = false })];

    // Tasks with the same heads take turns in one model; the parameters live in the flat vector.
    private Model ModelOf(ITask task)
    {
        var key = string.Join(",", task.Info.Heads.Select(head => $"{head.Name}:{head.Size}:{head.Gain}"));
        if (!_models.TryGetValue(key, out var model)) _models[key] = model = new Model(_setting.Network, PrivateHeads(task), _setting.DType, _setting.Device);
        return model;
    }

    // One gradient step on the mean loss of the tasks that still take part (those with a stream); the norm of its gradient.
    private double Step(IReadOnlyList<ITask> batch, ITaskStream?[] streams, List<List<double>> losses, List<TrainingSummary> errors, Action<int> diverge)
    {
        using var scope = NewDisposeScope();
        _all.ZeroGradient();
        var taking = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            if (streams[i] is not { } stream) continue;
            using var inner = NewDisposeScope();
            var model = ModelOf(batch[i]);
            Move(model, batch[i], into: true);
            using var minibatch = stream.NextBatch(model);
            var loss = stream.Loss(model, minibatch);
            var value = loss.detach().to_type(ScalarType.Float64).item<double>();
            if (!double.IsFinite(value)) { diverge(i); continue; }
            losses[i].Add(value);
            errors[i].Add(minibatch.Metrics);
            model.Parameters.ZeroGradient();
            loss.backward();
            Move(model, batch[i], into: false);
            taking++;
        }
        using var _ = no_grad();
        using Scalar count = taking;
        _all.Gradient!.div_(count);
        var norm = _all.Gradient.norm().to_type(ScalarType.Float64).item<double>();
        // All tasks share the step: whose gradient it was cannot be told any more, and a step of it would end them all.
        if (!double.IsFinite(norm))
            throw new RlLeapException($"Meta-step {MetaSteps}: the gradient of finetuning over {string.Join(", ", batch.Select(task => task.Info.Id))} is not finite although their losses are. Lower the learning rate or clip the gradient.");
        _optimizer.Update();
        return norm;
    }

    // A task's validation score as the network is now.
    private double Evaluate(ITask task, ITaskStream stream, EarlyStopping stopping)
    {
        using var scope = NewDisposeScope();
        var model = ModelOf(task);
        Move(model, task, into: true);
        return stopping.Evaluate(stream, model, task.Info.Id);
    }

    // Parameters and statistics into the model; or the gradient (added) and the statistics back.
    private void Move(Model model, ITask task, bool into)
    {
        using var _ = no_grad();
        var (at, count) = (_headsAt[task.Info.Id], model.Parameters.Layout.Count - _encoder);
        var (all, one) = into ? (_all.Flat.detach(), model.Parameters.Flat.detach()) : (_all.Gradient!, model.Parameters.Gradient!);
        foreach (var (there, here, length) in new[] { (0L, 0L, _encoder), (at, _encoder, count) })
        {
            if (length == 0) continue;
            if (into) one.narrow(0, here, length).copy_(all.narrow(0, there, length));
            else all.narrow(0, there, length).add_(one.narrow(0, here, length));
        }
        if (into) model.Buffers.CopyFrom(Initialization.Buffers);
        else Initialization.Buffers.CopyFrom(model.Buffers);
    }
}

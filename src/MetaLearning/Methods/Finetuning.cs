namespace RlLeap.MetaLearning;

/// <summary>Multi-head finetuning: one network learns all pretraining tasks, with a head for each of them.</summary>
/// <remarks>
/// <para>A new task keeps the encoder and gets a new head.</para>
/// <para>
/// A gradient step draws one batch of every task of the meta-batch and descends the mean of their losses, encoder and
/// heads together. It uses the learner's optimizer, which lives through all meta-steps. A meta-step makes as many
/// gradient steps as other methods train each task for, so every method sees the same number of batches. The tasks
/// share the gradient steps, so none of them stops early; their validation scores are recorded all the same.
/// </para>
/// <para>
/// Heads that tasks mark as shared are private here: one head for all tasks would not be multi-headed. Batch-norm
/// statistics belong to the network and carry on. See docs/fidelity.md.
/// </para>
/// </remarks>
public sealed record FinetuningOptions : MetaLearningMethod
{
    public override string Name => "finetuning";

    protected override void Check(MetaLearnerContext context) =>
        context.RequireDistinctTasks("finetuning keeps one head for each task");

    protected override IMetaLearner Open(MetaLearnerContext context) => new Finetuning(this, context);
}

internal sealed class Finetuning : MetaLearner
{
    private readonly ParameterVector _all; // the encoder, then the heads of every task
    private readonly long _encoderCount;
    private readonly Dictionary<string, long> _headOffsets = []; // where a task's heads begin in _all
    private readonly Dictionary<string, Model> _models = []; // tasks with equal heads take turns in one model
    private readonly VectorOptimizer _optimizer;
    private readonly long _gradientSteps;

    public Finetuning(FinetuningOptions method, MetaLearnerContext context) : base(method, context, sharedHeads: null)
    {
        // The mean, where epochs of tasks differ in length.
        _gradientSteps = (long)Math.Round(context.Pool.Average(task => context.Learner.For(task.Info).GradientSteps));
        _all = new ParameterVector(LayoutOf(context), context.DType, context.Device);
        _encoderCount = _all.Layout.SharedCount;
        _optimizer = new VectorOptimizer(_all, context.Learner.Optimizer, context.MetaSteps * _gradientSteps);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _all.Shared.copy_(Initialization.Shared.Shared);
        var offset = _encoderCount;
        foreach (var task in context.Pool)
        {
            var model = ModelOf(task);
            model.InitializeHeads(context.Rng.Split("head." + task.Info.Id));
            var count = model.Parameters.Layout.Count - _encoderCount;
            if (count > 0)
                _all.Flat.narrow(0, offset, count).copy_(model.Parameters.Flat.narrow(0, _encoderCount, count));
            _headOffsets[task.Info.Id] = offset;
            offset += count;
        }
    }

    public override void StartFrom(IReadOnlyDictionary<string, Tensor> parameters)
    {
        base.StartFrom(parameters);
        using var _ = no_grad();
        _all.Shared.copy_(Initialization.Shared.Shared);
    }

    /// <summary>A learner of a task: a new one gets a new head, one of the pool goes on with its own.</summary>
    public override Learner Begin(ITask task, LearnerOptions options, Rng rng) => new Learner(
        new PrivateHeadsTask(task), Context.Network, options, rng, Context.Device, dtype: Context.DType)
        .DisposeOnError(learner =>
        {
            Initialization.ApplyTo(learner.Model);
            if (_headOffsets.ContainsKey(task.Info.Id)) CopyTo(learner.Model, task);
        });

    public override void Dispose()
    {
        foreach (var model in _models.Values) model.Dispose();
        _optimizer.Dispose();
        _all.Dispose();
        base.Dispose();
    }

    protected override MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation)
    {
        if (batch.FirstOrDefault(task => !_headOffsets.ContainsKey(task.Info.Id)) is { } unknown)
            throw new RlLeapException(
                $"{unknown.Info.Id} is not in the pool that finetuning was set up with, so it has no head.");
        using var scope = NewDisposeScope();
        var parametersBefore = _all.Flat.detach().clone();
        var buffersBefore = Initialization.Buffers.Flat.detach().clone();
        var optimizerBefore = _optimizer.SaveState();
        List<Participant> participants = [.. jobs.Select(job => new Participant(batch[job.Index], job))];
        double gradientNorm = 0;
        try
        {
            foreach (var participant in participants)
                participant.Stream = participant.Task.Open(
                    new Rng(participant.Job.Seed).Split("stream"), _all.Flat.device);
            for (var step = 0L; step < _gradientSteps; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                gradientNorm = TrainStep(participants, step);
            }
            foreach (var participant in participants)
            {
                participant.Diagnosis.Complete(ModelOf(participant.Task));
                Evaluate(participant);
            }
        }
        catch
        {
            using var _ = no_grad();
            _all.Flat.copy_(parametersBefore);
            Initialization.Buffers.Flat.copy_(buffersBefore);
            _optimizer.RestoreState(optimizerBefore);
            throw;
        }
        finally
        {
            foreach (var participant in participants) participant.Dispose();
        }
        Initialization.Shared.CopySharedFrom(_all.Shared);
        var records = participants.Where(participant => participant.Diverged is null).Select(RecordOf);
        return new MetaStepRecord(MetaSteps, [.. records], Diverged(participants), gradientNorm);
    }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes)
    {
        var tensors = _all.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Value);
        foreach (var (name, value) in Initialization.Buffers.Export(Model.BufferPrefix)) tensors.Add(name, value);
        tensors.Add(MetaOptimizer.StateName, tensor(_optimizer.SaveState()));
        return tensors;
    }

    protected override void Import(MetaCheckpoint checkpoint)
    {
        if (_all.Import(checkpoint.Tensors) is { Count: > 0 } missing)
            throw new RlLeapException($"{checkpoint.Path} lacks {string.Join(", ", missing)}: it was saved with "
                + "another pool or network.");
        Initialization.Import(checkpoint.Tensors, checkpoint.Path);
        _optimizer.RestoreState(checkpoint[MetaOptimizer.StateName].data<byte>().ToArray());
    }

    /// <summary>One gradient step on the mean loss of the tasks that have not diverged.</summary>
    /// <returns>The norm of its gradient.</returns>
    private double TrainStep(IReadOnlyList<Participant> participants, long step)
    {
        using var scope = NewDisposeScope();
        _all.ZeroGradient();
        var taking = 0;
        foreach (var participant in participants)
            if (participant.Diverged is null && AddGradient(participant, step)) taking++;
            else LeaveOut(participant, participants, step);
        using var _ = no_grad();
        using Scalar count = taking;
        _all.Gradient!.div_(count);
        var norm = _all.Gradient.norm().to_type(ScalarType.Float64).item<double>();
        // The gradient of one task cannot be told from the sum any more, and a step along it would ruin all tasks.
        if (!double.IsFinite(norm))
            throw new RlLeapException($"Meta-step {MetaSteps}: the gradient of finetuning over "
                + $"{string.Join(", ", participants.Select(participant => participant.Task.Info.Id))} is not finite "
                + "although their losses are. Lower the learning rate or clip the gradient.");
        _optimizer.Update();
        return norm;
    }

    /// <summary>Adds the gradient of a task's next batch; false, adding nothing, where it is not finite.</summary>
    private bool AddGradient(Participant participant, long step)
    {
        using var scope = NewDisposeScope();
        var (task, stream) = (participant.Task, participant.Stream!);
        var model = ModelOf(task);
        CopyTo(model, task);
        using var minibatch = stream.NextBatch(model);
        var loss = stream.Loss(model, minibatch);
        var value = loss.detach().to_type(ScalarType.Float64).item<double>();
        if (!double.IsFinite(value)) return false;
        participant.Losses.Add(value);
        participant.Summary.Add(minibatch.Metrics, minibatch.Episodes);
        model.Parameters.ZeroGradient();
        loss.backward();
        participant.Diagnosis.Observe(model, minibatch, isLast: step == _gradientSteps - 1);
        AddGradientOf(model, task);
        return true;
    }

    /// <summary>Leaves a task that diverged out of the rest of the meta-step.</summary>
    private void LeaveOut(Participant participant, IReadOnlyList<Participant> participants, long step)
    {
        if (participant.Diverged is not null) return;
        var job = participant.Job;
        participant.Diverged = new TaskOutcome(job, null, $"{job.TaskId}: the loss was not finite at gradient step "
            + $"{step}; the task was left out of the rest of the meta-step.");
        RequireEnoughTasks(Diverged(participants), participants.Count);
    }

    private static List<TaskOutcome> Diverged(IEnumerable<Participant> participants) =>
        [.. participants.Select(participant => participant.Diverged).OfType<TaskOutcome>()];

    /// <summary>Takes a task's validation score with the network as it is now.</summary>
    private void Evaluate(Participant participant)
    {
        if (Context.Learner.Stopping is not { } stopping || participant.Diverged is not null) return;
        using var scope = NewDisposeScope();
        var model = ModelOf(participant.Task);
        CopyTo(model, participant.Task);
        participant.Score = stopping.Evaluate(participant.Stream!, model, participant.Task.Info.Id);
    }

    private TaskRecord RecordOf(Participant participant)
    {
        var metrics = participant.Losses.Metrics;
        participant.Summary.Record(metrics);
        foreach (var (name, value) in participant.Diagnosis.Metrics) metrics[name] = value;
        if (participant.Score is { } score) metrics[Context.Learner.Stopping!.Metric] = score;
        return new TaskRecord(participant.Job.TaskId, participant.Job.Seed, participant.Losses.Count, metrics);
    }

    private static ParameterLayout LayoutOf(MetaLearnerContext context)
    {
        var encoder = context.Network.Parameters.Select(entry => entry with { Shared = true });
        var heads =
            from task in context.Pool
            from entry in Model.LayoutOf(context.Network, PrivateHeadsTask.PrivateHeads(task.Info)).Entries
            where !entry.Shared
            select entry with { Name = $"{task.Info.Id}:{entry.Name}" };
        return new ParameterLayout([.. encoder, .. heads]);
    }

    private Model ModelOf(ITask task)
    {
        var key = string.Join(",", task.Info.Heads.Select(head => $"{head.Name}:{head.Size}:{head.Gain}"));
        if (!_models.TryGetValue(key, out var model))
            _models[key] = model = new Model(
                Context.Network, PrivateHeadsTask.PrivateHeads(task.Info), Context.DType, Context.Device);
        return model;
    }

    /// <summary>Copies the encoder, a task's heads and the statistics into a model.</summary>
    private void CopyTo(Model model, ITask task)
    {
        using var _ = no_grad();
        var (values, modelValues) = (_all.Flat.detach(), model.Parameters.Flat.detach());
        foreach (var (all, one) in Parts(values, modelValues, model, task)) one.copy_(all);
        model.Buffers.CopyFrom(Initialization.Buffers);
    }

    /// <summary>Adds a model's gradient to the encoder's and the task's heads', and takes its statistics.</summary>
    private void AddGradientOf(Model model, ITask task)
    {
        using var _ = no_grad();
        foreach (var (all, one) in Parts(_all.Gradient!, model.Parameters.Gradient!, model, task)) all.add_(one);
        Initialization.Buffers.CopyFrom(model.Buffers);
    }

    // The encoder and the task's heads, as parts of the vector of all tasks and of the model's vector.
    private IEnumerable<(Tensor All, Tensor One)> Parts(Tensor all, Tensor one, Model model, ITask task)
    {
        var (offset, headCount) = (_headOffsets[task.Info.Id], model.Parameters.Layout.Count - _encoderCount);
        yield return (all.narrow(0, 0, _encoderCount), one.narrow(0, 0, _encoderCount));
        if (headCount > 0) yield return (all.narrow(0, offset, headCount), one.narrow(0, _encoderCount, headCount));
    }

    /// <summary>One task's part in a meta-step.</summary>
    private sealed class Participant(ITask task, TaskJob job) : IDisposable
    {
        public ITask Task => task;
        public TaskJob Job => job;
        public LossSummary Losses { get; } = new();
        public TrainingSummary Summary { get; } = new();
        public ITaskStream? Stream { get; set; }
        public TaskOutcome? Diverged { get; set; }
        public double? Score { get; set; }
        public TrainingDiagnosis Diagnosis { get; } = new();

        public void Dispose()
        {
            Stream?.Dispose();
            Diagnosis.Dispose();
        }
    }
}

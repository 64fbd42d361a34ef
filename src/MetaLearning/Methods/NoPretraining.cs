namespace RlLeap.MetaLearning;

/// <summary>No pretraining: every task starts from fresh parameters. The control, and what training a single agent or classifier is.</summary>
public sealed record NoPretrainingOptions : MetaLearningMethod
{
    /// <inheritdoc/>
    public override string Name => "none";

    /// <inheritdoc/>
    protected override IMetaLearner Open(MetaLearnerContext setting) => new NoPretraining(this, setting);

    private sealed class NoPretraining(NoPretrainingOptions options, MetaLearnerContext setting) : IMetaLearner
    {
        public MetaLearningMethod Method => options;

        public long MetaSteps { get; private set; }

        // Made for whoever asks what it would look like; no task starts from it.
        public MetaInitialization Initialization => _initialization ??= Draw();
        private MetaInitialization? _initialization;

        public MetaStepRecord MetaStep(IReadOnlyList<ITask> batch, IExecutor executor, CancellationToken cancellation = default)
        {
            if (batch.Count == 0) throw new RlLeapException("A meta-step needs at least one task; the batch is empty.");
            cancellation.ThrowIfCancellationRequested();
            return new MetaStepRecord(MetaSteps++, [], [], 0);
        }

        // Fresh for every learner: the spread over seeds is then that of random initializations.
        public Learner Begin(ITask task, LearnerOptions learner, Rng rng) => new(task, setting.Network, learner, rng, setting.Device, dtype: setting.DType);

        public void Save(string path) => SafeTensors.Write(path, [], new Dictionary<string, string> { ["method"] = "none", ["meta-steps"] = $"{MetaSteps}" });

        public void Load(string path)
        {
            var (_, notes) = SafeTensors.Read(path);
            if (notes.GetValueOrDefault("method") != "none" || !long.TryParse(notes.GetValueOrDefault("meta-steps"), out var steps))
                throw new RlLeapException($"{path} is a checkpoint of {notes.GetValueOrDefault("method") ?? "something else"}, not of none.");
            MetaSteps = steps;
        }

        public void Dispose() => _initialization?.Dispose();

        private MetaInitialization Draw()
        {
            var start = new MetaInitialization(setting.Network, setting.SharedHeads, setting.DType, setting.Device);
            start.Draw(setting.Rng.Split("initialization"));
            return start;
        }
    }
}

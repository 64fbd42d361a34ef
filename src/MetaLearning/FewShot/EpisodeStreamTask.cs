namespace RlLeap.MetaLearning;

/// <summary>Episode after episode, each with the loss of a method.</summary>
/// <param name="source">Where episodes are drawn from.</param>
/// <param name="shape">Classes and images of a training episode.</param>
/// <param name="scoreShape">Those of the episodes that scores are computed on.</param>
/// <param name="scored">How many of these.</param>
internal sealed class EpisodeStreamTask(
    FewShotMethod method, IEpisodeSource source, EpisodeShape shape, EpisodeShape scoreShape, int scored) : ITask
{
    public TaskInfo Info { get; } = new($"few-shot/{source.Name}", source.InputShape, method.Heads);

    public ITaskStream Open(Rng rng, Device device)
    {
        source.Require(Split.Train, shape);
        return new Stream(this, rng, device);
    }

    private EpisodeShape TrainShape => shape;

    private EpisodeShape ScoreShape => scoreShape;

    private IEpisodeSource Source => source;

    private int Scored => scored;

    private EpisodeOutcome Evaluate(Model model, Episode episode)
    {
        var outcome = method.Evaluate(model, episode);
        Shape.Require(outcome.Scores, $"scores of {method.Name}", episode.Shape.QueryCount, episode.Shape.Way);
        episode.Record("error", 1 - FewShotMethod.AccuracyOf(outcome.Scores, episode));
        return outcome;
    }

    /// <remarks>An episode depends on its number alone, so that the number is all there is to save.</remarks>
    private sealed class Stream(EpisodeStreamTask task, Rng rng, Device device) : ITaskStream
    {
        private readonly Rng _scoreRng = rng.Split("scores");
        private long _drawn;

        public IBatch NextBatch(Model model, Split split = Split.Train)
        {
            var shape = split == Split.Train ? task.TrainShape : task.ScoreShape;
            return Draw(split, shape, rng.Split(split.ToString(), _drawn++), model);
        }

        public Tensor Loss(Model model, IBatch batch) => task.Evaluate(model, (Episode)batch).Loss;

        public IReadOnlyDictionary<string, double> Score(Model model, Split split)
        {
            var training = model.Training;
            model.Training = false;
            try
            {
                using var _ = no_grad();
                var (loss, error) = (0.0, 0.0);
                for (var i = 0; i < task.Scored; i++)
                {
                    using var scope = NewDisposeScope();
                    using var episode = Draw(split, task.ScoreShape, _scoreRng.Split(split.ToString(), i), model);
                    loss += Loss(model, episode).to_type(ScalarType.Float64).item<double>() / task.Scored;
                    error += episode.Metrics["error"] / task.Scored;
                }
                return new Dictionary<string, double> { ["loss"] = loss, ["error"] = error };
            }
            finally { model.Training = training; }
        }

        public bool CanSave => true;

        public byte[] Save() => BitConverter.GetBytes(_drawn);

        public void Restore(ReadOnlySpan<byte> state) => _drawn = state.Length == sizeof(long)
            ? BitConverter.ToInt64(state)
            : throw new RlLeapException($"{task.Info.Id}: a saved stream has {sizeof(long)} bytes, not {state.Length}; "
                + "it was saved by another kind of task.");

        public void Dispose() { }

        private Episode Draw(Split split, EpisodeShape shape, Rng episode, Model model) =>
            task.Source.Draw(split, shape, episode, device, model.DType);
    }
}

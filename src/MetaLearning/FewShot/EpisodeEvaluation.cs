namespace RlLeap.MetaLearning;

/// <summary>Accuracy over test episodes.</summary>
/// <param name="Shape">Classes and images of an episode.</param>
/// <param name="Accuracies">[episodes] the share of each episode's queries that was classified correctly.</param>
public sealed record EpisodeAccuracy(EpisodeShape Shape, IReadOnlyList<double> Accuracies)
{
    /// <summary>The mean over episodes.</summary>
    public double Mean => Accuracies.Average();

    /// <summary>Half of the 95 % interval over episodes: 1.96 standard errors of the mean.</summary>
    public double HalfWidth
    {
        get
        {
            var (mean, count) = (Mean, Accuracies.Count);
            return count < 2 ? double.NaN
                : 1.96 * Math.Sqrt(Accuracies.Sum(a => (a - mean) * (a - mean)) / (count - 1) / count);
        }
    }
}

/// <summary>Test episodes, the same for every method, and how well a meta-learner does on them.</summary>
/// <param name="source">Where the episodes are drawn from.</param>
/// <param name="shape">Classes and images of an episode; need not be those of training.</param>
/// <param name="rng">Episode i depends on this and i alone.</param>
public sealed class EpisodeEvaluation(IEpisodeSource source, EpisodeShape shape, Rng rng)
{
    /// <summary>How a test episode is learned, for methods that train on the support images.</summary>
    public LearnerOptions Learner { get; init; } = new();

    /// <summary>Whether batch norm uses the test images' own statistics.</summary>
    public bool Transductive { get; init; }

    /// <summary>Whether the head was meta-learned, for methods that train on the support images.</summary>
    public bool SharedHead { get; init; } = true;

    /// <summary>Support images of a training batch (<see cref="EpisodeTask.SupportBatch"/>).</summary>
    public int SupportBatch { get; init; }

    /// <summary>Which classes are classified.</summary>
    public Split Split { get; init; } = Split.Test;

    /// <summary>The i-th episode.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <param name="device">Where its tensors lie; the CPU when null.</param>
    /// <param name="split">Which classes.</param>
    public Episode Draw(int index, Device? device = null, Split split = Split.Test) =>
        source.Draw(split, shape, RngOf(index, split), device ?? CPU);

    /// <summary>Classifies the queries of the first episodes.</summary>
    /// <param name="learner">What was meta-learned. It does not change.</param>
    /// <param name="episodes">How many.</param>
    /// <param name="workers">Threads; 0 for one a core. No result depends on it.</param>
    /// <param name="done">Called after each episode, from any thread.</param>
    /// <param name="cancellation">Asks to leave.</param>
    /// <exception cref="RlLeapException">
    /// There are too few test classes or images, or the learned head is for another number of classes.
    /// </exception>
    public EpisodeAccuracy Run(
        IMetaLearner learner, int episodes, int workers = 1, Action? done = null,
        CancellationToken cancellation = default)
    {
        source.Require(Split, shape);
        RequireHead(learner);
        var accuracies = new double[episodes];
        using var pool = new WorkerPool(workers, "episode", maxCount: episodes);
        pool.ForEach([.. Enumerable.Range(0, episodes)], (i, _) =>
        {
            accuracies[i] = Accuracy(learner, i);
            done?.Invoke();
        }, cancellation);
        return new EpisodeAccuracy(shape, accuracies);
    }

    /// <summary>The features of an episode's images, support first, as the method sees them.</summary>
    /// <returns>[support + query, features] on the CPU, which the caller disposes.</returns>
    public Tensor Embed(IMetaLearner learner, int index)
    {
        using var scope = NewDisposeScope();
        using var adapted = learner is FewShotLearner ? null : Adapt(learner, index);
        using var own = adapted is null ? ((FewShotLearner)learner).Model.ForEvaluation() : null;
        using var _ = no_grad();
        using var episode = Draw(index, learner.Initialization.Shared.Flat.device);
        var model = adapted?.Model ?? own!;
        model.Training = adapted is not null || Transductive;
        return model.Features(episode.Images.to_type(model.DType)).cpu().MoveToOuterDisposeScope();
    }

    private double Accuracy(IMetaLearner learner, int index)
    {
        if (learner is FewShotLearner metric)
        {
            // Transduction updates running averages, of a copy then.
            using var own = metric.Model.ForEvaluation();
            own.Training = Transductive;
            using var episode = source.Draw(
                Split, shape, RngOf(index, Split), own.Device, own.DType);
            return ((FewShotMethod)learner.Method).Accuracy(own, episode);
        }
        using var adapted = Adapt(learner, index);
        return 1 - adapted.Stream.Score(adapted.Model, Split.Test)["error"];
    }

    // A learner that has trained on the support images of an episode.
    private Learner Adapt(IMetaLearner learner, int index)
    {
        var task = new EpisodeTask(source, shape, Split)
        {
            FixedRng = RngOf(index, Split),
            SupportBatch = SupportBatch,
            Transductive = Transductive,
            SharedHead = SharedHead,
        };
        return learner.Begin(task, Learner, rng.Split("adaptation", index)).DisposeOnError(adapted =>
        {
            while (!adapted.IsDone) adapted.TrainStep();
        });
    }

    private void RequireHead(IMetaLearner learner)
    {
        if (learner is FewShotLearner || !SharedHead) return;
        var layout = learner.Initialization.Shared.Layout;
        if (!layout.Contains("classes.bias")) return;
        var classes = layout.Entries[layout.IndexOf("classes.bias")].Count;
        if (classes != shape.Way)
            throw new RlLeapException($"{learner.Method.Name} has meta-learned a linear head of {classes} classes, "
                + $"which cannot tell {shape.Way} apart: test it {classes}-way, train it {shape.Way}-way, or give each "
                + "episode a new head (few-shot.shared-head: false).");
    }

    private Rng RngOf(int index, Split split) => rng.Split($"{split} episode", index);
}

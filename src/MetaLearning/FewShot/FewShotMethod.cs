namespace RlLeap.MetaLearning;

/// <summary>What a method makes of an episode.</summary>
/// <param name="Loss">A scalar to descend.</param>
/// <param name="Scores">[queries, way] the higher, the likelier the class.</param>
public readonly record struct EpisodeOutcome(Tensor Loss, Tensor Scores);

/// <summary>A method that compares images: it learns an embedding, and new classes need no further training.</summary>
/// <remarks>
/// Such a method is a loss over an episode. Training it is a <see cref="Learner"/> over a stream of episodes
/// (<see cref="Episodes"/>). As a meta-learner, a meta-step makes one gradient step for each task of its batch, and the
/// meta-optimizer is the update rule.
/// </remarks>
public abstract record FewShotMethod : MetaLearningMethod
{
    /// <summary>Loss and scores of an episode, whose way, shot and number of queries are free.</summary>
    public abstract EpisodeOutcome Evaluate(Model model, Episode episode);

    /// <summary>The network to train: the encoder, with whatever else the method learns.</summary>
    /// <exception cref="RlLeapException">The encoder does not fit the method.</exception>
    public virtual Network Extend(Network encoder) => encoder;

    /// <summary>Whether the features are maps that are compared place by place: the encoder should pool less.</summary>
    public virtual bool ComparesMaps => false;

    /// <summary>Linear maps that the method learns beside the network.</summary>
    internal virtual IReadOnlyList<Head> Heads => [];

    /// <summary>An endless stream of training episodes as a task, for a <see cref="Learner"/>.</summary>
    /// <param name="source">Where episodes are drawn from.</param>
    /// <param name="shape">Classes and images of each.</param>
    /// <param name="validation">Shape of the episodes that scores are computed on; null for the same.</param>
    /// <param name="scored">How many episodes a score is the mean of; always the same ones.</param>
    /// <exception cref="RlLeapException">The source has too few classes or images.</exception>
    public ITask Episodes(
        IEpisodeSource source, EpisodeShape shape, EpisodeShape? validation = null, int scored = 100) =>
        new EpisodeStreamTask(this, source, shape, validation ?? shape, scored);

    /// <summary>The share of an episode's queries that the model classifies correctly. Does not learn.</summary>
    /// <param name="model">A model in evaluation mode; in training mode it uses the batch's own statistics.</param>
    /// <param name="episode">The episode.</param>
    public double Accuracy(Model model, Episode episode)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return AccuracyOf(Evaluate(model, episode).Scores, episode);
    }

    /// <summary>The share of the queries for which the right class has the highest score.</summary>
    internal static double AccuracyOf(Tensor scores, Episode episode)
    {
        using var _ = no_grad();
        using var right = scores.argmax(1).eq(episode.QueryLabels).sum();
        return right.item<long>() / (double)episode.Shape.QueryCount;
    }

    protected override IMetaLearner Open(MetaLearnerContext context) => new FewShotLearner(this, context);

    protected override void Check(MetaLearnerContext context)
    {
        if (context.Pool is not [EpisodeTask])
            throw new RlLeapException($"{Name} learns from episodes: it needs one source of them as its only task "
                + $"(suite: few-shot), not {context.Pool.Count} tasks such as {context.Pool[0].Info.Id}.");
    }
}

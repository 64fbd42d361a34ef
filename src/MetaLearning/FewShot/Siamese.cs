namespace RlLeap.MetaLearning;

/// <summary>Siamese networks: whether two images are of one class, from the distance of their features.</summary>
/// <remarks>
/// Koch, Zemel and Salakhutdinov 2015. With an encoder f and a linear map w of one output:
/// <code>
/// p(same | q, x) = sigmoid(w |f(q) - f(x)|)      each feature's distance has a weight of its own
/// loss           = binary cross-entropy over the pairs; see <see cref="Balanced"/>
/// class of q     = that of the support image x with the largest p
/// </code>
/// The pairs of an episode are each query with each support image.
/// </remarks>
public sealed record SiameseOptions : FewShotMethod
{
    /// <summary>
    /// Whether pairs of one class count as much in all as pairs of two; else every pair counts the same.
    /// </summary>
    /// <remarks>
    /// Of N classes, a query has N - 1 times as many pairs of two classes, most of them easy. Where all count the same,
    /// the sigmoid turns at the distance at which one of N classes is as likely as the others together. There queries
    /// are decided.
    /// </remarks>
    public bool Balanced { get; init; }

    public override string Name => "siamese";

    internal override IReadOnlyList<Head> Heads => [new Head("similarity", 1, Shared: true)];

    public override EpisodeOutcome Evaluate(Model model, Episode episode)
    {
        var features = model.Features(episode.Images); // [S + Q, F]
        var (support, query) = (episode.SupportOf(features), episode.QueryOf(features));
        var distances = (query.unsqueeze(1) - support.unsqueeze(0)).abs(); // [Q, S, F]
        var logits = model.Output(0, distances.flatten(0, 1)).view(query.shape[0], -1); // [Q, S]

        var same = episode.QueryLabels.unsqueeze(1).eq(episode.SupportLabels.unsqueeze(0)).to_type(logits.dtype);
        var losses = F.binary_cross_entropy_with_logits(logits, same, reduction: nn.Reduction.None);
        var loss = !Balanced ? losses.mean()
            : ((losses * same).sum() / same.sum() + (losses * (1 - same)).sum() / (1 - same).sum()) / 2;
        var scores = logits.view(-1, episode.Shape.Way, episode.Shape.Shot).amax([2]);
        return new EpisodeOutcome(loss, scores);
    }
}

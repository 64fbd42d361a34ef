namespace RlLeap.MetaLearning;

/// <summary>Prototypical networks: the nearest class mean in an embedding.</summary>
/// <remarks>
/// Snell, Swersky and Zemel 2017, arXiv 1703.05175. With an encoder f and the support images S_k of class k:
/// <code>
/// c_k        = mean of f(x) over x in S_k
/// p(k | q)   = softmax over k of -|f(q) - c_k|^2
/// loss       = -log p(true class), averaged over the queries
/// </code>
/// </remarks>
public sealed record PrototypicalOptions : FewShotMethod
{
    public override string Name => "prototypical";

    public override EpisodeOutcome Evaluate(Model model, Episode episode)
    {
        var features = model.Features(episode.Images); // [S + Q, F]
        var prototypes = episode.SupportOf(features).view(episode.Shape.Way, episode.Shape.Shot, -1).mean([1]);
        var scores = -SquaredDistances(episode.QueryOf(features), prototypes);
        return new EpisodeOutcome(F.cross_entropy(scores, episode.QueryLabels), scores);
    }

    /// <summary>[a, b] squared Euclidean distances between the rows of [a, F] and [b, F].</summary>
    internal static Tensor SquaredDistances(Tensor a, Tensor b) =>
        a.square().sum(1, keepdim: true) + b.square().sum(1) - 2 * a.matmul(b.t());
}

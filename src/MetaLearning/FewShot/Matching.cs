using System.ComponentModel.DataAnnotations;

namespace RlLeap.MetaLearning;

/// <summary>Matching networks: attention over the support images by cosine similarity.</summary>
/// <remarks>
/// Vinyals, Blundell, Lillicrap, Kavukcuoglu and Wierstra 2016, arXiv 1606.04080. With an encoder f:
/// <code>
/// a(q, x)    = softmax over all support images x of scale * cos(f(q), f(x))
/// p(k | q)   = sum of a(q, x) over the support images x of class k
/// loss       = -log p(true class), averaged over the queries
/// </code>
/// A cosine lies in -1 .. 1. Without a scale above 1 the softmax over many images stays nearly flat.
/// </remarks>
public sealed record MatchingOptions : FewShotMethod
{
    /// <summary>What similarities are multiplied by.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double Scale { get; init; } = 20;

    /// <summary>
    /// Whether images are embedded in the context of the support images, by LSTMs (the paper's appendix A).
    /// </summary>
    public bool FullContext { get; init; }

    /// <summary>Steps in which a query is embedded in the context of the support images.</summary>
    [Range(1, 100)]
    public int ContextSteps { get; init; } = 5;

    public override string Name => "matching";
    public override Network Extend(Network encoder) => FullContext ? new FullContext(encoder) : encoder;

    public override EpisodeOutcome Evaluate(Model model, Episode episode)
    {
        var features = model.Features(episode.Images); // [S + Q, F]
        var (support, query) = (episode.SupportOf(features), episode.QueryOf(features));
        if (model.Network is FullContext context)
        {
            support = context.Support(model.Pass, support);
            query = context.Query(model.Pass, query, support, ContextSteps);
        }
        var cosines = F.normalize(query, dim: 1).matmul(F.normalize(support, dim: 1).t()); // [Q, S]
        // The log of a sum of attentions, up to the softmax's common divisor, which cross-entropy brings back.
        var scores = (cosines * Scale).view(-1, episode.Shape.Way, episode.Shape.Shot).logsumexp(2);
        return new EpisodeOutcome(F.cross_entropy(scores, episode.QueryLabels), scores);
    }
}

// Test episodes: accuracy of what was meta-learned, with its interval, and a picture of one episode's embedding.
using static TorchSharp.torch;

namespace RlLeap.Cli.MetaTraining;

/// <summary>Tests a few-shot run.</summary>
public static class FewShotTest
{
    /// <summary>Tests a meta-learner on episodes of every shape.</summary>
    /// <param name="shapes">Kinds of test episodes.</param>
    /// <exception cref="RlLeapException">The data or the learned head do not fit a shape.</exception>
    public static Result Run(
        MetaTrainConfig config, FewShotSuite suite, IMetaLearner learner, IReadOnlyList<EpisodeShape> shapes,
        int episodes, Result result, CancellationToken cancellation)
    {
        var method = Methods.NameOf(config.Method);
        using var progress = new Progress("test episodes", (long)shapes.Count * episodes, "episodes");
        long done = 0;
        var scores = shapes.Select(shape =>
        {
            var accuracy = suite.Evaluation(shape).Run(
                learner, episodes, config.Run.Parallel, () => progress.Report(Interlocked.Increment(ref done)),
                cancellation);
            return new EpisodeScore(suite.Images.Name, method, config.Run.Seed, shape.Way, shape.Shot, shape.Query,
                episodes, 100 * accuracy.Mean, 100 * accuracy.HalfWidth, config.FewShot!.Transductive);
        }).ToList();
        return result with { Episodes = scores, Embedding = Embed(suite, learner, shapes[0]) };
    }

    // The first test episode in the plane of its two largest principal components.
    private static EmbeddingPicture Embed(FewShotSuite suite, IMetaLearner learner, EpisodeShape shape)
    {
        using var scope = NewDisposeScope();
        var evaluation = suite.Evaluation(shape);
        var features = evaluation.Embed(learner, 0).to_type(ScalarType.Float64);
        using var episode = evaluation.Draw(0);
        var centred = features - features.mean([0], keepdim: true);
        var (_, _, right) = linalg.svd(centred, fullMatrices: false);
        var points = centred.matmul(right.narrow(0, 0, 2).t());
        double[] Column(int i) => [.. points.select(1, i).contiguous().data<double>()];
        var labels = cat([episode.SupportLabels, episode.QueryLabels], 0).data<long>().Select(l => (int)l);
        return new EmbeddingPicture(
            [.. episode.Classes.Select(suite.Images.NameOf)], shape.SupportCount, [.. labels], Column(0), Column(1));
    }
}

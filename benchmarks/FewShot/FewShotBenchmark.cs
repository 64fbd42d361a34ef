// rlleap bench few-shot: what feeding episodes costs, and what an episode costs beside its bare passes.
using RlLeap.Data;
using RlLeap.MetaLearning;
using static RlLeap.Benchmarks.Rounds;
using static TorchSharp.torch;

namespace RlLeap.Benchmarks;

/// <summary>
/// Episodes of drawings of Omniglot's size, made of noise: drawing one beside a training step, and a prototypical step
/// beside the bare forward and backward pass of as many images.
/// </summary>
public sealed class FewShotBenchmark : IBenchmark
{
    private const double FeedingShare = 0.05, EpisodeRatio = 1.1;
    private const int Rounds = 15, WarmUp = 3, Characters = 200, Drawings = 20;

    /// <inheritdoc/>
    public string Name => "few-shot";

    /// <inheritdoc/>
    public string Summary => "feeding episodes beside a training step; a prototypical episode beside its bare passes";

    /// <param name="args">Nothing, or the name of one method.</param>
    public int Run(string[] args)
    {
        set_num_threads(1);
        using var images = new EpisodeImages(Noise(), new Rng(1), rotations: true);
        EpisodeShape[] shapes =
        [
            new() { Way = 60, Shot = 1, Query = 5 }, new() { Way = 60, Shot = 5, Query = 5 },
            new() { Way = 20, Shot = 1, Query = 5 }, new() { Way = 5, Shot = 1, Query = 15 },
        ];
        var wanted = args.FirstOrDefault();
        var met = wanted is null or "prototypical"
            ? shapes.Select(shape => Measure(images, new PrototypicalOptions(), shape)).ToList() : [];
        // What the others do beside the encoder's passes is part of the method: their ratio has no limit.
        FewShotMethod[] others =
        [
            new MatchingOptions(), new MatchingOptions { FullContext = true }, new SiameseOptions(),
            new RelationOptions(),
        ];
        foreach (var method in others.Where(method => wanted is null || method.Name == wanted))
            Measure(images, method, shapes[2]);
        return met.TrueForAll(isMet => isMet) ? 0 : 1;
    }

    private static bool Measure(EpisodeImages images, FewShotMethod method, EpisodeShape shape)
    {
        var options = new LearnerOptions
        {
            GradientSteps = long.MaxValue / 2,
            Optimizer = new OptimizerOptions { Kind = OptimizerKind.Adam, LearningRate = 1e-3 },
        };
        var encoder = new ConvolutionalEncoder(1, 28, pooled: method.ComparesMaps ? 2 : null) { PoolFirst = false };
        using var learner = new Learner(method.Episodes(images, shape), method.Extend(encoder), options, new Rng(1));
        var (draws, steps, bare) = (new List<double>(), new List<double>(), new List<double>());
        for (var i = -WarmUp; i < Rounds; i++)
        {
            var draw = Measured.Of(() => learner.Stream.NextBatch(learner.Model).Dispose()).Cpu;
            var step = Measured.Of(() => learner.TrainStep()).Cpu;
            using var batch = learner.Stream.NextBatch(learner.Model);
            var passes = Measured.Of(() => Pass(learner.Model, batch.Inputs!)).Cpu;
            if (i < 0) continue;
            draws.Add(draw);
            steps.Add(step);
            bare.Add(passes);
        }
        var (feeding, ratio) = (Median(draws) / Median(steps), Median(steps) / Median(bare));
        var isLimited = method is PrototypicalOptions;
        var met = feeding < FeedingShare && (!isLimited || ratio < EpisodeRatio);
        var limit = isLimited ? FormattableString.Invariant($" (under {EpisodeRatio})") : "";
        var name = method.Name + (method is MatchingOptions { FullContext: true } ? " in full context" : "");
        Console.WriteLine(FormattableString.Invariant(
            $"{name}, {shape}, {shape.Query} queries, {shape.SupportCount + shape.QueryCount} images: step ")
            + FormattableString.Invariant($"{1e3 * Median(steps):0.0} ms of processor, bare passes ")
            + FormattableString.Invariant($"{1e3 * Median(bare):0.0} ms, {ratio:0.00} times{limit}; ")
            + FormattableString.Invariant($"feeding {feeding:0.000} of a step (under {FeedingShare})")
            + (met ? "" : "  MISSED"));
        return met;
    }

    // Forward and backward over the same images, with the shortest loss there is.
    private static void Pass(Model model, Tensor images)
    {
        using var scope = NewDisposeScope();
        var loss = model.Features(images).mean();
        model.Parameters.ZeroGradient();
        loss.backward();
    }

    private static ImageClasses Noise()
    {
        var pixels = new byte[Characters * Drawings * OmniglotData.Pixels];
        new Random(1).NextBytes(pixels); // how fast it is learned does not depend on what is seen
        return new ImageClasses("noise", 1, OmniglotData.Side,
            [.. Enumerable.Range(0, Characters).Select(i => ($"{i}", Drawings))], pixels);
    }
}

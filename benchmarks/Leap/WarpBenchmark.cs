// rlleap bench warp: what learning warps online costs on top of training the same network.
using System.Globalization;
using RlLeap.Data;
using RlLeap.MetaLearning;
using static RlLeap.Benchmarks.Rounds;
using static TorchSharp.torch;

namespace RlLeap.Benchmarks;

/// <summary>
/// A task of Omniglot on the warped network: warps learned online, against the same network trained whole, and against
/// warps that stand still and need no gradient.
/// </summary>
public sealed class WarpBenchmark : IBenchmark
{
    private const double Overhead = 1.10;

    /// <inheritdoc/>
    public string Name => "warp";

    /// <inheritdoc/>
    public string Summary => "what learning warps online costs on top of training the same network";

    /// <inheritdoc/>
    public int Run(string[] args)
    {
        var (rounds, steps) = args.Contains("--quick") ? (4, 10) : (10, 30);
        set_num_threads(1);
        var task = LeapBenchmark.Alphabets(1)[0];
        var kinds = new (string Name, IMetaLearner Meta)[]
        {
            ("trained whole", Open(ParameterRole.Adapted)), ("learned online", Open(ParameterRole.Meta)),
            ("standing still", Open(ParameterRole.Frozen)),
        };
        var times = kinds.Select(_ => new List<double>()).ToArray();
        var executor = new Inline();
        for (var round = -1; round < rounds; round++)
            for (var k = 0; k < kinds.Length; k++)
            {
                var time = LeapBenchmark.Work(() => kinds[k].Meta.MetaStep([task], executor));
                if (round >= 0) times[k].Add(time / steps);
            }
        foreach (var (_, meta) in kinds) meta.Dispose();
        var met = true;
        foreach (var (k, most) in new[] { (0, Overhead), (2, double.PositiveInfinity) })
        {
            var ratios = times[1].Zip(times[k], (online, other) => online / other).ToList();
            var limit = double.IsFinite(most) ? FormattableString.Invariant($"; at most {most:0.00}") : "";
            met &= Median(ratios) <= most;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"Omniglot network with 3x3 warps, batch 20: online {1e3 * Median(times[1]):0.0} ms a step, warps "
                + $"{kinds[k].Name} {1e3 * Median(times[k]):0.0} ms: {Spread(ratios, "0.000")}{limit}"
                + $"{(Median(ratios) > most ? "  MISSED" : "")}"));
        }
        return met ? 0 : 1;

        IMetaLearner Open(ParameterRole role) => new WarpOptions().Create(new MetaLearnerContext
        {
            Network = ConvolutionalEncoder.Omniglot, Pool = [task], Rng = new Rng(1),
            Learner = new LearnerOptions
            {
                GradientSteps = steps, Optimizer = new OptimizerOptions { LearningRate = 1e-3 },
                Roles = new Dictionary<string, ParameterRole> { ["warp"] = role },
            },
            MetaOptimizer = new OptimizerOptions { LearningRate = 0 },
        });
    }

    private sealed class Inline : IExecutor
    {
        public IReadOnlyList<TaskOutcome> Map(
            MetaBatch step, TrainTask train, CancellationToken cancellation = default) =>
            [.. step.Jobs.Select(job => train(job, new TrainingHooks(), cancellation))];
    }
}

using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static RlLeap.Benchmarks.Rounds;
using static TorchSharp.torch;

namespace RlLeap.Benchmarks;

/// <summary>
/// What an optimizer update of a whole parameter vector costs against the same arithmetic on one bare tensor.
/// </summary>
public sealed class CoreBenchmark : IBenchmark
{
    private const int Count = 675_000;
    private const int Rounds = 15;
    private const int Updates = 100;

    /// <inheritdoc/>
    public string Name => "core";

    /// <inheritdoc/>
    public string Summary =>
        "an optimizer update of 675,000 parameters against bare tensors, with 20 entries and with 200; limit 1.10";

    /// <inheritdoc/>
    public int Run(string[] args)
    {
        set_num_threads(1);
        var failed = false;
        Console.WriteLine($"{"update",-10} {"bare us",9} {"20 entries",11} {"200 entries",12}   ratio to bare (lowest "
            + $".. highest of {Rounds} interleaved rounds)");
        foreach (var kind in new[] { OptimizerKind.Sgd, OptimizerKind.RmsProp, OptimizerKind.Adam })
        {
            var options = new OptimizerOptions { Kind = kind, LearningRate = 1e-4 };
            using var bare = new Bare(kind);
            using var few = new Vector(20, options);
            using var many = new Vector(200, options);
            double[] b = new double[Rounds], f = new double[Rounds], m = new double[Rounds];
            for (var round = -2; round < Rounds; round++)
            {
                // The order turns, so that none always runs behind the same one.
                double tb = 0, tf = 0, tm = 0;
                for (var i = 0; i < 3; i++)
                    switch ((i + round + 3) % 3)
                    {
                        case 0: tb = Time(bare.Update); break;
                        case 1: tf = Time(() => few.Optimizer.Update()); break;
                        default: tm = Time(() => many.Optimizer.Update()); break;
                    }
                if (round >= 0) (b[round], f[round], m[round]) = (tb, tf, tm);
            }
            var (ratioFew, ratioMany) = (Ratios(f, b), Ratios(m, b));
            failed |= Median(ratioFew) > 1.1 || Median(ratioMany) > 1.1;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind,-10} {Median(b),9:F1} "
                + $"{Median(f),11:F1} {Median(m),12:F1}   {Spread(ratioFew)}, {Spread(ratioMany)}"));
        }
        return failed ? 1 : 0;
    }

    private static double Time(Action update)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Updates; i++) update();
        return clock.Elapsed.TotalMicroseconds / Updates;
    }

    private static double[] Ratios(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x / y)];

    /// <summary>The rules' kernels on plain tensors, as one would write them by hand.</summary>
    private sealed class Bare : IDisposable
    {
        private readonly Tensor _theta = randn(Count), _gradient = randn(Count), _first = zeros(Count),
            _second = zeros(Count);
        private readonly OptimizerKind _kind;
        private int _step;

        public Bare(OptimizerKind kind) => _kind = kind;

        public void Update()
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            _step++;
            switch (_kind)
            {
                case OptimizerKind.Sgd:
                    _theta.add_(_gradient, -1e-4);
                    break;
                case OptimizerKind.RmsProp:
                    _first.mul_(0.99).addcmul_(_gradient, _gradient, 0.01);
                    _theta.addcdiv_(_gradient, _first.sqrt().add_(1e-8), -1e-4);
                    break;
                default:
                    _first.mul_(0.9).add_(_gradient, 0.1);
                    _second.mul_(0.999).addcmul_(_gradient, _gradient, 0.001);
                    var denominator = _second.sqrt().div_(Math.Sqrt(1 - Math.Pow(0.999, _step))).add_(1e-8);
                    _theta.addcdiv_(_first, denominator, -1e-4 / (1 - Math.Pow(0.9, _step)));
                    break;
            }
        }

        public void Dispose()
        {
            foreach (var tensor in new[] { _theta, _gradient, _first, _second }) tensor.Dispose();
        }
    }

    private sealed class Vector : IDisposable
    {
        private readonly ParameterVector _vector;

        public Vector(int entries, OptimizerOptions options)
        {
            _vector = new ParameterVector(new ParameterLayout(Enumerable.Range(0, entries)
                .Select(i => new ParameterInfo($"p{i}", [Count / entries]))));
            using (NewDisposeScope())
            using (no_grad())
            {
                _vector.Flat.copy_(randn(Count));
                _vector.Gradient!.copy_(randn(Count));
            }
            Optimizer = new VectorOptimizer(_vector, options);
        }

        public VectorOptimizer Optimizer { get; }

        public void Dispose()
        {
            Optimizer.Dispose();
            _vector.Dispose();
        }
    }
}

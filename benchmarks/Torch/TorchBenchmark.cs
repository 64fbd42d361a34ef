using System.Globalization;
using RlLeap.Agents;
using RlLeap.Environments;
using RlLeap.Data;
using TorchSharp;
using static RlLeap.Benchmarks.Rounds;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Benchmarks;

/// <summary>
/// TorchSharp against PyTorch: one small op and two training steps; and two training threads against one.
/// </summary>
/// <remarks>
/// <para>The PyTorch process runs the same work with the same number of threads, in its default memory layout and with
/// the C library's allocator, as whoever types python3 has it; beside it a second one with our launcher's allocator.
/// Ours runs in the layout that the networks choose (channels-last), inputs included. "From bytes" starts both from the
/// same bytes in the default layout, as a user's environment may give them. Rounds of the two alternate, each round
/// gives one ratio, the table shows the median and the quartiles.</para>
/// <para>Ratios of one-thread work are of processor time (all threads of each process, the finalizer's and the
/// compiler's included): on an idle machine that is the clock's time, and on a busy one it does not count what others
/// do. The clock's ratio stands beside it. Throughput of two threads is by the clock.</para>
/// </remarks>
internal sealed class TorchBenchmark : IBenchmark
{
    private const string Needs = "torch (apt-get install python3-torch)";
    private static readonly string[] Cases = ["add", "mnih", "mnih-bytes", "omniglot", "two"];

    public string Name => "torch";

    public string Summary =>
        "ratios to python3-torch: a small add, the Mnih 2013 and Omniglot training steps; two threads side by side";

    public int Run(string[] args)
    {
        var (rounds, only) = (15, Cases);
        for (var i = 0; i < args.Length; i += 2)
        {
            if (args[i] == "--rounds" && i + 1 < args.Length && int.TryParse(args[i + 1], out rounds) && rounds > 0)
                continue;
            if (args[i] == "--only" && i + 1 < args.Length && !(only = args[i + 1].Split(',')).Except(Cases).Any())
                continue;
            Console.Error.WriteLine($"bench torch takes --rounds N and --only with some of "
                + $"{string.Join(",", Cases)}; not {string.Join(" ", args[i..])}.");
            return 1;
        }
        bool Wanted(string name) => only.Contains(name);
        set_num_threads(1);
        // All take turns on one and the same core: cores of a shared machine are not equally fast.
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        var all = OperatingSystem.IsLinux() || OperatingSystem.IsWindows() ? self.ProcessorAffinity : 0;
        void Pin(nint cores)
        {
            if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows()) self.ProcessorAffinity = cores;
        }
        Pin(all & -all);
        using var peer = Peer.Start("Torch", Needs, 1, plain: true, out var problem);
        using var tuned = Peer.Start("Torch", Needs, 1, plain: false, out _);
        if (peer is null || tuned is null)
        {
            Console.Error.WriteLine(problem);
            return 1;
        }
        Console.WriteLine($"one thread each, {rounds} interleaved rounds, ratio to PyTorch {peer.Version} as python3 "
            + $"starts it, and beside it with our allocator ("
            + $"{Environment.GetEnvironmentVariable("LD_PRELOAD") ?? "the C library's"})");
        Console.WriteLine($"{"",-34}{"ours ms",10}{"PyTorch",10}{"ratio",8}{"quartiles",16}{"by clock",10}{"limit",9}"
            + $"{"same allocator",17}{"ratio",8}");
        var good = true;
        if (Wanted("add")) using (var add = new SmallAdd())
            good &= Compare(peer, tuned, "small-tensor add", "add", add.Run, 100_000, rounds, 1.0);
        if (Wanted("mnih")) using (var mnih = new MnihStep())
            good &= Compare(peer, tuned, "Mnih 2013 step, 160 of 84x84x4", "mnih", mnih.Run, 6, rounds, 0.45);
        if (Wanted("mnih-bytes")) using (var mnih = new MnihStep(fromBytes: true))
            Compare(peer, tuned, "  the same from bytes", "mnih-bytes", mnih.Run, 6, rounds, null);
        if (Wanted("omniglot")) using (var omniglot = new OmniglotStep())
            good &= Compare(peer, tuned, "Omniglot step, 20 of 28x28", "omniglot", omniglot.Run, 20, rounds, 0.65);
        Pin(all);
        if (Wanted("two")) good &= SideBySide(rounds, 40, 1.9);
        Console.WriteLine(good ? "limits met" : "BELOW ITS LIMITS");
        return good ? 0 : 1;
    }

    private static bool Compare(Peer peer, Peer tuned, string title, string work, Action step, int iterations,
        int rounds, double? limit)
    {
        void Ours(int count)
        {
            for (var i = 0; i < count; i++) step();
        }
        for (var i = 0; i < 3; i++) // the compiler and libtorch's caches warm up on both sides
        {
            Ours(iterations);
            peer.Run(work, iterations);
            tuned.Run(work, iterations);
        }
        List<Measured> ours = [], theirs = [], same = [];
        for (var round = 0; round < rounds; round++)
        {
            if (round % 2 == 1) theirs.Add(peer.Run(work, iterations));
            ours.Add(Measured.Of(() => Ours(iterations)));
            if (round % 2 == 0) theirs.Add(peer.Run(work, iterations));
            same.Add(tuned.Run(work, iterations));
        }
        var ratios = ours.Zip(theirs, (a, b) => a.Cpu / b.Cpu).Order().ToArray();
        var clock = ours.Zip(theirs, (a, b) => a.Wall / b.Wall).ToArray();
        var (a, b) =
            (Median(ours.Select(m => m.Cpu)) / iterations * 1e3, Median(theirs.Select(m => m.Cpu)) / iterations * 1e3);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{title,-34}{a,10:G4}{b,10:G4}{Median(ratios),8:F3}"
                + $"{$"{ratios[ratios.Length / 4]:F3}..{ratios[ratios.Length * 3 / 4]:F3}",16}{Median(clock),10:F3}"
                + $"{(limit is null ? "" : "<= " + limit),9}{Median(same.Select(m => m.Cpu)) / iterations * 1e3,17:G4}"
                + $"{Median(ours.Zip(same, (x, y) => x.Cpu / y.Cpu)),8:F3}"));
        return limit is null || Median(ratios) <= limit;
    }

    // Throughput of two threads with a network each, over that of one, by the clock. Other work on the machine can only
    // lower it.
    private static bool SideBySide(int rounds, int steps, double limit)
    {
        using var one = new OmniglotStep();
        using var two = new OmniglotStep();
        using var crew = new Crew([one.Run, two.Run]);
        crew.Steps(2, 2 * steps);
        List<double> ratios = [];
        List<Measured> singles = [], pairs = [];
        for (var round = 0; round < rounds; round++)
        {
            singles.Add(Measured.Of(() => crew.Steps(1, steps)));
            pairs.Add(Measured.Of(() => crew.Steps(2, steps)));
            ratios.Add(2 * singles[^1].Wall / pairs[^1].Wall);
        }
        ratios.Sort();
        var processor = singles.Zip(pairs, (s, p) => 2 * s.Cpu / p.Cpu).ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"two threads, Omniglot steps",-34}{singles.Min(s => s.Wall) / steps * 1e3,10:G4}{"",10}"
                + $"{Median(ratios),8:F3}{$"{ratios[ratios.Count / 4]:F3}..{ratios[ratios.Count * 3 / 4]:F3}",16}"
                + $"{"",10}{">= " + limit,8}  (processor time a step, one over two: {Median(processor):F3})"));
        return Median(ratios) >= limit;
    }

    private sealed class SmallAdd : IDisposable
    {
        private readonly Tensor _a = randn(8), _b = randn(8);

        public void Run() => (_a + _b).Dispose();

        public void Dispose()
        {
            _a.Dispose();
            _b.Dispose();
        }
    }

    /// <summary>
    /// Forward, actor-critic loss, backward, RMSProp, with the library's own network, flat vector and optimizer.
    /// </summary>
    private sealed class MnihStep : IDisposable
    {
        private readonly Model _model;
        private readonly VectorOptimizer _optimizer;
        private readonly Tensor _x, _advantage = randn(160), _target = randn(160),
            _action = randint(6, [160, 1], dtype: ScalarType.Int64);

        public MnihStep(bool fromBytes = false)
        {
            _model = new(AgentNetworks.Mnih2013(new Box(fromBytes ? ElementType.Byte : ElementType.Float32, [4, 84, 84],
                0, fromBytes ? 255 : 1)), [new Head("policy", 6), new Head("value", 1)]);
            _model.Initialize(new Rng(0));
            _optimizer = new(_model.Parameters,
                new OptimizerOptions { Kind = OptimizerKind.RmsProp, LearningRate = 7e-4, Epsilon = 1e-5 });
            _x = fromBytes ? randint(256, [160, 4, 84, 84], dtype: ScalarType.Byte)
                : rand(160, 84, 84, 4).permute(0, 3, 1, 2);
        }

        public void Run()
        {
            using var scope = NewDisposeScope();
            _model.Parameters.ZeroGradient();
            var outputs = _model.Forward(_x);
            var log = outputs[0].log_softmax(-1);
            var chosen = log.gather(1, _action).squeeze(1);
            var entropy = -(log.exp() * log).sum(-1).mean();
            var loss = -(chosen * _advantage).mean()
                + 0.5 * F.mse_loss(outputs[1].squeeze(1), _target) - 0.01 * entropy;
            loss.backward();
            _optimizer.Update();
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _model.Dispose();
            foreach (var tensor in new[] { _x, _advantage, _target, _action }) tensor.Dispose();
        }
    }

    /// <summary>Forward, cross-entropy, backward, SGD on 20 classes, likewise.</summary>
    private sealed class OmniglotStep : IDisposable
    {
        private readonly Model _model = new(ConvolutionalEncoder.Omniglot, [new Head("classes", 20)]);
        private readonly VectorOptimizer _optimizer;
        private readonly Tensor _x = rand(20, 1, 28, 28), _y = randint(20, [20], dtype: ScalarType.Int64);

        public OmniglotStep()
        {
            _model.Initialize(new Rng(0));
            _optimizer = new(_model.Parameters, new OptimizerOptions { Kind = OptimizerKind.Sgd, LearningRate = 0.01 });
        }

        public void Run()
        {
            using var scope = NewDisposeScope();
            _model.Parameters.ZeroGradient();
            F.cross_entropy(_model.Output(_x), _y).backward();
            _optimizer.Update();
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _model.Dispose();
            _x.Dispose();
            _y.Dispose();
        }
    }

    /// <summary>
    /// Threads that live through the whole measurement, one intra-op thread each, as the workers of a run do.
    /// </summary>
    private sealed class Crew : IDisposable
    {
        private readonly Barrier _barrier;
        private readonly Thread[] _threads;
        private volatile int _active;
        private volatile int _steps;

        public Crew(Action[] work)
        {
            _barrier = new Barrier(work.Length + 1);
            _threads = [.. work.Select((step, index) => new Thread(() => Loop(step, index)) { IsBackground = true })];
            foreach (var thread in _threads) thread.Start();
        }

        /// <summary>The first so many threads make so many steps each; returns when all are done.</summary>
        public void Steps(int threads, int steps)
        {
            (_active, _steps) = (threads, steps);
            _barrier.SignalAndWait();
            _barrier.SignalAndWait();
        }

        private void Loop(Action step, int index)
        {
            set_num_threads(1);
            while (true)
            {
                _barrier.SignalAndWait();
                if (_steps < 0) return;
                if (index < _active)
                    for (var i = 0; i < _steps; i++) step();
                _barrier.SignalAndWait();
            }
        }

        public void Dispose()
        {
            _steps = -1;
            _barrier.SignalAndWait();
            foreach (var thread in _threads) thread.Join();
            _barrier.Dispose();
        }
    }
}

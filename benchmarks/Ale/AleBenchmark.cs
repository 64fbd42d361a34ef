using System.Diagnostics;
using System.Globalization;
using Python.Runtime;
using RlLeap.Environments;
using RlLeap.Gymnasium;
using TorchSharp;
using static RlLeap.Benchmarks.Rounds;

namespace RlLeap.Benchmarks;

/// <summary>
/// ALE from C# against a bare Python loop over the same vector environment, and what the bridge itself costs.
/// </summary>
/// <remarks>
/// The limits: 32 environments at least 0.98 of the loop's steps/s (rounds in turn, median of 10 paired ratios); at
/// most 100 us of the bridge's own a vector step; tensor work on another thread at least 0.95 of its rate beside the
/// bare loop in a process of its own, which shares no GIL.
/// </remarks>
internal sealed class AleBenchmark : IBenchmark
{
    private const int Copies = 32, Steps = 60, Slices = 5, Rounds = 10;

    public string Name => "ale";

    public string Summary => "ALE vector steps/s against a bare Python loop, the bridge's own cost, the GIL (--steps); "
        + "an agent against its costs and Stable-Baselines3 (--agent) [GAME, default Tetris]";

    public int Run(string[] args)
    {
        var id = $"ALE/{args.FirstOrDefault(a => a[0] != '-') ?? "Tetris"}-v5";
        var game = AleGames.Find(id) ?? throw new EnvironmentException($"No game is named {id}.");
        var threads = Math.Max(1, Environment.ProcessorCount);
        try
        {
            using var probe = Registry.MakeVector(id + "?preset=dqn", 1, new Rng(0));
        }
        catch (EnvironmentException e)
        {
            Console.WriteLine($"not measured: {e.Message}");
            return 0;
        }
        var good = true;
        if (!args.Contains("--agent"))
        {
            good &= Compare(id, game, "dqn", threads);
            good &= Compare(id, game, "leap", threads);
            good &= OwnCost("84x84x4 gray", "(4, 84, 84)");
            good &= OwnCost("84x84x3 RGB to planes", "(84, 84, 3)");
            good &= TensorWork(id, game);
        }
        if (!args.Contains("--steps")) good &= AleAgent.Run(id, rounds: 7);
        Console.WriteLine(good ? "limits met" : "BELOW ITS LIMITS");
        return good ? 0 : 1;
    }

    private static bool Compare(string id, AleGame game, string preset, int threads)
    {
        using var peer = new Peer(game, preset, threads, Steps);
        using var ours = new Ours(id, preset, threads, "60");
        using var free = new Ours(id, preset, threads, "0");
        Func<Cost>[] sides = [peer.Spend, ours.Spend, free.Spend];
        foreach (var side in sides) side(); // warm up
        // In slices in turn: a machine that is shared, or an emulator that resets, is slower for a second than for the
        // next.
        Cost[][] rounds = [.. Enumerable.Range(0, Rounds).Select(_ =>
        {
            var costs = new Cost[sides.Length];
            for (var slice = 0; slice < Slices; slice++)
                for (var i = 0; i < sides.Length; i++) costs[i] += sides[i]();
            return costs;
        })];
        double[] Ratios(int side) => [.. rounds.Select(r => r[0].Seconds / r[side].Seconds)];
        string Line(int side) => string.Create(CultureInfo.InvariantCulture,
            $"{Copies * Steps * Slices / Median(rounds.Select(r => r[side].Seconds)),8:F0} steps/s, "
                + $"{1e6 * rounds.Sum(r => r[side].Processor) / (Copies * Steps * Slices * Rounds),4:F0} us of "
                + $"processor time a step")
            + (side == 0 ? "" : FormattableString.Invariant($"; ratio of rates {Spread(Ratios(side), "0.000")}"));
        Console.WriteLine($"""
            {id}, preset {preset}: {Copies} environments, {threads} emulator threads
            {Slices} x {Steps} vector steps a round, median of {Rounds} rounds in turn (limit 0.98)
              bare Python loop       {Line(0)}
              C#                     {Line(1)}
              C#, timeout=0          {Line(2)}
            """);
        return Median(Ratios(1)) >= 0.98;
    }

    /// <summary>Seconds on the clock and of all cores.</summary>
    private readonly record struct Cost(double Seconds, double Processor)
    {
        public static Cost operator +(Cost a, Cost b) => new(a.Seconds + b.Seconds, a.Processor + b.Processor);
    }

    private static bool OwnCost(string what, string shape)
    {
        const int steps = 2000;
        PythonHost.Start();
        using (Py.GIL())
        {
            using PyModule module = PyModule.FromString("ale_null", Source("ale_null.py"), "ale_null.py");
        }
        using var ours = Registry.MakeVector($"gym:ale_null:Null?shape={shape}", Copies, new Rng(0));
        using var free = Registry.MakeVector($"gym:ale_null:Null?timeout=0&shape={shape}", Copies, new Rng(0));
        var actions = new int[Copies];
        ours.Reset();
        free.Reset();
        double Microseconds(IVectorEnvironment vector)
        {
            var start = Stopwatch.GetTimestamp();
            vector.Run(() =>
            {
                for (var t = 0; t < steps; t++) vector.Step(actions);
            });
            return Stopwatch.GetElapsedTime(start).TotalMicroseconds / steps;
        }
        double Bare()
        {
            using (Py.GIL())
            {
                using PyObject seconds = PythonEngine.Eval($"__import__('ale_null').bare({Copies}, {shape}, {steps})");
                return seconds.As<double>() * 1e6 / steps;
            }
        }
        List<double> limited = [], direct = [], bare = [];
        for (var round = 0; round <= Rounds; round++)
        {
            var (a, b, c) = (Microseconds(ours), Microseconds(free), Bare());
            if (round == 0) continue; // warm-up
            limited.Add(a);
            direct.Add(b);
            bare.Add(c);
        }
        var own = Median(limited) - Median(bare);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"bridge's own cost, {what}, {Copies} environments: {own:F0} us a vector step (limit 100); "
                + $"{Median(direct) - Median(bare):F0} us with timeout=0; the empty Python step itself "
                + $"{Median(bare):F1} us"));
        return own <= 100;
    }

    // One emulator thread and one tensor thread: with the emulator in this process, and beside it with the peer's
    // process for comparison.
    private static bool TensorWork(string id, AleGame game)
    {
        using var peer = new Peer(game, "dqn", 1, Steps);
        using var ours = new Ours(id, "dqn", 1, "60");
        List<double> beside = [], together = [];
        var stop = false;
        var done = 0L;
        var worker = new Thread(() =>
        {
            torch.set_num_threads(1);
            using var scope = torch.NewDisposeScope();
            using var a = torch.ones(128, 128);
            while (!Volatile.Read(ref stop))
            {
                using var product = torch.mm(a, a);
                Interlocked.Increment(ref done);
            }
        });
        worker.Start();
        double Rate(Func<Cost> spend)
        {
            var (before, start) = (Interlocked.Read(ref done), Stopwatch.GetTimestamp());
            spend();
            return (Interlocked.Read(ref done) - before) / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        Rate(peer.Spend);
        Rate(ours.Spend);
        for (var round = 0; round < Rounds; round++)
        {
            beside.Add(Rate(peer.Spend));
            together.Add(Rate(ours.Spend));
        }
        Volatile.Write(ref stop, true);
        worker.Join();
        var ratio = Median(together.Zip(beside, (t, b) => t / b));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"tensor work on another C# thread while ALE steps: {Median(together):F0} products/s, "
                + $"{Median(beside):F0} while the loop steps in a process of its own; ratio {ratio:F3} (limit 0.95)"));
        return ratio >= 0.95;
    }

    internal static string Source(string name)
    {
        using var stream = typeof(AleBenchmark).Assembly.GetManifestResourceStream(name)!;
        return new StreamReader(stream).ReadToEnd();
    }

    /// <summary>The same actions on both sides.</summary>
    private struct Actions()
    {
        private long _state = 1;

        public int Next(int count)
        {
            _state = (_state * 1103515245 + 12345) % 2147483648;
            return (int)((_state >> 8) % count);
        }
    }

    private sealed class Ours : IDisposable
    {
        private readonly IVectorEnvironment _vector;
        private readonly int[][] _actions = [.. Enumerable.Range(0, Steps).Select(_ => new int[Copies])];
        private Actions _draw = new();

        public Ours(string id, string preset, int threads, string timeout)
        {
            _vector = Registry.MakeVector($"{id}?preset={preset}&timeout={timeout}", Copies, new Rng(1), threads);
            _vector.Reset();
        }

        public Cost Spend()
        {
            foreach (var row in _actions)
                for (var i = 0; i < Copies; i++) row[i] = _draw.Next(((Discrete)_vector.Spec.Action).Count);
            var (start, processor) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            _vector.Run(() =>
            {
                foreach (var row in _actions) _vector.Step(row);
            });
            return new(Stopwatch.GetElapsedTime(start).TotalSeconds,
                (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
        }

        public void Dispose() => _vector.Dispose();
    }

    private sealed class Peer : IDisposable
    {
        private readonly Process _process;

        public Peer(AleGame game, string preset, int threads, int steps)
        {
            var options = AleOptions.Presets[preset];
            var start = new ProcessStartInfo(PythonHost.Start().Executable, ["-c", Source("ale_peer.py")])
            { RedirectStandardInput = true, RedirectStandardOutput = true };
            start.Environment.Remove("LD_PRELOAD");
            _process = Process.Start(start)!;
            _process.StandardInput
                .WriteLine($"{game.Rom} {Copies} {threads} {steps} {(options.Gray ? "gray" : "rgb")} {options.Stack}");
            _process.StandardInput.WriteLine(string.Join(' ', Enumerable.Range(0, Copies)
                .Select(i => new Rng(1).Split("environment", i).Split("seed").NextUInt32() >> 1)));
            Answer();
        }

        public Cost Spend()
        {
            _process.StandardInput.WriteLine();
            double[] both = [.. Answer().Split(' ')
                .Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
            return new(both[0], both[1]);
        }

        private string Answer() => _process.StandardOutput.ReadLine()
            ?? throw new InvalidOperationException("The peer's Python process ended.");

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}

// Part of rlleap bench ale: a whole agent on a game, against what its emulator and network cost, and against
// Stable-Baselines3's A2C.
using System.Diagnostics;
using System.Globalization;
using RlLeap.Agents;
using RlLeap.Environments;
using RlLeap.Gymnasium;
using TorchSharp;
using static RlLeap.Benchmarks.Rounds;

namespace RlLeap.Benchmarks;

/// <summary>An actor-critic with the Nature network on 32 copies of a game, 84x84x4 gray, one worker a core.</summary>
/// <remarks>
/// The bound: the cores divided by the processor time that one agent step costs in the emulator (one thread, stepped
/// alone) and in the passes of the network (one thread, alone). Limits: 0.85 of it; 5 times the peer's steps/s, where
/// it imports. Slices in turn, medians over rounds of ratios. A second bound, for information, from the same costs on
/// all cores at once, each with its share of the environments: cores share caches and memory.
/// </remarks>
internal static class AleAgent
{
    private const double OfBound = 0.85, OfPeer = 5;
    private const int Slices = 5, Updates = 6, PeerUpdates = 2;

    public static bool Run(string id, int rounds)
    {
        var cores = Environment.ProcessorCount;
        var options = ActorCriticOptions.A2c with { Environments = 32 };
        var played = id + "?preset=dqn";
        var task = new ActorCriticTask(played, options, workers: cores);
        torch.set_num_threads(1);
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000_000), new Rng(1));
        using var alone = new Costs(learner.Model, task, played, threads: 1);
        using var together = new Costs(learner.Model, task, played, threads: cores);
        using var peer = Peer.Start(id, options);
        List<double> rates = [], peers = [];
        List<(double Emulator, double Network)> costs = [], busy = [];
        Spend(learner, updates: 60); // the just-in-time compiler takes seconds of a core
        alone.Measure();
        together.Measure();
        peer?.Spend(updates: 3);
        for (var round = 0; round < rounds; round++)
        {
            // In slices in turn: a machine that is shared is slower for a second than for the next.
            var (ours, theirs, cost, shared) = (0.0, 0.0, (Emulator: 0.0, Network: 0.0), (Emulator: 0.0, Network: 0.0));
            for (var slice = 0; slice < Slices; slice++)
            {
                ours += Spend(learner, Updates);
                var (a, b) = (alone.Measure(), together.Measure());
                cost = (cost.Emulator + a.Emulator / Slices, cost.Network + a.Network / Slices);
                shared = (shared.Emulator + b.Emulator / Slices, shared.Network + b.Network / Slices);
                theirs += peer?.Spend(PeerUpdates) ?? 0;
            }
            rates.Add(Slices * Updates * options.BatchSize / ours);
            costs.Add(cost);
            busy.Add(shared);
            if (peer is not null) peers.Add(Slices * PeerUpdates * options.BatchSize / theirs);
        }
        double[] bounds = [.. costs.Select(c => cores / (c.Emulator + c.Network))],
            ofBusy = [.. busy.Select(c => cores / (c.Emulator + c.Network))];
        double[] shares = [.. rates.Zip(bounds, (r, b) => r / b)],
            sharesOfBusy = [.. rates.Zip(ofBusy, (r, b) => r / b)], times = [.. rates.Zip(peers, (r, p) => r / p)];
        var against = peer is null ? "Stable-Baselines3      does not import here" : FormattableString.Invariant(
            $"{peer.Name}: {Spread(peers, "0")} agent steps/s; {Spread(times, "0.00")} times (limit {OfPeer})");
        Console.WriteLine(FormattableString.Invariant($"""
            agent on {played}: 32 environments, unroll 5, Nature 2015, {cores} workers
            {rounds} rounds of {Slices} slices in turn, median (lowest .. highest)
              RlLeap                 {Spread(rates, "0")} agent steps/s
              processor time a step  {Text(costs)}
              what they allow        {Spread(bounds, "0")} agent steps/s
              reached                {Spread(shares, "0.00")} (limit {OfBound})
              with all cores busy    {Text(busy)}
              what they allow        {Spread(ofBusy, "0")} agent steps/s
              reached                {Spread(sharesOfBusy, "0.00")}
              {against}
            """));
        return Median(shares) >= OfBound && (times.Length == 0 || Median(times) >= OfPeer);
    }

    // Seconds that so many updates take.
    private static double Spend(Learner learner, int updates)
    {
        var start = Stopwatch.GetTimestamp();
        for (var k = 0; k < updates; k++) learner.TrainStep();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // Processor time of an agent step, emulator and network each alone, on so many threads at once with an equal part
    // of the environments.
    private sealed class Costs : IDisposable
    {
        private readonly int _threads, _count;
        private readonly IVectorEnvironment[] _vectors;
        private readonly Rollout[] _rollouts;
        private readonly ParameterVector[] _replicas;
        private readonly Model[] _models;
        private readonly Rng[] _rngs;

        public Costs(Model model, ActorCriticTask task, string played, int threads)
        {
            (_threads, _count) = (threads, task.Options.Environments / threads);
            _vectors =
                [.. Enumerable.Range(0, threads).Select(k => Registry.MakeVector(played, _count, new Rng(2 + k)))];
            foreach (var vector in _vectors) vector.Reset();
            _rollouts =
                [.. _vectors.Select(_ => new Rollout(task.Options.RolloutLength, _count, task.Spec.Observation))];
            _replicas = [.. _vectors.Select(_ => model.Parameters.Replica())];
            _models = [.. _replicas.Select(replica => model.At(replica.Views))];
            _rngs = [.. _vectors.Select((_, k) => new Rng(100 + k))];
        }

        public (double Emulator, double Network) Measure()
        {
            const int Steps = 20, Updates = 1;
            var emulator = Processor(k => _vectors[k].Run(() =>
            {
                var actions = new int[_count];
                for (var t = 0; t < Steps; t++)
                {
                    for (var i = 0; i < actions.Length; i++)
                        actions[i] = _rngs[k].NextInt(((Discrete)_vectors[k].Spec.Action).Count);
                    _vectors[k].Step(actions);
                }
            })) / (Steps * _count * _threads);
            for (var k = 0; k < _threads; k++) _vectors[k].Observations.Raw.CopyTo(_rollouts[k].Observations.Raw);
            var network = Processor(k =>
            {
                for (var u = 0; u < Updates; u++) AgentBenchmark.Passes(_models[k], _rollouts[k]);
            }) / (Updates * _rollouts[0].Count * _threads);
            return (emulator, network);
        }

        private double Processor(Action<int> work)
        {
            var before = Environment.CpuUsage.TotalTime;
            var threads = Enumerable.Range(0, _threads).Select(k => new Thread(() =>
            {
                torch.set_num_threads(1);
                work(k);
            })).ToArray();
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
            return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        }

        public void Dispose()
        {
            foreach (var vector in _vectors) vector.Dispose();
            foreach (var rollout in _rollouts) rollout.Dispose();
            foreach (var replica in _replicas) replica.Dispose();
        }
    }

    private static string Text(IReadOnlyList<(double Emulator, double Network)> costs) =>
        $"emulator {Spread([.. costs.Select(c => c.Emulator * 1e6)], "0")} us, network "
            + $"{Spread([.. costs.Select(c => c.Network * 1e6)], "0")} us";

    private sealed class Peer : IDisposable
    {
        private readonly Process _process;

        private Peer(Process process, string name) => (_process, Name) = (process, name);

        public string Name { get; }

        public static Peer? Start(string id, ActorCriticOptions options)
        {
            var start = new ProcessStartInfo(PythonHost.Start().Executable, ["-c", AleBenchmark.Source("ale_sb3.py")])
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            // As its users start it
            foreach (var name in new[] { "LD_PRELOAD", "MALLOC_CONF", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS" })
                start.Environment.Remove(name);
            var process = Process.Start(start)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            process.StandardInput.WriteLine($"{id} {options.Environments} {options.RolloutLength}");
            if (process.StandardOutput.ReadLine() is { } line) return new Peer(process, line);
            process.WaitForExit();
            process.Dispose();
            return null;
        }

        /// <summary>Seconds that so many updates take.</summary>
        public double Spend(int updates)
        {
            _process.StandardInput.WriteLine(updates);
            return double.Parse(_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException(
                "The peer's Python process ended."), CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}

// Part of rlleap bench ale: a whole agent on a game, against what its emulator and network cost, and against Stable-Baselines3's A2C.
using System.Diagnostics;
using System.Globalization;
using RlLeap.Agents;
using RlLeap.Environments;
using RlLeap.Environments.Gymnasium;
using TorchSharp;

namespace RlLeap.Benchmarks;

/// <summary>An actor-critic with the Nature network on 32 copies of a game, 84x84x4 gray, one worker a core.</summary>
/// <remarks>
/// The bound: the cores divided by the processor time that one agent step costs in the emulator (one thread, stepped alone) and in the passes of the
/// network that cannot be saved (one thread, alone). Limits: 0.85 of it; 5 times the peer's steps/s, where it imports. Rounds in turn, medians of ratios.
/// </remarks>
internal static class AleAgent
{
    private const double OfBound = 0.85, OfPeer = 5;

    public static bool Run(string id, int rounds)
    {
        var cores = Environment.ProcessorCount;
        var options = ActorCriticOptions.A2c with { Environments = 32 };
        var played = id + "?preset=dqn";
        var task = new ActorCriticTask(played, options, workers: cores);
        torch.set_num_threads(1);
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000_000), new Rng(1));
        using var vector = Registry.MakeVector(played, options.Environments, new Rng(2));
        vector.Reset();
        using var rollout = new Rollout(options.Unroll, options.Environments, task.Spec.Observation);
        using var peer = Peer.Start(id, options);
        var (rng, actions) = (new Rng(3), new int[options.Environments]);
        List<double> rates = [], emulations = [], passes = [], bounds = [], peers = [];
        for (var round = -1; round < rounds; round++)
        {
            var rate = Rate(learner, updates: 20);
            var emulation = Processor(() => vector.Run(() =>
            {
                for (var t = 0; t < 100; t++)
                {
                    for (var i = 0; i < actions.Length; i++) actions[i] = rng.NextInt(vector.Spec.Action.Count);
                    vector.Step(actions);
                }
            })) / (100 * options.Environments);
            vector.Observations.Raw.CopyTo(rollout.Observations.Raw);
            var network = Processor(() =>
            {
                for (var k = 0; k < 5; k++) Passes(learner.Model, rollout);
            }) / (5 * options.BatchSize);
            var other = peer?.Rate(updates: 5);
            if (round < 0) continue; // warm-up
            rates.Add(rate);
            emulations.Add(emulation);
            passes.Add(network);
            bounds.Add(cores / (emulation + network));
            if (other is { } theirs) peers.Add(theirs);
        }
        double[] shares = [.. rates.Zip(bounds, (r, b) => r / b)], times = [.. rates.Zip(peers, (r, p) => r / p)];
        Console.WriteLine(FormattableString.Invariant($"""
            agent on {played}: 32 environments, unroll 5, Nature 2015, {cores} workers; {rounds} rounds in turn, median (lowest .. highest)
              RlLeap                 {Text(rates, "0")} agent steps/s
              processor time a step  emulator {Text([.. emulations.Select(s => s * 1e6)], "0")} us, network {Text([.. passes.Select(s => s * 1e6)], "0")} us
              what they allow        {Text(bounds, "0")} agent steps/s; reached {Text(shares, "0.00")} (limit {OfBound})
              {(peer is null ? "Stable-Baselines3      does not import here" : $"{peer.Name}: {Text(peers, "0")} agent steps/s; {Text(times, "0.00")} times (limit {OfPeer})")}
            """));
        return Median(shares) >= OfBound && (times.Length == 0 || Median(times) >= OfPeer);
    }

    private static double Rate(Learner learner, int updates)
    {
        var (start, before) = (Stopwatch.GetTimestamp(), learner.Count);
        for (var k = 0; k < updates; k++) learner.Advance();
        return (learner.Count - before) / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // What cannot be saved: T passes of N to act, which are differentiated, and one to bootstrap.
    private static void Passes(Model model, Rollout rollout)
    {
        using var scope = torch.NewDisposeScope();
        using (torch.no_grad()) model.Forward(rollout.Row(rollout.Length));
        var passes = Enumerable.Range(0, rollout.Length).Select(t => model.Forward(rollout.Row(t))).ToList();
        (torch.cat([.. passes.Select(p => p[0])], 0).mean() + torch.cat([.. passes.Select(p => p[1])], 0).mean()).backward();
    }

    private static double Processor(Action action)
    {
        var before = Environment.CpuUsage.TotalTime;
        action();
        return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
    }

    private static string Text(IReadOnlyList<double> values, string format) =>
        string.Create(CultureInfo.InvariantCulture, $"{Median(values).ToString(format, CultureInfo.InvariantCulture)} ({values.Min().ToString(format, CultureInfo.InvariantCulture)} .. {values.Max().ToString(format, CultureInfo.InvariantCulture)})");

    private static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private sealed class Peer : IDisposable
    {
        private readonly Process _process;
        private readonly int _batch;

        private Peer(Process process, string name, int batch) => (_process, Name, _batch) = (process, name, batch);

        public string Name { get; }

        public static Peer? Start(string id, ActorCriticOptions options)
        {
            var start = new ProcessStartInfo(PythonHost.Start().Executable, ["-c", AleBenchmark.Source("ale_sb3.py")]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var name in new[] { "LD_PRELOAD", "MALLOC_CONF", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS" }) start.Environment.Remove(name); // as its users start it
            var process = Process.Start(start)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            process.StandardInput.WriteLine($"{id} {options.Environments} {options.Unroll}");
            if (process.StandardOutput.ReadLine() is { } line) return new Peer(process, line, options.BatchSize);
            process.WaitForExit();
            process.Dispose();
            return null;
        }

        public double Rate(int updates)
        {
            _process.StandardInput.WriteLine(updates);
            return updates * _batch / double.Parse(_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The peer's Python process ended."), CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}

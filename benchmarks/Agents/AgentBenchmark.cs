// rlleap bench agent: how near training comes to the bare cost of its network passes.
using System.Diagnostics;
using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;

namespace RlLeap.Benchmarks;

/// <summary>Agent steps per second of whole training, against the floor of its forward and backward passes, and of two agents side by side against one.</summary>
public sealed class AgentBenchmark : IBenchmark
{
    // Stable-Baselines3's A2C with this network and batch on the two-core machine that RlLeap is built on, agent steps/s. It cannot be run here
    // without Python packages, so the comparison is with a recorded figure; on another machine only the other ratios mean something.
    private const double PeerLow = 16_000, PeerHigh = 17_600;
    private const double AgainstFloor = 0.85, AgainstPeer = 2.5, TwoAgainstOne = 1.85;

    /// <inheritdoc/>
    public string Name => "agent";

    /// <inheritdoc/>
    public string Summary => "actor-critic training: against the bare passes of its network, and two agents on two cores against one";

    /// <inheritdoc/>
    public int Run(string[] args)
    {
        var quick = args.Contains("--quick");
        torch.set_num_threads(1);
        var met = true;
        Console.WriteLine($"{"environment",-34} {"network",-10} {"steps/s",10} {"floor",10} {"of floor",9}");
        foreach (var (id, options, limit) in Cases(args))
        {
            var (rate, floor) = AgainstItsFloor(new ActorCriticTask(id, options), quick ? 3 : 7, quick ? 0.5 : 1.5);
            var ratio = rate / floor;
            met &= ratio >= limit;
            Console.WriteLine(FormattableString.Invariant($"{id,-34} {options.Network,-10} {rate,10:0} {floor,10:0} {ratio,9:0.000}{(ratio < limit ? $"  below {limit}" : "")}"));
            if (id == "MinAtar/Breakout-v1")
                Console.WriteLine(FormattableString.Invariant($"  {rate / PeerHigh:0.00} to {rate / PeerLow:0.00} times Stable-Baselines3's A2C (16,000 to 17,600 steps/s on the build machine; wanted there: {AgainstPeer})"));
        }
        var scaling = TwoSideBySide(ActorCriticOptions.MinAtar, quick ? 2 : 6, out var one, out var two);
        met &= scaling >= TwoAgainstOne || Environment.ProcessorCount < 2;
        Console.WriteLine(FormattableString.Invariant($"one agent {one:0} steps/s, two side by side {two:0} steps/s together: {scaling:0.00} times{(scaling < TwoAgainstOne ? $"  below {TwoAgainstOne}" : "")}"));
        return met ? 0 : 1;
    }

    private static IEnumerable<(string Id, ActorCriticOptions Options, double Limit)> Cases(string[] args)
    {
        yield return ("MinAtar/Breakout-v1", ActorCriticOptions.MinAtar, AgainstFloor);
        yield return ("MinAtar/Seaquest-v0", ActorCriticOptions.MinAtar, 0);
        if (args.FirstOrDefault(a => a.StartsWith("ALE/", StringComparison.Ordinal)) is { } game)
            yield return (game, ActorCriticOptions.A2c with { Environments = 32 }, 0);
    }

    // Blocks of the two take turns, so that a machine that is busy for a while is busy for both; medians of the blocks.
    private static (double Rate, double Floor) AgainstItsFloor(ActorCriticTask task, int blocks, double seconds)
    {
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000_000), new Rng(1));
        using var rollout = new Rollout(task.Options.Unroll, task.Options.Environments, task.Spec.Observation);
        var rng = new Rng(2);
        foreach (ref var cell in rollout.Observations.Raw) cell = (byte)(rollout.Observations.Element == ElementType.Byte ? rng.NextInt((int)task.Spec.Observation.High + 1) : 0);
        Block(() => learner.Advance(), 0.5);
        Block(() => Passes(learner.Model, rollout), 0.5);
        var (rates, floors) = (new List<double>(), new List<double>());
        for (var k = 0; k < blocks; k++)
        {
            rates.Add(Block(() => learner.Advance(), seconds) * task.Options.BatchSize);
            floors.Add(Block(() => Passes(learner.Model, rollout), seconds) * task.Options.BatchSize);
        }
        return (Median(rates), Median(floors));
    }

    // What cannot be saved: T passes of N to act, one to bootstrap, one of T x N with its backward.
    private static void Passes(Model model, Rollout rollout)
    {
        using var scope = torch.NewDisposeScope();
        using (torch.no_grad())
            for (var t = 0; t <= rollout.Length; t++)
            {
                using var inner = torch.NewDisposeScope();
                model.Forward(rollout.Row(t));
            }
        var outputs = model.Forward(rollout.Inputs);
        (outputs[0].mean() + outputs[1].mean()).backward();
    }

    private static double TwoSideBySide(ActorCriticOptions options, double seconds, out double one, out double two)
    {
        const int Blocks = 3;
        var (ones, twos) = (new List<double>(), new List<double>());
        for (var k = 0; k < Blocks; k++)
        {
            ones.Add(SideBySide(1));
            twos.Add(SideBySide(2));
        }
        (one, two) = (Median(ones), Median(twos));
        return two / one;

        double SideBySide(int agents)
        {
            var rates = new double[agents];
            using var ready = new Barrier(agents);
            var threads = Enumerable.Range(0, agents).Select(i => new Thread(() =>
            {
                torch.set_num_threads(1);
                var task = new ActorCriticTask("MinAtar/Breakout-v1", options);
                using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000_000), new Rng(i));
                Block(() => learner.Advance(), 0.3);
                ready.SignalAndWait();
                rates[i] = Block(() => learner.Advance(), seconds / Blocks) * options.BatchSize;
            })).ToArray();
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
            return rates.Sum();
        }
    }

    private static double Block(Action action, double seconds)
    {
        var clock = Stopwatch.StartNew();
        long count = 0;
        do
        {
            action();
            count++;
        } while (clock.Elapsed.TotalSeconds < seconds);
        return count / clock.Elapsed.TotalSeconds;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}

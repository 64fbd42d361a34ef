// rlleap bench agent: how near training comes to the bare cost of its network passes, and how far it is from
// Stable-Baselines3.
using System.Diagnostics;
using System.Globalization;
using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;
using static RlLeap.Benchmarks.Rounds;

namespace RlLeap.Benchmarks;

/// <summary>
/// Agent steps per second of whole training: against the floor of its forward and backward passes, against
/// Stable-Baselines3's A2C, and of two agents side by side against one.
/// </summary>
/// <remarks>
/// The three sides take turns on one core, so that a machine that is busy for a while is busy for all; a block of each
/// gives one ratio, in processor time (all threads of each process), and the medians are shown. Stable-Baselines3
/// learns in a stub that costs next to nothing a step (peer.py): that favours it.
/// </remarks>
public sealed class AgentBenchmark : IBenchmark
{
    private const double AgainstFloor = 0.85, AgainstPeer = 2.5, TwoAgainstOne = 1.85;
    private const string Compared = "MinAtar/Breakout-v1", Needs = "stable_baselines3 with torch and gymnasium";

    /// <inheritdoc/>
    public string Name => "agent";

    /// <inheritdoc/>
    public string Summary => "actor-critic training: against the bare passes of its network and Stable-Baselines3's "
        + "A2C, and two agents on two cores against one";

    /// <inheritdoc/>
    public int Run(string[] args)
    {
        var quick = args.Contains("--quick");
        var (blocks, seconds) = quick ? (3, 0.5) : (9, 1.5);
        torch.set_num_threads(1);
        using var self = Process.GetCurrentProcess();
        var cores = OperatingSystem.IsLinux() || OperatingSystem.IsWindows() ? self.ProcessorAffinity : 0;
        Pin(cores & -cores); // cores of a shared machine are not equally fast; the peer inherits ours
        using var peer = Peer.Start("Agents", Needs, threads: 1, plain: true, out var problem);
        var met = true;
        Console.WriteLine($"{"environment",-22} {"network",-10} {"steps/s",8} of floor (lowest .. highest)");
        foreach (var (id, options, limit) in Cases(args))
        {
            var (rate, floors, peers) = Interleaved(new ActorCriticTask(id, options), id == Compared ? peer : null,
                blocks, seconds);
            met &= Median(floors) >= limit;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{id,-22} {options.Network,-10} {rate,8:0} {Spread(floors)}"
                + $"{(Median(floors) < limit ? $"  below {limit}" : "")}"));
            if (peers.Count == 0) continue;
            met &= Median(peers) >= AgainstPeer;
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{"",22} times Stable-Baselines3 {peer!.Version}'s A2C: "
                + $"{Spread(peers)}{(Median(peers) < AgainstPeer ? $"  below {AgainstPeer}" : "")}"));
        }
        if (peer is null) Console.WriteLine($"against Stable-Baselines3's A2C: not measured. {problem}");
        Pin(cores);
        var scaling = TwoSideBySide(ActorCriticOptions.MinAtar, quick ? 2 : 9, out var one, out var two);
        met &= Median(scaling) >= TwoAgainstOne || Environment.ProcessorCount < 2;
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
                $"one agent {one:0} steps/s, two side by side {two:0} steps/s together: "
                + $"{Spread(scaling)} times{(Median(scaling) < TwoAgainstOne ? $"  below {TwoAgainstOne}" : "")}"));
        return met ? 0 : 1;

        void Pin(nint mask)
        {
            if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows()) self.ProcessorAffinity = mask;
        }
    }

    private static IEnumerable<(string Id, ActorCriticOptions Options, double Limit)> Cases(string[] args)
    {
        yield return (Compared, ActorCriticOptions.MinAtar, AgainstFloor);
        yield return ("MinAtar/Seaquest-v0", ActorCriticOptions.MinAtar, 0);
        if (args.FirstOrDefault(a => a.StartsWith("ALE/", StringComparison.Ordinal)) is { } game)
            yield return (game, ActorCriticOptions.A2c with { Environments = 32 }, 0);
    }

    private static (double Rate, List<double> OfFloor, List<double> OfPeer) Interleaved(ActorCriticTask task,
        Peer? peer, int blocks, double seconds)
    {
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000_000), new Rng(1));
        using var rollout = new Rollout(task.Options.RolloutLength, task.Options.Environments, task.Spec.Observation);
        var rng = new Rng(2);
        foreach (ref var cell in rollout.Observations.Raw)
            cell = (byte)(rollout.Observations.Element == ElementType.Byte
                ? rng.NextInt((int)task.Spec.Observation.High + 1) : 0);
        // As warm-up, and to know how many fill a block
        var updates = 2 * (int)Math.Ceiling(Block(() => learner.TrainStep(), 1) * seconds / 2);
        Block(() => Passes(learner.Model, rollout), 0.5);
        var (rates, floors, peers) = (new List<double>(), new List<double>(), new List<double>());
        for (var k = 0; k < blocks; k++)
        {
            var ours = Measured.Of(() => Repeat(updates, () => learner.TrainStep()));
            var floor = Measured.Of(() => Repeat(updates, () => Passes(learner.Model, rollout)));
            rates.Add(updates * task.Options.BatchSize / ours.Wall);
            floors.Add(floor.Cpu / ours.Cpu);
            // Half as many: it is slower
            if (peer is not null) peers.Add(2 * peer.Run("update", updates / 2).Cpu / ours.Cpu);
        }
        return (Median(rates), floors, peers);
    }

    private static void Repeat(int times, Action action)
    {
        for (var k = 0; k < times; k++) action();
    }

    /// <summary>What cannot be saved: T passes of N that act and are differentiated, and one to bootstrap.</summary>
    internal static void Passes(Model model, Rollout rollout)
    {
        using var scope = torch.NewDisposeScope();
        var features = Enumerable.Range(0, rollout.Length).Select(t => model.Features(rollout.Row(t))).ToArray();
        using (torch.no_grad()) model.Forward(rollout.Row(rollout.Length));
        var outputs = model.Outputs(torch.cat(features, 0));
        model.Parameters.ZeroGradient();
        (outputs[0].mean() + outputs[1].mean()).backward();
    }

    // Throughput by the clock; a block of one and a block of two in turn.
    private static List<double> TwoSideBySide(ActorCriticOptions options, double seconds, out double one,
        out double two)
    {
        const int Blocks = 5;
        var (ones, twos) = (new List<double>(), new List<double>());
        for (var k = 0; k < Blocks; k++)
        {
            ones.Add(SideBySide(1));
            twos.Add(SideBySide(2));
        }
        (one, two) = (Median(ones), Median(twos));
        return [.. twos.Zip(ones, (t, o) => t / o)];

        double SideBySide(int agents)
        {
            var rates = new double[agents];
            using var ready = new Barrier(agents);
            var threads = Enumerable.Range(0, agents).Select(i => new Thread(() =>
            {
                torch.set_num_threads(1);
                var task = new ActorCriticTask(Compared, options);
                using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000_000),
                    new Rng(i));
                Block(() => learner.TrainStep(), 0.3);
                ready.SignalAndWait();
                rates[i] = Block(() => learner.TrainStep(), seconds / Blocks) * options.BatchSize;
            })).ToArray();
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
            return rates.Sum();
        }
    }

    // Times a second.
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
}

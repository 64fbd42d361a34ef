using System.Diagnostics;
using RlLeap.Environments;

namespace RlLeap.Benchmarks;

/// <summary>
/// Steps per second of the built-in games: vectors of 1,024, uniformly random actions, every observation written.
/// </summary>
/// <remarks>
/// The limits: one thread, 5 million steps/s as the geometric mean over the five games and 2 million for each; two
/// threads at least 1.8 times one. Actions are drawn beforehand (the limit is about the games). Each number is the best
/// of several rounds: other work on the machine can only slow a round down. The rounds of one and of two threads
/// alternate.
/// </remarks>
internal sealed class EnvironmentBenchmark : IBenchmark
{
    private const int Copies = 1024, Rounds = 9, ActionSets = 64;
    private const double RoundSeconds = 0.15;

    public string Name => "envs";

    public string Summary => "steps/s of the five games, one and two threads, and of RGB rendering";

    public int Run(string[] args)
    {
        Console.WriteLine(
            $"{Copies} copies, random actions; million steps/s, best of {Rounds} rounds of {RoundSeconds} s");
        Console.WriteLine($"{"game",-16}{"1 thread",10}{"2 threads",11}{"ratio",8}{"clear only",12}{"rgb84",8}");
        List<double> one = [], ratios = [];
        foreach (var game in MinAtarSuite.Games)
        {
            var id = $"MinAtar/{game}-v0";
            using var single = Stepper.Of(id, 1);
            using var pair = Stepper.Of(id, 2);
            using var rgb = Stepper.Of(id + "?render=rgb84", 1);
            var (a, b, floor, pictures) = (0.0, 0.0, 0.0, 0.0);
            List<double> paired = [];
            for (var round = 0; round < Rounds; round++)
            {
                var (x, y) = (single.Rate(), pair.Rate());
                (a, b) = (Math.Max(a, x), Math.Max(b, y));
                paired.Add(y / x);
                floor = Math.Max(floor, single.ClearRate());
                if (round < 3) pictures = Math.Max(pictures, rgb.Rate());
            }
            one.Add(a);
            ratios.Add(b / a);
            Console.WriteLine(FormattableString.Invariant(
                $"{game,-16}{a / 1e6,10:F2}{b / 1e6,11:F2}{b / a,8:F2}{floor / 1e6,12:F1}{pictures / 1e6,8:F2}"));
        }
        var mean = Math.Exp(one.Average(Math.Log));
        var ratio = Math.Exp(ratios.Average(Math.Log));
        Console.WriteLine(FormattableString.Invariant($"{"geometric mean",-16}{mean / 1e6,10:F2}{"",11}{ratio,8:F2}"));
        foreach (var id in ClassicControl.Ids.Where(id => Registry.Spec(id).Action is Discrete))
        {
            using var single = Stepper.Of(id, 1);
            var best = Enumerable.Range(0, 3).Max(_ => single.Rate());
            Console.WriteLine(FormattableString.Invariant($"{id,-24}{best / 1e6:F2} (one thread)"));
        }
        var good = mean >= 5e6 && one.Min() >= 2e6 && (ratio >= 1.8 || Environment.ProcessorCount < 2);
        Console.WriteLine(good ? "limits met: mean >= 5, each >= 2, two threads >= 1.8x"
            : "BELOW ITS LIMITS: mean >= 5, each >= 2, two threads >= 1.8x");
        return good ? 0 : 1;
    }

    /// <summary>A vector and the actions to step it with.</summary>
    private sealed class Stepper : IDisposable
    {
        private readonly IVectorEnvironment _vector;
        private readonly int[][] _actions;
        private int _next;

        private Stepper(IVectorEnvironment vector, Rng rng)
        {
            _vector = vector;
            var count = ((Discrete)vector.Spec.Action).Count;
            _actions = [.. Enumerable.Range(0, ActionSets)
                .Select(_ => Enumerable.Range(0, Copies).Select(_ => rng.NextInt(count)).ToArray())];
            vector.Reset();
            // Past the first episodes' common start, and past the just-in-time compiler's tiers.
            for (var i = 0; i < 300; i++) Step();
        }

        public static Stepper Of(string id, int threads)
        {
            var rng = new Rng(1);
            return new Stepper(Registry.MakeVector(id, Copies, rng.Split("vector"), threads), rng.Split("actions"));
        }

        private void Step() => _vector.Step(_actions[_next++ % ActionSets]);

        public double Rate()
        {
            var (steps, start) = (0, Stopwatch.GetTimestamp());
            do
            {
                for (var i = 0; i < 16; i++) Step();
                steps += 16;
            }
            while (Stopwatch.GetElapsedTime(start).TotalSeconds < RoundSeconds);
            return steps * (double)Copies / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        /// <summary>The floor: setting each row of the observations to zero, row by row.</summary>
        public double ClearRate()
        {
            var buffer = new ObservationBuffer(_vector.Spec.Observation, Copies);
            var (steps, start) = (0, Stopwatch.GetTimestamp());
            do
            {
                for (var i = 0; i < Copies; i++) buffer.ByteRow(i).Clear();
                steps++;
            }
            while (Stopwatch.GetElapsedTime(start).TotalSeconds < RoundSeconds / 10);
            return steps * (double)Copies / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        public void Dispose() => _vector.Dispose();
    }
}

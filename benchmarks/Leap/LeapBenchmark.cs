// rlleap bench leap: what Leap costs on top of training, and a meta-step against plain PyTorch.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using RlLeap.Agents;
using RlLeap.MetaLearning;
using RlLeap.Data;
using static RlLeap.Benchmarks.Rounds;
using static TorchSharp.torch;

namespace RlLeap.Benchmarks;

/// <summary>
/// Leap's and the data's share of a training step on the paper's networks, and Omniglot tasks of 100 steps against the
/// same in plain PyTorch (peer.py).
/// </summary>
/// <remarks>
/// The paper's meta-step has 20 tasks. Here a round has 4, which leaves the ratio as it is (two workers have two tasks
/// each instead of ten; averaging and moving, once a meta-step, weigh five times as much for both sides) and lets ten
/// interleaved rounds fit into three minutes.
/// </remarks>
public sealed class LeapBenchmark : IBenchmark
{
    private const double Overhead = 1.02, Feeding = 0.10, AgainstPeer = 0.45;
    private const int Rounds = 10, TasksARound = 4;

    /// <inheritdoc/>
    public string Name => "leap";

    /// <inheritdoc/>
    public string Summary => "Leap's cost on top of training, and an Omniglot meta-step against plain PyTorch";

    /// <inheritdoc/>
    public int Run(string[] args)
    {
        var quick = args.Contains("--quick");
        set_num_threads(1);
        var tasks = Alphabets(TasksARound);
        var (met, step) = Extra("Omniglot network, batch 20, length", tasks[0], ConvolutionalEncoder.Omniglot,
            new OptimizerOptions(), new LeapOptions(), quick ? 10 : 40);
        met &= Feed(tasks[0], step);
        var agent = new ActorCriticTask("MinAtar/Breakout-v1?render=rgb84", ActorCriticOptions.Leap);
        met &= Extra("actor-critic, Mnih 2013, energy", agent, agent.CreateNetwork(), agent.Options.Optimizer,
            new LeapOptions { Metric = PathMetric.Energy }, quick ? 2 : 8).Met;
        if (!args.Contains("--no-peer")) met &= MetaStep(tasks, quick ? 20 : 100, quick ? 3 : Rounds);
        return met ? 0 : 1;
    }

    // Alphabets of drawings that are noise: how fast a step is does not depend on what is drawn.
    internal static OmniglotTask[] Alphabets(int count) => [.. Enumerable.Range(0, count).Select(i =>
    {
        var pixels = new byte[20 * OmniglotData.DrawingsPerCharacter * OmniglotData.Pixels];
        var rng = new Rng(i);
        foreach (ref var pixel in pixels.AsSpan()) pixel = (byte)(rng.NextDouble() < 0.1 ? 0 : 1);
        return new OmniglotTask(new OmniglotAlphabet($"noise {i}", 20, pixels), new Rng(0));
    })];

    // Two learners of the same task from the same seed, one observed, take turns step by step; each round's ratio is of
    // their sums.
    private static (bool Met, double Step) Extra(string name, ITask task, Network network, OptimizerOptions optimizer,
        LeapOptions leap, int steps)
    {
        var learning = new LearnerOptions
        {
            GradientSteps = long.MaxValue / 2, Optimizer = optimizer with { LearningRate = 1e-3 }
        };
        var observer = leap.Observe(task.Info.Id);
        using var plain = new Learner(task, network, learning, new Rng(1));
        using var observed = new Learner(task, network, learning, new Rng(1), observer: observer);
        var (ratios, base_, extra) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = -1; round < Rounds; round++)
        {
            var (without, with) = (new List<double>(), new List<double>());
            for (var step = 0; step < steps; step++)
            {
                var first = step % 2 == 0;
                if (first) without.Add(Work(() => plain.TrainStep()));
                with.Add(Work(() => observed.TrainStep()));
                if (!first) without.Add(Work(() => plain.TrainStep()));
            }
            if (round < 0) continue; // warms up
            // The median step of a round: a step that the machine interrupted says nothing about either.
            ratios.Add(Median(with) / Median(without));
            base_.Add(Median(without));
            extra.Add(Median(with) - Median(without));
        }
        var ratio = Median(ratios);
        var copies =
            observer.State.Values.Sum(value => value.numel()) / (double)observed.Model.Parameters.Layout.SharedCount;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-36} step {1e3 * Median(base_),7:0.00} ms, Leap adds {1e6 * Median(extra),6:0} us: "
                + $"{ratio:0.000} of the step without ({ratios.Min():0.000} to {ratios.Max():0.000}; at most "
                + $"{Overhead}); {copies:0.#} copies of the shared parameters{(ratio > Overhead ? "  MISSED" : "")}"));
        return (ratio <= Overhead, Median(base_));
    }

    // Drawing and augmenting a batch, and making tensors of it, as a share of the training step that it is part of.
    private static bool Feed(OmniglotTask task, double step)
    {
        using var model = new Model(ConvolutionalEncoder.Omniglot, task.Info.Heads);
        using var stream = task.Open(new Rng(1), CPU);
        var draws = new List<double>();
        for (var i = 0; i < 2000; i++) draws.Add(Work(() => stream.NextBatch(model).Dispose()));
        var draw = Median(draws[1000..]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"an Omniglot batch of 20, augmented",-36} {1e6 * draw:0} us: "
            + $"{draw / step:0.000} of the step (at most {Feeding}){(draw / step > Feeding ? "  MISSED" : "")}"));
        return draw / step <= Feeding;
    }

    private static bool MetaStep(OmniglotTask[] batch, int steps, int rounds)
    {
        using var peer = Peer.Start(batch.Length, steps);
        if (peer is null) return false;
        using var learner = new LeapOptions().Create(new MetaLearnerContext
        {
            Network = ConvolutionalEncoder.Omniglot, Pool = batch, Rng = new Rng(1),
            Learner = new LearnerOptions { GradientSteps = steps }, MetaOptimizer = new OptimizerOptions(),
        });
        var executor = new ThreadExecutor(2);
        learner.MetaStep(batch, executor);
        peer.Seconds();
        var (ratios, ours, theirs) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            ours.Add(Seconds(() => learner.MetaStep(batch, executor)));
            theirs.Add(peer.Seconds());
            ratios.Add(ours[^1] / theirs[^1]);
        }
        var ratio = Median(ratios);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"meta-step of {batch.Length} tasks x {steps} steps: {Median(ours):0.00} s on two workers, plain PyTorch "
                + $"on two threads {Median(theirs):0.00} s: {ratio:0.000} ({ratios.Min():0.000} to "
                + $"{ratios.Max():0.000}; at most {AgainstPeer}){(ratio > AgainstPeer ? "  MISSED" : "")}"));
        return ratio <= AgainstPeer;
    }

    private static double Seconds(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // Processor time of this thread, on which all of a step runs: what a busy machine does meanwhile is not part of it.
    internal static double Work(Action action)
    {
        var start = ThreadSeconds();
        action();
        return ThreadSeconds() - start;
    }

    private static unsafe double ThreadSeconds()
    {
        const int ThreadCpuTime = 3;
        long* time = stackalloc long[2];
        if (clock_gettime(ThreadCpuTime, time) != 0)
            throw new InvalidOperationException("The thread's processor time cannot be read.");
        return time[0] + 1e-9 * time[1];
    }

    [DllImport("libc")]
    private static extern unsafe int clock_gettime(int clock, long* time);

    // peer.py in a Python that has torch and torchvision: it waits for commands, so the two can take turns.
    private sealed class Peer(Process process) : IDisposable
    {
        public static Peer? Start(int tasks, int steps)
        {
            foreach (var python in new[] { "python3", "/usr/bin/python3" })
            {
                var start = new ProcessStartInfo(python)
                {
                    RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true
                };
                foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "Leap", "peer.py"), $"{tasks}",
                    $"{steps}" }) start.ArgumentList.Add(argument);
                // The launcher's settings are for our threads and our allocator; the peer is plain.
                foreach (var name in new[] { "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LD_PRELOAD" })
                    start.Environment.Remove(name);
                try
                {
                    var process = Process.Start(start)!;
                    process.ErrorDataReceived += (_, _) => { };
                    process.BeginErrorReadLine();
                    if (process.StandardOutput.ReadLine() == "ready") return new Peer(process);
                    process.Dispose();
                }
                catch (System.ComponentModel.Win32Exception) { /* no such Python; the next one */ }
            }
            Console.WriteLine("The peer needs Python with torch and torchvision: apt-get install python3-torch "
                + "python3-torchvision. Without it: rlleap bench leap --no-peer");
            return null;
        }

        public double Seconds()
        {
            process.StandardInput.WriteLine("leap");
            process.StandardInput.Flush();
            return double.Parse(process.StandardOutput.ReadLine()
                ?? throw new RlLeapException("The PyTorch peer ended early."), CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            process.StandardInput.Close();
            if (!process.WaitForExit(5000)) process.Kill();
            process.Dispose();
        }
    }
}

// rlleap bench data: how long an image set takes to be there, and what feeding costs of a training step.
using System.Diagnostics;
using System.Globalization;
using RlLeap.Data;
using static RlLeap.Benchmarks.Rounds;
using static TorchSharp.torch;

namespace RlLeap.Benchmarks;

/// <summary>
/// A set of CIFAR-10's size and format, made of noise: its first start (decode, write the cache), later ones (read the
/// cache), and a batch's share of a training step.
/// </summary>
public sealed class DataBenchmark : IBenchmark
{
    private const double SecondStart = 1, Share = 0.05;
    private const int Rounds = 9, Batches = 6, PerBatch = 10_000, Record = 1 + 3 * 32 * 32;

    /// <inheritdoc/>
    public string Name => "data";

    /// <inheritdoc/>
    public string Summary =>
        "a CIFAR-10-sized image set: first start, second start, and feeding beside a training step";

    /// <inheritdoc/>
    public int Run(string[] args)
    {
        set_num_threads(1);
        var root = Directory.CreateTempSubdirectory("rlleap-bench-data-").FullName;
        try
        {
            Write(Path.Combine(root, "cifar-10-batches-bin"));
            var location = DataLocation.Folder(root, Path.Combine(root, "cache"));
            var first = Seconds(() => MultiCv.LoadImages("cifar10", location));
            var later = Enumerable.Range(0, Rounds).Select(_ => Seconds(() => MultiCv.LoadImages("cifar10", location)))
                .Order().ToArray();
            var met = later[Rounds / 2] < SecondStart;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"60,000 images of 32x32x3: first start {first:0.00} s, later {later[Rounds / 2]:0.000} s ("
                    + $"{later[0]:0.000} to {later[^1]:0.000}; under {SecondStart}){(met ? "" : "  MISSED")}"));
            foreach (var batch in new[] { 32, 64, 128 })
                met &= Feeding(new MultiCvTask(MultiCv.Load("cifar10", new Rng(1), location)) { BatchSize = batch });
            return met ? 0 : 1;
        }
        finally { Directory.Delete(root, recursive: true); }
    }

    // Draws and whole steps (which draw too) take turns; the median of each.
    private static bool Feeding(MultiCvTask task)
    {
        using var learner = new Learner(task, ConvolutionalEncoder.MultiCv, new LearnerOptions
        {
            GradientSteps = long.MaxValue / 2, Optimizer = new OptimizerOptions { LearningRate = 1e-3 }
        }, new Rng(1));
        var (draws, steps) = (new List<double>(), new List<double>());
        for (var i = -3; i < 30; i++)
        {
            var draw = Seconds(() => learner.Stream.NextBatch(learner.Model).Dispose());
            var step = Seconds(() => learner.TrainStep());
            if (i < 0) continue; // warms up
            draws.Add(draw);
            steps.Add(step);
        }
        var (one, all) = (Median(draws), Median(steps));
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"batch {task.BatchSize,3}: feeding {1e3 * one:0.00} ms of a "
            + $"step of {1e3 * all:0.0} ms: {one / all:0.000} (under {Share}){(one / all < Share ? "" : "  MISSED")}"));
        return one / all < Share;
    }

    private static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        var pixels = new Random(1); // noise: how fast it is read does not depend on what is seen
        var file = new byte[PerBatch * Record];
        for (var i = 0; i < Batches; i++)
        {
            pixels.NextBytes(file);
            for (var image = 0; image < PerBatch; image++) file[image * Record] = (byte)(image % 10);
            File.WriteAllBytes(Path.Combine(folder, i < Batches - 1 ? $"data_batch_{i + 1}.bin" : "test_batch.bin"),
                file);
        }
    }

    private static double Seconds(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}

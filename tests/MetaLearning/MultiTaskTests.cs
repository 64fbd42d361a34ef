// Multi-task learning: what columns share, how losses are weighted, and what it reduces to.
using RlLeap.Data;
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class MultiTaskTests : IDisposable
{
    private static readonly LearnerOptions Learning =
        new() { GradientSteps = 5, Optimizer = new OptimizerOptions { LearningRate = 0.1 } };

    private readonly TempFolder _folder = new();
    private readonly ITask[] _tasks = [.. Enumerable.Range(0, 2).Select(i =>
        (ITask)new ImageTask($"{i}", new Patterns(i), 2) { BatchSize = 8 })];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WithNothingSharedEachTaskIsLearnedByItself()
    {
        using var scope = NewDisposeScope();
        using var both = Open(new MultiTaskOptions { Sharing = Sharing.None });
        both.MetaStep(_tasks, new ThreadExecutor(1));
        using var one = both.Begin(_tasks[0], Learning, new Rng(1));
        // The same task alone, from the same values and with the same batches.
        using var learner = new Learner(_tasks[0], Encoder(), Learning, new Rng(9));
        using (var fresh = Open(new MultiTaskOptions { Sharing = Sharing.None }))
        {
            var there = ((MultiTask)fresh).Model.Parameters;
            using var _ = no_grad();
            foreach (var entry in learner.Model.Parameters.Layout.Entries)
                learner.Model.Parameters[entry.Name].copy_(there[entry.Name.StartsWith("classes.")
                    ? "head:0." + entry.Name["classes.".Length..] : "0:" + entry.Name]);
        }
        using var stream = _tasks[0].Open(new Rng(2).Split("tasks").Split("stream").Split("0"), CPU);
        using var optimizer = new VectorOptimizer(learner.Model.Parameters, Learning.Optimizer, 10);
        for (var i = 0; i < 5; i++)
        {
            using var batch = stream.NextBatch(learner.Model);
            learner.Model.Parameters.ZeroGradient();
            stream.Loss(learner.Model, batch).backward();
            optimizer.Update();
        }
        foreach (var entry in learner.Model.Parameters.Layout.Entries)
        {
            var theirs = entry.Name.StartsWith("classes.") ? entry.Name : "0:" + entry.Name;
            Assert.True(allclose(learner.Model.Parameters[entry.Name], one.Model.Parameters[theirs], 1e-5, 1e-6),
                entry.Name);
        }
    }

    [Theory]
    [InlineData(Sharing.Hard)]
    [InlineData(Sharing.Soft)]
    [InlineData(Sharing.CrossStitch)]
    [InlineData(Sharing.None)]
    public void EveryKindOfSharingLearnsBothTasks(Sharing sharing)
    {
        using var meta = Open(new MultiTaskOptions { Sharing = sharing }, metaSteps: 12);
        for (var i = 0; i < 12; i++) meta.MetaStep(_tasks, new ThreadExecutor(1));
        foreach (var task in _tasks)
        {
            using var learner = meta.Begin(task, Learning, new Rng(1));
            Assert.InRange(learner.Stream.Score(learner.Model, Split.Test)["error"], 0, 0.2);
        }
    }

    [Fact]
    public void WhatIsSharedIsShared()
    {
        foreach (var sharing in Enum.GetValues<Sharing>())
        {
            using var scope = NewDisposeScope();
            using var meta = Open(new MultiTaskOptions { Sharing = sharing, Penalty = 0 });
            var model = ((MultiTask)meta).Model;
            using var images = randn(4, 1, 8, 8);
            model.Parameters.ZeroGradient();
            model.Forward(images, 0).square().sum().backward();
            var reached = model.Parameters.Layout.Entries.Where(e => e.Name.EndsWith("conv.weight")
                && model.Parameters.GradientOf(e.Name).abs().max().item<float>() > 0).Select(e => e.Name).ToList();
            // The last layer's units of the other column are mixed in too, so that all columns are reached.
            Assert.Equal(sharing switch { Sharing.Hard => 2, Sharing.CrossStitch => 4, _ => 2 }, reached.Count);
            Assert.Equal(sharing == Sharing.Hard, reached.Contains("encoder.0.conv.weight"));
            Assert.Equal(sharing == Sharing.CrossStitch, reached.Contains("1:encoder.0.conv.weight"));
        }
    }

    [Fact]
    public void StitchesOfOneAreColumnsByThemselves()
    {
        using var scope = NewDisposeScope();
        using var stitched = Open(new MultiTaskOptions { Sharing = Sharing.CrossStitch });
        using var apart = Open(new MultiTaskOptions { Sharing = Sharing.None });
        var (a, b) = (((MultiTask)stitched).Model, ((MultiTask)apart).Model);
        using (no_grad())
            foreach (var entry in a.Parameters.Layout.Entries.Where(e => e.Name.StartsWith("stitch.")))
                a.Parameters[entry.Name].copy_(eye(2));
        var images = randn(4, 1, 8, 8);
        Assert.Equal(b.Forward(images, 1).data<float>().ToArray(), a.Forward(images, 1).data<float>().ToArray());
    }

    [Fact]
    public void ThePenaltyOfSoftSharingIsTheSquaredDistanceFromTheMean()
    {
        using var scope = NewDisposeScope();
        using var meta = Open(new MultiTaskOptions { Sharing = Sharing.Soft });
        var model = ((MultiTask)meta).Model;
        var network = (MultiTaskNetwork)model.Network;
        Assert.Equal(0, network.Distance(model).item<float>(), 1e-6); // columns start alike
        using (no_grad()) model.Parameters["0:encoder.0.conv.weight"].add_(1);
        // Each of two columns is half of the difference away from their mean.
        Assert.Equal(2 * 0.25 * model.Parameters["0:encoder.0.conv.weight"].numel(),
            network.Distance(model).item<float>(), 1e-3);
    }

    [Fact]
    public void UncertaintyWeighsByTheInverseVarianceAndGradNormByTheFormula()
    {
        using var scope = NewDisposeScope();
        // Gradients of norm 2 and 1 with weights of 1: mean 1.5. The second loss fell to a half, the first did not:
        // ratios 1 and 0.5, rates 4/3 and 2/3. Targets are 2 and 1 with alpha = 1, 1.5 and 1.5 with alpha = 0.
        var (weights, norms) = (tensor(new[] { 1.0, 1.0 }), tensor(new[] { 2.0, 1.0 }));
        Assert.Equal([2, -1], JointTask.Slopes(weights, norms, [3, 2], [3, 4], alpha: 0).data<double>().ToArray());
        Assert.Equal([-2, 1], JointTask.Slopes(weights, norms, [3, 2], [3, 4], alpha: 2).data<double>().ToArray());

        using var meta = Open(new MultiTaskOptions { Weights = LossWeights.Uncertainty });
        var model = ((MultiTask)meta).Model;
        using (no_grad()) model.Parameters["log-variance"].copy_(tensor(new[] { 0f, MathF.Log(4) }));
        Assert.Equal([1, 0.25], JointTask.WeightsOf((MultiTaskNetwork)model.Network, model, LossWeights.Uncertainty)
            .Select(weight => Math.Round(weight, 6)));
    }

    [Theory]
    [InlineData(LossWeights.Uncertainty)]
    [InlineData(LossWeights.GradNorm)]
    public void WeightsMoveAndGoOnFromAFileToTheSameBits(LossWeights weights)
    {
        using var straight = Open(new MultiTaskOptions { Weights = weights });
        straight.MetaStep(_tasks, new ThreadExecutor(1));
        straight.Save(_folder["half.safetensors"]);
        using var resumed = Open(new MultiTaskOptions { Weights = weights });
        resumed.Load(_folder["half.safetensors"]);
        var records = new[] { straight, resumed }.Select(m => m.MetaStep(_tasks, new ThreadExecutor(1))).ToList();
        straight.Save(_folder["a.safetensors"]);
        resumed.Save(_folder["b.safetensors"]);
        Assert.Equal(File.ReadAllBytes(_folder["a.safetensors"]), File.ReadAllBytes(_folder["b.safetensors"]));
        Assert.All(records[0].Tasks, task => Assert.NotEqual(1, task.Metrics["weight"]));
    }

    private static ConvolutionalEncoder Encoder() => new(1, 8, 3, blocks: 2) { PoolFirst = false };

    private IMetaLearner Open(MultiTaskOptions options, int metaSteps = 2) => options.Create(new MetaLearnerContext
    {
        Network = Encoder(), Pool = _tasks, Learner = Learning, Rng = new Rng(2), MetaSteps = metaSteps,
    });

    // Two classes: bright above or below for the first task, left or right for the second.
    private sealed class Patterns(int task) : IImageSource
    {
        public (int Channels, int Side) Shape => (1, 8);

        public int Count(Split split) => 40;

        public void Fill(Split split, ReadOnlySpan<int> indices, Span<float> images, Span<long> labels, Rng rng)
        {
            for (var i = 0; i < indices.Length; i++)
            {
                var label = indices[i] % 2;
                labels[i] = label;
                var own = new Rng(task).Split($"{split}", indices[i]);
                for (var k = 0; k < 64; k++)
                    images[i * 64 + k] = (float)(own.NextDouble()
                        + ((task == 0 ? k / 32 : k % 8 / 4) == label ? 1 : 0));
            }
        }
    }
}

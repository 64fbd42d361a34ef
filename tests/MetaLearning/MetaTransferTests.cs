// Meta-transfer learning: what stands still, what moves and by which gradient, and the curriculum of hard classes.
using System.Security.Cryptography;
using RlLeap.Data;
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class MetaTransferTests : IDisposable
{
    private static readonly EpisodeShape Episodes = new() { Way = 3, Shot = 2, Query = 4 };
    private static readonly LearnerOptions BaseTraining =
        new() { GradientSteps = 3, Optimizer = new OptimizerOptions { LearningRate = 0.1 } };

    private readonly TempFolder _folder = new();
    private readonly EpisodeImages _images = new(Classes(), new Rng(1), new() { Validation = 2, Test = 3 });

    public void Dispose()
    {
        _images.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void ScalesOfOneAndShiftsOfZeroChangeNothingToTheBit()
    {
        using var scope = NewDisposeScope();
        var inner = Encoder();
        using var plain = new Model(inner, []);
        using var scaled = new Model(new ScaleShiftNetwork(inner), []);
        plain.Initialize(new Rng(4));
        scaled.Initialize(new Rng(4));
        plain.Training = false;
        var images = randn(5, 1, 8, 8);
        Assert.Equal(Values(plain.Features(images)), Values(scaled.Features(images)));
        scaled.Training = true; // its batch norm keeps to what pretraining left all the same
        Assert.Equal(Values(plain.Features(images)), Values(scaled.Features(images)));
        using (no_grad()) scaled.Parameters["scale.encoder.1.conv.weight"][0, 0].fill_(2);
        using (no_grad()) plain.Parameters["encoder.1.conv.weight"][0, 0].mul_(2);
        Assert.Equal(Values(plain.Features(images)), Values(scaled.Features(images)));
        using (no_grad()) scaled.Parameters["shift.encoder.1.conv.bias"][1].fill_(0.5);
        Assert.NotEqual(Values(plain.Features(images)), Values(scaled.Features(images)));
    }

    [Fact]
    public void FrozenWeightsDoNotMoveOverAWholeRunAndTheRestDoes()
    {
        using var meta = Open(new MetaTransferOptions { HardClasses = 4 });
        var before = meta.Initialization.Shared.Layout.Entries.ToDictionary(e => e.Name, e => Sum(meta, e.Name));
        for (var i = 0; i < 4; i++) meta.MetaStep(Batch(2), new ThreadExecutor(2));
        using var learner = meta.Begin(Task, BaseTraining, new Rng(8));
        while (!learner.IsDone) learner.TrainStep();
        foreach (var entry in meta.Initialization.Shared.Layout.Entries)
        {
            var isFrozen = entry.Role == ParameterRole.Frozen;
            Assert.Equal(!entry.Name.StartsWith("scale.") && !entry.Name.StartsWith("shift.")
                && !entry.Name.StartsWith("classes."), isFrozen);
            Assert.Equal(isFrozen, before[entry.Name] == Sum(meta, entry.Name));
            // Base training moves the classifier alone.
            Assert.Equal(!entry.Name.StartsWith("classes."),
                Sum(meta, entry.Name) == SumOf(learner.Model.Parameters[entry.Name]));
        }
    }

    [Fact]
    public void TheMetaGradientIsThatOfCentralDifferencesAtTheTrainedClassifier()
    {
        using var scope = NewDisposeScope();
        var descent = new OptimizerOptions { LearningRate = 1 };
        using var meta = Open(new MetaTransferOptions { ScaleShiftRate = 1 }, descent, ScalarType.Float64);
        var shared = meta.Initialization.Shared;
        var before = shared.Flat.detach().clone();
        using var again = Open(new MetaTransferOptions(), descent, ScalarType.Float64);
        var record = meta.MetaStep(Batch(1), new ThreadExecutor(1));
        var gradient = before - shared.Flat.detach();

        using var learner = again.Initialization.Begin(Task, BaseTraining, new Rng(record.Tasks[0].Seed));
        while (!learner.IsDone) learner.TrainStep();
        var theta = learner.Model.Parameters.Flat.detach();
        const double h = 1e-5;
        foreach (var name in new[] { "scale.encoder.0.conv.weight", "shift.encoder.1.conv.bias", "classes.weight" })
            for (var k = 0; k < 3; k++)
            {
                var at = shared.Layout.Offsets[shared.Layout.IndexOf(name)] + k;
                var expected = (QueryLoss(at, h) - QueryLoss(at, -h)) / (2 * h);
                Assert.Equal(expected, gradient[at].item<double>(), 1e-7);
            }
        Assert.True(gradient.abs().max().item<double>() > 1e-3);

        double QueryLoss(long at, double shift)
        {
            using var _ = no_grad();
            theta[at] = theta[at] + shift;
            using var batch = learner.Stream.NextBatch(learner.Model, Split.Validation);
            var loss = learner.Stream.Loss(learner.Model, batch).item<double>();
            theta[at] = theta[at] - shift;
            return loss;
        }
    }

    [Fact]
    public void TheHardBatchHoldsTheWorstClasses()
    {
        Dictionary<string, double> One(params (int Class, double Accuracy)[] classes) =>
            classes.ToDictionary(c => EpisodeTask.AccuracyOf(c.Class), c => c.Accuracy);
        var episodes = new[] { One((3, 0.9), (7, 0.2), (5, 0.6)), One((7, 0.8), (1, 0.4), (2, 1)) };
        // Class 7 has 0.5 over its two episodes.
        Assert.Equal([1, 7], MetaTransfer.HardestOf(episodes, EpisodeTask.AccuracyPrefix, 2));
        Assert.Equal([1, 5, 7], MetaTransfer.HardestOf(episodes, EpisodeTask.AccuracyPrefix, 3));
        Assert.Empty(MetaTransfer.HardestOf(episodes, EpisodeTask.AccuracyPrefix, 0));

        using var meta = Open(new MetaTransferOptions { HardClasses = 3, Measure = ClassMeasure.F1 });
        var drawn = new Drawn();
        Assert.Equal(0, meta.MetaStep(Batch(4), drawn).Mean("hard"));
        Assert.Equal(1, meta.MetaStep(Batch(4), drawn).Mean("hard"));
        Assert.Equal(0, meta.MetaStep(Batch(4), drawn).Mean("hard"));
        var hard = EpisodeTask.ClassesIn(drawn.Ids[4])!;
        Assert.Equal(MetaTransfer.HardestOf(drawn.Metrics.Take(4), EpisodeTask.F1Prefix, 3), hard);
        Assert.Equal([true, true, true, true, false, false, false, false, true, true, true, true],
            drawn.Ids.Select(id => EpisodeTask.ClassesIn(id) is null));
        for (var i = 0; i < 20; i++)
            using (var episode = _images.Draw(hard, Episodes, new Rng(i), CPU))
                Assert.Equal(hard, episode.Classes.Order());
    }

    [Fact]
    public void AccuracyAndF1OfAClassAreThoseOfItsQueries()
    {
        using var scope = NewDisposeScope();
        using var learner = new Learner(Task, Encoder(), BaseTraining, new Rng(1));
        using var batch = learner.Stream.NextBatch(learner.Model, Split.Validation);
        using (no_grad()) learner.Model.Parameters["classes.bias"].copy_(tensor(new[] { 0f, 1e6f, 0f }));
        learner.Stream.Loss(learner.Model, batch);
        // Everything is said to be of the second class: all of its 4 queries are right, and 8 others are wrong.
        double[] Of(string prefix) => [.. batch.Metrics.Where(m => m.Key.StartsWith(prefix)).Select(m => m.Value)];
        Assert.Equal([0, 1, 0], Of(EpisodeTask.AccuracyPrefix));
        Assert.Equal([0, 2.0 * 4 / (4 + 12), 0], Of(EpisodeTask.F1Prefix));
    }

    [Fact]
    public void ItGoesOnFromAFileToTheSameBitsAlsoBeforeAHardBatch()
    {
        using var straight = Open(new MetaTransferOptions { HardClasses = 4 });
        straight.MetaStep(Batch(2), new ThreadExecutor(1));
        straight.Save(_folder["half.safetensors"]);
        using var resumed = Open(new MetaTransferOptions { HardClasses = 4 });
        resumed.Load(_folder["half.safetensors"]);
        foreach (var meta in new[] { straight, resumed })
        {
            Assert.Equal(1, meta.MetaStep(Batch(2), new ThreadExecutor(1)).Mean("hard"));
            meta.Save(_folder[$"{(meta == straight ? "straight" : "resumed")}.safetensors"]);
        }
        Assert.Equal(File.ReadAllBytes(_folder["straight.safetensors"]),
            File.ReadAllBytes(_folder["resumed.safetensors"]));
    }

    [Fact]
    public void ItStartsFromAPretrainedEncoderWithItsStatistics()
    {
        using var scope = NewDisposeScope();
        using var pretraining = new PretrainingOptions { BatchSize = 20 }.Create(Context() with
        {
            MetaOptimizer = new OptimizerOptions { LearningRate = 0.1 },
            MetaBatch = 10,
            MetaSteps = 4,
        });
        var losses = Enumerable.Range(0, 4).Select(_ => pretraining.MetaStep(Batch(10), new ThreadExecutor(1))
            .Mean("loss.mean")).ToList();
        Assert.True(losses[3] < losses[0]);
        pretraining.Save(_folder["pretrained.safetensors"]);
        var saved = SafeTensors.Read(_folder["pretrained.safetensors"]).Tensors;

        using var meta = Open(new MetaTransferOptions());
        meta.StartFrom(saved);
        using var learner = meta.Begin(Task, BaseTraining, new Rng(3));
        foreach (var entry in learner.Model.Parameters.Layout.Entries.Where(e => e.Role == ParameterRole.Frozen))
            Assert.Equal(Values(saved[entry.Name]), Values(learner.Model.Parameters[entry.Name]));
        Assert.Contains(learner.Model.Parameters.Layout.Entries, e => e.Name == "buffer.encoder.0.norm.running_mean");
        Assert.All(Values(learner.Model.Parameters["scale.encoder.0.conv.weight"]), value => Assert.Equal(1, value));
    }

    [Fact]
    public void PretrainingGoesOnFromAFileToTheSameBits()
    {
        using var straight = new PretrainingOptions { BatchSize = 20 }.Create(Context());
        straight.MetaStep(Batch(3), new ThreadExecutor(1));
        straight.Save(_folder["half.safetensors"]);
        using var resumed = new PretrainingOptions { BatchSize = 20 }.Create(Context());
        resumed.Load(_folder["half.safetensors"]);
        foreach (var meta in new[] { straight, resumed }) meta.MetaStep(Batch(3), new ThreadExecutor(1));
        straight.Save(_folder["straight.safetensors"]);
        resumed.Save(_folder["resumed.safetensors"]);
        Assert.Equal(File.ReadAllBytes(_folder["straight.safetensors"]),
            File.ReadAllBytes(_folder["resumed.safetensors"]));
    }

    [Fact]
    public void WhatCannotBeLearnedSoIsRefusedInWords()
    {
        Assert.Contains("at least 3", Fault(new MetaTransferOptions { HardClasses = 2 }, Context()));
        Assert.Contains("shared-head", Fault(new MetaTransferOptions(),
            Context() with { Pool = [new EpisodeTask(_images, Episodes) { SharedHead = false }] }));
        Assert.Contains("transductive", Fault(new MetaTransferOptions(),
            Context() with { Pool = [new EpisodeTask(_images, Episodes) { Transductive = true }] }));
        Assert.Contains("IClassSource", Fault(new PretrainingOptions(), Context() with
        {
            Network = new SmallMlp([16, 8], activateLast: true),
            Pool = [new EpisodeTask(new FewShotTests.Directions(), Episodes)],
        }));

        static string Fault(MetaLearningMethod method, MetaLearnerContext context) =>
            Assert.Throws<RlLeapException>(() => method.Create(context)).Message;
    }

    private EpisodeTask Task => new(_images, Episodes);

    private static ConvolutionalEncoder Encoder() => new(1, 8, filters: 3, blocks: 2) { PoolFirst = false };

    private MetaLearnerContext Context() => new()
    {
        Network = Encoder(), Pool = [Task], Learner = BaseTraining, Rng = new Rng(2), MetaSteps = 4,
        MetaOptimizer = new OptimizerOptions { Kind = OptimizerKind.Adam, LearningRate = 0.01 },
    };

    private IMetaLearner Open(MetaTransferOptions options, OptimizerOptions? optimizer = null,
        ScalarType dtype = ScalarType.Float32) => options.Create(Context() with
        {
            DType = dtype,
            MetaOptimizer = optimizer ?? Context().MetaOptimizer,
        });

    private List<ITask> Batch(int count) => [.. Enumerable.Repeat<ITask>(Task, count)];

    private static string Sum(IMetaLearner meta, string name) => SumOf(meta.Initialization.Shared[name]);

    private static string SumOf(Tensor values)
    {
        using var scope = NewDisposeScope();
        return Convert.ToHexString(SHA256.HashData(values.detach().contiguous().bytes));
    }

    private static float[] Values(Tensor x) => x.detach().contiguous().data<float>().ToArray();

    // Twelve classes of noise around a pattern of their own.
    private static ImageClasses Classes()
    {
        var rng = new Rng(9).Split("images");
        var pixels = new byte[12 * 10 * 64];
        for (var c = 0; c < 12; c++)
        {
            var pattern = rng.Permutation(256).AsSpan(0, 64).ToArray();
            for (var i = 0; i < 10; i++)
                for (var k = 0; k < 64; k++)
                    pixels[(c * 10 + i) * 64 + k] = (byte)((pattern[k] + rng.NextInt(256)) / 2);
        }
        return new ImageClasses("noise", 1, 8, [.. Enumerable.Range(0, 12).Select(c => ($"{c}", 10))], pixels);
    }

    // Notes which tasks were trained, and what they contributed.
    private sealed class Drawn : IExecutor
    {
        public List<string> Ids { get; } = [];

        public List<IReadOnlyDictionary<string, double>> Metrics { get; } = [];

        public IReadOnlyList<TaskOutcome> Map(MetaBatch step, TrainTask train, CancellationToken cancellation)
        {
            var outcomes = new ThreadExecutor(1).Map(step, train, cancellation);
            Ids.AddRange(step.Jobs.Select(job => job.TaskId));
            Metrics.AddRange(outcomes.Select(outcome => outcome.Contribution!.Metrics));
            return outcomes;
        }
    }
}

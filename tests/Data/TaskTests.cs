// Omniglot and Multi-CV as tasks: batches, scores, saved streams and learning. Also the encoder of both.
using RlLeap.Data;
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Data;

public sealed class TaskTests
{
    private static readonly Lazy<OmniglotData> Small = new(() =>
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["a.zip"], SampleFiles.Zip(SampleFiles.OmniglotFiles(("Alpha", 6))));
        return OmniglotData.Load([folder["a.zip"]]);
    });

    private static readonly OmniglotOptions FourClasses = new() { Classes = 4, BatchSize = 8, PassBatches = 10 };

    private static OmniglotTask Omniglot(OmniglotOptions? options = null) =>
        new(Small.Value["Alpha"], new Rng(1), options ?? FourClasses);

    // Two classes that differ in brightness.
    private static MultiCvTask MultiCv()
    {
        var pixels = SampleFiles.Bytes(60 * 1024);
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)(pixels[i] / 2 + (i / 1024 % 2 == 0 ? 0 : 120));
        var set = new ImageSet("bright", 1, 32, 32, 2, pixels, [.. Enumerable.Range(0, 60).Select(i => i % 2)], 60);
        return new MultiCvTask(new MultiCvSet(set, ImageSplit.Draw(set, new Rng(1)), [0.5], [0.3])) { BatchSize = 12 };
    }

    [Fact]
    public void A_batch_has_the_shapes_of_the_task_and_is_channels_last()
    {
        using var scope = NewDisposeScope();
        (ImageTask, Network)[] pairs =
            [(Omniglot(), ConvolutionalEncoder.Omniglot), (MultiCv(), ConvolutionalEncoder.MultiCv)];
        foreach (var (task, network) in pairs)
        {
            using var model = new Model(network, task.Info.Heads);
            using var stream = task.Open(new Rng(2), CPU);
            using var batch = (ImageBatch)stream.NextBatch(model);
            var (channels, side) = task.Source.Shape;
            Assert.Equal([task.BatchSize, channels, side, side], batch.Images.shape);
            Assert.Equal(1, batch.Images.stride(1));
            Assert.Equal(channels, batch.Images.stride(3));
            Assert.Equal((ScalarType.Float32, ScalarType.Int64), (batch.Images.dtype, batch.Labels.dtype));
            Assert.Equal(task.BatchSize, batch.Count);
        }
    }

    [Fact]
    public void An_unaugmented_batch_holds_the_drawings_with_their_labels()
    {
        using var scope = NewDisposeScope();
        var task = Omniglot(FourClasses with { Augmentation = null });
        using var model = new Model(ConvolutionalEncoder.Omniglot, task.Info.Heads);
        using var stream = task.Open(new Rng(2), CPU);
        using var batch = (ImageBatch)stream.NextBatch(model, Split.Validation);
        var images = batch.Images.contiguous().data<float>().ToArray();
        var labels = batch.Labels.data<long>().ToArray();
        var drawings = Enumerable.Range(0, task.Classes.ValidationCount).Select(i =>
        {
            var pixels = Convert.ToHexString(task.Classes.Drawing(true, i, out var label));
            return (pixels, (long)label);
        }).ToHashSet();
        for (var b = 0; b < 8; b++)
        {
            var pixels = Convert.ToHexString([.. images.Skip(784 * b).Take(784).Select(v => (byte)v)]);
            Assert.Contains((pixels, labels[b]), drawings);
        }
    }

    [Fact]
    public void A_pass_is_a_permutation_modulo_the_training_drawings()
    {
        // 10 batches of 8 from 60 drawings: 20 of them come twice and 40 once. The next pass is another permutation.
        var source = new Recording(60);
        var task = new ImageTask("t", source, 2) { BatchSize = 8, PassLength = 80 };
        using var model = new Model(ConvolutionalEncoder.Omniglot, task.Info.Heads);
        using var stream = task.Open(new Rng(3), CPU);
        for (var i = 0; i < 20; i++) stream.NextBatch(model, Split.Train).Dispose();
        var counts = source.Seen.Take(80).CountBy(i => i).ToDictionary();
        Assert.Equal(60, counts.Count);
        Assert.All(counts, c => Assert.Equal(c.Key < 20 ? 2 : 1, c.Value));
        Assert.NotEqual(source.Seen.Take(80), source.Seen.Skip(80));
    }

    [Fact]
    public void A_restored_stream_goes_on_with_the_same_bits_also_in_the_middle_of_a_pass()
    {
        using var scope = NewDisposeScope();
        var task = Omniglot();
        using var model = new Model(ConvolutionalEncoder.Omniglot, task.Info.Heads);
        using var stream = task.Open(new Rng(2), CPU);
        for (var i = 0; i < 13; i++) stream.NextBatch(model, i % 3 == 0 ? Split.Validation : Split.Train).Dispose();
        var state = stream.Save();
        using var other = task.Open(new Rng(99), CPU);
        other.Restore(state);
        for (var i = 0; i < 15; i++)
        {
            using var a = (ImageBatch)stream.NextBatch(model);
            using var b = (ImageBatch)other.NextBatch(model);
            Assert.Equal(a.Images.contiguous().data<float>().ToArray(), b.Images.contiguous().data<float>().ToArray());
            Assert.Equal(a.Labels.data<long>().ToArray(), b.Labels.data<long>().ToArray());
        }
        Assert.Throws<RlLeapException>(() => other.Restore(state.AsSpan(1)));
    }

    [Fact]
    public void A_score_learns_nothing_moves_nothing_and_agrees_with_itself()
    {
        using var scope = NewDisposeScope();
        var task = Omniglot();
        using var model = new Model(ConvolutionalEncoder.Omniglot, task.Info.Heads);
        model.Initialize(new Rng(5));
        using var stream = task.Open(new Rng(2), CPU);
        var parameters = model.Parameters.Flat.data<float>().ToArray();
        var buffers = model.Buffers.Flat.data<float>().ToArray();
        var state = stream.Save();
        var first = stream.Score(model, Split.Validation);
        Assert.Equal(first, stream.Score(model, Split.Validation));
        Assert.InRange(first["error"], 0.4, 1);
        Assert.True(model.Training);
        Assert.Equal(parameters, model.Parameters.Flat.data<float>().ToArray());
        Assert.Equal(buffers, model.Buffers.Flat.data<float>().ToArray());
        Assert.Equal(state, stream.Save());
    }

    [Fact]
    public void A_validation_score_looks_at_a_fixed_subset_when_told_to()
    {
        var source = new Recording(60);
        var task = new ImageTask("t", source, 2) { ValidationSubset = 7, ScoreBatchSize = 4 };
        using var model = new Model(ConvolutionalEncoder.Omniglot, task.Info.Heads);
        using var stream = task.Open(new Rng(3), CPU);
        stream.Score(model, Split.Validation);
        Assert.Equal(Enumerable.Range(0, 7), source.Seen);
    }

    [Fact]
    public void Characters_are_learned_and_the_same_seed_gives_the_same_curve()
    {
        static (double[] Losses, double Before, double After) Run(ImageTask task, Network network, int steps)
        {
            var options = new LearnerOptions
            {
                Optimizer = new OptimizerOptions { LearningRate = 0.1 },
                GradientSteps = steps
            };
            using var learner = new Learner(task, network, options, new Rng(8));
            var before = learner.Stream.Score(learner.Model, Split.Validation)["error"];
            var losses = new List<double>();
            while (!learner.IsDone) losses.Add(learner.TrainStep().Loss);
            return ([.. losses], before, learner.Stream.Score(learner.Model, Split.Validation)["error"]);
        }
        var drawings = Omniglot(FourClasses with { Augmentation = null });
        var one = Run(drawings, new ConvolutionalEncoder(1, 28, filters: 16), 60);
        Assert.Equal(one.Losses, Run(drawings, new ConvolutionalEncoder(1, 28, filters: 16), 60).Losses);
        Assert.InRange(one.After, 0, 0.25); // chance is 0.75 with four classes
        var bright = Run(MultiCv(), new ConvolutionalEncoder(3, 32, filters: 8), 40);
        Assert.InRange(bright.After, 0, 0.12);
    }

    [Fact]
    public void The_mean_training_error_is_that_of_the_steps_and_survives_a_resume()
    {
        using var temp = new TempFolder();
        var task = Omniglot();
        var errors = new List<double>();
        Learner New() => new(task, new ConvolutionalEncoder(1, 28, filters: 4),
            new LearnerOptions { GradientSteps = 6 }, new Rng(8), observer: new ReptileOptions().Observe(task.Info.Id));
        using (var begun = New())
        {
            for (var i = 0; i < 3; i++) errors.Add(begun.TrainStep().Metrics["error"]);
            begun.Save(temp["learner"]);
        }
        using var resumed = New();
        resumed.Load(temp["learner"]);
        while (!resumed.IsDone) errors.Add(resumed.TrainStep().Metrics["error"]);
        Assert.Equal(errors.Average(), resumed.Contribute().Metrics[TrainingSummary.Error], 12);
    }

    [Fact]
    public void The_mean_return_weighs_every_episode_the_same_and_is_not_a_number_without_any()
    {
        var means = new TrainingSummary();
        static void Add(TrainingSummary means, params IEnumerable<double> returns) =>
            means.Add(new Dictionary<string, double>(), [.. returns.Select(r => new FinishedEpisode(1, r, 1))]);
        Assert.Empty(Recorded(means));
        Add(means);
        Assert.Equal(double.NaN, Recorded(means)[TrainingSummary.Return]);
        Add(means, 0, 1, 2);
        var resumed = new TrainingSummary();
        resumed.Restore(means.Save());
        Add(resumed, 5);
        Assert.Equal(2, Recorded(resumed)[TrainingSummary.Return]);

        static Dictionary<string, double> Recorded(TrainingSummary means)
        {
            var metrics = new Dictionary<string, double>();
            means.Record(metrics);
            return metrics;
        }
    }

    public static TheoryData<MetaLearningMethod> TrainingMethods =>
    [
        new LeapOptions(), new ReptileOptions(), new FirstOrderMamlOptions(), new MamlOptions(),
        new FinetuningOptions(), new HatOptions(), new ProgressiveOptions(),
    ];

    [Theory]
    [MemberData(nameof(TrainingMethods))]
    public void Every_method_that_trains_records_the_mean_training_error(MetaLearningMethod method)
    {
        var task = Omniglot();
        using var learner = method.Create(new MetaLearnerContext
        {
            Network = new ConvolutionalEncoder(1, 28, filters: 4),
            Pool = [task],
            Rng = new Rng(1),
            Learner = new LearnerOptions { GradientSteps = 2 },
        });
        Assert.InRange(learner.MetaStep([task], new ThreadExecutor(1)).Mean(TrainingSummary.Error), 0.1, 1);
    }

    [Fact]
    public void The_encoder_has_the_papers_shape_and_its_hooks_act()
    {
        using var scope = NewDisposeScope();
        var network = ConvolutionalEncoder.Omniglot;
        Assert.Equal((64L, 256L), (network.Features, ConvolutionalEncoder.MultiCv.Features));
        Assert.Equal(64 * 9 + 64 + 3 * (64 * 64 * 9 + 64) + 4 * 128, network.Parameters.Sum(p => p.Count));
        using var model = new Model(network, [new Head("classes", 20)]);
        model.Initialize(new Rng(1));
        using var _ = no_grad();
        var input = rand([3, 1, 28, 28]);
        Assert.Equal([3, 20], model.Output(input).shape);
        var seen = new List<long[]>();
        model.Hooks = new LayerHooks(Units: (layer, units) =>
        {
            seen.Add(units.shape);
            return layer == 3 ? units * 0 : units;
        });
        Assert.Equal(0, model.Features(input).abs().sum().item<float>());
        Assert.Equal(["3x64x14x14", "3x64x7x7", "3x64x3x3", "3x64x1x1"], seen.Select(s => string.Join('x', s)));
        Assert.Contains("halve the side",
            Assert.Throws<RlLeapException>(() => new ConvolutionalEncoder(1, 15)).Message);
        Assert.Throws<ArgumentException>(() => model.Features(rand([3, 1, 32, 32])));
    }

    [Fact]
    public void The_papers_order_of_pooling_gives_other_features_of_the_same_shape()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var authors = new Model(new ConvolutionalEncoder(1, 28, filters: 4), []);
        using var paper = new Model(new ConvolutionalEncoder(1, 28, filters: 4) { PoolFirst = false }, []);
        authors.Initialize(new Rng(1));
        paper.Initialize(new Rng(1));
        var input = rand([5, 1, 28, 28]);
        Assert.Equal(authors.Parameters.Flat.data<float>().ToArray(), paper.Parameters.Flat.data<float>().ToArray());
        Assert.Equal(authors.Output(input).shape, paper.Output(input).shape);
        Assert.NotEqual(authors.Output(input).data<float>().ToArray(), paper.Output(input).data<float>().ToArray());
    }

    [Fact]
    public void A_task_without_images_or_with_an_empty_batch_is_refused()
    {
        Assert.Contains("no train images", Assert.Throws<RlLeapException>(
            () => new ImageTask("t", new Recording(0), 2).Open(new Rng(1), CPU)).Message);
        Assert.Contains("at least one image", Assert.Throws<RlLeapException>(
            () => new ImageTask("t", new Recording(5), 2) { BatchSize = 0 }.Open(new Rng(1), CPU)).Message);
    }

    // A source that records which images were asked for.
    private sealed class Recording(int count) : IImageSource
    {
        public List<int> Seen { get; } = [];

        public (int Channels, int Side) Shape => (1, 28);

        public int Count(Split split) => count;

        public void Fill(Split split, ReadOnlySpan<int> indices, Span<float> images, Span<long> labels, Rng rng)
        {
            Seen.AddRange(indices);
            images.Clear();
            labels.Clear();
        }
    }

    [Fact]
    public void A_strided_encoder_halves_by_stride_and_its_features_are_means_over_places()
    {
        using var model = new Model(new ConvolutionalEncoder(1, 28, filters: 3, blocks: 2) { Strided = true }, []);
        model.Initialize(new Rng(1));
        model.Training = false;
        using var images = rand([2, 1, 28, 28], generator: new Generator(1));
        var x = images;
        for (var b = 0; b < 2; b++)
        {
            Tensor P(string name) => model.Parameters[$"encoder.{b}.{name}"];
            Tensor B(string name) => model.Buffers[$"encoder.{b}.norm.{name}"];
            x = nn.functional.conv2d(x, P("conv.weight"), P("conv.bias"), strides: [2, 2], padding: [1, 1]);
            x = nn.functional.batch_norm(
                x, B("running_mean"), B("running_var"), P("norm.weight"), P("norm.bias")).relu();
        }
        Assert.Equal([2, 3, 7, 7], x.shape);
        Assert.Equal((3, "conv2x3strided"), ((int)model.Network.Features, model.Network.Name));
        Assert.True(model.Features(images).allclose(x.mean([2, 3]), 1e-4, 1e-5));
    }
}

// Few-shot methods: their formulas, their learning, their state, and what they are tested on.
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.MetaLearning;

public sealed class FewShotTests : IDisposable
{
    private static readonly EpisodeShape Training = new() { Way = 5, Shot = 1, Query = 4 };
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Classes are directions in a plane of sixteen dimensions; the other dimensions are noise.</summary>
    internal sealed class Directions(int images = 20) : IEpisodeSource
    {
        private int _drawn;

        /// <summary>Called with the number of episodes that were drawn.</summary>
        public Action<int>? Drawn { get; set; }

        public string Name => "directions";

        public long[] InputShape => [16];

        public void Require(Split split, EpisodeShape shape)
        {
            if (shape.Shot + shape.Query > images)
                throw new RlLeapException($"{Name}: too few images.");
        }

        public Episode Draw(Split split, EpisodeShape shape, Rng rng, Device device, ScalarType dtype)
        {
            var number = Interlocked.Increment(ref _drawn);
            Drawn?.Invoke(number);
            var rows = new float[(shape.SupportCount + shape.QueryCount) * 16];
            int[] classes = [.. Enumerable.Range(0, shape.Way)];
            var phase = rng.NextDouble();
            for (var i = 0; i < rows.Length / 16; i++)
            {
                var label = i < shape.SupportCount ? i / shape.Shot : (i - shape.SupportCount) / shape.Query;
                var angle = 2 * Math.PI * (phase + label / (double)shape.Way);
                for (var d = 0; d < 16; d++) rows[16 * i + d] = 1.5f * (float)rng.NextNormal();
                rows[16 * i] = (float)(3 * Math.Cos(angle) + 0.1 * rng.NextNormal());
                rows[16 * i + 1] = (float)(3 * Math.Sin(angle) + 0.1 * rng.NextNormal());
            }
            return new Episode(shape, tensor(rows, [rows.Length / 16, 16]).to(device).to_type(dtype), classes);
        }
    }

    public static TheoryData<string> Names =>
        [.. Methods.BuiltIn.Where(m => m.Value.IsAssignableTo(typeof(FewShotMethod))).Select(m => m.Key)];

    private static MetaLearnerContext Context(FewShotMethod? method = null, long steps = 30, int batch = 10) => new()
    {
        Network = method is { ComparesMaps: true } ? new SmallNorm(64, filters: 4) : new SmallNorm(),
        Pool = [new EpisodeTask(new Directions(), Training) { ValidationEpisodes = method is null ? 0 : 20 }],
        MetaOptimizer = new OptimizerOptions { Kind = OptimizerKind.Adam, LearningRate = 0.01 },
        MetaSteps = steps,
        MetaBatch = batch,
        Rng = new Rng(3),
    };

    private static double Train(IMetaLearner learner, MetaLearnerContext context, int steps)
    {
        var batch = Enumerable.Repeat(context.Pool[0], context.MetaBatch).ToList();
        var error = double.NaN;
        for (var i = 0; i < steps; i++) error = learner.MetaStep(batch, new ThreadExecutor(1)).Mean("validation.error");
        return error;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_method_learns_to_see_what_tells_classes_apart(string name)
    {
        var method = (FewShotMethod)Methods.Create(name);
        var context = Context(method);
        using var learner = method.Create(context);
        var first = Train(learner, context, 1);
        var last = Train(learner, context, 29);
        Assert.True(last < 0.7 * first && last < 0.35, $"{name}: {first} -> {last}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_saved_learner_goes_on_to_the_same_bits(string name)
    {
        var method = (FewShotMethod)Methods.Create(name);
        var context = Context(method);
        using var whole = method.Create(context);
        Train(whole, context, 2);
        whole.Save(_folder["half"]);
        Train(whole, context, 2);
        whole.Save(_folder["whole"]);
        using var resumed = method.Create(context);
        resumed.Load(_folder["half"]);
        Assert.Equal(2, resumed.MetaSteps);
        Train(resumed, context, 2);
        resumed.Save(_folder["resumed"]);
        Assert.Equal(File.ReadAllBytes(_folder["whole"]), File.ReadAllBytes(_folder["resumed"]));
    }

    [Fact]
    public void A_meta_step_that_is_cancelled_leaves_the_learner_as_it_was()
    {
        var method = new PrototypicalOptions();
        using var cancelled = new CancellationTokenSource();
        var source = new Directions();
        var context = Context(method) with { Pool = [new EpisodeTask(source, Training)] };
        using var learner = method.Create(context);
        Train(learner, context, 1);
        learner.Save(_folder["before"]);
        // In the middle of the batch: two of its ten gradient steps are made.
        source.Drawn = count => { if (count == 12) cancelled.Cancel(); };
        var batch = Enumerable.Repeat(context.Pool[0], 10).ToList();
        Assert.Throws<OperationCanceledException>(
            () => learner.MetaStep(batch, new ThreadExecutor(1), cancelled.Token));
        learner.Save(_folder["after"]);
        Assert.Equal(File.ReadAllBytes(_folder["before"]), File.ReadAllBytes(_folder["after"]));
    }

    [Fact]
    public void A_prototype_is_a_class_mean_and_the_nearest_one_is_the_class()
    {
        using var model = new Model(new Identity(2), []);
        // Class 0 around (0, 0), class 1 around (4, 0); two shots and one query each.
        using var images = tensor(new float[] { -1, 0, 1, 0, 4, 1, 4, -1, 1, 0, 3, 0 }, [6, 2]);
        using var episode = new Episode(new EpisodeShape { Way = 2, Shot = 2, Query = 1 }, images.clone(), [0, 1]);
        var (loss, scores) = new PrototypicalOptions().Evaluate(model, episode);
        Assert.Equal([-1, -9, -9, -1], scores.data<float>().ToArray());
        Assert.Equal(Math.Log(1 + Math.Exp(-8)), loss.item<float>(), 1e-6);
        Assert.Equal(1, new PrototypicalOptions().Accuracy(model, episode));
    }

    [Fact]
    public void Test_episodes_are_the_same_for_all_methods_and_any_number_of_threads()
    {
        var method = new PrototypicalOptions();
        var context = Context(method);
        using var learner = method.Create(context);
        Train(learner, context, 3);
        var shape = new EpisodeShape { Way = 7, Shot = 3, Query = 2 }; // not as trained
        var evaluation = new EpisodeEvaluation(new Directions(), shape, new Rng(1));
        var one = evaluation.Run(learner, 12);
        Assert.Equal(one.Accuracies, evaluation.Run(learner, 12, workers: 3).Accuracies);
        Assert.Equal(one.Accuracies.Take(8), evaluation.Run(learner, 8).Accuracies);
        Assert.True(evaluation.Draw(3).Images.equal(evaluation.Draw(3).Images).all().item<bool>());

        var deviation = Math.Sqrt(one.Accuracies.Sum(a => Math.Pow(a - one.Mean, 2)) / 11);
        Assert.Equal(1.96 * deviation / Math.Sqrt(12), one.HalfWidth, 12);

        using var maml = new MamlOptions().Create(context);
        var other = new EpisodeEvaluation(new Directions(), Training, new Rng(1))
        {
            Learner = new LearnerOptions { GradientSteps = 3, Optimizer = new() { LearningRate = 0.05 } },
        };
        Assert.Equal(other.Run(maml, 6).Accuracies, other.Run(maml, 6, workers: 2).Accuracies);
    }

    [Fact]
    public void A_linear_head_cannot_be_tested_at_another_way()
    {
        using var maml = new MamlOptions().Create(Context());
        var evaluation = new EpisodeEvaluation(new Directions(), Training with { Way = 7 }, new Rng(1));
        var message = Assert.Throws<RlLeapException>(() => evaluation.Run(maml, 2)).Message;
        Assert.Contains("maml has meta-learned a linear head of 5 classes, which cannot tell 7 apart", message);
    }

    [Fact]
    public void A_method_that_compares_images_refuses_tasks_that_are_not_episodes()
    {
        var message = Assert.Throws<RlLeapException>(() => new PrototypicalOptions().Create(
            Context() with { Network = new Identity(1), Pool = [new NoEpisode()] })).Message;
        Assert.Contains("prototypical learns from episodes", message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_transduction_a_prediction_does_not_depend_on_the_other_queries(bool transductive)
    {
        using var model = new Model(new SmallNorm(), [new Head("classes", 3)]);
        model.Initialize(new Rng(1));
        var shape = new EpisodeShape { Way = 3, Shot = 4, Query = 2 };
        using var all = new Directions().Draw(Split.Test, shape, new Rng(1), CPU, ScalarType.Float32);
        var apart = (Loss(0, 1) + Loss(1, 1)) / 2;
        Assert.Equal(transductive, Math.Abs(Loss(0, 2) - apart) > 1e-4);

        // The mean loss of some of each class's queries, when they are seen together.
        float Loss(int first, int queries)
        {
            var kept = all.QueryOf(all.Images).view(3, 2, 16).narrow(1, first, queries).reshape(-1, 16);
            var images = cat([all.SupportOf(all.Images), kept], 0);
            var task = new EpisodeTask(new Given(images), shape with { Query = queries }, Split.Test)
            {
                Transductive = transductive,
            };
            using var stream = task.Open(new Rng(1), CPU);
            using var batch = stream.NextBatch(model, Split.Test);
            return stream.Loss(model, batch).item<float>();
        }
    }

    [Fact]
    public void Batches_of_support_images_pass_through_all_of_them_and_go_on_where_they_were_saved()
    {
        using var model = new Model(new SmallNorm(), [new Head("classes", 3)]);
        var shape = new EpisodeShape { Way = 3, Shot = 4, Query = 2 };
        using var episode = new Directions().Draw(Split.Train, shape, new Rng(5), CPU, ScalarType.Float32);
        var task = new EpisodeTask(new Directions(), shape) { FixedRng = new Rng(5), SupportBatch = 5 };
        using var stream = task.Open(new Rng(1), CPU);
        var rows = Enumerable.Range(0, 24).Select(_ => -1L).ToArray();
        byte[] saved = [];
        for (var i = 0; i < 24; i++)
        {
            if (i % 5 == 0) rows = Next(stream, rows, i);
            if (i == 10) saved = stream.Save();
        }
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (long)i), rows[..12].Order());
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (long)i), rows[12..24].Order());
        Assert.NotEqual(rows[..12], rows[12..24]);

        using var resumed = task.Open(new Rng(1), CPU);
        resumed.Restore(saved);
        Assert.Equal(rows[15..20], Next(resumed, new long[24], 15)[15..20]);

        // Which support image each row of a batch is, by its pixels; its label must be that image's.
        long[] Next(ITaskStream from, long[] into, int at)
        {
            using var batch = from.NextBatch(model);
            Assert.Equal(5, batch.Count);
            long[] found = [.. Enumerable.Range(0, 5).Select(b => Enumerable.Range(0, 12).Select(i => (long)i)
                .Single(i => batch.Inputs![b].equal(episode.Images[i]).all().item<bool>()))];
            return [.. into[..at], .. found, .. new long[Math.Max(0, 24 - at - 5)]];
        }
    }

    [Fact]
    public void Support_statistics_are_those_of_the_support_images_and_the_models_own_stay()
    {
        using var model = new Model(new SmallNorm(), []);
        model.Initialize(new Rng(1));
        using var images = randn([12, 16], generator: new Generator(1));
        var own = model.Buffers.Flat.detach().clone();
        var (weight, bias) = (model.Parameters["dense.weight"].detach(), model.Parameters["dense.bias"].detach());
        var before = F.linear(images, weight, bias);
        var pass = SupportStatistics.Of(model, images);
        Assert.True(pass.Buffer(0).allclose(before.mean([0]), 1e-4, 1e-5));
        Assert.True(pass.Buffer(1).allclose(before.var([0]), 1e-4, 1e-5));
        Assert.True(own.equal(model.Buffers.Flat).all().item<bool>());
    }

    /// <summary>Dense, batch norm, dense: 16 inputs. The features count as maps where filters are given.</summary>
    internal sealed class SmallNorm(int features = 8, int filters = 0) : Network
    {
        public override string Name => "small-norm";

        public override long[] InputShape => [16];

        public override long Features => features;

        public override IReadOnlyList<long> HiddenUnits => filters > 0 ? [filters] : [];

        public override IReadOnlyList<ParameterInfo> Parameters { get; } =
        [
            new("dense.weight", [32, 16]), new("dense.bias", [32]), new("norm.weight", [32]), new("norm.bias", [32]),
            new("last.weight", [features, 32]), new("last.bias", [features]),
        ];

        public override IReadOnlyList<ParameterInfo> Buffers { get; } = [new("mean", [32]), new("variance", [32])];

        public override Tensor Forward(Pass pass, Tensor input)
        {
            var x = F.linear(input, pass.Parameter(0), pass.Parameter(1));
            x = F.batch_norm(
                x, pass.Buffer(0), pass.Buffer(1), pass.Parameter(2), pass.Parameter(3), pass.Training, 0.3);
            return F.linear(F.relu(x), pass.Parameter(4), pass.Parameter(5));
        }

        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
        {
            Initialization.TorchDefault(parameter(0), parameter(1), rng.Split("dense"));
            Initialization.TorchDefault(parameter(4), parameter(5), rng.Split("last"));
            parameter(2).fill_(1);
            buffer(1).fill_(1);
        }
    }

    /// <summary>The features are the input.</summary>
    private sealed class Identity(int size) : Network
    {
        public override string Name => "identity";

        public override long[] InputShape => [size];

        public override long Features => size;

        public override IReadOnlyList<ParameterInfo> Parameters => [];

        public override Tensor Forward(Pass pass, Tensor input) => input;

        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) { }
    }

    private sealed class Given(Tensor images) : IEpisodeSource
    {
        public string Name => "given";

        public long[] InputShape => [16];

        public void Require(Split split, EpisodeShape shape) { }

        public Episode Draw(Split split, EpisodeShape shape, Rng rng, Device device, ScalarType dtype) =>
            new(shape, images.clone(), [.. Enumerable.Range(0, shape.Way)]);
    }

    private sealed class NoEpisode : ITask
    {
        public TaskInfo Info => new("no-episode", [1], []);

        public ITaskStream Open(Rng rng, Device device) => throw new NotSupportedException();
    }
}

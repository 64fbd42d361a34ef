// WarpGrad: warps that start as the identity, their gradients, and what local, central and online have in common.
using RlLeap.Agents;
using RlLeap.Data;
using RlLeap.Environments;
using RlLeap.MetaLearning;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class WarpTests
{
    private static readonly SmallMlp Network = new([1, 5, 4], activateLast: true);
    private static readonly Head Shared = new("head", 1, Shared: true);
    private static readonly SinusoidTask Sine = new("sine", 1.5, 0.3, Shared);

    public static TheoryData<WarpLayer, int, bool> Kinds => new()
    {
        { WarpLayer.Scaling, 1, false }, { WarpLayer.Conv1x1, 1, false }, { WarpLayer.Conv3x3, 1, false },
        { WarpLayer.Conv3x3, 1, true }, { WarpLayer.Conv3x3, 2, true }, { WarpLayer.Conv1x1, 2, true },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Identity_warps_change_nothing_to_the_bit(WarpLayer layer, int depth, bool residual)
    {
        var games = new ActorCriticTask("MinAtar/Breakout-v1", ActorCriticOptions.MinAtar with { Environments = 4 });
        (ITask Task, Network Network, long Warps)[] all =
        [
            (NoiseAlphabet(), ConvolutionalEncoder.Omniglot, 4), (games, games.CreateNetwork(), 2),
            (new NoiseImages(), ConvolutionalEncoder.MultiCv, 4), (Sine, Network, 2),
        ];
        foreach (var (task, network, warps) in all)
        {
            using var plain = new Learner(task, network, Sgd(3), new Rng(1));
            var with = new WarpedNetwork(network, layer, depth, residual);
            using var warped = new Learner(task, with, Sgd(3), new Rng(1));
            var own = warped.Model.Parameters.Layout.Entries.Where(entry => entry.Role == ParameterRole.Meta).ToList();
            Assert.Equal(warps * (layer == WarpLayer.Scaling ? 1 : 2 * depth), own.Count);
            // Hooks turn kernels of agents' encoders off, whose sums are in another order.
            plain.Model.Hooks = new LayerHooks(Units: (_, units) => units);
            for (var step = 0; step < 3; step++) Assert.Equal(plain.TrainStep().Loss, warped.TrainStep().Loss);
            foreach (var entry in plain.Model.Parameters.Layout.Entries)
                Assert.True(plain.Model.Parameters[entry.Name].detach()
                    .Equals(warped.Model.Parameters[entry.Name].detach()), $"{network.Name}: {entry.Name}");
        }
    }

    [Fact]
    public void The_paper_s_warp_has_as_many_parameters()
    {
        var layout = Model.LayoutOf(new WarpedNetwork(ConvolutionalEncoder.Omniglot, WarpLayer.Conv3x3),
            [new Head("classes", 20)]);
        Assert.Equal(147_712, WarpObserver.MetaOf(layout).Sum(group => group.Count));
        Assert.Equal(113_236, layout.Groups().Sum(group => group.Count));
    }

    // One point, so the displacement is the rate times the gradient. Theta is where the task starts.
    [Theory]
    [InlineData(WarpLayer.Scaling, 1, false)]
    [InlineData(WarpLayer.Conv1x1, 1, false)]
    [InlineData(WarpLayer.Conv3x3, 2, true)]
    public void The_exact_derivative_is_that_of_central_differences(WarpLayer layer, int depth, bool residual)
    {
        var method = new WarpOptions
        {
            Layer = layer, Depth = depth, Residual = residual, Update = WarpUpdate.Local, Exact = true,
            KeepEvery = 100, Rate = 1e-3,
        };
        using var start = Start(new WarpedNetwork(Network, layer, depth, residual));
        var gradient = Run(method, Sine, start, Sgd(1, rate: 0.3)).MetaGradient;
        var some = false;
        foreach (var group in WarpObserver.MetaOf(start.Shared.Layout))
            for (var i = group.Start; i < group.Start + group.Count; i++)
            {
                const double h = 1e-5;
                var numeric = (After(start, i, h) - After(start, i, -h)) / (2 * h);
                Assert.Equal(numeric, gradient[i] / method.Rate, 1e-7 * Math.Max(1, Math.Abs(numeric)));
                some |= Math.Abs(numeric) > 1e-3;
            }
        Assert.True(some);

        // The loss on a second batch, one step of SGD after a first batch's.
        static double After(MetaInitialization start, long i, double h)
        {
            using var scope = NewDisposeScope();
            using var model = new Model(start.Network, [Shared], ScalarType.Float64);
            start.ApplyTo(model);
            model.Parameters.Flat.detach().narrow(0, i, 1).add_(h);
            using var stream = Sine.Open(new Rng(7).Split("warp").Split("stream"), CPU);
            using var first = stream.NextBatch(model);
            stream.Loss(model, first).backward();
            foreach (var entry in model.Parameters.Layout.Entries.Where(e => e.Role == ParameterRole.Adapted))
                model.Parameters[entry.Name].detach().sub_(model.Parameters.GradientOf(entry.Name) * 0.3);
            using var second = stream.NextBatch(model);
            return stream.Loss(model, second).item<double>();
        }
    }

    [Fact]
    public void First_order_is_exact_without_the_inner_step()
    {
        var same = new SameBatch();
        using var start = Start(new WarpedNetwork(Network, WarpLayer.Conv1x1));
        var first = Local(exact: false, rate: 0);
        Assert.Equal(first, Local(exact: true, rate: 0));
        Assert.NotEqual(first, Local(exact: true, rate: 0.1));

        double[] Local(bool exact, double rate) => Run(
            new WarpOptions { Update = WarpUpdate.Local, Exact = exact, KeepEvery = 1, Layer = WarpLayer.Conv1x1 },
            same, start, Sgd(3, rate)).MetaGradient;
    }

    // One hidden unit w x, its warp s, and a head: (v s w x + c - y)^2, summed up by hand.
    [Fact]
    public void Online_is_what_a_hand_computation_on_two_layers_gives()
    {
        const double rate = 0.05;
        var task = new SameBatch();
        using var start = Start(new WarpedNetwork(new OneUnit(), WarpLayer.Scaling));
        double Value(string name) => start.Shared[name].detach().item<double>();
        var (w, s, v, c) = (Value("w"), Value("warp.0.0.weight"), Value("head.weight"), Value("head.bias"));
        Assert.Equal(1, s);
        s = 0.7;
        start.Shared["warp.0.0.weight"].detach().fill_(s);
        var sum = 0.0;
        for (var step = 0; step < 4; step++)
        {
            double dw = 0, ds = 0, dv = 0, dc = 0;
            foreach (var (x, y) in SameBatch.Points)
            {
                var r = 2 * (v * s * w * x + c - y) / SameBatch.Points.Length;
                (dw, ds, dv, dc) = (dw + r * v * s * x, ds + r * v * w * x, dv + r * s * w * x, dc + r);
            }
            sum += ds;
            (w, v, c) = (w - rate * dw, v - rate * dv, c - rate * dc);
        }
        var contribution = Run(new WarpOptions { Layer = WarpLayer.Scaling }, task, start, Sgd(4, rate));
        var at = start.Shared.Layout.Offsets[start.Shared.Layout.IndexOf("warp.0.0.weight")];
        Assert.Equal(sum, contribution.MetaGradient[at], 1e-12);
    }

    [Fact]
    public void The_initialization_beside_it_is_learned_as_without_warps()
    {
        var leap = new LeapOptions { LossInPath = false };
        using var plain = Start(Network);
        using var warped = Start(new WarpedNetwork(Network, WarpLayer.Conv1x1));
        var alone = Run(leap, Sine, plain, Sgd(5));
        foreach (var update in Enum.GetValues<WarpUpdate>())
        {
            var method = new WarpOptions { Initialization = leap, Update = update, Layer = WarpLayer.Conv1x1 };
            var beside = Run(method, Sine, warped, Sgd(5));
            var (a, b) = (Adapted(alone, plain), Adapted(beside, warped));
            Assert.Equal(a, b);
            Assert.Equal(alone.Metrics["path.length"], beside.Metrics["path.length"]);
            Assert.NotEqual(0, a.Sum(Math.Abs));
        }
        var none = Run(new WarpOptions { Initialization = null }, Sine, warped, Sgd(5));
        Assert.All(Adapted(none, warped), value => Assert.Equal(0, value));

        static double[] Adapted(Contribution contribution, MetaInitialization start) => [.. start.Shared.Layout.Groups()
            .SelectMany(group => contribution.MetaGradient.Skip((int)group.Start).Take((int)group.Count))];
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_one_task_central_is_local(bool exact)
    {
        var options = new WarpOptions { Exact = exact, KeepEvery = 2, Rate = 0.05, Layer = WarpLayer.Conv1x1 };
        using var local = (options with { Update = WarpUpdate.Local }).Create(Context());
        using var central = (options with { Update = WarpUpdate.Central }).Create(Context());
        for (var step = 0; step < 2; step++)
        {
            var before = local.Initialization.Shared["warp.0.0.weight"].detach().clone();
            local.MetaStep([Sine], new ThreadExecutor(1));
            central.MetaStep([Sine], new ThreadExecutor(1));
            Assert.True(local.Initialization.Shared.Flat.allclose(central.Initialization.Shared.Flat, 1e-13, 1e-14));
            Assert.False(local.Initialization.Shared["warp.0.0.weight"].detach().Equals(before));
        }
    }

    [Fact]
    public void A_second_round_goes_on_from_the_mean_of_the_first()
    {
        var two = new WarpOptions
        {
            Update = WarpUpdate.Local, Rounds = 2, KeepEvery = 2, Rate = 0.05, Layer = WarpLayer.Conv1x1,
            Initialization = null,
        };
        var other = new SinusoidTask("other", 0.7, 1.9, Shared);
        var context = Context() with { Pool = [Sine, other] };
        using var meta = two.Create(context);
        using var once = (two with { Rounds = 1 }).Create(context);
        using var start = Start(meta.Initialization.Network);
        start.Shared.CopyFrom(meta.Initialization.Shared);
        var seen = new Witness();
        meta.MetaStep([Sine, other], seen);
        once.MetaStep([Sine, other], new ThreadExecutor(1));

        // The second round by hand: both tasks from where one round ends.
        var layout = start.Shared.Layout;
        var displacement = new double[WarpObserver.MetaOf(layout).Sum(group => group.Count)];
        foreach (var (task, outcome) in new[] { Sine, other }.Zip(seen.Outcomes))
        {
            using var model = WarpPass.ModelOf(once.Initialization, task, outcome.Job);
            var pass = new WarpPass(two, outcome.Job, round: 1);
            pass.Add(task, model, outcome.Contribution!.Points!);
            foreach (var (d, i) in pass.Run(default).Select((d, i) => (d, i))) displacement[i] += d / 2;
        }
        var at = (int)WarpObserver.MetaOf(layout)[0].Start;
        var (first, second) = (Warps(once), Warps(meta));
        for (var i = 0; i < displacement.Length; i++) Assert.Equal(first[i] - displacement[i], second[i], 1e-13);
        Assert.NotEqual(first, second);

        double[] Warps(IMetaLearner learner) =>
            learner.Initialization.Shared.Flat.detach().data<double>().ToArray()[at..(at + displacement.Length)];
    }

    [Fact]
    public void Layers_keep_their_names_in_diagnoses()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(new WarpedNetwork(Network, WarpLayer.Conv1x1), []);
        model.Initialize(new Rng(1));
        Assert.Equal(["0", "2"], NetworkDiagnostics.Of(model, rand(8, 1)).Layers.Select(layer => layer.Name));
    }

    private sealed class Witness : IExecutor
    {
        public IReadOnlyList<TaskOutcome> Outcomes { get; private set; } = [];

        public IReadOnlyList<TaskOutcome> Map(
            MetaBatch step, TrainTask train, CancellationToken cancellation = default) =>
            Outcomes = new ThreadExecutor(2).Map(step, train, cancellation);
    }

    [Theory]
    [InlineData(WarpUpdate.Online)]
    [InlineData(WarpUpdate.Local)]
    [InlineData(WarpUpdate.Central)]
    public void A_training_that_was_interrupted_contributes_the_same_bits(WarpUpdate update)
    {
        using var folder = new TempFolder();
        var method = new WarpOptions { Update = update, KeepEvery = 3, Layer = WarpLayer.Conv1x1 };
        using var start = Start(new WarpedNetwork(Network, WarpLayer.Conv1x1));
        var whole = Run(method, Sine, start, Sgd(9));
        using var stop = new CancellationTokenSource();
        var hooks = new TrainingHooks
        {
            Checkpoint = _ => folder["checkpoint"],
            Stepped = (_, record) => { if (record.Step == 4) stop.Cancel(); },
        };
        Assert.ThrowsAny<OperationCanceledException>(() =>
            TaskRun.Execute(Job(method, Sine, Sgd(9)), Sine, start, hooks, stop.Token));
        var outcome = TaskRun.Execute(Job(method, Sine, Sgd(9)), Sine, start, hooks with { Stepped = null });
        outcome.Save(folder["outcome"]);
        var again = TaskOutcome.Load(folder["outcome"], outcome.Job).Contribution!;
        Assert.Equal(whole.MetaGradient, again.MetaGradient);
        Assert.Equal(update == WarpUpdate.Central ? 3 : 0, again.Points?.Count ?? 0);
        Assert.Equal(whole.Points?.SelectMany(point => point), again.Points?.SelectMany(point => point));
    }

    [Fact]
    public void A_task_does_not_move_warps_and_a_frozen_warp_never_moves()
    {
        var roles = new Dictionary<string, ParameterRole> { ["warp.1"] = ParameterRole.Frozen };
        var learner = Sgd(4) with { Roles = roles };
        foreach (var update in Enum.GetValues<WarpUpdate>())
        {
            using var meta = new WarpOptions { Update = update, KeepEvery = 1 }.Create(
                Context() with { Learner = learner });
            meta.MetaStep([Sine], new ThreadExecutor(1));
            var shared = meta.Initialization.Shared;
            Assert.False(shared["warp.0.0.weight"].detach().Equals(eye(5, dtype: ScalarType.Float64)));
            Assert.True(shared["warp.1.0.weight"].detach().Equals(eye(4, dtype: ScalarType.Float64)));
            using var trained = meta.Begin(Sine, learner, new Rng(1));
            while (!trained.IsDone) trained.TrainStep();
            var own = trained.Model.Parameters;
            Assert.True(own["warp.0.0.weight"].detach().Equals(shared["warp.0.0.weight"].detach()));
            Assert.False(own["0.weight"].detach().Equals(shared["0.weight"].detach()));
        }
    }

    [Fact]
    public void Warps_that_are_adapted_are_ordinary_layers()
    {
        var roles = new Dictionary<string, ParameterRole> { ["warp"] = ParameterRole.Adapted };
        var learner = Sgd(4) with { Roles = roles };
        foreach (var update in Enum.GetValues<WarpUpdate>())
        {
            using var meta = new WarpOptions { Update = update }.Create(Context() with { Learner = learner });
            meta.MetaStep([Sine], new ThreadExecutor(1));
            using var trained = meta.Begin(Sine, learner, new Rng(1));
            trained.TrainStep();
            Assert.False(trained.Model.Parameters["warp.0.0.weight"].detach()
                .Equals(meta.Initialization.Shared["warp.0.0.weight"].detach()));
        }
    }

    [Fact]
    public void What_cannot_work_is_an_error_before_training()
    {
        Error("no places for warps", new WarpOptions(), Context() with { Network = new OneUnit { Places = false } });
        Error("two layers", new WarpOptions { Depth = 2 }, Context());
        Error("nothing to add to", new WarpOptions { Layer = WarpLayer.Scaling, Residual = true }, Context());
        Error("update: local or central", new WarpOptions { Exact = true }, Context());
        Error("method.initialization is finetuning", new WarpOptions { Initialization = new FinetuningOptions() },
            Context());
        Error("The points that WarpGrad stores take", new WarpOptions { Update = WarpUpdate.Central, KeepEvery = 1 },
            Context() with { Learner = Sgd(1_000_000_000), MetaBatch = 1_000 });

        static void Error(string expected, WarpOptions method, MetaLearnerContext context) => Assert.Contains(expected,
            Assert.Throws<RlLeapException>(() => method.Create(context)).Message, StringComparison.Ordinal);
    }

    private static MetaLearnerContext Context() => new()
    {
        Network = Network, Pool = [Sine], Learner = Sgd(6), Rng = new Rng(5), DType = ScalarType.Float64,
        MetaOptimizer = new OptimizerOptions { LearningRate = 0.01 },
    };

    // Numbers that float32 has too, as stored points are.
    private static MetaInitialization Start(Network network)
    {
        var start = new MetaInitialization(network, [Shared], ScalarType.Float64);
        start.Initialize(new Rng(3));
        using var _ = no_grad();
        start.Shared.Flat.copy_(start.Shared.Flat.to_type(ScalarType.Float32));
        return start;
    }

    private static TaskJob Job(PerTaskMethod method, ITask task, LearnerOptions learner) => new()
    {
        TaskId = task.Info.Id, Seed = 7, MetaStep = 0, Index = 0, Method = method, Learner = learner,
    };

    private static Contribution Run(
        PerTaskMethod method, ITask task, MetaInitialization start, LearnerOptions learner) =>
        TaskRun.Execute(Job(method, task, learner), task, start).Contribution!;

    private static LearnerOptions Sgd(long steps, double rate = 0.05) =>
        new() { GradientSteps = steps, Optimizer = new OptimizerOptions { LearningRate = rate } };

    private static OmniglotTask NoiseAlphabet()
    {
        var pixels = new byte[20 * OmniglotData.DrawingsPerCharacter * OmniglotData.Pixels];
        var rng = new Rng(1);
        foreach (ref var pixel in pixels.AsSpan()) pixel = (byte)(rng.NextDouble() < 0.1 ? 0 : 1);
        return new OmniglotTask(new OmniglotAlphabet("noise", 20, pixels), new Rng(0));
    }

    private sealed class NoiseImages() : ImageTask("noise", new Noise(), 3)
    {
        private sealed class Noise : IImageSource
        {
            public (int Channels, int Side) Shape => (3, 32);
            public int Count(RlLeap.Split split) => 40;

            public void Fill(RlLeap.Split split, ReadOnlySpan<int> indices, Span<float> images, Span<long> labels,
                Rng rng)
            {
                rng.FillNormal(images);
                for (var i = 0; i < indices.Length; i++) labels[i] = indices[i] % 3;
            }
        }
    }

    /// <summary>w x, one hidden unit.</summary>
    private sealed class OneUnit : Network
    {
        public bool Places { get; init; } = true;
        public override string Name => "one unit";
        public override long[] InputShape => [1];
        public override long Features => 1;
        public override IReadOnlyList<ParameterInfo> Parameters { get; } = [new("w", [1, 1])];
        public override IReadOnlyList<long> HiddenUnits => Places ? [1] : [];
        public override Tensor Forward(Pass pass, Tensor input) => pass.Units(0, input.matmul(pass.Parameter(0).t()));
        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) =>
            parameter(0).fill_(0.5);
    }

    /// <summary>Regression of four points, the same in every batch.</summary>
    private sealed class SameBatch : ITask
    {
        public static readonly (double X, double Y)[] Points = [(1, 2), (-1, 0.5), (0.5, -1), (2, 1)];

        public TaskInfo Info { get; } = new("same", [1], [Shared]);

        public ITaskStream Open(Rng rng, Device device) => new Stream();

        private sealed class Stream : ITaskStream
        {
            public IBatch NextBatch(Model model, RlLeap.Split split) => new SinusoidBatch(
                tensor(Points.Select(p => p.X).ToArray(), [4, 1]).DetachFromDisposeScope(),
                tensor(Points.Select(p => p.Y).ToArray(), [4, 1]).DetachFromDisposeScope());

            public Tensor Loss(Model model, IBatch batch) =>
                nn.functional.mse_loss(model.Output(((SinusoidBatch)batch).X), ((SinusoidBatch)batch).Y);

            public IReadOnlyDictionary<string, double> Score(Model model, RlLeap.Split split) =>
                new Dictionary<string, double>();
            public bool CanSave => true;
            public byte[] Save() => [];
            public void Restore(ReadOnlySpan<byte> state) { }
            public void Dispose() { }
        }
    }
}

public sealed class WarpOnlineKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new WarpOptions { Layer = WarpLayer.Conv1x1 };
}

public sealed class WarpLocalKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new WarpOptions
    { Update = WarpUpdate.Local, KeepEvery = 3, Rate = 0.01, Initialization = new ReptileOptions() };
}

public sealed class WarpLocalInTwoRoundsKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new WarpOptions
    { Update = WarpUpdate.Local, Rounds = 2, KeepEvery = 3, Rate = 0.01 };
}

public sealed class WarpCentralKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new WarpOptions
    { Update = WarpUpdate.Central, Exact = true, KeepEvery = 3, Rate = 0.01, Initialization = null };
    protected override LearnerOptions Learner => base.Learner with { Optimizer = new() { LearningRate = 0.02 } };
}

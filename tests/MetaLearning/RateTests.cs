// Step sizes that are meta-learned: from the path, and by Meta-SGD, which differentiates through training.
using RlLeap.MetaLearning;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class RateTests
{
    private static readonly WarpOptions FromPath =
        new() { Layer = WarpLayer.None, Initialization = null, LearnRates = 0.1 };
    private static readonly MetaSgdOptions Through = new() { Outer = OuterBatch.NextTraining };

    // Meta-SGD after one step, and the path of two points: the same derivative.
    [Fact]
    public void Of_one_step_the_path_gives_the_derivative_that_MetaSgd_gives()
    {
        var (path, through) = (Gradient(FromPath, steps: 2), Gradient(Through, steps: 1));
        Assert.Equal(["rate.flat", "rate.steep"], path.Keys.Order());
        foreach (var layer in new[] { "flat", "steep" })
        {
            Assert.NotEqual(0, path["rate." + layer]);
            Assert.Equal(through[$"rate.{layer}.x"], path["rate." + layer], 1e-12);
        }
    }

    // 0.5 (4 x^2 + 0.5 y^2) at rate 0.1: one step ends at the minimum with the factors 2.5 and 20.
    [Fact]
    public void Both_find_the_step_sizes_that_solve_a_quadratic_in_one_step()
    {
        foreach (PerTaskMethod method in new PerTaskMethod[] { FromPath, Through })
        {
            using var start = Start(method);
            for (var i = 0; i < 4000; i++)
                foreach (var (name, gradient) in Gradient(method, method == FromPath ? 2 : 1, start))
                    start.Shared[name].detach().sub_(gradient * (method == FromPath ? 0.1 : 1));
            var factor = method == FromPath
                ? (Func<string, double>)(name => Math.Exp(start.Shared["rate." + name].detach().item<double>()))
                : name => start.Shared[$"rate.{name}.x"].detach().item<double>();
            Assert.Equal(2.5, factor("steep"), 1e-3);
            Assert.Equal(20, factor("flat"), 0.1);
        }
    }

    [Fact]
    public void A_task_learns_at_the_rates_that_were_learned()
    {
        foreach (PerTaskMethod method in new PerTaskMethod[] { FromPath, Through })
        {
            using var meta = method.Create(new MetaLearnerContext
            {
                Network = new Bowl(), Pool = [new Descent()], Rng = new Rng(1), DType = ScalarType.Float64,
                Learner = Sgd(3),
            });
            var rate = meta.Initialization.Shared[method == FromPath ? "rate.flat" : "rate.flat.x"].detach();
            rate.fill_(method == FromPath ? Math.Log(3) : 3);
            using var learner = meta.Begin(new Descent(), Sgd(3), new Rng(1));
            var (x, y) = (1.0, 2.0);
            for (var step = 0; step < 3; step++)
            {
                learner.TrainStep();
                (x, y) = (x - 0.1 * 4 * x, y - 0.3 * 0.5 * y);
            }
            Assert.Equal(x, learner.Model.Parameters["steep.x"].detach().item<double>(), 1e-12);
            Assert.Equal(y, learner.Model.Parameters["flat.x"].detach().item<double>(), 1e-12);
        }
    }

    [Fact]
    public void A_method_of_a_user_s_own_says_what_stands_still()
    {
        using var meta = new MyMethod.Anil("flat").Create(new MetaLearnerContext
        {
            Network = new Bowl(), Pool = [new Descent()], Rng = new Rng(1), DType = ScalarType.Float64,
            Learner = Sgd(3), MetaOptimizer = new OptimizerOptions { LearningRate = 0.01 },
        });
        using (var learner = meta.Begin(new Descent(), Sgd(3), new Rng(1)))
        {
            learner.TrainStep();
            Assert.Equal(1, learner.Model.Parameters["steep.x"].detach().item<double>());
            Assert.Equal(1.9, learner.Model.Parameters["flat.x"].detach().item<double>(), 1e-12);
        }
        meta.MetaStep([new Descent()], new ThreadExecutor(1));
        // The outer loss still moves what stands still inside: 4 x at x = 1.
        Assert.Equal(1 - 0.01 * 4, meta.Initialization.Shared["steep.x"].detach().item<double>(), 1e-12);
    }

    private static Dictionary<string, double> Gradient(PerTaskMethod method, long steps, MetaInitialization? at = null)
    {
        using var own = at is null ? Start(method) : null;
        var start = at ?? own!;
        var layout = start.Shared.Layout;
        var gradient = TaskRun.Execute(new TaskJob
        {
            TaskId = "descent", Seed = 7, MetaStep = 0, Index = 0, Method = method, Learner = Sgd(steps),
        }, new Descent(), start).Contribution!.MetaGradient;
        return layout.Entries.Where(entry => entry.Role == ParameterRole.Meta)
            .ToDictionary(entry => entry.Name, entry => gradient[layout.Offsets[layout.IndexOf(entry.Name)]]);
    }

    private static MetaInitialization Start(PerTaskMethod method)
    {
        using var meta = method.Create(new MetaLearnerContext
        {
            Network = new Bowl(), Pool = [new Descent()], Rng = new Rng(1), DType = ScalarType.Float64,
            Learner = Sgd(2),
        });
        var start = new MetaInitialization(meta.Initialization.Network, [], ScalarType.Float64);
        start.Shared.CopyFrom(meta.Initialization.Shared);
        return start;
    }

    private static LearnerOptions Sgd(long steps) =>
        new() { GradientSteps = steps, Optimizer = new OptimizerOptions { LearningRate = 0.1 } };

    /// <summary>0.5 (4 x^2 + 0.5 y^2) for every input, from x = 1 and y = 2.</summary>
    private sealed class Bowl : Network
    {
        public override string Name => "bowl";
        public override long[] InputShape => [1];
        public override long Features => 1;
        public override IReadOnlyList<ParameterInfo> Parameters { get; } = [new("steep.x", [1]), new("flat.x", [1])];
        public override Tensor Forward(Pass pass, Tensor input) =>
            (pass.Parameter(0).square() * 2 + pass.Parameter(1).square() * 0.25).expand(input.size(0), 1);

        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
        {
            parameter(0).fill_(1);
            parameter(1).fill_(2);
        }
    }

    /// <summary>The network's output is the loss.</summary>
    private sealed class Descent : ITask
    {
        public TaskInfo Info { get; } = new("descent", [1], []);

        public ITaskStream Open(Rng rng, Device device) => new Stream();

        private sealed class Stream : ITaskStream
        {
            public IBatch NextBatch(Model model, RlLeap.Split split) => new SinusoidBatch(
                zeros([1, 1], ScalarType.Float64).DetachFromDisposeScope(),
                zeros([1, 1], ScalarType.Float64).DetachFromDisposeScope());

            public Tensor Loss(Model model, IBatch batch) => model.Output(((SinusoidBatch)batch).X).sum();
            public IReadOnlyDictionary<string, double> Score(Model model, RlLeap.Split split) =>
                new Dictionary<string, double>();
            public bool CanSave => true;
            public byte[] Save() => [];
            public void Restore(ReadOnlySpan<byte> state) { }
            public void Dispose() { }
        }
    }
}

public sealed class MetaSgdKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new MetaSgdOptions();
    protected override LearnerOptions Learner => base.Learner with { GradientSteps = 3 };
}

public sealed class AnilOfTheExamplesKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new MyMethod.Anil("value");
    protected override LearnerOptions Learner => base.Learner with { GradientSteps = 3 };
}

public sealed class WarpWithLearnedRatesKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new WarpOptions { LearnRates = 0.01 };
}

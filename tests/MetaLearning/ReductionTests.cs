// What one method must equal another in, and what gradients must equal by definition.
using RlLeap.MetaLearning;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class ReductionTests
{
    private static readonly SmallMlp Network = new([1, 8, 6], activateLast: true);
    private static readonly Head Shared = new("value", 1, Shared: true);
    private static readonly SinusoidTask Task = new("sine", 2, 0.5, Shared);

    [Theory]
    [InlineData(false, OptimizerKind.Sgd)]
    [InlineData(true, OptimizerKind.Sgd)]
    [InlineData(false, OptimizerKind.Adam)]
    [InlineData(true, OptimizerKind.RmsProp)]
    public void LeapWithEnergyAndWithoutTheLossIsReptileOverTheObservedPoints(bool includeLastStep, OptimizerKind kind)
    {
        var learner = new LearnerOptions
        {
            GradientSteps = 40, Optimizer = new OptimizerOptions { Kind = kind, LearningRate = 0.01 },
        };
        var leap = Contribute(
            new LeapOptions { Metric = PathMetric.Energy, LossInPath = false, IncludeLastStep = includeLastStep },
            learner);
        var reptile = Contribute(new ReptileOptions { IncludeLastStep = includeLastStep }, learner);
        Close(reptile, leap, 1e-12);
        var other = Contribute(new ReptileOptions { IncludeLastStep = !includeLastStep }, learner);
        Assert.True(Distance(other, leap) > 1e-6, "the last step makes a difference");
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Adam)]
    public void AnObserverSeesPositionGradientAndLossOfOnePointAndTheGradientUnclipped(OptimizerKind kind)
    {
        var learner = new LearnerOptions
        {
            GradientSteps = 3,
            Optimizer = new OptimizerOptions { Kind = kind, LearningRate = 0.01, MaxGradientNorm = 0.1 },
        };
        var seen = new Witness();
        using var start = Start();
        using var run = start.Begin(Task, learner, new Rng(7), seen);
        using var stream = Task.Open(new Rng(7).Split("stream"), CPU); // the learner's own batches once more
        for (var step = 0; step < 3; step++)
        {
            var before = Values(run.Model.Parameters.Shared);
            using var scope = NewDisposeScope();
            using var model = new Model(Network, [Shared], ScalarType.Float64);
            model.Parameters.CopyFrom(run.Model.Parameters);
            using var batch = stream.NextBatch(model);
            var loss = stream.Loss(model, batch);
            loss.backward();
            run.TrainStep();
            Assert.True(run.Optimizer.GradientNorm > 0.2, "it was clipped");
            Assert.Equal(before, seen.Position);
            Assert.Equal(Values(model.Parameters.SharedGradient), seen.Gradient);
            Assert.Equal(loss.item<double>(), seen.Loss);
            Assert.NotEqual(before, Values(run.Model.Parameters.Shared));
        }
    }

    [Fact]
    public void ClippedGradientsEnterLeapUnclipped()
    {
        var learner = new LearnerOptions
        {
            GradientSteps = 2, Optimizer = new OptimizerOptions { LearningRate = 0.01, MaxGradientNorm = 0.1 },
        };
        using var start = Start();
        var seen = new Witness();
        using (var twin = start.Begin(Task, learner, new Rng(7), seen)) twin.TrainStep();
        var leap = new LeapOptions { Metric = PathMetric.Energy, Stabilizer = false };
        using var run = start.Begin(Task, learner, new Rng(7), leap.Observe("sine"));
        var loss0 = run.TrainStep().Loss;
        Assert.True(run.Optimizer.GradientNorm > 0.2, "it was clipped");
        var second = Values(run.Model.Parameters.Shared);
        var loss1 = run.TrainStep().Loss;
        var expected = seen.Position.Select((x, i) => -((loss1 - loss0) * seen.Gradient[i] + second[i] - x)).ToArray();
        Close(expected, run.Contribute().MetaGradient, 1e-12);
    }

    [Fact]
    public void MamlsGradientIsTheDerivativeOfTheLossAfterTraining()
    {
        var learner = new LearnerOptions
        {
            GradientSteps = 2,
            Optimizer = new OptimizerOptions { LearningRate = 0.05, Momentum = 0.5, WeightDecay = 0.01 },
        };
        var method = new MamlOptions { OuterBatches = 2 };
        var gradient = Contribute(method, learner);
        const double h = 1e-5;
        foreach (var i in new[] { 0, 3, 9, 20, 41, gradient.Length - 1 })
        {
            var difference = (Outer(i, h) - Outer(i, -h)) / (2 * h);
            var tolerance = 1e-7 + 1e-6 * Math.Abs(difference);
            Assert.InRange(gradient[i], difference - tolerance, difference + tolerance);
        }

        double Outer(int i, double shift)
        {
            using var start = Start();
            using (no_grad())
                start.Shared.Flat[i] = start.Shared.Flat[i] + shift;
            return Execute(method, learner, start).Contribution!.Metrics["loss.outer"];
        }
    }

    [Fact]
    public void TheSecondOrderMatters()
    {
        var learner = Sgd(gradientSteps: 3);
        var second = Contribute(new MamlOptions(), learner);
        Assert.True(Distance(second, Contribute(new MamlOptions { FirstOrder = true }, learner)) > 1e-6);
    }

    [Theory]
    [InlineData(OuterBatch.Validation)]
    [InlineData(OuterBatch.NextTraining)]
    public void FirstOrderMamlIsMamlWithTheGraphCut(OuterBatch outer)
    {
        var learner = Sgd(gradientSteps: 4);
        var maml = Contribute(new MamlOptions { FirstOrder = true, Outer = outer }, learner);
        Close(maml, Contribute(new FirstOrderMamlOptions { Gradient = outer }, learner), 1e-12);
    }

    [Fact]
    public void FirstOrderMamlOnTheLastTrainingBatchIsMamlOneStepShorter()
    {
        var shorter = new MamlOptions { FirstOrder = true, Outer = OuterBatch.NextTraining };
        var maml = Contribute(shorter, Sgd(gradientSteps: 3));
        Close(maml, Contribute(new FirstOrderMamlOptions(), Sgd(gradientSteps: 4)), 1e-12);
    }

    [Fact]
    public void AddingTheLastInnerLossAddsItsGradient()
    {
        var learner = Sgd(gradientSteps: 3);
        var with = Contribute(new MamlOptions { AddLastInnerLoss = true, FirstOrder = true }, learner);
        var without = Contribute(new MamlOptions { FirstOrder = true }, learner);
        var inner = Contribute(new FirstOrderMamlOptions(), learner);
        Close([.. without.Zip(inner, (a, b) => a + b)], with, 1e-12);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 100_003, 2e-5)]
    [InlineData(ScalarType.Float64, 100_003, 1e-13)]
    [InlineData(ScalarType.Float64, 1, 1e-13)]
    [InlineData(ScalarType.Float32, 4096, 2e-5)]
    public void ThePathsArithmeticIsTheSameByLoopsAndByTensorOperations(ScalarType dtype, int count, double tolerance)
    {
        using var scope = NewDisposeScope();
        // The same numbers once contiguous (loops) and once with a stride of two (tensor operations).
        Tensor[] plain = [.. Enumerable.Range(0, 5).Select(i => Noise(count, i).to_type(dtype))];
        Tensor[] strided = [.. plain.Select(x => stack([x, x], 1).select(1, 0))];
        Assert.Equal(count == 1, strided[0].is_contiguous());
        var squared = PathKernels.SquaredDistance(plain[0], plain[1]);
        Assert.Equal(PathKernels.SquaredDistance(strided[0], strided[1]), squared, squared * tolerance);
        foreach (var coefficient in new[] { 0, -0.7 })
        {
            squared = PathKernels.SquaredDistance(plain[0], plain[1]);
            Assert.Equal(squared, AddSegment(plain), squared * tolerance + 1e-300);
            Assert.Equal(squared, AddSegment(strided), squared * tolerance + 1e-300);
            Assert.True(LargestDifference(plain[3], strided[3]) < tolerance);
            Assert.True(LargestDifference(plain[0], plain[1]) == 0, "the previous point is where the training is");
            if (coefficient != 0)
                foreach (var x in new[] { plain, strided })
                    Assert.True(x[2].Equals(x[4]), "the previous gradient is the one there");
            plain[1].add_(plain[2]);
            strided[1].copy_(plain[1]);

            double AddSegment(Tensor[] x) => PathKernels.AddSegment(
                x[0], x[1], x[3], 0.3, coefficient == 0 ? null : (x[2], x[4], coefficient));
        }

        static double LargestDifference(Tensor a, Tensor b) =>
            (a - b).abs().max().to_type(ScalarType.Float64).item<double>();
    }

    private sealed class Witness : IPathObserver
    {
        public double[] Position { get; private set; } = [];
        public double[] Gradient { get; private set; } = [];
        public double Loss { get; private set; }
        public IReadOnlyDictionary<string, Tensor> State { get; } = new Dictionary<string, Tensor>();
        public IReadOnlyDictionary<string, double> Scalars { get; } = new Dictionary<string, double>();

        public void Observe(Tensor position, Tensor gradient, double loss) =>
            (Position, Gradient, Loss) = (Values(position), Values(gradient), loss);

        public Contribution Contribute(Tensor end) => throw new NotSupportedException();

        public void Restore(
            IReadOnlyDictionary<string, Tensor> state, IReadOnlyDictionary<string, double> scalars)
        { }

        public void Dispose() { }
    }

    internal static MetaInitialization Start(long seed = 3)
    {
        var start = new MetaInitialization(Network, [Shared], ScalarType.Float64);
        start.Initialize(new Rng(seed));
        return start;
    }

    private static Tensor Noise(int count, int seed)
    {
        var values = new float[count];
        new Rng(seed).FillNormal(values);
        return tensor(values);
    }

    private static double[] Contribute(PerTaskMethod method, LearnerOptions learner)
    {
        using var start = Start();
        return Execute(method, learner, start).Contribution!.MetaGradient;
    }

    private static TaskOutcome Execute(PerTaskMethod method, LearnerOptions learner, MetaInitialization start)
    {
        var job = new TaskJob
        {
            TaskId = "sine", Seed = 7, MetaStep = 0, Index = 0, Method = method, Learner = learner,
        };
        return TaskRun.Execute(job, Task, start);
    }

    private static LearnerOptions Sgd(long gradientSteps) =>
        new() { GradientSteps = gradientSteps, Optimizer = new OptimizerOptions { LearningRate = 0.05 } };

    private static double[] Values(Tensor tensor) => tensor.detach().data<double>().ToArray();

    private static double Distance(double[] a, double[] b) =>
        Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum() / a.Sum(x => x * x));

    private static void Close(double[] expected, double[] actual, double relative)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.InRange(Distance(expected, actual), 0, relative);
    }
}

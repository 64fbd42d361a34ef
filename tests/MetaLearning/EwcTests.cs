// Elastic weight consolidation and sequential finetuning: the penalty, the information, what a strength of 0 is.
using RlLeap.Data;
using RlLeap.MetaLearning;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class SequentialKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new SequentialOptions();
}

public sealed class EwcKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new EwcOptions { Strength = 2, FisherBatches = 3 };
}

public sealed class EwcTests
{
    private static readonly Head Head = new("value", 1);
    private static readonly SinusoidTask First = new("first", 2, 0.5, Head), Second = new("second", 1, 2, Head);

    [Fact]
    public void AStrengthOfZeroIsSequentialFinetuningToTheBit()
    {
        using var plain = Open(new SequentialOptions());
        using var free = Open(new EwcOptions { Strength = 0 });
        foreach (var task in new[] { First, Second, First })
        {
            plain.MetaStep([task], new InlineExecutor());
            free.MetaStep([task], new InlineExecutor());
        }
        Assert.Equal(ValuesOf(plain), ValuesOf(free));
        using var held = Open(new EwcOptions { Strength = 1 });
        held.MetaStep([First], new InlineExecutor());
        held.MetaStep([Second], new InlineExecutor());
        Assert.NotEqual(ValuesOf(plain), ValuesOf(held));
    }

    [Fact]
    public void ThePenaltyAndItsGradientAreThoseOfTheFormula()
    {
        using var scope = NewDisposeScope();
        using var meta = Open(new EwcOptions { Strength = 3, FisherBatches = 4 });
        meta.MetaStep([First], new InlineExecutor());
        using var learner = meta.Begin(Second, Learning, new Rng(5));
        var (anchor, information) = StateOf(meta, First);
        Assert.True(information.min().item<double>() >= 0 && information.max().item<double>() > 0);
        var model = learner.Model;
        using (no_grad())
        {
            Assert.Equal(anchor.data<double>().ToArray(), model.Parameters.Shared.data<double>().ToArray());
            model.Parameters.Shared.add_(0.1);
        }
        using var batch = learner.Stream.NextBatch(model);
        var (free, freeGradient) = LossAndGradient(training: false);
        var (held, heldGradient) = LossAndGradient(training: true);
        var moved = model.Parameters.Shared - anchor;
        Assert.Equal((1.5 * information * moved.square()).sum().item<double>(), held - free, 1e-9);
        var expected = (3 * information * moved).data<double>().ToArray();
        var actual = (heldGradient - freeGradient).data<double>().ToArray();
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-9);

        (double, Tensor) LossAndGradient(bool training)
        {
            model.Training = training;
            model.Parameters.ZeroGradient();
            var loss = learner.Stream.Loss(model, batch);
            loss.backward();
            return (loss.item<double>(), model.Parameters.SharedGradient.clone());
        }
    }

    [Fact]
    public void TheInformationIsTheMeanSquaredGradientTimesTheBatch()
    {
        // Summed once more by hand, over the same two batches.
        using var scope = NewDisposeScope();
        using var meta = Open(new EwcOptions { Strength = 1, FisherBatches = 2 });
        using var learner = ((Ewc)meta).Begin(First, Learning, new Rng(7));
        while (!learner.IsDone) learner.TrainStep();
        var state = learner.Stream.Save();
        var sum = zeros_like(learner.Model.Parameters.Shared);
        for (var i = 0; i < 2; i++)
        {
            using var batch = learner.Stream.NextBatch(learner.Model);
            learner.Model.Parameters.ZeroGradient();
            learner.Stream.Loss(learner.Model, batch).backward();
            sum += learner.Model.Parameters.SharedGradient.square() * batch.Count / 2;
        }
        learner.Stream.Restore(state);
        Assert.True(allclose(sum, ((Ewc)meta).InformationOf(learner), rtol: 1e-12));
    }

    [Fact]
    public void NoWeightIsHeldMoreFirmlyThanAskedFor()
    {
        using var scope = NewDisposeScope();
        using var meta = Open(new EwcOptions { Strength = 50, MaxCurvature = 2, FisherBatches = 4 });
        var third = new SinusoidTask("third", 1.5, 1, Head);
        meta.MetaStep([First], new InlineExecutor());
        meta.MetaStep([Second], new InlineExecutor());
        using var learner = meta.Begin(third, Learning, new Rng(5));
        var (_, one) = StateOf(meta, First);
        var (_, two) = StateOf(meta, Second);
        var whole = 50 * (one + two);
        Assert.True(whole.max().item<double>() > 2 && whole.min().item<double>() < 2);
        var before = Gradient();
        using (no_grad()) learner.Model.Parameters.Shared.add_(0.1);
        Assert.True(allclose(whole.minimum(tensor(2.0)) * 0.1, Gradient() - before, rtol: 1e-9, atol: 1e-9));

        // Of the penalty alone: with and without it, on one batch.
        Tensor Gradient()
        {
            using var batch = learner.Stream.NextBatch(learner.Model);
            Tensor At(bool training)
            {
                learner.Model.Training = training;
                learner.Model.Parameters.ZeroGradient();
                learner.Stream.Loss(learner.Model, batch).backward();
                return learner.Model.Parameters.SharedGradient.clone();
            }
            return At(true) - At(false);
        }
    }

    [Fact]
    public void ATaskSeenAgainIsNotHeldByItself()
    {
        using var scope = NewDisposeScope();
        using var meta = Open(new EwcOptions { Strength = 1000, FisherBatches = 2 });
        meta.MetaStep([First], new InlineExecutor());
        using var again = meta.Begin(First, Learning, new Rng(2));
        using var other = meta.Begin(Second, Learning, new Rng(2));
        Assert.Equal(0, PenaltyOf(again));
        Assert.NotEqual(0, PenaltyOf(other));

        static double PenaltyOf(Learner learner)
        {
            using (no_grad()) learner.Model.Parameters.Shared.add_(0.1);
            using var batch = learner.Stream.NextBatch(learner.Model);
            var held = learner.Stream.Loss(learner.Model, batch).item<double>();
            learner.Model.Training = false;
            return held - learner.Stream.Loss(learner.Model, batch).item<double>();
        }
    }

    [Fact]
    public void BatchNormsAreTheTasksOwnUnlessAskedFor()
    {
        foreach (var own in new[] { true, false })
        {
            using var scope = NewDisposeScope();
            var tasks = Enumerable.Range(0, 2).Select(i => (ITask)new ImageTask($"{i}", new Noise(i), 2)).ToArray();
            using var meta = new SequentialOptions { TaskNorms = own }.Create(new MetaLearnerContext
            {
                Network = new ConvolutionalEncoder(1, 8, filters: 4, blocks: 2), Pool = tasks,
                Learner = new LearnerOptions { GradientSteps = 4 }, Rng = new Rng(1),
            });
            meta.MetaStep([tasks[0]], new InlineExecutor());
            var (scale, mean) = Norms();
            meta.MetaStep([tasks[1]], new InlineExecutor());
            Assert.Equal(own, (scale, mean) == Norms());

            (double, double) Norms()
            {
                using var learner = meta.Begin(tasks[0], new LearnerOptions(), new Rng(3));
                return (learner.Model.Parameters["encoder.0.norm.weight"].sum().item<float>(),
                    learner.Model.Buffers["encoder.0.norm.running_mean"].sum().item<float>());
            }
        }
    }

    private static readonly LearnerOptions Learning =
        new() { GradientSteps = 12, Optimizer = new OptimizerOptions { LearningRate = 0.02 } };

    private static IMetaLearner Open(MetaLearningMethod method) => method.Create(new MetaLearnerContext
    {
        Network = new SmallMlp([1, 8, 6], activateLast: true), Pool = [First, Second], Learner = Learning,
        Rng = new Rng(1), DType = ScalarType.Float64,
    });

    private static double[] ValuesOf(IMetaLearner learner)
    {
        using var scope = NewDisposeScope();
        return learner.Initialization.Shared.Flat.detach().data<double>().ToArray();
    }

    private static (Tensor Anchor, Tensor Information) StateOf(IMetaLearner meta, SinusoidTask task)
    {
        using var folder = new TempFolder();
        meta.Save(folder["ewc.safetensors"]);
        var saved = SafeTensors.Read(folder["ewc.safetensors"]).Tensors;
        return (saved[$"task:{task.Info.Id}:{Ewc.Anchor}"], saved[$"task:{task.Info.Id}:{Ewc.Information}"]);
    }

    private sealed class Noise(int seed) : IImageSource
    {
        public (int Channels, int Side) Shape => (1, 8);

        public int Count(Split split) => 40;

        public void Fill(Split split, ReadOnlySpan<int> indices, Span<float> images, Span<long> labels, Rng rng)
        {
            for (var i = 0; i < indices.Length; i++)
            {
                labels[i] = indices[i] % 2;
                var own = new Rng(seed).Split("image", indices[i]);
                foreach (ref var pixel in images.Slice(i * 64, 64)) pixel = (float)(own.NextDouble() * (1 + seed));
            }
        }
    }
}

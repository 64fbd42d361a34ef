using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Testing;

/// <summary>What every meta-learner must keep; derive, name the method, and the facts run on small sine-wave tasks.</summary>
public abstract class MetaLearnerContract
{
    /// <summary>The method to test.</summary>
    protected abstract MetaLearningMethod Method { get; }

    /// <summary>How tasks are learned.</summary>
    protected virtual LearnerOptions Learner => new() { GradientSteps = 8, Optimizer = new OptimizerOptions { LearningRate = 0.02 } };

    /// <summary>How the initialization moves.</summary>
    protected virtual OptimizerOptions MetaOptimizer => new() { Kind = OptimizerKind.Adam, LearningRate = 0.01 };

    /// <summary>The head of all tasks; private ones are new for every task.</summary>
    protected virtual Head Head => new("value", 1);

    /// <summary>The pool.</summary>
    protected IReadOnlyList<ITask> Pool => SinusoidTask.Family(5, new Rng(11), Head);

    /// <summary>A meta-learner of a seed.</summary>
    protected IMetaLearner Open(long seed = 1) => Method.Create(new MetaLearnerContext
    {
        Network = new SmallMlp([1, 12, 10], activateLast: true), Pool = Pool, Learner = Learner, MetaOptimizer = MetaOptimizer, MetaSteps = 4, Rng = new Rng(seed),
    });

    /// <summary>Losses of the meta-steps and of learning a new task afterwards.</summary>
    protected List<double> Curve(IMetaLearner learner, int metaSteps = 3, IExecutor? executor = null)
    {
        var curve = new List<double>();
        for (var i = 0; i < metaSteps; i++)
            foreach (var task in learner.MetaStep(BatchAt(learner.MetaSteps), executor ?? new InlineExecutor()).Tasks)
                curve.AddRange(task.Metrics.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => m.Value));
        curve.AddRange(Learn(learner));
        return curve;
    }

    /// <summary>The same seed gives the same meta-training and the same learning after it, number by number.</summary>
    [Fact]
    public void TheSameSeedGivesTheSameCurve()
    {
        using var first = Open();
        using var second = Open();
        Assert.Equal(Curve(first), Curve(second));
    }

    /// <summary>Another seed gives another curve: the first fact is not about constants.</summary>
    [Fact]
    public void AnotherSeedGivesAnotherCurve()
    {
        using var first = Open(1);
        using var second = Open(2);
        first.MetaStep(BatchAt(0), new InlineExecutor());
        second.MetaStep(BatchAt(0), new InlineExecutor());
        Assert.NotEqual(Values(first), Values(second));
    }

    /// <summary>No bit depends on how many workers train or which finishes first.</summary>
    [Fact]
    public void WorkersAndTheirOrderDoNotChangeABit()
    {
        using var inline = Open();
        using var shuffled = Open();
        using var one = Open();
        using var two = Open();
        var curve = Curve(inline);
        Assert.Equal(curve, Curve(shuffled, executor: new InlineExecutor(new Rng(5))));
        Assert.Equal(curve, Curve(one, executor: new ThreadExecutor(1)));
        Assert.Equal(curve, Curve(two, executor: new ThreadExecutor(2)));
        Assert.Equal(Values(inline), Values(shuffled));
        Assert.Equal(Values(inline), Values(one));
        Assert.Equal(Values(inline), Values(two));
    }

    /// <summary>Training a task that was held out leaves what was meta-learned bit-identical.</summary>
    [Fact]
    public void TrainingAHeldOutTaskLeavesTheMetaLearnedStateBitIdentical()
    {
        using var learner = Open();
        learner.MetaStep(BatchAt(0), new InlineExecutor());
        var (before, file) = (Values(learner), Saved(learner));
        Learn(learner);
        Assert.Equal(before, Values(learner));
        Assert.Equal(file, Saved(learner));
    }

    /// <summary>Saving, loading into a fresh meta-learner and going on gives what going on without would have given.</summary>
    [Fact]
    public void SavingLoadingAndGoingOnChangesNothing()
    {
        var path = Path.Combine(Path.GetTempPath(), $"rlleap-{Guid.NewGuid():N}.safetensors");
        try
        {
            using var straight = Open();
            straight.MetaStep(BatchAt(0), new InlineExecutor());
            straight.MetaStep(BatchAt(1), new InlineExecutor());
            straight.Save(path);
            using var resumed = Open();
            resumed.Load(path);
            Assert.Equal(straight.MetaSteps, resumed.MetaSteps);
            Assert.Equal(Curve(straight, 2), Curve(resumed, 2));
            Assert.Equal(Saved(straight), Saved(resumed));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Meta-steps and learners leave no tensors behind.</summary>
    [Fact]
    public void LiveTensorsStayFlat()
    {
        using var learner = Open();
        long Live()
        {
            for (var i = 0; i < 2; i++) learner.MetaStep(BatchAt(learner.MetaSteps), new InlineExecutor());
            Learn(learner);
            return DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        }
        // Methods that keep something for every task have met all of them after a few batches.
        for (var i = 0; i < 3; i++) Live();
        var early = Live();
        Live();
        Assert.Equal(early, Live());
    }

    /// <summary>A cancelled meta-step is a step not made.</summary>
    [Fact]
    public void ACancelledMetaStepLeavesTheStateAsItWas()
    {
        using var learner = Open();
        learner.MetaStep(BatchAt(0), new InlineExecutor());
        var before = Saved(learner);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => learner.MetaStep(BatchAt(1), new ThreadExecutor(1), cancelled.Token));
        Assert.Equal(before, Saved(learner));
    }

    /// <summary>An empty batch is refused in words.</summary>
    [Fact]
    public void AnEmptyBatchIsRefused()
    {
        using var learner = Open();
        Assert.Contains("empty", Assert.Throws<RlLeapException>(() => learner.MetaStep([], new InlineExecutor())).Message);
    }

    private ITask[] BatchAt(long metaStep) => [.. new TaskSampler(new Rng(3), Pool.Count, 3).Batch(metaStep).Select(i => Pool[i])];

    private List<double> Learn(IMetaLearner meta)
    {
        using var learner = meta.Begin(new SinusoidTask("held-out", 2, 1, Head), Learner, new Rng(99));
        var losses = new List<double>();
        while (!learner.IsDone) losses.Add(learner.TrainStep().Loss);
        losses.Add(learner.Stream.Score(learner.Model, Split.Test)["loss"]);
        return losses;
    }

    private static float[] Values(IMetaLearner learner)
    {
        using var scope = NewDisposeScope();
        return [.. learner.Initialization.Shared.Flat.detach().data<float>(), .. learner.Initialization.Buffers.Flat.detach().data<float>()];
    }

    private static byte[] Saved(IMetaLearner learner)
    {
        var path = Path.Combine(Path.GetTempPath(), $"rlleap-{Guid.NewGuid():N}.safetensors");
        try
        {
            learner.Save(path);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}

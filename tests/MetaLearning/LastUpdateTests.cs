// A last update whose loss was finite can still give parameters that are not. After other updates the next loss tells.
using RlLeap.MetaLearning;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class LastUpdateTests
{
    private const int Steps = 4;
    private static readonly Head Head = new("value", 1);
    private static readonly ITask Sine = new SinusoidTask("sine", 1, 0, Head);

    [Theory]
    [InlineData("hat")]
    [InlineData("progressive")]
    public void AVisitThatEndsOutsideTheFiniteNumbersIsLeftOut(string method)
    {
        ITask[] pool = [Sine, new LastGradientIsNaN(new SinusoidTask("sick", 1, 1, Head))];
        using var meta = Open(method == "hat" ? new HatOptions() : new ProgressiveOptions(), pool);
        var record = meta.MetaStep(pool, new InlineExecutor());
        Assert.Equal("sine", Assert.Single(record.Tasks).TaskId);
        Assert.Equal("sick", Assert.Single(record.Diverged).Job.TaskId);
        Assert.All(Shared(meta), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void FinetuningIsThenAsBeforeTheMetaStep()
    {
        ITask[] pool = [Sine, new LastGradientIsNaN(new SinusoidTask("sick", 1, 1, Head))];
        using var folder = new TempFolder();
        using var meta = Open(new FinetuningOptions(), pool);
        meta.Save(folder["before"]);
        var error = Assert.Throws<RlLeapException>(() => meta.MetaStep(pool, new InlineExecutor()));
        Assert.Contains("sick", error.Message);
        meta.Save(folder["after"]);
        Assert.Equal(File.ReadAllBytes(folder["before"]), File.ReadAllBytes(folder["after"]));
        Assert.Equal(0, meta.MetaSteps);
    }

    private static IMetaLearner Open(MetaLearningMethod method, IReadOnlyList<ITask> pool) =>
        method.Create(new MetaLearnerContext
        {
            Network = new SmallMlp([1, 8, 6], activateLast: true),
            Pool = pool,
            Rng = new Rng(1),
            Learner = new LearnerOptions
            {
                GradientSteps = Steps, Optimizer = new OptimizerOptions { LearningRate = 0.02 },
            },
        });

    private static float[] Shared(IMetaLearner meta) =>
        meta.Initialization.Shared.Flat.detach().data<float>().ToArray();

    // The root of zero has the value 0 and no gradient.
    private sealed class LastGradientIsNaN(ITask inner) : ITask
    {
        public TaskInfo Info => inner.Info;

        public ITaskStream Open(Rng rng, Device device) => new Stream(inner.Open(rng, device));

        private sealed class Stream(ITaskStream inner) : ITaskStream
        {
            private int _losses;

            public Tensor Loss(Model model, IBatch batch)
            {
                var loss = inner.Loss(model, batch);
                return ++_losses < Steps ? loss : loss + (model.Output(((SinusoidBatch)batch).X) * 0).sum().sqrt();
            }

            public IBatch NextBatch(Model model, Split split) => inner.NextBatch(model, split);
            public IReadOnlyDictionary<string, double> Score(Model model, Split split) => inner.Score(model, split);
            public bool CanSave => inner.CanSave;
            public byte[] Save() => inner.Save();
            public void Restore(ReadOnlySpan<byte> state) => inner.Restore(state);
            public void Dispose() => inner.Dispose();
        }
    }
}

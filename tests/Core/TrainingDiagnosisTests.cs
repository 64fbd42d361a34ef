// TrainingDiagnosis: what a learner says of its network's state where it started and where it ended.
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Core;

public sealed class TrainingDiagnosisTests
{
    private static Learner Open(long steps, int batch = 120, bool diagnosed = true, double rate = 0.1)
    {
        var descent = new OptimizerOptions { Kind = OptimizerKind.Sgd, LearningRate = rate };
        return new Learner(new Noise(batch), new Half(),
            new LearnerOptions { GradientSteps = steps, Optimizer = descent }, new Rng(1))
        {
            Diagnosis = diagnosed ? new TrainingDiagnosis() : null,
        };
    }

    private static Dictionary<string, double> Finish(Learner learner)
    {
        while (!learner.IsDone) learner.TrainStep();
        var metrics = new Dictionary<string, double>();
        learner.Record(metrics);
        return metrics;
    }

    [Fact]
    public void TheStartIsMeasuredAtTheParametersBeforeTheFirstUpdateAndTheEndAtTheLastOnes()
    {
        // The loss drives all biases down: of four units two are alive at first, and none in the end.
        using var learner = Open(steps: 60);
        var metrics = Finish(learner);
        Assert.Equal(0.5, metrics["start.dense.dormant"]);
        Assert.Equal(1, metrics["end.dense.dormant"]);
        Assert.Equal((2, 0), (metrics["start.rank"], metrics["end.rank"]));
        Assert.Equal(1, metrics["start.dense.relative_norm"]);
        Assert.Equal("dense", NetworkDiagnostics.Worst(metrics, TrainingDiagnosis.End));
        // Half of a layer is not more than half
        Assert.Null(NetworkDiagnostics.Worst(metrics, TrainingDiagnosis.Start));
        Assert.Contains("100 % of the units of layer dense",
            NetworkDiagnostics.Warning(metrics, TrainingDiagnosis.End));
    }

    [Fact]
    public void AShortProcessIsMeasuredOnWhatThereWas()
    {
        using var learner = Open(steps: 3, batch: 20);
        var metrics = Finish(learner);
        Assert.Equal(0.5, metrics["start.dense.dormant"]);
        Assert.DoesNotContain("end.rank", metrics.Keys); // of 20 inputs one is 5 %
    }

    [Fact]
    public void MeasuringMovesNothing()
    {
        using var with = Open(steps: 60);
        using var without = Open(steps: 60, diagnosed: false);
        Assert.DoesNotContain("start.rank", Finish(without).Keys);
        Finish(with);
        Assert.True(with.Model.Parameters.Flat.Equals(without.Model.Parameters.Flat));
    }

    [Theory]
    [InlineData(5)]  // while inputs are collected
    [InlineData(40)] // after the start was measured
    public void AResumedProcessSaysTheSame(int stoppedAt)
    {
        using var folder = new TempFolder();
        using var whole = Open(steps: 60);
        var expected = Finish(whole);
        using (var first = Open(steps: 60))
        {
            for (var i = 0; i < stoppedAt; i++) first.TrainStep();
            first.Save(folder["half.safetensors"]);
        }
        using var second = Open(steps: 60);
        second.Load(folder["half.safetensors"]);
        Assert.Equal(expected, Finish(second));
    }

    [Fact]
    public void AStepMeasuresItsBatchWhereItIsAsked()
    {
        using var learner = Open(steps: 60);
        Assert.Null(learner.TrainStep().Diagnosis);
        learner.DiagnoseNext = true;
        Assert.Equal(0.5, learner.TrainStep().Diagnosis?.Layers.Single().Dormant);
        Assert.Null(learner.TrainStep().Diagnosis);
    }

    // Inputs are uniform noise; the loss is the sum of the features, so that gradients are positive wherever a unit is
    // active.
    private sealed class Noise(int batch) : ITask
    {
        public TaskInfo Info { get; } = new("noise", [4], []);
        public ITaskStream Open(Rng rng, Device device) => new Stream(rng, batch);

        private sealed class Stream(Rng rng, int batch) : ITaskStream
        {
            private Rng _rng = rng;

            public IBatch NextBatch(Model model, RlLeap.Split split)
            {
                var x = new float[batch * 4];
                _rng.FillUniform(x);
                return new Batch(tensor(x, [batch, 4]));
            }

            public Tensor Loss(Model model, IBatch batch) => model.Output(batch.Inputs!).sum(1).mean();
            public IReadOnlyDictionary<string, double> Score(Model model, RlLeap.Split split) =>
                new Dictionary<string, double>();
            public bool CanSave => true;
            public byte[] Save() => _rng.SaveState();
            public void Restore(ReadOnlySpan<byte> state) => _rng = Rng.FromState(state);
            public void Dispose() { }
        }

        private sealed record Batch(Tensor X) : IBatch
        {
            public Tensor? Inputs => X;
            public long Count => X.shape[0];
            public IReadOnlyDictionary<string, double> Metrics => new Dictionary<string, double>();
            public void Dispose() => X.Dispose();
        }
    }

    // One dense layer with ReLU: the identity, with two of its four units dead by their biases.
    private sealed class Half : Network
    {
        public override string Name => "half";
        public override long[] InputShape => [4];
        public override long Features => 4;
        public override IReadOnlyList<long> HiddenUnits => [4];
        public override IReadOnlyList<ParameterInfo> Parameters =>
            [new("dense.weight", [4, 4]), new("dense.bias", [4])];
        public override Tensor Forward(Pass pass, Tensor input) =>
            pass.Units(0, F.linear(input, pass.Parameter(0), pass.Parameter(1)).relu());

        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
        {
            parameter(0).copy_(eye(4));
            parameter(1).copy_(tensor(new[] { 0f, 0, -10, -10 }));
        }
    }
}

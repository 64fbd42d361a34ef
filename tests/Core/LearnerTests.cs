// Learner, LearningCurve, AtomicFile: one learning process from start to resume.
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Core;

public sealed class LearnerTests
{
    private static LearnerOptions Options(double rate = 0.1) => new()
    {
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.Adam, LearningRate = rate, MaxGradientNorm = 1 },
        GradientSteps = 60,
    };

    [Fact]
    public void ARegressionIsLearned()
    {
        using var learner = new Learner(new Regression(), new TinyNetwork(), Options(), new Rng(1));
        var losses = new List<double>();
        while (!learner.IsDone) losses.Add(learner.TrainStep().Loss);
        Assert.Equal(60, losses.Count);
        Assert.True(losses.TakeLast(10).Average() < 0.1 * losses.Take(5).Average(), $"{losses[0]} to {losses[^1]}");
        Assert.Equal(60 * 16, learner.Count);
    }

    [Fact]
    public void ASavedLearnerGoesOnToTheSameBits()
    {
        using var folder = new TempFolder();
        using var whole = new Learner(new Regression(), new TinyNetwork(), Options(), new Rng(2));
        while (!whole.IsDone) whole.TrainStep();

        using (var first = new Learner(new Regression(), new TinyNetwork(), Options(), new Rng(2)))
        {
            for (var i = 0; i < 23; i++) first.TrainStep();
            first.Save(folder["half.safetensors"]);
        }
        using var second = new Learner(new Regression(), new TinyNetwork(), Options(), new Rng(99));
        second.Load(folder["half.safetensors"]);
        Assert.Equal(23, second.Step);
        while (!second.IsDone) second.TrainStep();
        Assert.True(whole.Model.Parameters.Flat.Equals(second.Model.Parameters.Flat));
        Assert.Equal(whole.Count, second.Count);
    }

    [Fact]
    public void ACheckpointOfAnotherTaskOrADamagedOneIsRefused()
    {
        using var folder = new TempFolder();
        using var learner = new Learner(new Regression(), new TinyNetwork(), Options(), new Rng(2));
        learner.Save(folder["c.safetensors"]);
        using var other = new Learner(new Regression("other"), new TinyNetwork(), Options(), new Rng(2));
        Assert.Contains("other", Assert.Throws<RlLeapException>(() => other.Load(folder["c.safetensors"])).Message);
        File.WriteAllBytes(folder["d.safetensors"], File.ReadAllBytes(folder["c.safetensors"])[..^9]);
        Assert.Contains("not a whole",
            Assert.Throws<DamagedFileException>(() => learner.Load(folder["d.safetensors"])).Message);
    }

    [Theory]
    [InlineData(null, null, "0.1")] // before there was a header
    [InlineData("3", "9.9.9", "9.9.9")]
    public void ACheckpointOfAnotherLayoutIsRefusedAndNamesTheVersionThatWroteIt(string? layout, string? version,
        string named)
    {
        using var folder = new TempFolder();
        using var learner = new Learner(new Regression(), new TinyNetwork(), Options(), new Rng(2));
        learner.Save(folder["c.safetensors"]);
        var (tensors, notes) = SafeTensors.Read(folder["c.safetensors"]);
        var changed = notes.Where(note => note.Key is not ("layout" or "rlleap")).ToDictionary();
        if (layout is not null) (changed["layout"], changed["rlleap"]) = (layout, version!);
        SafeTensors.Write(folder["old.safetensors"], tensors, changed);
        foreach (var value in tensors.Values) value.Dispose();
        var message = Assert.Throws<RlLeapException>(() => learner.Load(folder["old.safetensors"])).Message;
        Assert.Contains($"written by RlLeap {named}", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void ALossThatIsNotFiniteStopsWithTheStepAndChangesNothing()
    {
        using var learner = new Learner(new Regression(explodeAt: 3), new TinyNetwork(), Options(), new Rng(2));
        for (var i = 0; i < 3; i++) learner.TrainStep();
        using var before = learner.Model.Parameters.Flat.detach().clone();
        var e = Assert.Throws<DivergenceException>(() => learner.TrainStep());
        Assert.Equal((3L, "regression"), (e.Step, e.Task));
        Assert.True(before.Equals(learner.Model.Parameters.Flat));
    }

    [Fact]
    public void ATaskOfAnotherShapeIsRefused() =>
        Assert.Contains("[3]", Assert.Throws<RlLeapException>(() =>
            new Learner(new Regression(inputs: 5), new TinyNetwork(), Options(), new Rng(1))).Message);

    [Fact]
    public void AreasUnderCurves()
    {
        Assert.Equal(2.0, LearningCurve.Of([1, 2, 3]).Area());
        // The authors divide the trapezoid sum by T
        Assert.Equal(4.0 / 3, LearningCurve.Of([1, 2, 3]).AreaAsAuthors(), 1e-15);
        Assert.Equal(3.5 / 4, new LearningCurve([0, 1, 4], [0, 1, 1]).Area(), 1e-15);
    }

    [Fact]
    public void AFailedWriteLeavesTheOldFileAndNoOther()
    {
        using var folder = new TempFolder();
        AtomicFile.WriteAllText(folder["a/b.txt"], "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(folder["a/b.txt"], s =>
        {
            s.WriteByte(1);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(folder["a/b.txt"]));
        Assert.Single(Directory.GetFiles(folder["a"]));
        Assert.Contains("b.txt",
            Assert.Throws<RlLeapException>(() => AtomicFile.WriteAllText(folder["a/b.txt/c"], "x")).Message);
    }

    /// <summary>y = a fixed linear map of x, minibatches of 16 from the stream's own rng.</summary>
    internal sealed class Regression(string id = "regression", int inputs = 3, int explodeAt = -1) : ITask
    {
        public TaskInfo Info { get; } = new(id, [inputs], [new Head("out", 2)]);
        public ITaskStream Open(Rng rng, Device device) => new Stream(rng, explodeAt);

        private sealed class Stream(Rng rng, int explodeAt) : ITaskStream
        {
            private Rng _rng = rng;
            private int _batches;

            public IBatch NextBatch(Model model, RlLeap.Split split)
            {
                var x = new float[16 * 3];
                _rng.FillNormal(x);
                return new Batch(tensor(x, [16, 3]), _batches++ == explodeAt ? float.NaN : 1);
            }

            public Tensor Loss(Model model, IBatch batch)
            {
                var (x, scale) = (Batch)batch;
                var target = x.matmul(tensor(new float[] { 0.1f, 0.2f, -0.3f, 0.2f, 0f, 0.1f }, [3, 2])) * scale;
                return F.mse_loss(model.Output(x), target);
            }

            public IReadOnlyDictionary<string, double> Score(Model model, RlLeap.Split split) =>
                new Dictionary<string, double>();
            public bool CanSave => true;
            public byte[] Save() => _rng.SaveState();
            public void Restore(ReadOnlySpan<byte> state) => _rng = Rng.FromState(state);
            public void Dispose() { }
        }

        private sealed record Batch(Tensor X, float Scale) : IBatch
        {
            public long Count => 16;
            public IReadOnlyDictionary<string, double> Metrics => new Dictionary<string, double>();
            public void Dispose() => X.Dispose();
        }
    }
}

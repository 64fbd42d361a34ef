// Distillation and domain-adversarial training: their losses and gradients by hand, what they reduce to, their state.
using RlLeap.Data;
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.MetaLearning;

public sealed class DistillationTests : IDisposable
{
    private static readonly LearnerOptions Learning =
        new() { GradientSteps = 6, Optimizer = new OptimizerOptions { LearningRate = 0.1 } };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheGradientOfTheLossIsTheClosedForm()
    {
        using var scope = NewDisposeScope();
        var options = new DistillationOptions { Temperature = 3, Weight = 0.6 };
        var student = tensor(new[] { 0.3, -1.2, 0.5, 2, 0.1, -0.4 }, [2, 3]).requires_grad_();
        var teacher = tensor(new[] { 1.0, 0.2, -0.7, -0.3, 0.9, 0.4 }, [2, 3]);
        var labels = tensor(new long[] { 2, 0 });
        var loss = options.Loss(student, teacher, labels);
        loss.backward();
        // (1 - w) (softmax(z) - onehot) / N + w T (softmax(z / T) - softmax(v / T)) / N, for N = 2 images.
        var hard = softmax(student.detach(), 1) - F.one_hot(labels, 3).to_type(ScalarType.Float64);
        var soft = softmax(student.detach() / 3, 1) - softmax(teacher / 3, 1);
        Assert.True(allclose((0.4 * hard + 0.6 * 3 * soft) / 2, student.grad!, rtol: 1e-12));
        var said = softmax(teacher / 3, 1);
        var kl = (said * (said.log() - F.log_softmax(student.detach() / 3, 1))).sum() / 2;
        Assert.Equal((0.4 * F.cross_entropy(student.detach(), labels) + 0.6 * 9 * kl).item<double>(),
            loss.item<double>(), 1e-12);
        Assert.Null(teacher.grad);
    }

    [Fact]
    public void WithoutWeightAStudentLearnsPlainlyToTheBit()
    {
        var task = new ImageTask("patterns", new Patterns(), 2) { BatchSize = 8 };
        var (plain, free, taught) = (Curve(new NoPretrainingOptions()), Curve(new DistillationOptions { Weight = 0 }),
            Curve(new DistillationOptions { Weight = 0.5 }));
        Assert.Equal(plain, free);
        Assert.NotEqual(plain[0], taught[0]); // the first loss: the same student, another loss
        // A teacher of another size, which its meta-step has changed, is what the students hear.
        Assert.NotEqual(taught, Curve(new DistillationOptions { Weight = 0.5 }, metaSteps: 2));

        List<double> Curve(MetaLearningMethod method, int metaSteps = 1)
        {
            using var meta = method.Create(Context(task));
            for (var i = 0; i < metaSteps; i++) meta.MetaStep([task], new ThreadExecutor(1));
            return Losses(meta.Begin(task, Learning, new Rng(7)));
        }
    }

    [Fact]
    public void TheTeacherIsLargerAndStandsStillWhileItsStudentLearns()
    {
        var task = new ImageTask("patterns", new Patterns(), 2) { BatchSize = 8 };
        using var meta = new DistillationOptions().Create(Context(task));
        meta.MetaStep([task], new ThreadExecutor(1));
        var teacher = ((Distillation)meta).TeacherOf("patterns");
        Assert.Equal("conv2x6", teacher.Network.Name);
        using var before = teacher.Parameters.Flat.detach().clone();
        using var learner = meta.Begin(task, Learning, new Rng(1));
        Assert.Equal("conv2x3", learner.Model.Network.Name);
        while (!learner.IsDone) learner.TrainStep();
        Assert.True(before.equal(teacher.Parameters.Flat.detach()).all().item<bool>());
    }

    [Fact]
    public void TeachersGoOnFromAFileToTheSameBits()
    {
        var task = new ImageTask("patterns", new Patterns(), 2) { BatchSize = 8 };
        using var straight = new DistillationOptions().Create(Context(task));
        straight.MetaStep([task], new ThreadExecutor(1));
        straight.Save(_folder["half.safetensors"]);
        using var resumed = new DistillationOptions().Create(Context(task));
        resumed.Load(_folder["half.safetensors"]);
        foreach (var meta in new[] { straight, resumed }) meta.MetaStep([task], new ThreadExecutor(1));
        straight.Save(_folder["a.safetensors"]);
        resumed.Save(_folder["b.safetensors"]);
        Assert.Equal(File.ReadAllBytes(_folder["a.safetensors"]), File.ReadAllBytes(_folder["b.safetensors"]));
    }

    [Fact]
    public void AReversedGradientIsMinusLambdaTimesTheGradient()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 1.0, -2, 3 }).requires_grad_();
        var y = GradientReversal.Apply(x, 0.25);
        Assert.Equal(x.detach().data<double>().ToArray(), y.detach().data<double>().ToArray());
        (y * y * tensor(new[] { 1.0, 2, 3 })).sum().backward(); // 2 c x, reversed
        Assert.Equal([-0.25 * 2, -0.25 * -8, -0.25 * 18], x.grad!.data<double>().ToArray());
    }

    [Fact]
    public void DomainUnitsLearnToTellDomainsApartAndTheEncoderNotTo()
    {
        using var scope = NewDisposeScope();
        var (source, target) = (Task("source", 0), Task("target", 1));
        var options = new DomainAdversarialOptions { Hidden = 5 };
        using var learner = new Learner(new DomainAdversarialTask(source, target, options, 6),
            new DomainNetwork(Encoder(3), 5), Learning, new Rng(2), dtype: ScalarType.Float64);
        var network = (DomainNetwork)learner.Model.Network;
        using var batch = learner.Stream.NextBatch(learner.Model);
        Dictionary<string, Tensor> At(double lambda)
        {
            network.Lambda = lambda;
            learner.Model.Parameters.ZeroGradient();
            learner.Stream.Loss(learner.Model, batch).backward();
            return learner.Model.Parameters.Layout.Entries.ToDictionary(
                entry => entry.Name, entry => learner.Model.Parameters.GradientOf(entry.Name).clone());
        }
        var (none, half, full) = (At(0), At(0.5), At(1));
        foreach (var name in none.Keys)
        {
            var reaches = name.StartsWith("encoder.");
            // The domains' part of the encoder's gradient is linear in lambda; nothing else depends on it.
            Assert.True(allclose(half[name] - none[name], (full[name] - none[name]) / 2, rtol: 1e-9, atol: 1e-12));
            Assert.Equal(reaches && !name.Contains("conv.bias"),
                (full[name] - none[name]).abs().max().item<double>() > 1e-9);
        }
        Assert.True(none["domain-units.weight"].abs().max().item<double>() > 0);
        // Without reversal the encoder would be told the opposite.
        network.Lambda = -1;
        learner.Model.Parameters.ZeroGradient();
        learner.Stream.Loss(learner.Model, batch).backward();
        const string First = "encoder.0.conv.weight";
        Assert.True(allclose(learner.Model.Parameters.GradientOf(First) - none[First], none[First] - full[First],
            rtol: 1e-9, atol: 1e-12));
    }

    [Fact]
    public void LambdaRisesFromZeroAndTheStreamGoesOnWhereItWas()
    {
        var options = new DomainAdversarialOptions();
        Assert.Equal(0, options.LambdaAt(0));
        Assert.Equal(2 / (1 + Math.Exp(-5)) - 1, options.LambdaAt(0.5), 1e-15);
        Assert.InRange(options.LambdaAt(1), 0.9999, 1);
        using var straight = Open();
        straight.TrainStep();
        straight.Save(_folder["half.safetensors"]);
        using var resumed = Open();
        resumed.Load(_folder["half.safetensors"]);
        Assert.Equal(Losses(straight), Losses(resumed));

        Learner Open() => new(new DomainAdversarialTask(Task("source", 0), Task("target", 1), options, 6),
            new DomainNetwork(Encoder(3), 5), Learning, new Rng(2));
    }

    [Fact]
    public void ItsScoreIsTheTargetsAndTargetLabelsAreNotLookedAt()
    {
        using var scope = NewDisposeScope();
        var (source, target) = (Task("source", 0), Task("target", 1));
        using var meta = new DomainAdversarialOptions().Create(Context(source));
        meta.MetaStep([source], new ThreadExecutor(1));
        using var learner = meta.Begin(target, Learning, new Rng(5));
        using var blind = meta.Begin(Task("target", 1, wrong: true), Learning, new Rng(5));
        while (!learner.IsDone) Assert.Equal(learner.TrainStep().Loss, blind.TrainStep().Loss);
        var own = learner.Stream.Score(learner.Model, Split.Test);
        using var one = new Model(Encoder(3), [learner.Model.Heads[0]]);
        one.Import(learner.Model.Export().ToDictionary(e => e.Name, e => e.Value));
        using var stream = target.Open(new Rng(5), CPU);
        Assert.Equal(stream.Score(one, Split.Test)["error"], own["error"]);
        Assert.Equal(1 - own["error"], blind.Stream.Score(blind.Model, Split.Test)["error"], 1e-12);
    }

    [Fact]
    public void AWeightOfZeroIsPlainTrainingOnTheSourceToTheBit()
    {
        var source = Task("source", 0);
        using var meta = new DomainAdversarialOptions { Weight = 0 }.Create(Context(source));
        using var learner = meta.Begin(Task("target", 1), Learning, new Rng(5));
        using var plain = new Learner(new FromSplit(source), Encoder(3), Learning, new Rng(5));
        while (!plain.IsDone) Assert.Equal(plain.TrainStep().Loss, learner.TrainStep().Loss);
        Assert.Equal(plain.Model.Parameters.Flat.detach().data<float>().ToArray(),
            learner.Model.Parameters.Flat.detach().data<float>().ToArray());
    }

    // The task with the random numbers that it has as a source.
    private sealed class FromSplit(ITask inner) : ITask
    {
        public TaskInfo Info => inner.Info;

        public ITaskStream Open(Rng rng, Device device) => inner.Open(rng.Split("source"), device);
    }

    [Fact]
    public void DigitsAreBlendedWithPhotographsByTheirDifference()
    {
        var digits = new ImageSet("digits", 1, 4, 4, 10, [.. Enumerable.Range(0, 3 * 16).Select(i => (byte)(5 * i))],
            [1, 2, 3], trainCount: 2);
        var photographs = new ImageSet("photographs", 3, 4, 4, 2,
            [.. Enumerable.Range(0, 2 * 48).Select(i => (byte)(i < 48 ? 100 : 30))], [0, 1], trainCount: 1);
        var blended = BlendedDigits.Of(digits, photographs, "blended");
        Assert.Equal((3, 4, 4, 10, 2), (blended.Channels, blended.Height, blended.Width, blended.Classes,
            blended.TrainCount));
        Assert.Equal(digits.Labels, blended.Labels);
        for (var i = 0; i < 3; i++)
            for (var k = 0; k < 48; k++)
                Assert.Equal(Math.Abs((i < 2 ? 100 : 30) - digits.Image(i)[k % 16]), blended.Image(i)[k]);
    }

    private static List<double> Losses(Learner learner)
    {
        using var own = learner;
        var losses = new List<double>();
        while (!own.IsDone) losses.Add(own.TrainStep().Loss);
        return losses;
    }

    private static ConvolutionalEncoder Encoder(int filters) =>
        new(1, 8, filters, blocks: 2) { PoolFirst = false };

    private static ImageTask Task(string name, int shift, bool wrong = false) =>
        new(name, new Patterns(shift, wrong), 2) { BatchSize = 8 };

    private static MetaLearnerContext Context(ITask task) => new()
    {
        Network = Encoder(3), Teacher = Encoder(6), Pool = [task], Learner = Learning, Rng = new Rng(3), MetaSteps = 2,
    };

    // Two classes: bright above, or bright below; a domain adds to all pixels.
    private sealed class Patterns(int shift = 0, bool wrong = false) : IImageSource
    {
        public (int Channels, int Side) Shape => (1, 8);

        public int Count(Split split) => 40;

        public void Fill(Split split, ReadOnlySpan<int> indices, Span<float> images, Span<long> labels, Rng rng)
        {
            for (var i = 0; i < indices.Length; i++)
            {
                var label = indices[i] % 2;
                labels[i] = wrong ? 1 - label : label;
                var own = new Rng(4).Split($"{split}", indices[i]);
                for (var k = 0; k < 64; k++)
                    images[i * 64 + k] =
                        (float)(own.NextDouble() + (k / 32 == label ? 0.5 : 0) + 0.3 * shift * (k % 2));
            }
        }
    }
}

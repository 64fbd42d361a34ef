// Progressive Nets: which column learns, which columns it reads, and how many parameters that takes.
using RlLeap.MetaLearning;
using RlLeap.Data;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class ProgressiveNetsKeepTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new ProgressiveOptions();
}

public sealed class ProgressiveNetsTests
{
    private static readonly SmallMlp Inner = new([1, 8, 6], activateLast: true);
    private static readonly Head Head = new("value", 1);
    private static readonly LearnerOptions Learning =
        new() { GradientSteps = 6, Optimizer = new OptimizerOptions { LearningRate = 0.05 } };

    [Fact]
    public void OtherColumnsAreBitIdenticalAfterTrainingOne()
    {
        var pool = SinusoidTask.Family(3, new Rng(4), Head);
        using var scope = NewDisposeScope();
        using var meta = new ProgressiveOptions().Create(Context(Inner, pool));
        var before = State(meta);
        meta.MetaStep([pool[1]], new InlineExecutor());
        var after = State(meta);
        Assert.Equal(before.Keys, after.Keys);
        foreach (var (name, values) in before)
            if (name.StartsWith("task:sinusoid/1:")) Assert.NotEqual(values, after[name]);
            else Assert.Equal(values, after[name]);
    }

    [Fact]
    public void AColumnIsTheNetworkAloneWhenLateralsAreZeroAndFeelsTheOthersWhenTheyAreNot()
    {
        var pool = SinusoidTask.Family(3, new Rng(4), Head);
        using var scope = NewDisposeScope();
        using var meta = new ProgressiveOptions().Create(Context(Inner, pool));
        using var learner = meta.Begin(new SinusoidTask("new", 1, 1, Head), Learning, new Rng(5));
        using var plain = new Model(Inner, [Head]);
        using (no_grad())
            foreach (var entry in plain.Parameters.Layout.Entries)
                plain.Parameters[entry.Name].copy_(learner.Model.Parameters[entry.Name]);
        var x = tensor(new[] { -2f, 0.1f, 3f }, [3, 1]);
        var alone = plain.Output(x).detach().data<float>().ToArray();
        Assert.NotEqual(alone, learner.Model.Output(x).detach().data<float>().ToArray());
        using (no_grad()) learner.Model.Parameters["lateral.1.weight"].zero_();
        Assert.Equal(alone, learner.Model.Output(x).detach().data<float>().ToArray());
    }

    [Fact]
    public void EightImageTasksTakeMoreThanEightTimesTheParameters()
    {
        // 8 columns of Multi-CV's encoder: seven pretraining tasks that read six others, a new one that reads seven.
        var encoder = ConvolutionalEncoder.MultiCv;
        var pool = Enumerable.Range(0, 7).Select(i => $"task {i}").ToArray();
        var others = new Dictionary<string, Dictionary<string, Tensor>>();
        long Count(string id) => new ProgressiveNetwork(encoder, id, pool, others).Parameters.Sum(p => p.Count);
        const long u = 64;
        var own = encoder.Parameters.Sum(p => p.Count);
        Assert.Equal(own + 3 * (6 + 6 * u * u + u + 9 * u * u), Count("task 0"));
        Assert.Equal(own + 3 * (7 + 7 * u * u + u + 9 * u * u), Count("new"));
        Assert.True(7 * Count("task 0") + Count("new") > 8 * own);
    }

    [Fact]
    public void TheEncoderOfImagesLearnsAsAColumn()
    {
        using var scope = NewDisposeScope();
        var encoder = new ConvolutionalEncoder(1, 28, filters: 8);
        OmniglotTask[] pool = [Alphabet(0), Alphabet(1)];
        var context = Context(encoder, pool) with { Learner = Learning with { GradientSteps = 2 } };
        using var meta = new ProgressiveOptions().Create(context);
        meta.MetaStep(pool, new InlineExecutor());
        using var learner = meta.Begin(Alphabet(9), Learning, new Rng(2));
        Assert.True(double.IsFinite(learner.TrainStep().Loss));
        var gradient = learner.Model.Parameters.GradientOf("lateral.1.reduce.weight").abs().sum().item<float>();
        Assert.True(gradient > 0, "laterals learn");

        static OmniglotTask Alphabet(int seed) =>
            new(Noise(seed), new Rng(0), new OmniglotOptions { Classes = 5 });
    }

    [Fact]
    public void NetworksThatCannotBeWalkedAreRefused()
    {
        var pool = SinusoidTask.Family(2, new Rng(4), Head);
        var context = Context(new SmallMlp([1, 8, 6]), pool);
        var error = Assert.Throws<RlLeapException>(() => new ProgressiveOptions().Create(context));
        Assert.Contains("layer by layer", error.Message);
        using var meta = new ProgressiveOptions().Create(context with { Network = Inner });
        var stranger = new SinusoidTask("stranger", 1, 1, Head);
        error = Assert.Throws<RlLeapException>(() => meta.MetaStep([stranger], new InlineExecutor()));
        Assert.Contains("no column", error.Message);
    }

    private static MetaLearnerContext Context(Network network, IReadOnlyList<ITask> pool) =>
        new() { Network = network, Pool = pool, Learner = Learning, Rng = new Rng(1) };

    private static OmniglotAlphabet Noise(int seed)
    {
        var pixels = new byte[5 * OmniglotData.DrawingsPerCharacter * OmniglotData.Pixels];
        var rng = new Rng(seed);
        foreach (ref var pixel in pixels.AsSpan()) pixel = (byte)rng.NextInt(2);
        return new OmniglotAlphabet($"noise {seed}", 5, pixels);
    }

    private static Dictionary<string, float[]> State(IMetaLearner meta)
    {
        using var folder = new TempFolder();
        meta.Save(folder["state.safetensors"]);
        return SafeTensors.Read(folder["state.safetensors"]).Tensors
            .ToDictionary(t => t.Key, t => t.Value.data<float>().ToArray());
    }
}

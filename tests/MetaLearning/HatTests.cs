// HAT: what masks multiply, what they protect, what they cost.
using RlLeap.MetaLearning;
using RlLeap.Data;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class HatKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new HatOptions();
}

public sealed class HatTests
{
    private static readonly SmallMlp Inner = new([1, 8, 6], activateLast: true);
    private static readonly Head Head = new("value", 1);
    private static readonly SinusoidTask Sine = new("sine", 2, 0.5, Head);
    private static readonly LearnerOptions Learning =
        new() { GradientSteps = 12, Optimizer = new OptimizerOptions { LearningRate = 0.05 } };

    [Fact]
    public void WithAllMasksAtOneItIsTheNetworkWithItsHead()
    {
        using var scope = NewDisposeScope();
        using var learner = new Learner(new HatTask(Sine), Network(Zeros()), Learning, new Rng(1));
        using var plain = new Model(Inner, Sine.Info.Heads);
        using (no_grad())
        {
            foreach (var entry in plain.Parameters.Layout.Entries)
                plain.Parameters[entry.Name].copy_(learner.Model.Parameters[entry.Name]);
            for (var l = 0; l < 2; l++) learner.Model.Parameters[HatNetwork.EmbeddingName(l)].fill_(6);
        }
        learner.Model.Training = false;
        var x = tensor(new[] { -2f, 0.1f, 3f }, [3, 1]);
        var (masked, free) = (learner.Model.Output(x), plain.Output(x));
        Assert.Equal(free.detach().data<float>().ToArray(), masked.detach().data<float>().ToArray());
        masked.sum().backward();
        free.sum().backward();
        foreach (var entry in plain.Parameters.Layout.Entries)
            Assert.Equal(
                plain.Parameters.GradientOf(entry.Name).data<float>().ToArray(),
                learner.Model.Parameters.GradientOf(entry.Name).data<float>().ToArray());
    }

    [Fact]
    public void WeightsBetweenUnitsOfOtherTasksDoNotMoveAndTheRestDoes()
    {
        using var scope = NewDisposeScope();
        // Units 0..3 of the first layer and 0..2 of the second belong to other tasks.
        var (first, second) = (zeros(8), zeros(6));
        first.narrow(0, 0, 4).fill_(1);
        second.narrow(0, 0, 3).fill_(1);
        var network = Network([first.DetachFromDisposeScope(), second.DetachFromDisposeScope()]);
        using var learner = new Learner(new HatTask(Sine), network, Learning, new Rng(1));
        var before = Copies(learner);
        while (!learner.IsDone) learner.TrainStep();
        var after = Copies(learner);
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(i < 4, before["0.weight"][i] == after["0.weight"][i]);
            Assert.Equal(i < 4, before["0.bias"][i] == after["0.bias"][i]);
        }
        for (var i = 0; i < 6; i++)
        {
            Assert.Equal(i < 3, before["2.bias"][i] == after["2.bias"][i]);
            for (var j = 0; j < 8; j++)
                Assert.Equal(i < 3 && j < 4, before["2.weight"][8 * i + j] == after["2.weight"][8 * i + j]);
        }
        Assert.NotEqual(before["value.weight"], after["value.weight"]);
    }

    [Fact]
    public void AnAgentLearnsWithMasksWhoseGradientOutlivesItsBootstrapPass()
    {
        var agent = RlLeap.Agents.ActorCriticOptions.MinAtar with { Environments = 4 };
        var task = new RlLeap.Agents.ActorCriticTask("MinAtar/Breakout-v1", agent);
        var learning = task.LearnerOptions(100);
        using var meta = new HatOptions().Create(Context(task.CreateNetwork(), task) with { Learner = learning });
        using var learner = meta.Begin(task, learning, new Rng(2));
        using var before = learner.Model.Parameters[HatNetwork.EmbeddingName(1)].detach().clone();
        while (!learner.IsDone) learner.TrainStep();
        using var after = learner.Model.Parameters[HatNetwork.EmbeddingName(1)].detach();
        Assert.NotEqual(before.data<float>().ToArray(), after.data<float>().ToArray());
    }

    [Fact]
    public void ATaskSeenAgainIsNotFrozenByItself()
    {
        using var meta = new HatOptions { Sparsity = 0.01 }.Create(Context(Inner, Sine));
        meta.MetaStep([Sine], new InlineExecutor());
        using var again = meta.Begin(Sine, Learning, new Rng(2));
        using var other = meta.Begin(new SinusoidTask("other", 1, 2, Head), Learning, new Rng(2));
        using var folder = new TempFolder();
        meta.Save(folder["hat.safetensors"]);
        using var scope = NewDisposeScope();
        var saved = SafeTensors.Read(folder["hat.safetensors"]).Tensors;
        var masks = Enumerable.Range(0, 2)
            .Select(l => (saved["task:sine:" + HatNetwork.EmbeddingName(l)] * 400).sigmoid().data<float>().ToArray())
            .ToArray();
        var used = Enumerable.Range(0, 48).Where(k => masks[1][k / 8] == 1 && masks[0][k % 8] == 1).ToList();
        Assert.InRange(used.Count, 1, 47);
        Assert.Contains(used, Moves(again).Contains);
        Assert.DoesNotContain(used, Moves(other).Contains);

        static HashSet<int> Moves(Learner learner)
        {
            var before = Copies(learner)["2.weight"];
            while (!learner.IsDone) learner.TrainStep();
            var after = Copies(learner)["2.weight"];
            return [.. Enumerable.Range(0, before.Length).Where(k => before[k] != after[k])];
        }
    }

    [Fact]
    public void EmbeddingsGradientsAreCompensatedForTheSlope()
    {
        using var scope = NewDisposeScope();
        var network = Network(Zeros(), steps: 3);
        using var learner = new Learner(new HatTask(Sine), network, Learning, new Rng(1), dtype: ScalarType.Float64);
        network.Anneal(1);
        Assert.Equal(1 / 400.0 + (400 - 1 / 400.0) / 2, network.Slope, 1e-12);
        network.Anneal(5); // the last step of the second rise
        Assert.Equal(400, network.Slope, 1e-12);
        network.Anneal(0);
        var model = learner.Model;
        model.Output(tensor(new[] { 0.5, -1 }, [2, 1])).square().sum().backward();
        // The derivative of the masked output by the embedding, by central differences, times the compensation.
        var (e, s) = (model.Parameters[HatNetwork.EmbeddingName(1)], network.Slope);
        for (var i = 0; i < 6; i++)
        {
            const double h = 1e-3; // the slope is 1/400: the function is nearly linear in the embedding
            var raw = (Loss(i, h) - Loss(i, -h)) / (2 * h);
            var value = e[i].item<double>();
            var expected = raw * 400 * (Math.Cosh(Math.Clamp(s * value, -50, 50)) + 1) / (s * (Math.Cosh(value) + 1));
            var actual = model.Parameters.GradientOf(HatNetwork.EmbeddingName(1))[i].item<double>();
            Assert.Equal(expected, actual, 1e-4 * Math.Abs(expected) + 1e-9);
        }

        double Loss(int i, double shift)
        {
            using var _ = no_grad();
            e[i] = e[i] + shift;
            var loss = model.Output(tensor(new[] { 0.5, -1 }, [2, 1])).square().sum().item<double>();
            e[i] = e[i] - shift;
            return loss;
        }
    }

    [Fact]
    public void TheSlopeRisesInEveryEpochOfATaskThatHasEpochs()
    {
        int[] labels = [.. Enumerable.Range(0, 20).Select(i => i % 2)];
        var set = new ImageSet("noise", 3, 32, 32, 2, new byte[20 * 3 * 32 * 32], labels, 16);
        // 14 images are for training: three steps.
        var images = new MultiCvSet(set, ImageSplit.Draw(set, new Rng(1)), [0.5], [0.5]);
        var task = new MultiCvTask(images) { BatchSize = 5 };
        using var meta = new HatOptions().Create(Context(new ConvolutionalEncoder(3, 32, filters: 4), task));
        Assert.Equal([0, 0.5, 1, 0, 0.5, 1], Slopes(Learning with { Epochs = 2 }));
        Assert.Equal([0, 1], Slopes(Learning with { GradientSteps = 2 }));

        IEnumerable<double> Slopes(LearnerOptions learning)
        {
            using var learner = meta.Begin(task, learning, new Rng(2));
            while (!learner.IsDone)
            {
                learner.TrainStep();
                yield return (((HatNetwork)learner.Model.Network).Slope - 1 / 400.0) / (400 - 1 / 400.0);
            }
        }
    }

    [Fact]
    public void SparsityIsTheShareOfFreeUnitsUsed()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (zeros(8), zeros(6));
        first.narrow(0, 0, 4).fill_(1);
        var network = Network([first.DetachFromDisposeScope(), second.DetachFromDisposeScope()]);
        using var learner = new Learner(new HatTask(Sine), network, Learning, new Rng(1));
        learner.Model.Training = false;
        using (no_grad())
        {
            learner.Model.Parameters[HatNetwork.EmbeddingName(0)].fill_(6);
            learner.Model.Parameters[HatNetwork.EmbeddingName(1)].fill_(-6);
        }
        // 4 of 4 free units of the first layer, 0 of 6 of the second.
        Assert.Equal(0.75 * 4 / 10, HatNetwork.Sparsity(learner.Model).item<float>(), 1e-6f);
    }

    [Fact]
    public void NetworksWithoutHiddenUnitsAndWeightDecayAreRefused()
    {
        var decaying = Learning with { Optimizer = new OptimizerOptions { WeightDecay = 0.1 } };
        Assert.Contains("weight decay", Refusal(Context(Inner, Sine) with { Learner = decaying }));
        Assert.Contains("hidden units", Refusal(Context(new SmallMlp([1, 1]), Sine)));

        static string Refusal(MetaLearnerContext context) =>
            Assert.Throws<RlLeapException>(() => new HatOptions().Create(context)).Message;
    }

    private static MetaLearnerContext Context(Network network, ITask task) =>
        new() { Network = network, Pool = [task], Learner = Learning, Rng = new Rng(1) };

    private static HatNetwork Network(Tensor[] cumulative, long steps = 12) =>
        new(Inner, new HatOptions(), HatNetwork.RolesOf(Inner), cumulative, steps);

    private static Tensor[] Zeros() => [zeros(8).DetachFromDisposeScope(), zeros(6).DetachFromDisposeScope()];

    private static Dictionary<string, float[]> Copies(Learner learner) => learner.Model.Parameters.Layout.Entries
        .ToDictionary(e => e.Name, e => learner.Model.Parameters[e.Name].detach().data<float>().ToArray());
}

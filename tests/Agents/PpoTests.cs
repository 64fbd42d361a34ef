using RlLeap.Agents;
using RlLeap.Environments;
using RlLeap.MetaLearning;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public class PpoTests
{
    private static readonly ActorCriticOptions Small = ActorCriticOptions.Presets["classic"] with
    {
        Environments = 4,
        RolloutLength = 16,
        NormalizeObservations = true,
        NormalizeRewards = true,
        Ppo = new() { Epochs = 2, Minibatches = 3 },
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_default_for_vectors_learns_a_bandit_within_20000_steps(int seed)
    {
        var options = ActorCriticOptions.Presets[ActorCriticOptions.PresetFor([2])];
        using var learner = Learn(options, rng => new TwoContexts(rng), 20_000, seed);
        Assert.True(Window(learner).MeanReturn >= 9.9, $"mean return {Window(learner).MeanReturn}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Actions_of_several_kinds_are_learned_together(bool ppo)
    {
        var options = ActorCriticOptions.Presets["classic"] with { Gaussian = new() };
        if (!ppo) options = options with { Ppo = null, RolloutLength = 5 };
        using var learner = Learn(options, rng => new Naming(rng), 60_000, 1);
        // Chance earns less than 16, the best of actions without noise 30.
        Assert.True(Window(learner).MeanReturn >= 23, $"mean return {Window(learner).MeanReturn}");
        using var environment = new EnvironmentVector(4, i => new Naming(new Rng(9).Split("environment", i)));
        var task = (ActorCriticTask)learner.Task;
        var greedy = Evaluation.Play(learner.Model, environment, 2, null, distribution: task.Distribution);
        Assert.True(greedy.Average(e => e.Return) >= 25, $"greedy {greedy.Average(e => e.Return)}");
    }

    // Each step of a rollout is saved and resumed: between rollouts, between passes, between minibatches.
    [Theory]
    [InlineData("Classic/CartPole-v1")]
    [InlineData("Classic/Pendulum-v1")]
    public void A_resumed_run_has_the_bits_of_one_that_never_stopped(string id)
    {
        var options = Small with { Gaussian = new() { NoiseCorrelation = 0.5 } };
        using var folder = new TempFolder();
        using var whole = Open(id, options, 5);
        for (var step = 0; step < 14; step++)
        {
            whole.Save(folder["c"]);
            using var resumed = Open(id, options, 6);
            resumed.Load(folder["c"]);
            var expected = whole.TrainStep();
            var actual = resumed.TrainStep();
            Assert.Equal((expected.Loss, expected.Count), (actual.Loss, actual.Count));
            Assert.Equal(Bits(whole), Bits(resumed));
        }
        Assert.Equal(2 * 64, whole.Count);
    }

    [Fact]
    public void Each_minibatch_is_a_gradient_step_and_the_last_one_counts_the_rollout()
    {
        using var learner = Open("Classic/CartPole-v1", Small, 1);
        Assert.Equal((1000 + 63) / 64 * 6, learner.Options.GradientSteps);
        Assert.Equal([0, 0, 0, 0, 0, 64, 0], Enumerable.Range(0, 7).Select(_ => learner.TrainStep().Count));
    }

    [Fact]
    public void A_rollouts_passes_end_where_the_policy_has_moved_far_enough()
    {
        var options = Small with
        {
            Ppo = new() { Epochs = 5, Minibatches = 2, TargetKl = 1e-6 },
            Optimizer = Small.Optimizer with { LearningRate = 0.01 },
        };
        using var learner = Open("Classic/CartPole-v1", options, 1);
        var steps = new List<StepRecord>();
        while (!learner.IsDone) steps.Add(learner.TrainStep());
        Assert.True(steps.Count < learner.Options.GradientSteps / 2, $"{steps.Count}");
        Assert.Equal(learner.Options.GradientSteps, learner.Step);
        Assert.Equal(16 * 64, learner.Count); // all rollouts were made
        Assert.All(steps.Where(step => step.Count > 0), step => Assert.Equal(64, step.Count));
    }

    [Fact]
    public void Leap_sees_every_gradient_step()
    {
        var task = new ActorCriticTask("Classic/CartPole-v1", Small);
        using var seen = new Counting();
        using var learner = new Learner(
            task, task.CreateNetwork(), task.LearnerOptions(128), new Rng(1), observer: seen);
        while (!learner.IsDone) learner.TrainStep();
        Assert.Equal(2 * 6, seen.Steps);
        Assert.Equal(task.CreateNetwork().Parameters.Sum(p => p.Count), seen.Length);
    }

    [Fact]
    public void The_path_of_Leap_has_a_segment_for_each_of_PPOs_gradient_steps()
    {
        var task = new ActorCriticTask("Classic/CartPole-v1", Small);
        using var path = new LeapOptions { LossInPath = false }.Observe(task.Info.Id);
        using var learner = new Learner(
            task, task.CreateNetwork(), task.LearnerOptions(128), new Rng(1), observer: path);
        var positions = new List<float[]>();
        while (!learner.IsDone)
        {
            positions.Add(learner.Model.Parameters.Shared.data<float>().ToArray());
            learner.TrainStep();
        }
        var length = positions.Zip(positions.Skip(1), (a, b) =>
            Math.Sqrt(a.Zip(b, (x, y) => ((double)y - x) * ((double)y - x)).Sum())).Sum();
        Assert.Equal(2 * 6, positions.Count);
        Assert.Equal(length, path.Scalars["path.length"], 1e-5 * length);
        using var end = learner.Model.Parameters.Shared.clone();
        Assert.Equal(2 * 6, path.Contribute(end).Steps);
    }

    [Fact]
    public void Policy_and_value_share_nothing_and_a_task_may_keep_one_of_them()
    {
        var options = Small with { NormalizeObservations = false };
        using var both = Open("Classic/CartPole-v1", options, 1);
        Assert.Equal(["policy.dense1.weight", "policy.dense1.bias", "policy.dense2.weight", "policy.dense2.bias",
            "value.dense1.weight", "value.dense1.bias", "value.dense2.weight", "value.dense2.bias",
            "policy.weight", "policy.bias", "value.weight", "value.bias"],
            both.Model.Parameters.Layout.Entries.Select(entry => entry.Name));
        using (NewDisposeScope())
        {
            both.Model.Parameters.ZeroGradient();
            both.Model.Forward(ones(3, 4))[ActorCritic.ValueHead].sum().backward();
            var layout = both.Model.Parameters.Layout;
            for (var i = 0; i < layout.Entries.Count; i++)
            {
                var moved = both.Model.Parameters.GradientOf(i).abs().sum().item<float>() > 0;
                Assert.Equal(layout.Entries[i].Name.StartsWith("value", StringComparison.Ordinal), moved);
            }
        }

        using var value = Open("Classic/CartPole-v1", options with { MetaLearned = SharedTrunks.Value }, 1);
        Assert.Equal(4, value.Model.Parameters.Layout.SharedEntries);
        Assert.Equal("value.dense1.weight", value.Model.Parameters.Layout.Entries[0].Name);
        // The same draws and the same function, wherever the entries lie.
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var input = rand(5, 4);
        Assert.All(both.Model.Forward(input).Zip(value.Model.Forward(input)),
            pair => Assert.True(pair.First.allclose(pair.Second)));
        Assert.Equal("mlp", both.Model.Network.Name);
        using var shared = Open("Classic/CartPole-v1", options with { SharedNetwork = true }, 1);
        Assert.Equal(8, shared.Model.Parameters.Layout.Entries.Count);
    }

    [Fact]
    public void Statistics_of_observations_are_part_of_the_model_and_frozen_in_play()
    {
        using var learner = Open("Classic/Pendulum-v1", Small, 1);
        while (learner.Count < 640) learner.TrainStep();
        var names = learner.Model.Export().ToDictionary(e => e.Name, e => e.Value);
        Assert.Contains("buffer.observation.mean", names.Keys);
        var before = names["buffer.observation.variance"].data<float>().ToArray();
        Assert.True(before[2] > 1.5, $"{before[2]}"); // the speed's
        using var environment = Registry.MakeVector("Classic/Pendulum-v1", 2, new Rng(3));
        Evaluation.Play(learner.Model, environment, 1, null);
        var after = learner.Model.Export().Single(e => e.Name == "buffer.observation.variance").Value;
        Assert.Equal(before, after.data<float>().ToArray());
    }

    [Fact]
    public void Moments_are_those_of_all_numbers_together()
    {
        var (rng, moments, all) = (new Rng(1), new RunningMoments(2), new List<float>());
        foreach (var rows in (int[])[1, 5, 100, 3])
        {
            var batch = new float[2 * rows];
            for (var i = 0; i < batch.Length; i++) batch[i] = (float)(1000 * (i % 2) + rng.NextNormal());
            moments.Add(batch);
            all.AddRange(batch);
        }
        for (var k = 0; k < 2; k++)
        {
            double[] column = [.. all.Where((_, i) => i % 2 == k)];
            Assert.Equal(column.Average(), moments.Mean[k], 1e-9);
            var mean = column.Average();
            Assert.Equal(column.Average(x => (x - mean) * (x - mean)), moments.Variance(k), 1e-6);
        }
        Assert.Equal(109, moments.Count);
    }

    [Fact]
    public void Scaled_rewards_have_returns_of_deviation_one()
    {
        var (rng, scale, rewards) = (new Rng(1), new RewardScale(4, 0.9), new float[4]);
        var (returns, last) = (new double[4], new List<double>());
        for (var t = 0; t < 3000; t++)
        {
            for (var i = 0; i < 4; i++) rewards[i] = (float)(50 * rng.NextNormal());
            scale.Apply(rewards, new bool[4]);
            for (var i = 0; i < 4; i++) returns[i] = 0.9 * returns[i] + rewards[i];
            if (t > 500) last.AddRange(returns);
        }
        Assert.Equal(1, last.Average(x => x * x), 0.1);
    }

    private const string Images = "MinAtar/Breakout-v1?render=rgb84";

    // Minibatches of 192 rows: three pieces.
    private static readonly ActorCriticOptions OfImages = ActorCriticOptions.Presets["ppo-cleanrl-atari"] with
    {
        Environments = 6,
        RolloutLength = 64,
        Network = AgentNetworks.Auto,
        Ppo = new() { Epochs = 1, Minibatches = 2, ValueClip = 0.1 },
    };

    [Fact]
    public void Any_number_of_workers_gives_the_same_bits()
    {
        var ends = new[] { 1, 2, 4 }.Select(workers =>
        {
            var task = new ActorCriticTask(Images, OfImages, workers: workers);
            using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(10_000), new Rng(1));
            var losses = Enumerable.Range(0, 4).Select(_ => learner.TrainStep().Loss).ToArray();
            return (Losses: losses, Bits: Bits(learner));
        }).ToArray();
        Assert.All(ends, end => Assert.Equal(ends[0].Losses, end.Losses));
        Assert.All(ends, end => Assert.Equal(ends[0].Bits, end.Bits));
    }

    [Fact]
    public void A_minibatch_in_pieces_has_the_loss_and_the_gradient_of_the_whole()
    {
        var task = new ActorCriticTask(Images, OfImages, workers: 2);
        using var model = new Model(task.CreateNetwork(), task.Info.Heads);
        model.Initialize(new Rng(1));
        using var scope = NewDisposeScope();
        using ITaskStream stream = task.Open(new Rng(2), CPU);
        using var batch = stream.NextBatch(model);
        model.Parameters.ZeroGradient();
        var pieces = stream.Loss(model, batch);
        pieces.backward();
        var metrics = new Dictionary<string, double>(batch.Metrics);
        using var gradient = model.Parameters.Gradient!.clone();

        // At tensors that are not its own parameters a model cannot be replicated: one piece.
        Tensor[] elsewhere = [.. model.Parameters.Views.Select(view => view.detach().clone().requires_grad_())];
        var whole = stream.Loss(model.At(elsewhere), batch);
        var gradients = autograd.grad([whole], elsewhere);
        Assert.Equal(whole.item<float>(), pieces.item<float>(), 1e-5);
        Assert.All(batch.Metrics, metric => Assert.Equal(metric.Value, metrics[metric.Key], 1e-5));
        for (var i = 0; i < elsewhere.Length; i++)
        {
            var apart = (gradients[i] - model.Parameters.GradientOf(i)).abs().max().item<float>();
            Assert.True(apart <= 1e-4f * gradient.abs().max().item<float>(), $"{i}: {apart}");
        }
    }

    private sealed class Counting : IPathObserver
    {
        public int Steps { get; private set; }
        public long Length { get; private set; }

        public void Observe(Tensor position, Tensor gradient, double loss) =>
            (Steps, Length) = (Steps + 1, position.numel());

        public Contribution Contribute(Tensor end) => throw new NotSupportedException();
        public IReadOnlyDictionary<string, Tensor> State => new Dictionary<string, Tensor>();
        public IReadOnlyDictionary<string, double> Scalars => new Dictionary<string, double>();

        public void Restore(IReadOnlyDictionary<string, Tensor> state, IReadOnlyDictionary<string, double> scalars) { }
        public void Dispose() { }
    }

    private static byte[] Bits(Learner learner) => learner.Model.Parameters.Flat.bytes.ToArray();

    private static Learner Open(string id, ActorCriticOptions options, int seed)
    {
        var task = new ActorCriticTask(id, options);
        return new Learner(task, task.CreateNetwork(), task.LearnerOptions(1000), new Rng(seed));
    }

    private static Learner Learn(ActorCriticOptions options, Func<Rng, IEnvironment> make, long agentSteps, int seed)
    {
        var task = new ActorCriticTask(make(new Rng(0)).Spec, options, rng =>
            new EnvironmentVector(options.Environments, i => make(rng.Split("environment", i))));
        var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(agentSteps), new Rng(seed));
        while (!learner.IsDone) learner.TrainStep();
        return learner;
    }

    private static EpisodeWindow Window(Learner learner) => ((IAgentStream)learner.Stream).Episodes;
}

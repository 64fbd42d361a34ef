// One seed, one result: run twice, on more threads, or saved and gone on with.
using RlLeap.Agents;
using RlLeap.Environments;
using RlLeap.Testing;
using TorchSharp;
using Xunit;

namespace RlLeap.Tests.Agents;

public class DeterminismTests
{
    private static readonly ActorCriticOptions Options = ActorCriticOptions.MinAtar with { Environments = 8 };

    [Theory]
    [InlineData(OptimizerKind.RmsPropBaselines)]
    [InlineData(OptimizerKind.Adam)]
    public void Two_runs_with_one_seed_give_the_same_bits_on_one_thread_and_on_two(OptimizerKind kind)
    {
        var options = Options with { Optimizer = Options.Optimizer with { Kind = kind } };
        var bits = new[] { 1, 1, 2 }.Select(threads =>
        {
            using var learner = Open(options, seed: 5, threads);
            while (learner.Step < 60) learner.TrainStep();
            return Bits(learner);
        }).ToArray();
        Assert.Equal(bits[0], bits[1]);
        Assert.Equal(bits[0], bits[2]);
        using var other = Open(options, seed: 6);
        while (other.Step < 60) other.TrainStep();
        Assert.NotEqual(bits[0], Bits(other));
    }

    [Theory]
    [InlineData(OptimizerKind.RmsPropBaselines)]
    [InlineData(OptimizerKind.RmsProp)]
    [InlineData(OptimizerKind.Adam)]
    public void A_run_saved_and_gone_on_with_ends_with_the_same_bits(OptimizerKind kind)
    {
        using var folder = new TempFolder();
        var options = Options with { Optimizer = Options.Optimizer with { Kind = kind } };
        var (whole, losses) = Run(options, from: null, to: 60, saveAt: 37, folder["checkpoint"]);
        var (resumed, rest) = Run(options, from: folder["checkpoint"], to: 60);
        Assert.Equal(whole, resumed);
        Assert.Equal(losses[37..], rest);
    }

    [Fact]
    public void Two_workers_give_the_same_bits_every_time_on_any_number_of_threads_and_after_a_resume()
    {
        using var folder = new TempFolder();
        var bits = new[] { 1, 4 }.Select(threads =>
        {
            using var learner = Workers(Options, threads);
            while (learner.Step < 30) learner.TrainStep();
            learner.Save(folder["c"]);
            while (learner.Step < 60) learner.TrainStep();
            return Bits(learner);
        }).ToArray();
        using var resumed = Workers(Options, 1);
        resumed.Load(folder["c"]);
        while (resumed.Step < 60) resumed.TrainStep();
        Assert.Equal(bits[0], bits[1]);
        Assert.Equal(bits[0], Bits(resumed));
    }

    [Fact]
    public void Which_worker_is_ahead_changes_no_bit()
    {
        Assert.Equal(Trained(() => { }), Trained(() => Thread.Sleep(Random.Shared.Next(3))));

        static byte[] Trained(Action before)
        {
            using var learner = Workers(Options, 1, Disturbed.Register(before));
            while (learner.Step < 12) learner.TrainStep();
            return Bits(learner);
        }
    }

    [Fact]
    public async Task A_worker_that_fails_is_not_waited_for()
    {
        var steps = 0;
        using var learner = Workers(Options, 1, Disturbed.Register(() =>
        {
            if (Interlocked.Increment(ref steps) == 70) throw new InvalidOperationException("the seventieth step");
        }));
        var error = await Assert.ThrowsAsync<EnvironmentException>(() => Task.Run(() =>
        {
            while (true) learner.TrainStep();
        }).WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.Contains("the seventieth step", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LossReduction.Mean)]
    [InlineData(LossReduction.Sum)]
    public void Two_workers_make_the_gradient_of_the_loss_over_both_parts(LossReduction reduction)
    {
        var options = Options with
        { Reduction = reduction, Optimizer = new() { Kind = OptimizerKind.Sgd, LearningRate = 0 } };
        using var both = Workers(options, 1);
        var step = both.TrainStep();
        using var gradient = both.Model.Parameters.Gradient!.clone(); // nothing is clipped
        both.Model.Parameters.ZeroGradient();
        // The parts by themselves, at the same parameters and with the same streams.
        var half = new ActorCriticTask("MinAtar/Breakout-v1", options with { Environments = 4 });
        var loss = 0.0;
        for (var k = 0; k < 2; k++)
        {
            using var scope = torch.NewDisposeScope();
            using var stream = half.Open(new Rng(5).Split("stream").Split("worker", k), torch.CPU);
            using var batch = stream.NextBatch(both.Model);
            var part = stream.Loss(both.Model, batch);
            if (reduction == LossReduction.Mean) part /= 2;
            part.backward();
            loss += part.item<float>();
        }
        Assert.Equal(loss, step.Loss, 1e-5 * Math.Abs(loss));
        var apart = (gradient - both.Model.Parameters.Gradient!).abs().max().item<float>() / gradient.abs().max()
            .item<float>();
        Assert.True(apart is < 1e-5f and >= 0, $"the gradients are {apart} apart");
        Assert.Throws<RlLeapException>(() => new ActorCriticTask("MinAtar/Breakout-v1", options, workers: 3));
    }

    [Theory]
    [InlineData(1, "MinAtar/Breakout-v1?render=rgb84", "auto")]
    [InlineData(2, "MinAtar/Breakout-v1?render=rgb84", "auto")]
    [InlineData(1, "MinAtar/Breakout-v1", "auto")]
    [InlineData(1, "MinAtar/Breakout-v1", "mlp")]
    public void Differentiating_the_passes_that_acted_is_the_same_as_passing_again(int workers, string id,
        string network)
    {
        var task = new ActorCriticTask(id, Options with { Environments = 4, Network = network }, workers: workers);
        using var model = new Model(task.CreateNetwork(), task.Info.Heads);
        model.Initialize(new Rng(1));
        using var scope = torch.NewDisposeScope();
        using ITaskStream stream = task.Open(new Rng(2), torch.CPU);
        for (var k = 0; k < 3; k++)
        {
            using var batch = stream.NextBatch(model);
            var (acted, again) =
                (Differentiate(2 * stream.Loss(model, batch)), Differentiate(2 * stream.Loss(model, batch)));
            Assert.Equal(acted.Loss, again.Loss, 1e-5);
            var apart = (acted.Gradient - again.Gradient).abs().max().item<float>() / again.Gradient.abs().max()
                .item<float>();
            Assert.True(apart is < 1e-4f and >= 0, $"the gradients are {apart} apart");
        }

        (double Loss, torch.Tensor Gradient) Differentiate(torch.Tensor loss)
        {
            model.Parameters.ZeroGradient();
            loss.backward();
            return (loss.to_type(torch.ScalarType.Float64).item<double>(), model.Parameters.Gradient!.clone());
        }
    }

    [Theory]
    [InlineData(OptimizerKind.Adam)]             // one pass of our own over the memory
    [InlineData(OptimizerKind.RmsPropBaselines)]
    [InlineData(OptimizerKind.Sgd)]              // TorchSharp's
    public void A_loss_of_passes_that_acted_before_an_update_is_refused(OptimizerKind kind)
    {
        var task = new ActorCriticTask("MinAtar/Breakout-v1", Options with { Environments = 4 });
        using var model = new Model(task.CreateNetwork(), task.Info.Heads);
        model.Initialize(new Rng(1));
        using var optimizer = new VectorOptimizer(model.Parameters, new OptimizerOptions { Kind = kind });
        using var scope = torch.NewDisposeScope();
        using ITaskStream stream = task.Open(new Rng(2), torch.CPU);
        using var batch = stream.NextBatch(model);
        optimizer.Update();
        Assert.Contains("modified by an inplace operation",
            Assert.ThrowsAny<Exception>(() => stream.Loss(model, batch).backward()).Message);
    }

    [Fact]
    public void A_loss_of_several_workers_is_refused_when_a_later_one_has_taken_its_place()
    {
        var task = new ActorCriticTask("MinAtar/Breakout-v1", Options, workers: 2);
        using var model = new Model(task.CreateNetwork(), task.Info.Heads);
        model.Initialize(new Rng(1));
        using var scope = torch.NewDisposeScope();
        using ITaskStream stream = task.Open(new Rng(2), torch.CPU);
        using var batch = stream.NextBatch(model);
        var (first, second) = (stream.Loss(model, batch), stream.Loss(model, batch));
        Assert.Contains("modified by an inplace operation",
            Assert.ThrowsAny<Exception>(() => first.backward()).Message);
        second.backward();
    }

    [Fact]
    public void Several_workers_refuse_to_be_differentiated_through()
    {
        var task = new ActorCriticTask("MinAtar/Breakout-v1", Options, workers: 2);
        using var model = new Model(task.CreateNetwork(), task.Info.Heads);
        using ITaskStream stream = task.Open(new Rng(2), torch.CPU);
        var elsewhere = model.At([.. model.Parameters.Views.Select(view => view * 1)]);
        Assert.Contains("one worker", Assert.Throws<RlLeapException>(() => stream.NextBatch(elsewhere)).Message);
    }

    [Fact]
    public void Tensors_alive_do_not_grow_where_passes_are_kept()
    {
        var task = new ActorCriticTask("MinAtar/Breakout-v1?render=rgb84",
            Options with { Environments = 4, Network = "auto" });
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000), new Rng(5));
        for (var k = 0; k < 3; k++) learner.TrainStep();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var k = 0; k < 6; k++) learner.TrainStep();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static Learner Workers(ActorCriticOptions options, int threads, string id = "MinAtar/Breakout-v1")
    {
        var task = new ActorCriticTask(id, options, threads, workers: 2);
        return new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000), new Rng(5));
    }

    [Fact]
    public void The_episodes_counted_before_go_on_being_counted()
    {
        using var folder = new TempFolder();
        using var first = Open(Options, 5);
        while (first.Step < 40) first.TrainStep();
        first.Save(folder["c"]);
        using var second = Open(Options, 5);
        second.Load(folder["c"]);
        var (before, after) = (((IAgentStream)first.Stream).Episodes, ((IAgentStream)second.Stream).Episodes);
        Assert.True(before.Count > 0);
        Assert.Equal((before.Count, before.MeanReturn, before.MeanLength),
            (after.Count, after.MeanReturn, after.MeanLength));
        Assert.Equal(first.Count, second.Count);
    }

    [Fact]
    public void Environments_that_cannot_be_saved_go_on_with_fresh_episodes()
    {
        using var folder = new TempFolder();
        Learner Unsaveable()
        {
            var task = new ActorCriticTask(new Identity(new Rng(0), 4).Spec, Options with { Network = "mlp" },
                rng => new EnvironmentVector(8, i => new Identity(rng.Split("environment", i), 4)));
            return new Learner(task, task.CreateNetwork(), task.LearnerOptions(10_000), new Rng(3));
        }
        using var first = Unsaveable();
        Assert.False(first.CanResumeExactly);
        while (first.Step < 5) first.TrainStep();
        first.Save(folder["c"]);
        using var second = Unsaveable();
        second.Load(folder["c"]);
        Assert.Equal(5, second.Step);
        Assert.Equal(Bits(first), Bits(second));
        first.TrainStep();
        second.TrainStep();
        Assert.NotEqual(Bits(first), Bits(second)); // other episodes
        Assert.Equal(6L * 8 * 5, second.Count);
    }

    [Fact]
    public void A_checkpoint_of_another_environment_or_network_is_refused_by_name()
    {
        using var folder = new TempFolder();
        using (var breakout = Open(Options, 5)) breakout.Save(folder["c"]);
        var other = new ActorCriticTask("MinAtar/Asterix-v1", Options);
        using var asterix = new Learner(other, other.CreateNetwork(), other.LearnerOptions(1000), new Rng(1));
        var message = Assert.Throws<RlLeapException>(() => asterix.Load(folder["c"])).Message;
        Assert.Contains("Breakout", message);
        Assert.Contains("Asterix", message);
        using var larger = Open(Options with { Network = "mlp" }, 5);
        Assert.Contains("mlp", Assert.Throws<RlLeapException>(() => larger.Load(folder["c"])).Message);
    }

    private static (byte[] Bits, double[] Losses) Run(ActorCriticOptions options, string? from, long to,
        long saveAt = -1, string? save = null)
    {
        using var learner = Open(options, seed: 5);
        if (from is not null) learner.Load(from);
        var losses = new List<double>();
        while (learner.Step < to)
        {
            if (learner.Step == saveAt) learner.Save(save!);
            losses.Add(learner.TrainStep().Loss);
        }
        return (Bits(learner), [.. losses]);
    }

    private static Learner Open(ActorCriticOptions options, int seed, int threads = 1)
    {
        var task = new ActorCriticTask("MinAtar/Breakout-v1", options, threads);
        return new Learner(task, task.CreateNetwork(), task.LearnerOptions(40 * 8 * 5), new Rng(seed));
    }

    private static byte[] Bits(Learner learner)
    {
        using var scope = torch.NewDisposeScope();
        return learner.Model.Parameters.Flat.detach().bytes.ToArray();
    }
}

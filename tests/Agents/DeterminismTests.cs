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
            while (learner.Step < 60) learner.Advance();
            return Bits(learner);
        }).ToArray();
        Assert.Equal(bits[0], bits[1]);
        Assert.Equal(bits[0], bits[2]);
        using var other = Open(options, seed: 6);
        while (other.Step < 60) other.Advance();
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
    public void The_episodes_counted_before_go_on_being_counted()
    {
        using var folder = new TempFolder();
        using var first = Open(Options, 5);
        while (first.Step < 40) first.Advance();
        first.Save(folder["c"]);
        using var second = Open(Options, 5);
        second.Load(folder["c"]);
        var (before, after) = (((ActorCriticStream)first.Stream).Episodes, ((ActorCriticStream)second.Stream).Episodes);
        Assert.True(before.Count > 0);
        Assert.Equal((before.Count, before.MeanReturn, before.MeanLength), (after.Count, after.MeanReturn, after.MeanLength));
        Assert.Equal(first.Count, second.Count);
    }

    [Fact]
    public void Environments_that_cannot_be_saved_go_on_with_fresh_episodes()
    {
        using var folder = new TempFolder();
        Learner Unsaveable()
        {
            var task = new ActorCriticTask(new Identity(new Rng(0), 4).Spec, Options with { Network = "mlp" }, rng => new EnvironmentVector(8, i => new Identity(rng.Split("environment", i), 4)));
            return new Learner(task, task.CreateNetwork(), task.LearnerOptions(10_000), new Rng(3));
        }
        using var first = Unsaveable();
        Assert.False(first.CanResumeExactly);
        while (first.Step < 5) first.Advance();
        first.Save(folder["c"]);
        using var second = Unsaveable();
        second.Load(folder["c"]);
        Assert.Equal(5, second.Step);
        Assert.Equal(Bits(first), Bits(second));
        first.Advance();
        second.Advance();
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

    private static (byte[] Bits, double[] Losses) Run(ActorCriticOptions options, string? from, long to, long saveAt = -1, string? save = null)
    {
        using var learner = Open(options, seed: 5);
        if (from is not null) learner.Load(from);
        var losses = new List<double>();
        while (learner.Step < to)
        {
            if (learner.Step == saveAt) learner.Save(save!);
            losses.Add(learner.Advance().Loss);
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

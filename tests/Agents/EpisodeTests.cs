// Episodes that ended are data of the batch in which they did.
using RlLeap.Agents;
using Xunit;

namespace RlLeap.Tests.Agents;

public sealed class EpisodeTests
{
    private static readonly ActorCriticOptions Options = new()
    {
        Environments = 4, RolloutLength = 5, Network = "mlp",
    };

    // Episodes of exactly seven steps in four copies: they end at agent steps 28, 56, ... whatever makes the batches.
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(1, true)]
    public void Batches_carry_the_episodes_that_ended_in_them_and_when(int workers, bool ppo)
    {
        var options = ppo ? Options with { Ppo = new() { Epochs = 2, Minibatches = 2 } } : Options;
        var task = new ActorCriticTask("Classic/Pendulum-v1?time_limit=7", options, workers: workers);
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(420), new Rng(1));
        var ends = new List<long>();
        var returns = new List<double>();
        while (!learner.IsDone)
        {
            var before = learner.Count;
            var step = learner.TrainStep();
            Assert.All(step.Episodes!, episode => Assert.Equal(7, episode.Length));
            ends.AddRange(step.Episodes!.Select(episode => before + episode.AgentStep));
            returns.AddRange(step.Episodes!.Select(episode => episode.Return));
        }
        Assert.Equal(Enumerable.Range(1, 15).SelectMany(k => Enumerable.Repeat(28L * k, 4)), ends);
        var window = ((IAgentStream)learner.Stream).Episodes;
        Assert.Equal((60, returns.Average()), (window.Count, window.MeanReturn));
    }

    [Fact]
    public void The_episodes_of_a_step_stay_when_its_rollout_is_filled_again()
    {
        var task = new ActorCriticTask("Classic/Pendulum-v1?time_limit=5", Options);
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(400), new Rng(1));
        var first = learner.TrainStep().Episodes!;
        var kept = first.ToArray();
        for (var k = 0; k < 5; k++) learner.TrainStep();
        Assert.Equal(4, kept.Length);
        Assert.Equal(kept, first);
    }
}

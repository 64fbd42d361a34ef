// Workers free every tensor of their passes, whichever thread made it.
using RlLeap.Agents;
using TorchSharp;
using Xunit;

namespace RlLeap.Tests.Agents;

[Collection("alone")] // counts the tensors of all threads
public class ParallelAgentMemoryTests
{
    [Fact]
    public void Tensors_alive_do_not_grow_with_several_workers()
    {
        var options = ActorCriticOptions.MinAtar with { Environments = 8 };
        var task = new ActorCriticTask("MinAtar/Breakout-v1", options, workers: 2);
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000), new Rng(5));
        for (var k = 0; k < 5; k++) learner.TrainStep();
        GC.Collect(); // what earlier tests left
        GC.WaitForPendingFinalizers();
        var before = torch.Tensor.TotalCount;
        for (var k = 0; k < 50; k++) learner.TrainStep();
        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public void Nor_with_the_pieces_of_PPO()
    {
        var options = ActorCriticOptions.Presets["ppo-cleanrl-atari"] with
        {
            Environments = 4,
            RolloutLength = 32,
            Network = AgentNetworks.Auto,
            Ppo = new() { Epochs = 1, Minibatches = 1 },
        };
        var task = new ActorCriticTask("MinAtar/Breakout-v1?render=rgb84", options, workers: 2);
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000), new Rng(5));
        for (var k = 0; k < 3; k++) learner.TrainStep();
        GC.Collect(); // what earlier tests left
        GC.WaitForPendingFinalizers();
        var before = torch.Tensor.TotalCount;
        for (var k = 0; k < 10; k++) learner.TrainStep();
        Assert.Equal(before, torch.Tensor.TotalCount);
    }
}

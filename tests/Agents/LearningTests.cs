// Agents on problems whose answers are known: they must find them, and must not where truncation is taken for an end.
using RlLeap.Agents;
using RlLeap.Environments;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public class LearningTests
{
    private static readonly ActorCriticOptions Quick = ActorCriticOptions.MinAtar with
    {
        Environments = 16,
        Network = "mlp",
        Optimizer = new() { Kind = OptimizerKind.Adam, LearningRate = 3e-3, MaxGradientNorm = 0.5 },
    };

    [Fact]
    public void The_identity_is_learned_and_worth_one()
    {
        using var learner = Learn(Quick, rng => new Identity(rng, 5), agentSteps: 30_000);
        Assert.True(Window(learner).MeanReturn > 0.97, $"mean return {Window(learner).MeanReturn}");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var outputs = learner.Model.Forward(eye(5));
        Assert.Equal([0L, 1, 2, 3, 4], outputs[0].argmax(1).data<long>().ToArray());
        foreach (var value in outputs[1].data<float>()) Assert.Equal(1, value, 0.1);
    }

    // Reward 1 for ever is worth 1 / (1 - gamma), although episodes are cut off after 10 steps.
    [Fact]
    public void Cut_off_episodes_do_not_lower_values()
    {
        using var learner = Learn(Salaried, _ => new Salary(10, StepType.Truncated), agentSteps: 60_000);
        Assert.Equal(1 / (1 - Salaried.Discount), ValueOfOne(learner), 0.2);
    }

    [Fact]
    public void Values_are_wrong_when_truncation_is_taken_for_an_end()
    {
        using var learner = Learn(Salaried, _ => new Salary(10, StepType.Terminated), agentSteps: 60_000);
        // The mean over the ten steps of (1 - gamma^k) / (1 - gamma), for gamma 0.9: about 4.1.
        Assert.True(ValueOfOne(learner) < 6, $"{ValueOfOne(learner)}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Catch_is_solved(int seed)
    {
        using var learner = Learn(Quick, rng => new Catch(rng, 5, 3), agentSteps: 50_000, seed);
        Assert.True(Window(learner).MeanReturn >= 0.9, $"mean return {Window(learner).MeanReturn}");
    }

    [Fact]
    public void Tensors_alive_do_not_grow_with_steps()
    {
        var task = Task(Quick, rng => new Catch(rng, 5, 3));
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(100_000), new Rng(1));
        for (var k = 0; k < 10; k++) learner.TrainStep();
        var after10 = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var k = 0; k < 10; k++) learner.TrainStep();
        Assert.Equal(after10, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [LongFact]
    public void Ten_million_agent_steps_leave_memory_flat()
    {
        var options = Quick with { Environments = 64, RolloutLength = 20 };
        var task = Task(options, rng => new Catch(rng, 5, 3));
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(10_000_000), new Rng(1));
        while (learner.Count < 1_000_000) learner.TrainStep();
        var before = Resident();
        while (!learner.IsDone) learner.TrainStep();
        var growth = Resident() - before;
        Assert.True(growth < 32L << 20, $"{growth >> 20} MiB more after nine million steps");

        static long Resident()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return System.Diagnostics.Process.GetCurrentProcess().WorkingSet64;
        }
    }

    private static readonly ActorCriticOptions Salaried = Quick with
    {
        Environments = 4,
        Lambda = 1,
        Discount = 0.9,
        Optimizer = new() { Kind = OptimizerKind.Adam, LearningRate = 3e-3 },
    };

    private static double ValueOfOne(Learner learner)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return learner.Model.Forward(ones([1, 1]))[ActorCritic.ValueHead].item<float>();
    }

    private static Learner Learn(ActorCriticOptions options, Func<Rng, IEnvironment> make, long agentSteps,
        int seed = 1)
    {
        var task = Task(options, make);
        var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(agentSteps), new Rng(seed));
        while (!learner.IsDone) learner.TrainStep();
        return learner;
    }

    private static EpisodeWindow Window(Learner learner) => ((IAgentStream)learner.Stream).Episodes;

    private static ActorCriticTask Task(ActorCriticOptions options, Func<Rng, IEnvironment> make) =>
        new(make(new Rng(0)).Spec, options,
            rng => new EnvironmentVector(options.Environments, i => make(rng.Split("environment", i))));
}

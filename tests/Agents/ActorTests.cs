// What an actor writes down of what happened: rows, clipping, ends.
using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public class ActorTests
{
    private static readonly ActorCriticOptions Options = ActorCriticOptions.A2c with
    { Environments = 2, RolloutLength = 4, Discount = 0.5, RewardClip = 1 };

    [Fact]
    public void Rewards_are_clipped_first_and_the_future_of_a_truncated_episode_is_added_after()
    {
        using var environment = new EnvironmentVector(2, i => i == 0
            ? new Script((5, StepType.Mid), (-7, StepType.Truncated), (0.25f, StepType.Mid), (3, StepType.Terminated))
            : new Script((0, StepType.Mid), (0, StepType.Mid), (0, StepType.Mid), (0, StepType.Mid)));
        environment.Reset();
        using var model = ValueOf(100);
        using var actor = new Actor(environment, Options, new Rng(1));
        using var rollout = actor.Run(model);
        Assert.Equal([1, 0, -1 + 0.5f * 100, 0, 0.25f, 0, 1, 0], rollout.Rewards);
        Assert.Equal([0.5f, 0.5f, 0, 0.5f, 0.5f, 0.5f, 0, 0.5f], rollout.Discounts);
    }

    [Fact]
    public void The_value_folded_in_is_that_of_the_final_observation_not_of_the_next_episodes_first()
    {
        using var environment = new EnvironmentVector(2,
            i => new Script((0, StepType.Mid), (0, i == 1 ? StepType.Truncated : StepType.Mid)));
        environment.Reset();
        using var model = ValueOf(0, slope: 1);
        using var actor = new Actor(environment, Options with { RolloutLength = 2 }, new Rng(1));
        using var rollout = actor.Run(model);
        // The script's clock: reset 1, steps 2 and 3; the next episode begins at 4.
        Assert.Equal([0, 0, 0, 0.5f * 3], rollout.Rewards);
        Assert.Equal([1, 1, 2, 2, 3, 4], rollout.Observations.Floats);
    }

    [Fact]
    public void Returns_of_finished_episodes_are_raw()
    {
        using var environment = new EnvironmentVector(2, _ => new Script((5, StepType.Mid), (-7, StepType.Terminated)));
        environment.Reset();
        using var model = ValueOf(0);
        using var actor = new Actor(environment, Options, new Rng(1));
        using var rollout = actor.Run(model);
        // Two copies, so steps 2 and 4 of each are agent steps 4 and 8.
        Assert.Equal([new(4, -2, 2), new(4, -2, 2), new(8, -2, 2), new(8, -2, 2)], rollout.Episodes);
    }

    [Fact]
    public void Two_rollouts_alive_at_once_do_not_share_memory_and_disposed_ones_are_used_again()
    {
        using var environment = new EnvironmentVector(2, _ => new Script((1, StepType.Mid)));
        environment.Reset();
        using var model = ValueOf(0);
        using var actor = new Actor(environment, Options, new Rng(1));
        var first = actor.Run(model);
        var seen = first.Observations.Floats.ToArray();
        var second = actor.Run(model);
        Assert.NotSame(first, second);
        Assert.Equal(seen, first.Observations.Floats);
        Assert.Equal(seen[^2..], second.Observations.Floats[..2]);
        first.Dispose();
        first.Dispose();
        using var third = actor.Run(model);
        Assert.Same(first, third);
        second.Dispose();
    }

    [Fact]
    public void Tensors_show_what_the_arrays_hold()
    {
        using var scope = NewDisposeScope();
        using var rollout = new Rollout(2, 3, Box.Bytes(1, 4, 2, 2));
        rollout.Observations.Bytes.AsSpan().Fill(7);
        Assert.Equal([6, 4, 2, 2], rollout.Inputs.shape);
        Assert.Equal([3, 4, 2, 2], rollout.Row(2).shape);
        Assert.Equal(7, rollout.Row(2)[2, 3, 1, 1].item<byte>());
    }

    // V(o) = base + slope o, whatever the policy.
    private static Model ValueOf(float constant, float slope = 0)
    {
        var model = new Model(new Direct(), ActorCritic.Heads(2, LayerInitialization.TorchDefault));
        using var _ = no_grad();
        model.Parameters["value.weight"].fill_(slope);
        model.Parameters["value.bias"].fill_(constant);
        return model;
    }

    private sealed class Direct : Network
    {
        public override string Name => "direct";
        public override long[] InputShape => [1];
        public override long Features => 1;
        public override IReadOnlyList<ParameterInfo> Parameters => [];
        public override Tensor Forward(Pass pass, Tensor input) => input;
        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) { }
    }
}

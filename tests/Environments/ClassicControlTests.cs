using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class ClassicControlTests
{
    public static TheoryData<string> Ids() => [.. ClassicControl.Ids];

    private static float[] Draw(Rng rng, EnvironmentSpec spec, int count)
    {
        var actions = new float[count * spec.Action.Length];
        for (var i = 0; i < count; i++)
            ActionNumbers.Sample(spec.Action, rng, actions.AsSpan(i * spec.Action.Length, spec.Action.Length));
        return actions;
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_vectors_copies_are_the_single_environments(string id)
    {
        const int Count = 3;
        using var vector = Registry.MakeVector(id, Count, new Rng(5), threads: 2);
        var singles = Enumerable.Range(0, Count)
            .Select(i => Registry.Make(id, new Rng(5).Split("environment", i))).ToArray();
        var (rng, ended) = (new Rng(6), 0);
        vector.Reset();
        for (var i = 0; i < Count; i++) Assert.True(singles[i].Reset().Observation.SameAs(vector.Observations.Row(i)));
        for (var t = 0; t < 1500; t++)
        {
            var actions = Draw(rng, vector.Spec, Count);
            vector.Step(actions);
            for (var i = 0; i < Count; i++)
            {
                var step = singles[i].Step(actions.AsSpan(i, 1));
                Assert.Equal((step.StepType, step.Reward), (vector.StepTypes[i], vector.Rewards[i]));
                if (step.IsLast)
                {
                    ended++;
                    Assert.True(step.Observation.SameAs(vector.FinalObservations.Row(i)));
                    step = singles[i].Reset();
                }
                Assert.True(step.Observation.SameAs(vector.Observations.Row(i)), $"{id}, copy {i}, step {t}");
            }
        }
        Assert.True(ended > 0);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_snapshot_goes_on_to_the_bit(string id)
    {
        using var vector = Registry.MakeVector(id, 4, new Rng(1));
        var rng = new Rng(2);
        vector.Reset();
        for (var t = 0; t < 300; t++) vector.Step(Draw(rng, vector.Spec, 4));
        var snapshot = vector.Snapshot();
        using var other = Registry.MakeVector(id, 4, new Rng(9));
        other.Restore(snapshot);
        for (var t = 0; t < 700; t++)
        {
            var actions = Draw(rng, vector.Spec, 4);
            vector.Step(actions);
            other.Step(actions);
            Assert.True(vector.Observations.Raw.SequenceEqual(other.Observations.Raw));
            Assert.Equal(vector.Finished, other.Finished);
        }
        var error = Assert.Throws<EnvironmentException>(() => other.Restore(snapshot.AsSpan(3)));
        Assert.Contains("restored", error.Message);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Every_rule_is_kept(string id) => Assert.Empty(EnvironmentCheck.Run(id, 500));

    [Theory]
    [MemberData(nameof(Ids))]
    public void Pictures_change_with_the_state(string id)
    {
        using var vector = Registry.MakeVector(id, 2, new Rng(1));
        vector.Reset();
        var first = vector.Render(0);
        for (var t = 0; t < 8; t++) vector.Step(Draw(new Rng(3), vector.Spec, 2));
        Assert.Equal((480, 320), (first.Width, first.Height));
        Assert.False(first.Pixels.AsSpan().SequenceEqual(vector.Render(0).Pixels));
    }

    [Fact]
    public void A_time_limit_can_be_chosen_and_switched_off()
    {
        using var vector = Registry.MakeVector("Classic/Pendulum-v1?time_limit=7", 1, new Rng(1));
        vector.Reset();
        for (var t = 1; t <= 7; t++) vector.Step(new float[] { 0 });
        Assert.Equal(new EpisodeRecord(0, vector.Finished[0].Return, 7, StepType.Truncated), vector.Finished[0]);
        Assert.Null(Registry.Spec("Classic/CartPole-v1?time_limit=0").MaxEpisodeSteps);
    }

    [Fact]
    public void Actions_that_are_none_are_refused_with_the_copy()
    {
        using var vector = Registry.MakeVector("Classic/Pendulum-v1", 2, new Rng(1));
        vector.Reset();
        var error = Assert.Throws<EnvironmentException>(() => vector.Step(new float[] { 0, float.NaN }));
        Assert.Equal("Classic/Pendulum-v1 (copy 1 of 2): its action is NaN. No copy was stepped.", error.Message);
        Assert.Contains("expected are 2", Assert.Throws<EnvironmentException>(() => vector.Step(new float[3])).Message);
        using var poles = Registry.MakeVector("Classic/CartPole-v1", 2, new Rng(1));
        poles.Reset();
        Assert.Contains("action 2 is not one of its 2 actions (0 to 1: left, right)",
            Assert.Throws<EnvironmentException>(() => poles.Step(new float[] { 0, 2 })).Message);
    }

    [Fact]
    public void Wrappers_pass_continuous_actions_on()
    {
        using var plain = Registry.Make("Classic/Pendulum-v1", new Rng(1));
        using var wrapped = Registry.Make("Classic/Pendulum-v1?repeat=2&time_limit=3&clip=1&stack=2", new Rng(1));
        plain.Reset();
        wrapped.Reset();
        for (var t = 0; t < 3; t++)
        {
            var (first, second) = (plain.Step(new float[] { 1.5f }), plain.Step(new float[] { 1.5f }));
            var both = wrapped.Step(new float[] { 1.5f });
            Assert.Equal(first.Reward + second.Reward, both.RawReward);
            Assert.Equal(Math.Clamp(both.RawReward, -1, 1), both.Reward);
            Assert.Equal(second.Observation.Floats, both.Observation.Floats[3..]);
            Assert.Equal(t == 2 ? StepType.Truncated : StepType.Mid, both.StepType);
        }
        var error = Assert.Throws<EnvironmentException>(
            () => Registry.Make("Classic/Pendulum-v1?sticky=0.1", new Rng(1)));
        Assert.Contains("option sticky needs numbered actions", error.Message);
    }
}

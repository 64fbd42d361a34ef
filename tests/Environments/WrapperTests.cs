// What each wrapper does, checked with exact numbers.
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class WrapperTests
{
    [Fact]
    public void A_time_limit_truncates_but_does_not_hide_a_termination()
    {
        var limited = new TimeLimit(new Counter(new Rng(0), 5), 3);
        Assert.Equal(3, limited.Spec.MaxEpisodeSteps);
        limited.Reset();
        limited.Step(0);
        limited.Step(0);
        Assert.Equal(StepType.Truncated, limited.Step(0).StepType);
        Assert.Throws<EnvironmentException>(() => limited.Step(0));
        var same = new TimeLimit(new Counter(new Rng(0), 3), 3);
        Assert.Equal(StepType.Terminated, Play.Random(same, 3, new Rng(1)).Last().StepType);
    }

    [Fact]
    public void Sticky_actions_repeat_the_executed_action_with_their_probability()
    {
        var recorder = new Recorder();
        var sticky = new StickyActions(recorder, 0.25, new Rng(3));
        sticky.Reset();
        const int Steps = 20_000;
        for (var t = 0; t < Steps; t++) sticky.Step(1 + t % 2);
        var repeated = recorder.Actions.Zip(Enumerable.Range(0, Steps))
            .Count(pair => pair.First != 1 + pair.Second % 2);
        // The requested action alternates. A repeat is visible unless the repeated action happens to be the requested
        // one, which gives p (1 - p) + p^3 (1 - p) + ... = p / (1 + p).
        Assert.Equal(0.25 / 1.25, (double)repeated / Steps, 0.01);
        recorder.Actions.Clear();
        var always = new StickyActions(recorder, 1, new Rng(3));
        always.Reset();
        always.Step(2);
        Assert.Equal([0], recorder.Actions);
    }

    [Fact]
    public void Rewards_are_clipped_to_the_bound_and_kept_raw_beside()
    {
        var clipped = new ClipReward(new Counter(new Rng(0)), 2.5f);
        var steps = Play.Random(clipped, 4, new Rng(0)).ToArray();
        Assert.Equal([0, 1, 2, 2.5f, 2.5f], steps.Select(step => step.Reward));
        Assert.Equal([0, 1, 2, 3, 4f], steps.Select(step => step.RawReward));
    }

    [Theory]
    [InlineData("time_limit=5&repeat=3")]
    [InlineData("time_limit=5&noop=4")]
    public void A_time_limit_counts_agent_steps_whatever_wraps_a_game_that_has_one_of_its_own(string options)
    {
        var (length, lengths) = (0, new List<int>());
        foreach (var step in Play.Random(Registry.Make("MinAtar/Freeway-v1?" + options, new Rng(1)), 50, new Rng(2)))
        {
            length = step.StepType == StepType.First ? 0 : length + 1;
            if (step.IsLast) lengths.Add(length);
        }
        Assert.NotEmpty(lengths);
        Assert.All(lengths, each => Assert.Equal(5, each));
    }

    [Fact]
    public void A_bound_of_zero_does_not_clip()
    {
        Registry.Register("test/Paying", rng => new Counter(rng));
        Assert.Equal([0, 1, 2, 3f], Rewards("test/Paying?clip=0"));
        Assert.Equal([0, 1, 2, 2f], Rewards("test/Paying?clip=2"));

        static IEnumerable<float> Rewards(string id) =>
            Play.Random(Registry.Make(id, new Rng(0)), 3, new Rng(0)).Select(step => step.Reward);
    }

    [Fact]
    public void A_frame_stack_shows_the_oldest_first_and_begins_as_told()
    {
        foreach (var padding in Enum.GetValues<StackPadding>())
        {
            var stack = new FrameStack(new Counter(new Rng(0)), 3, padding);
            Assert.Equal([6], stack.Spec.Observation.Shape);
            var first = stack.Reset().Observation.Floats;
            var random = first[5];
            float[] expected = padding == StackPadding.Zero
                ? [0, 0, 0, 0, 0, random]
                : [0, random, 0, random, 0, random];
            Assert.Equal(expected, first);
            stack.Step(0);
            stack.Step(0);
            var counts = stack.Step(0).Observation.Floats.Where((_, i) => i % 2 == 0);
            Assert.Equal([0, 1, 2], counts.Select(value => value - 1));
            // The final observation of an episode is stacked like any other. The next episode starts with padding
            // again.
            var last = Play.Random(stack, 7, new Rng(0)).Last();
            Assert.True(last.IsLast);
            Assert.Equal([5, 6, 7], last.Observation.Floats.Where((_, i) => i % 2 == 0));
            Assert.Equal(0, stack.Reset().Observation.Floats[2]);
        }
        Assert.Equal([12, 10, 10], new FrameStack(MinAtarSuite.Make("Breakout", 0, new()), 3).Spec.Observation.Shape);
    }

    [Fact]
    public void An_action_repeat_adds_rewards_and_stops_at_the_end()
    {
        var repeat = new ActionRepeat(new Counter(new Rng(0), 7), 3);
        Assert.Equal(3, repeat.Spec.FramesPerStep);
        repeat.Reset();
        Assert.Equal(1 + 2 + 3, repeat.Step(0).Reward);
        Assert.Equal(4 + 5 + 6, repeat.Step(0).Reward);
        var last = repeat.Step(0);
        Assert.Equal((7f, StepType.Terminated), (last.Reward, last.StepType));
    }

    [Fact]
    public void A_noop_start_draws_one_to_the_most_and_survives_an_end()
    {
        var counter = new Recorder();
        var noop = new NoopStart(counter, 5, new Rng(1));
        var counts = new HashSet<int>();
        for (var i = 0; i < 200; i++)
        {
            counter.Actions.Clear();
            Assert.Equal(StepType.First, noop.Reset().StepType);
            Assert.All(counter.Actions, action => Assert.Equal(0, action));
            counts.Add(counter.Actions.Count);
        }
        Assert.Equal([1, 2, 3, 4, 5], counts.Order());
        var short_ = new NoopStart(new Counter(new Rng(0), 2), 5, new Rng(1));
        for (var i = 0; i < 50; i++)
        {
            short_.Reset();
            short_.Step(1);
        }
    }

    [Fact]
    public void Padded_planes_are_zeros_behind_the_games_own()
    {
        var plain = MinAtarSuite.Make("Breakout", 5, new());
        var native = MinAtarSuite.Make("Breakout", 5, new() { Planes = 10 });
        var padded = new PadPlanes(MinAtarSuite.Make("Breakout", 5, new()), 10);
        Assert.Equal(native.Spec.Observation, padded.Spec.Observation);
        var steps = Play.Random(plain, 300, new Rng(0))
            .Zip(Play.Random(native, 300, new Rng(0)), Play.Random(padded, 300, new Rng(0)));
        foreach (var (a, b, c) in steps)
        {
            Assert.Equal(a.Observation.Bytes, b.Observation.Bytes.Take(400));
            Assert.All(b.Observation.Bytes[400..], value => Assert.Equal(0, value));
            Assert.True(b.Observation.SameAs(c.Observation));
        }
        Assert.Contains("with C of at most 3",
            Assert.Throws<EnvironmentException>(() => new PadPlanes(plain, 3)).Message);
    }

    [Fact]
    public void A_rendered_observation_is_the_picture_channel_first()
    {
        var native = MinAtarSuite.Make("Seaquest", 5, new() { Rgb = true });
        var rendered = new RenderedObservation(MinAtarSuite.Make("Seaquest", 5, new()));
        Assert.Equal(Box.Bytes(255, 3, 84, 84), rendered.Spec.Observation);
        foreach (var (a, b) in Play.Random(native, 200, new Rng(0)).Zip(Play.Random(rendered, 200, new Rng(0))))
            Assert.True(a.Observation.SameAs(b.Observation));
        Assert.Contains("cannot draw itself",
            Assert.Throws<EnvironmentException>(() => new RenderedObservation(new Counter(new Rng(0)))).Message);
    }

    private sealed class Recorder() : Counter(new Rng(0), int.MaxValue)
    {
        public List<int> Actions { get; } = [];

        public override TimeStep Step(int action)
        {
            Actions.Add(action);
            return base.Step(action);
        }
    }
}

// A vector behaves like its copies one by one, on any number of threads: ends of episodes, final observations, errors
// and saved states.
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class VectorTests
{
    public static TheoryData<string> Ids() =>
    [
        .. MinAtarSuite.Games.Select(game => $"MinAtar/{game}-v0"),
        "MinAtar/Breakout-v1?planes=10&sticky=0.25",
        "MinAtar/Asterix-v1?time_limit=13",
        "MinAtar/SpaceInvaders-v1?render=rgb84",
        "MinAtar/Breakout-v1?stack=2&noop=3&clip=0.5",
    ];

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_vector_plays_what_its_copies_play_one_by_one(string id)
    {
        const int Count = 5, Steps = 400;
        using var vector = Registry.MakeVector(id, Count, new Rng(3), threads: 2);
        var singles = Enumerable.Range(0, Count)
            .Select(i => Registry.Make(id, new Rng(3).Split("environment", i))).ToArray();
        var (returns, lengths) = (new double[Count], new int[Count]);
        var rng = new Rng(4);
        vector.Reset();
        Assert.All(vector.StepTypes, moment => Assert.Equal(StepType.First, moment));
        for (var i = 0; i < Count; i++) Assert.True(singles[i].Reset().Observation.SameAs(vector.Observations.Row(i)));
        for (var t = 0; t < Steps; t++)
        {
            var actions = Play.Actions(rng, Count, ((Discrete)vector.Spec.Action).Count);
            vector.Step(actions);
            var finished = new List<EpisodeRecord>();
            for (var i = 0; i < Count; i++)
            {
                var step = singles[i].Step(actions[i]);
                returns[i] += step.RawReward;
                lengths[i]++;
                Assert.Equal(step.StepType, vector.StepTypes[i]);
                Assert.Equal(step.Reward, vector.Rewards[i]);
                if (step.IsLast)
                {
                    Assert.True(step.Observation.SameAs(vector.FinalObservations.Row(i)),
                        $"final observation, step {t}");
                    finished.Add(new EpisodeRecord(i, returns[i], lengths[i], step.StepType));
                    (returns[i], lengths[i]) = (0, 0);
                    step = singles[i].Reset();
                }
                Assert.True(step.Observation.SameAs(vector.Observations.Row(i)), $"observation, step {t}");
            }
            Assert.Equal(finished, vector.Finished);
        }
    }

    [Theory]
    [InlineData("MinAtar/Seaquest-v0", 1)]
    [InlineData("MinAtar/Asterix-v0", 7)]
    [InlineData("MinAtar/Breakout-v0?stack=2", 33)]
    [InlineData("MinAtar/SpaceInvaders-v0", 4096)]
    public void Results_do_not_depend_on_the_number_of_threads(string id, int count)
    {
        var expected = Trace(id, count, 1);
        foreach (var threads in (int[])[2, 3, 8]) Assert.Equal(expected, Trace(id, count, threads));
    }

    private static string Trace(string id, int count, int threads)
    {
        using var vector = Registry.MakeVector(id, count, new Rng(5), threads);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var rng = new Rng(6);
        vector.Reset();
        for (var t = 0; t < Math.Max(30, 1000 / count); t++)
        {
            vector.Step(Play.Actions(rng, count, ((Discrete)vector.Spec.Action).Count));
            hash.AppendData(vector.Observations.Raw);
            hash.AppendData(MemoryMarshal.AsBytes(vector.Rewards.AsSpan()));
            foreach (var episode in vector.Finished) hash.AppendData(Encoding.UTF8.GetBytes(episode.ToString()));
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    [Fact]
    public void Observations_that_lie_elsewhere_are_read_once_by_whoever_reads_them()
    {
        var buffer = new ObservationBuffer(new Box(ElementType.Byte, [3], 0, 255), 2);
        var (reads, value) = (0, (byte)1);
        void Source(Span<byte> target)
        {
            reads++;
            target.Fill(value);
        }
        buffer.ReadFrom(Source);
        var copy = new byte[6];
        buffer.CopyTo(copy); // directly from the source
        Assert.Equal((1, 1), (reads, copy[5]));
        Assert.Equal([1, 1, 1], buffer.ByteRow(1).ToArray());
        Assert.Equal([1, 1, 1], buffer.Row(0).Bytes);
        Assert.Equal(2, reads);
        buffer.CopyTo(copy); // now from memory
        Assert.Equal(2, reads);
        var memory = buffer.Bytes;
        value = 2;
        buffer.ReadFrom(Source);
        Assert.Equal(1, memory[0]); // an array that was kept is not updated
        buffer.Update();
        Assert.Equal((2, 3), (memory[0], reads));
        Assert.Throws<ArgumentException>(() => buffer.CopyTo(new byte[5]));
    }

    [Fact]
    public void Truncation_and_termination_are_kept_apart_and_the_final_observation_is_kept()
    {
        using var vector = new EnvironmentVector(2,
            i => new Counter(new Rng(i), 3, i == 0 ? StepType.Terminated : StepType.Truncated));
        vector.Reset();
        for (var t = 0; t < 3; t++) vector.Step([0, 0]);
        Assert.Equal([StepType.Terminated, StepType.Truncated], vector.StepTypes);
        Assert.Equal(3, vector.FinalObservations.FloatRow(1)[0]);
        Assert.Equal(0, vector.Observations.FloatRow(1)[0]);
        Assert.Equal([new EpisodeRecord(0, 6, 3, StepType.Terminated), new EpisodeRecord(1, 6, 3, StepType.Truncated)],
            vector.Finished);
        vector.Step([0, 0]);
        Assert.Empty(vector.Finished);
    }

    [Fact]
    public void Episode_returns_are_raw_where_rewards_are_clipped()
    {
        using var vector = new EnvironmentVector(1, i => new ClipReward(new Counter(new Rng(i), 4), 2));
        vector.Reset();
        var clipped = 0f;
        for (var t = 0; t < 4; t++)
        {
            vector.Step([0]);
            clipped += vector.Rewards[0];
            Assert.Equal(t + 1, vector.RawRewards[0]);
        }
        Assert.Equal(1 + 2 + 2 + 2, clipped);
        Assert.Equal(1 + 2 + 3 + 4, vector.Finished[0].Return);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_saved_vector_goes_on_to_the_same_bits(string id)
    {
        using var vector = Registry.MakeVector(id, 4, new Rng(7));
        using var other = Registry.MakeVector(id, 4, new Rng(8), threads: 2);
        var rng = new Rng(9);
        vector.Reset();
        for (var t = 0; t < 57; t++) vector.Step(Play.Actions(rng, 4, ((Discrete)vector.Spec.Action).Count));
        var saved = vector.Snapshot();
        other.Restore(saved);
        Assert.True(vector.Observations.Raw.SequenceEqual(other.Observations.Raw));
        for (var t = 0; t < 200; t++)
        {
            var actions = Play.Actions(rng, 4, ((Discrete)vector.Spec.Action).Count);
            vector.Step(actions);
            other.Step(actions);
            Assert.True(vector.Observations.Raw.SequenceEqual(other.Observations.Raw));
            Assert.Equal(vector.Finished, other.Finished);
        }
        foreach (var damaged in (byte[][])[saved[..^1], saved[..7], [], [.. saved, 0]])
            Assert.StartsWith(id, Assert.Throws<EnvironmentException>(() => other.Restore(damaged)).Message);
        saved[saved.Length / 2] ^= 1;
        Assert.Contains("damaged", Assert.Throws<EnvironmentException>(() => other.Restore(saved)).Message);
        using var larger = Registry.MakeVector(id, 5, new Rng(7));
        Assert.Throws<EnvironmentException>(() => larger.Restore(vector.Snapshot()));
    }

    [Fact]
    public void A_state_of_another_game_is_refused()
    {
        using var breakout = Registry.MakeVector("MinAtar/Breakout-v0", 2, new Rng(0));
        using var freeway = Registry.MakeVector("MinAtar/Freeway-v0", 2, new Rng(0));
        Assert.Contains("the saved state is of 'Breakout x 2",
            Assert.Throws<EnvironmentException>(() => freeway.Restore(breakout.Snapshot())).Message);
    }

    [Fact]
    public void An_environment_that_cannot_save_says_so()
    {
        using var vector = new EnvironmentVector(1, _ => new Unsaved());
        Assert.False(vector.CanSnapshot);
        Assert.Contains("CanSnapshot", Assert.Throws<NotSupportedException>(() => vector.Snapshot()).Message);
    }

    [Fact]
    public void A_step_of_a_thousand_games_allocates_nothing()
    {
        foreach (var game in MinAtarSuite.Games)
        {
            using var vector = Registry.MakeVector($"MinAtar/{game}-v0", 1000, new Rng(1));
            var actions = Play.Actions(new Rng(2), 1000, 6);
            vector.Reset();
            for (var t = 0; t < 50; t++) vector.Step(actions);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var t = 0; t < 50; t++) vector.Step(actions);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    [Fact]
    public void Bad_calls_are_refused_before_anything_moves()
    {
        foreach (var id in (string[])["MinAtar/Breakout-v1", "MinAtar/Breakout-v1?stack=2"])
        {
            using var vector = Registry.MakeVector(id, 3, new Rng(0));
            Assert.Contains("before the first Reset",
                Assert.Throws<EnvironmentException>(() => vector.Step([0, 0, 0])).Message);
            vector.Reset();
            vector.Step([0, 1, 2]);
            var state = vector.Snapshot();
            Assert.Contains("2 actions for 3 copies",
                Assert.Throws<EnvironmentException>(() => vector.Step([0, 0])).Message);
            var message = Assert.Throws<EnvironmentException>(() => vector.Step([0, 3, 0])).Message;
            Assert.Contains($"{id} (copy 1 of 3): action 3 is not one of its 3 actions (0 to 2: noop, left, right)",
                message);
            Assert.Equal(state, vector.Snapshot());
        }
    }

    public static TheoryData<string, Func<TimeStep, TimeStep>> Faults() => new()
    {
        { "Step threw ArithmeticException: no luck", _ => throw new ArithmeticException("no luck") },
        { "the reward of action 2 is NaN", step => step with { Reward = float.NaN } },
        { "element 0 of the observation is NaN", step => step with { Observation = new[] { float.NaN, 0f } } },
        { "element 1 of the observation is minus infinity",
            step => step with { Observation = new[] { 0f, float.NegativeInfinity } } },
        { "it returned an observation of 5 floats, " +
            "but its space Box(Float32, [2], -Infinity..Infinity) has 2 elements",
            step => step with { Observation = new float[5] } },
        { "it returned an observation of 2 bytes", step => step with { Observation = new byte[2] } },
        { "it returned an empty observation", step => step with { Observation = default } },
        { "Step returned First", step => step with { StepType = StepType.First } },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_failing_copy_is_one_error_with_its_step_and_leaves_the_others_whole(
        string what, Func<TimeStep, TimeStep> fault)
    {
        foreach (var threads in (int[])[1, 3])
        {
            using var vector = new EnvironmentVector(3,
                i => i == 1 ? new Misbehaving(new Rng(1), 4, fault) : new Counter(new Rng(i)), threads);
            using var healthy = new EnvironmentVector(3, i => new Counter(new Rng(i)));
            vector.Reset();
            healthy.Reset();
            for (var t = 0; t < 3; t++)
            {
                vector.Step([2, 2, 2]);
                healthy.Step([2, 2, 2]);
            }
            var message = Assert.Throws<EnvironmentException>(() => vector.Step([2, 2, 2])).Message;
            healthy.Step([2, 2, 2]);
            Assert.Contains(what, message);
            Assert.StartsWith("test/Counter (copy 1 of 3), episode 1, step 4: ", message);
            foreach (var i in (int[])[0, 2])
            {
                Assert.True(healthy.Observations.Row(i).SameAs(vector.Observations.Row(i)));
                Assert.Equal(healthy.Rewards[i], vector.Rewards[i]);
            }
            Assert.Contains("has to be Reset",
                Assert.Throws<EnvironmentException>(() => vector.Step([2, 2, 2])).Message);
            vector.Reset();
            vector.Step([2, 2, 2]);
        }
    }

    [Fact]
    public void A_single_environment_names_episode_and_step_of_an_error()
    {
        Registry.Register("test/Failing",
            rng => new Misbehaving(rng, 3, _ => throw new ArithmeticException("no luck")));
        using var environment = Registry.Make("test/Failing", new Rng(0));
        Assert.Contains("before the first Reset",
            Assert.Throws<EnvironmentException>(() => environment.Step(0)).Message);
        environment.Reset();
        environment.Step(0);
        Assert.Contains("action 3 is not one of its 3 actions (0 to 2)",
            Assert.Throws<EnvironmentException>(() => environment.Step(3)).Message);
        environment.Step(0);
        Assert.Equal("test/Failing, episode 1, step 3: Step threw ArithmeticException: no luck",
            Assert.Throws<EnvironmentException>(() => environment.Step(0)).Message);
        Assert.Contains("has to be Reset", Assert.Throws<EnvironmentException>(() => environment.Step(0)).Message);
        Registry.Register("test/Unmakeable", rng => throw new ArithmeticException("no luck"));
        Assert.Equal("test/Unmakeable: making it threw ArithmeticException: no luck",
            Assert.Throws<EnvironmentException>(() => Registry.Make("test/Unmakeable", new Rng(0))).Message);
    }

    private sealed class Unsaved() : Counter(new Rng(0))
    {
        public override bool CanSnapshot => false;
        public override byte[] Snapshot() => throw new NotSupportedException("CanSnapshot is false");
    }
}

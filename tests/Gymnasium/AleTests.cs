// The Arcade Learning Environment: what is known without it, and what was proved on the real ale-py.
using Python.Runtime;
using RlLeap.Environments;
using RlLeap.Gymnasium;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

public sealed class AleFactsTests
{
    [Fact]
    public void ThereAre104Games()
    {
        Assert.Equal(104, AleGames.All.Count);
        Assert.Equal(62, AleGames.All.Count(game => game.InGym2018));
        Assert.Equal(47, AleGames.All.Count(game => game.MinimalActions <= 10));
        Assert.Equal("ALE/TicTacToe3D-v5", AleGames.All.Single(game => game.Rom == "tic_tac_toe_3d").Id);
    }

    [Fact]
    public void ThePapersPoolHas27GamesWithTheTwoItHoldsOut()
    {
        Assert.Equal(27, AleGames.LeapPool.Count);
        Assert.Contains(AleGames.LeapPool, game => game.Name == "Breakout");
        Assert.Contains(AleGames.LeapPool, game => game.Name == "SpaceInvaders");
        // What the paper calls out of distribution
        foreach (var more in new[] { "Alien", "Gravitar", "RoadRunner", "KungFuMaster", "Krull" })
            Assert.True(AleGames.Find($"ALE/{more}-v5")!.MinimalActions > 10);
        foreach (var inside in new[] { "AirRaid", "UpNDown", "WizardOfWor" })
            Assert.Contains(AleGames.LeapPool, game => game.Name == inside);
    }

    [Fact]
    public void AnUnknownGameNamesTheNearest()
    {
        var e = Assert.Throws<EnvironmentException>(() => Registry.MakeVector("ALE/Brakeout-v5", 1, new Rng(0)));
        Assert.Contains("ALE/Breakout-v5", e.Message);
    }

    [Fact]
    public void PresetsAreWhatTheirPapersSay()
    {
        var (leap, dqn, machado) =
            (AleOptions.Presets["leap"], AleOptions.Presets["dqn"], AleOptions.Presets["machado"]);
        Assert.True(leap is { Gray: false, Stack: 1, Height: 84, Width: 84 });
        Assert.True(dqn is { Gray: true, Stack: 4, Height: 84, Width: 84 });
        Assert.True(dqn is { LifeLoss: true, NoopMax: 30, Sticky: 0 });
        Assert.True(machado is { LifeLoss: false, EpisodicLife: false, Sticky: 0.25, NoopMax: 0 });
        Assert.All(AleOptions.Presets.Values, preset => Assert.Equal(0, preset.Clip));
    }

    [Fact]
    public void EveryOptionIsDescribedAndInTheRecord() =>
        Assert.Equal(AleOptions.Described.Select(option => option.Name).Order(),
            AleOptions.Presets["leap"].Resolved.Keys.Order());
}

[Collection("python")]
public sealed class AleTests
{
    private static IVectorEnvironment Open(string options, int count, long seed = 1, int threads = 2) =>
        Registry.MakeVector("ALE/Tetris-v5?" + options, count, new Rng(seed), threads);

    [OpenCvFact]
    public void TheDqnPresetEqualsGymnasiumsWrappersPixelByPixelOverAWholeEpisode()
    {
        using var ours = Open("preset=dqn&noop=0&fire_reset=0&sticky=0", 1);
        ours.Reset();
        PyModule reference;
        using (Py.GIL())
        {
            reference = PyModule.FromString("atari_reference", """
                import gymnasium, ale_py
                from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation
                env = gymnasium.make("ALE/Tetris-v5", frameskip=1, repeat_action_probability=0.0)
                env = AtariPreprocessing(env, noop_max=0, frame_skip=4, screen_size=84, grayscale_obs=True)
                env = FrameStackObservation(env, 4, padding_type="zero")
                def reset(): return env.reset(seed=0)[0].tobytes()
                def step(action):
                    obs, reward, terminated, truncated, _ = env.step(action)
                    return obs.tobytes(), float(reward), bool(terminated), bool(truncated)
                """, "atari_reference.py");
            using PyObject first = reference.InvokeMethod("reset");
            Assert.Equal(Bytes(first), ours.Observations.Bytes);
        }
        var (rng, steps) = (new Rng(4), 0);
        do
        {
            var action = rng.NextInt(((Discrete)ours.Spec.Action).Count);
            ours.Step([action]);
            steps++;
            using Py.GILState gil = Py.GIL();
            using PyObject number = action.ToPython();
            using PyObject result = reference.InvokeMethod("step", number);
            using PyObject seen = result[0], reward = result[1], terminated = result[2], truncated = result[3];
            Assert.Equal(terminated.As<bool>(), ours.StepTypes[0] == StepType.Terminated);
            Assert.Equal(truncated.As<bool>(), ours.StepTypes[0] == StepType.Truncated);
            Assert.Equal(reward.As<float>(), ours.Rewards[0]);
            var pixels = ours.StepTypes[0].IsLast() ? ours.FinalObservations.Bytes : ours.Observations.Bytes;
            Assert.True(Bytes(seen).AsSpan().SequenceEqual(pixels), $"pixels differ at step {steps}");
        }
        while (!ours.StepTypes[0].IsLast());
        Assert.InRange(steps, 50, 27000);
        Assert.Equal(steps, ours.Finished[0].Length);
    }

    private static byte[] Bytes(PyObject bytes)
    {
        using PyBuffer view = bytes.GetBuffer(PyBUF.CONTIG_RO);
        var copy = new byte[view.Length];
        view.Read(copy, 0, copy.Length, 0);
        return copy;
    }

    /// <summary>A number for everything seen in <paramref name="steps"/> random steps.</summary>
    private static ulong Digest(IVectorEnvironment vector, int steps)
    {
        var (rng, hash) = (new Rng(7), 14695981039346656037UL);
        void Mix(ReadOnlySpan<byte> bytes)
        {
            foreach (var b in bytes) hash = (hash ^ b) * 1099511628211UL;
        }
        var actions = new int[vector.Count];
        vector.Reset();
        for (var t = 0; t < steps; t++)
        {
            for (var i = 0; i < actions.Length; i++) actions[i] = rng.NextInt(((Discrete)vector.Spec.Action).Count);
            vector.Step(actions);
            Mix(vector.Observations.Bytes);
            Mix(System.Runtime.InteropServices.MemoryMarshal.AsBytes(vector.Rewards.AsSpan()));
            for (var i = 0; i < actions.Length; i++)
                if (vector.StepTypes[i].IsLast()) Mix(vector.FinalObservations.ByteRow(i));
        }
        return hash;
    }

    [AleFact]
    public void OneSeedIsOneRunWithAnyNumberOfThreads()
    {
        ulong Run(long seed, int threads)
        {
            using var vector = Open("preset=machado", 4, seed, threads);
            return Digest(vector, 250);
        }
        var run = Run(1, 1);
        Assert.Equal(run, Run(1, 1));
        Assert.Equal(run, Run(1, 2));
        Assert.NotEqual(run, Run(2, 1));
    }

    [AleFact]
    public void CopiesHaveStreamsOfTheirOwn()
    {
        using var vector = Open("preset=dqn", 4);
        using var single = Registry.Make("ALE/Tetris-v5?preset=dqn", new Rng(1).Split("environment", 2));
        vector.Reset();
        Assert.Equal(vector.Observations.ByteRow(2).ToArray(), single.Reset().Observation.Bytes);
        for (var t = 0; t < 30; t++)
        {
            vector.Step([0, 0, 0, 0]);
            Assert.Equal(vector.Observations.ByteRow(2).ToArray(), single.Step(0).Observation.Bytes);
        }
    }

    [AleFact]
    public void TheLeapPresetShowsTheRedPlaneThenTheGreenThenTheBlue()
    {
        using var vector = Open("preset=leap&noop=0", 2);
        Assert.Equal([2, 3, 84, 84], vector.Observations.Shape);
        vector.Reset();
        byte[] expected;
        using (Py.GIL())
        {
            using PyObject reference = PyModule.FromString("rgb_reference", """
                import ale_py, numpy as np
                env = ale_py.AtariVectorEnv("tetris", 2, grayscale=False, stack_num=1, noop_max=0, use_fire_reset=False)
                planes = np.ascontiguousarray(env.reset(seed=0)[0][:, 0].transpose(0, 3, 1, 2))
                """, "rgb_reference.py");
            using PyObject planes = reference.GetAttr("planes"), bytes = planes.InvokeMethod("tobytes");
            expected = Bytes(bytes);
        }
        Assert.Equal(expected, vector.Observations.Bytes);
        Assert.Contains(vector.Observations.Bytes, b => b != vector.Observations.Bytes[0]);
    }

    [AleTheory]
    [InlineData("preset=dqn", 3, 3, 3)] // the newest of four gray frames
    [InlineData("preset=leap", 0, 1, 2)]
    [InlineData("preset=leap&stack=2", 3, 4, 5)]
    public void ItsPictureIsTheNewestFrameThatTheAgentSees(string options, int red, int green, int blue)
    {
        using var vector = Open(options, 2);
        vector.Reset();
        for (var t = 0; t < 8; t++) vector.Step([1, 3]);
        var picture = vector.Render(1);
        Assert.Equal((84, 84), (picture.Width, picture.Height));
        var row = vector.Observations.ByteRow(1).ToArray();
        int[] planes = [red, green, blue];
        for (var i = 0; i < 7056; i++)
            for (var c = 0; c < 3; c++) Assert.Equal(row[planes[c] * 7056 + i], picture.Pixels[3 * i + c]);
    }

    [AleFact]
    public void AnActionOutOfRangeIsRefusedWhereAlePyWouldHang()
    {
        using var vector = Open("preset=dqn", 2);
        vector.Reset();
        Assert.Throws<EnvironmentException>(() => vector.Step([0, 5]));
        Assert.Throws<EnvironmentException>(() => vector.Step([-1, 0]));
        vector.Step([0, 4]);
    }

    [AleFact]
    public void EveryResolvedOptionIsInTheSpec()
    {
        using var vector = Open("preset=machado&stack=2", 1);
        Assert.Equal("2", vector.Spec.Options["stack"]);
        Assert.Equal("0.25", vector.Spec.Options["sticky"]);
        Assert.Equal("108000", vector.Spec.Options["max_frames"]);
        Assert.NotEmpty(vector.Spec.Options["ale-py"]);
        Assert.Equal(["NOOP", "FIRE", "RIGHT", "LEFT", "DOWN"], vector.Spec.ActionNames);
        Assert.Equal((4, 27000), (vector.Spec.FramesPerStep, vector.Spec.MaxEpisodeSteps));
        // The record of a run is made from the spec of a single one.
        Assert.Equal(vector.Spec.Options.OrderBy(o => o.Key, StringComparer.Ordinal),
            Registry.Spec("ALE/Tetris-v5?preset=machado&stack=2").Options.OrderBy(o => o.Key, StringComparer.Ordinal));
    }

    [AleFact]
    public void ATimeLimitTruncatesAndKeepsTheLastObservation()
    {
        using var vector = Open("preset=dqn&max_frames=40&noop=0", 2);
        vector.Reset();
        for (var t = 1; t <= 9; t++)
        {
            vector.Step([0, 0]);
            Assert.Equal(StepType.Mid, vector.StepTypes[1]);
        }
        var before = vector.Observations.ByteRow(1).ToArray();
        vector.Step([0, 0]);
        Assert.Equal([StepType.Truncated, StepType.Truncated], vector.StepTypes);
        Assert.Equal(10, vector.Finished[1].Length);
        // The stack moved on by one frame
        Assert.Equal(before[7056..], vector.FinalObservations.ByteRow(1)[..^7056].ToArray());
        // A new episode begins with zeros
        Assert.All(vector.Observations.ByteRow(1)[..(3 * 7056)].ToArray(), pixel => Assert.Equal(0, pixel));
    }

    [AleFact]
    public void AMissingRomIsNamed()
    {
        // Here are all ROMs
        if (Ale.Missing("import ale_py, os; assert not os.path.exists(ale_py.roms.get_rom_path('alien'))") is not null)
            return;
        var e = Assert.Throws<EnvironmentException>(() => { Registry.MakeVector("ALE/Alien-v5", 1, new Rng(0)); });
        Assert.Contains("the ROM of alien", e.Message);
    }

    [LongAleFact]
    public void AHundredThousandStepsDoNotGrow()
    {
        using var vector = Open("preset=dqn&max_frames=4000", 8);
        vector.Reset();
        var (rng, actions) = (new Rng(3), new int[8]);
        long Run(int steps)
        {
            for (var t = 0; t < steps; t++)
            {
                for (var i = 0; i < 8; i++) actions[i] = rng.NextInt(5);
                vector.Step(actions);
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return long.Parse(File.ReadAllLines("/proc/self/status").Single(line => line.StartsWith("VmRSS"))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        }
        var warm = Run(2500);
        var after = Run(10000); // 80,000 agent steps later, 100,000 in all
        Assert.True(after - warm < 8 * 1024,
            $"resident memory went from {warm} kB to {after} kB in 80,000 agent steps");
    }
}

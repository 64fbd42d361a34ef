// Environments of Python's as vectors of ours, on fixtures that need no gymnasium:
// tests/Gymnasium/fixtures/rlleap_fixture.py.
using Python.Runtime;
using RlLeap.Environments;
using RlLeap.Gymnasium;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

[Collection("python")]
public sealed class GymnasiumTests
{
    private static IVectorEnvironment Open(string name, int count = 3, long seed = 1) =>
        Registry.MakeVector("gym:rlleap_fixture:" + name, count, new Rng(seed));

    private static EnvironmentException Fails(Action action) => Assert.Throws<EnvironmentException>(action);

    /// <summary>Everything an agent can see of <paramref name="steps"/> steps, as text.</summary>
    private static List<string> Record(IVectorEnvironment vector, int steps)
    {
        var rng = new Rng(9);
        var actions = new int[vector.Count];
        var record = new List<string>();
        vector.Reset();
        record.Add(string.Join(' ', vector.Observations.Floats) + string.Join(' ', vector.StepTypes));
        for (var t = 0; t < steps; t++)
        {
            for (var i = 0; i < actions.Length; i++) actions[i] = rng.NextInt(((Discrete)vector.Spec.Action).Count);
            vector.Step(actions);
            record.Add($"{string.Join(' ', vector.Observations.Floats)} | {string.Join(' ', vector.Rewards)} | "
                + $"{string.Join(' ', vector.StepTypes)} | {string.Join(' ', vector.Finished)}");
            for (var i = 0; i < actions.Length; i++)
                if (vector.StepTypes[i].IsLast())
                    record.Add($"{i}: {string.Join(' ', vector.FinalObservations.FloatRow(i).ToArray())}");
        }
        return record;
    }

    [PythonFact]
    public void AStepShowsWhatTheEnvironmentReturned()
    {
        using var vector = Open("Walk", 1);
        Assert.Equal((3, ElementType.Float32), (((Discrete)vector.Spec.Action).Count, vector.Spec.Observation.Element));
        Assert.Equal([1, 4], vector.Observations.Shape);
        vector.Reset();
        var stream = vector.Observations.Floats[0];
        Assert.Equal([stream, 0, 0, 0], vector.Observations.Floats);
        vector.Step([2]);
        Assert.Equal([stream, 0, 1, 7], vector.Observations.Floats); // action 2 of a space that starts at 5
        Assert.Equal([17f], vector.Rewards);
        Assert.Equal([StepType.Mid], vector.StepTypes);
    }

    [PythonTheory]
    [InlineData("SameStep")]
    [InlineData("NextStep")]
    [InlineData("Disabled")]
    public void AllAutoresetModesLookLikeSingleEnvironments(string mode)
    {
        using var singles = Open("Walk", 5);
        using var native = Open($"WalkVector?mode={mode}", 5);
        Assert.Equal($"native, {mode}", native.Spec.Options["stepped by"]);
        var expected = Record(singles, 200);
        Assert.Equal(expected, Record(native, 200));
        Assert.Contains(expected, line => line.Contains("Truncated"));
        Assert.Contains(expected, line => line.Contains("Terminated"));
    }

    [PythonFact]
    public void AVectorEqualsTheSingleEnvironmentsOfItsStreams()
    {
        using var vector = Open("Walk", 4);
        vector.Reset();
        for (var i = 0; i < 4; i++)
        {
            using var single = Registry.Make("gym:rlleap_fixture:Walk", new Rng(1).Split("environment", i));
            Assert.Equal(vector.Observations.FloatRow(i).ToArray(), single.Reset().Observation.Floats);
        }
    }

    [PythonFact]
    public void ASingleEnvironmentEndsAndGoesOnAsOursDo()
    {
        using var single = Registry.Make("gym:rlleap_fixture:Walk", new Rng(3));
        for (var episode = 0; episode < 4; episode++)
        {
            var step = single.Reset();
            Assert.Equal(StepType.First, step.StepType);
            Assert.Equal(episode, step.Observation.Floats[1]);
            var t = 0;
            while (!step.IsLast) Assert.Equal(++t, (step = single.Step(0)).Observation.Floats[2]);
            Assert.Equal(episode % 2 == 0 ? StepType.Terminated : StepType.Truncated, step.StepType);
            Assert.Throws<EnvironmentException>(() => single.Step(0));
        }
    }

    [PythonFact]
    public void ANextStepVectorWithoutPartialResetsIsRefusedBeforeItMisleads()
    {
        var e = Fails(() => Open("WalkVector?mode=NextStep&masks=False", 4));
        Assert.Contains("reset_mask", e.Message);
        Assert.Contains("vectorization=singles", e.Message);
    }

    [PythonFact]
    public void SeedsComeFromRngAndOnlyAtTheFirstReset()
    {
        using (var a = Open("Walk")) using (var b = Open("Walk")) Assert.Equal(Record(a, 50), Record(b, 50));
        using (var a = Open("Walk"))
        using (var b = Open("Walk", seed: 2)) Assert.NotEqual(Record(a, 50), Record(b, 50));
        using var again = Open("Walk", 1);
        again.Reset();
        again.Reset();
        Assert.Equal(1, again.Observations.Floats[1]); // the second episode of the same stream, not the first again
    }

    [PythonFact]
    public void ImagesBecomePlanes()
    {
        using var vector = Open("Picture", 2);
        Assert.Equal([2, 3, 5, 7], vector.Observations.Shape);
        vector.Reset();
        vector.Step([0, 0]);
        for (var i = 0; i < 2; i++)
            for (var c = 0; c < 3; c++)
                for (var p = 0; p < 35; p++)
                    Assert.Equal((byte)((3 * p + c + 13) % 251), vector.Observations.ByteRow(i)[c * 35 + p]);
    }

    [PythonFact]
    public void StacksOfImagesBecomePlanesOrStayAsTheyAre()
    {
        using var planes = Open("Picture?images=2", 2);
        using var asIs = Open("Picture?images=2&layout=as-is", 2);
        Assert.Equal([2, 6, 5, 7], planes.Observations.Shape);
        Assert.Equal([2, 2, 5, 7, 3], asIs.Observations.Shape);
        planes.Reset();
        asIs.Reset();
        for (var image = 0; image < 2; image++)
            for (var c = 0; c < 3; c++)
                for (var p = 0; p < 35; p++)
                    Assert.Equal(asIs.Observations.ByteRow(1)[image * 105 + 3 * p + c],
                        planes.Observations.ByteRow(1)[(image * 3 + c) * 35 + p]);
    }

    [PythonTheory]
    [InlineData("Picture")]
    [InlineData("Picture?images=2")]
    [InlineData("Picture?images=2&layout=as-is")]
    public void ImagesAreTheirOwnPictures(string name)
    {
        using var vector = Open(name, 2);
        vector.Reset();
        vector.Step([0, 0]);
        var picture = vector.Render(1);
        Assert.Equal((7, 5), (picture.Width, picture.Height));
        var before = name == "Picture" ? 0 : 105; // the newest image is the last
        Assert.Equal(Enumerable.Range(before, 105).Select(k => (byte)((k + 13) % 251)), picture.Pixels);
    }

    [PythonFact]
    public void AnEnvironmentMadeForItDrawsItselfAlsoAtItsEnd()
    {
        using (var plain = Open("Drawing", 1)) Assert.Contains("render_mode=rgb_array",
            Assert.Throws<NotSupportedException>(() => plain.Render(0)).Message);
        using var vector = Open("Drawing?render_mode=rgb_array", 2);
        vector.Reset();
        vector.Step([0, 0]);
        var picture = vector.Render(1);
        Assert.Equal((6, 4), (picture.Width, picture.Height));
        Assert.Equal([0, 1, 7], picture.Pixels[..3]);
        using var single = Registry.Make("gym:rlleap_fixture:Drawing?render_mode=rgb_array", new Rng(3));
        var (t, step) = (0, single.Reset());
        for (; !step.IsLast; t++) step = single.Step(0);
        Assert.Equal([0, (byte)t, 7], single.Render().Pixels[..3]); // not the next episode's, which has begun already
        single.Reset();
        Assert.Equal([1, 0, 7], single.Render().Pixels[..3]);
    }

    [PythonTheory]
    [InlineData("nothing", "gave nothing")]
    [InlineData("row", "shape (6, 3)")]
    public void APictureThatIsNoneIsNamed(string what, string expected)
    {
        using var vector = Open($"Drawing?render_mode=rgb_array&what={what}", 1);
        vector.Reset();
        Assert.Contains(expected, Fails(() => vector.Render(0)).Message);
    }

    [PythonFact]
    public void DiscreteObservationsBecomeOneHot()
    {
        using var vector = Open("Table", 1);
        vector.Reset();
        Assert.Equal([1, 0, 0, 0], vector.Observations.Floats);
        vector.Step([0]);
        Assert.Equal([0, 1, 0, 0], vector.Observations.Floats);
    }

    [PythonFact]
    public void ClippingLeavesReturnsRaw()
    {
        using var vector = Open("Walk?clip=5", 1);
        vector.Reset();
        var sum = 0.0;
        for (var t = 1; vector.Finished.Count == 0; t++)
        {
            vector.Step([0]);
            sum += 10 * t + 5;
            Assert.Equal(5, vector.Rewards[0]);
        }
        Assert.Equal(sum, vector.Finished[0].Return);
    }

    [PythonFact]
    public void KeywordArgumentsReachTheConstructor()
    {
        using var vector = Open("Walk?length=9", 1);
        vector.Reset();
        do vector.Step([0]); while (vector.Finished.Count == 0);
        Assert.InRange(vector.Finished[0].Length, 9, 12);
        Assert.Equal("9", vector.Spec.Options["length"]);
    }

    [PythonFact]
    public void AnExceptionInStepIsOneLineWithItsTracebackBesideAndTheNextResetGoesOn()
    {
        using var vector = Open("Raising", 2);
        vector.Reset();
        vector.Step([0, 0]);
        vector.Step([0, 0]);
        var e = Fails(() => vector.Step([0, 0]));
        Assert.Contains("step 3", e.Message);
        Assert.Contains("Python raised ValueError: the wheels came off (step 3 after its last reset, "
            + "rlleap_fixture.py, line", e.Message);
        Assert.DoesNotContain("\n", e.Message);
        Assert.Contains("in inner_detail_of_the_fixture", e.Details);
        Assert.Contains("Reset", Fails(() => vector.Step([0, 0])).Message);
        vector.Reset();
        vector.Step([0, 0]);
    }

    [PythonFact]
    public void AnExceptionInResetShowsItsTraceback()
    {
        using var vector = Open("Raising?where=reset");
        Assert.Contains("RuntimeError: reset went wrong", Fails(vector.Reset).Message);
        var options = Fails(() => Open("Raising?wheels=3").Dispose());
        Assert.Contains("wheels", options.Message);
        Assert.DoesNotContain("\n", options.Message);
        Assert.Contains("Traceback", options.Details);
    }

    [PythonTheory]
    [InlineData("Wrong?what=shape", "shape (5,)", "(4,)")]
    [InlineData("Wrong?what=reward", "reward of shape (2,)", "one number")]
    [InlineData("Wrong?what=flag", "terminated of shape (3,)", "truth value")]
    [InlineData("Wrong?what=old_step", "gym before 0.26", "truncated")]
    [InlineData("Wrong?what=old_reset", "gym before 0.26", "reset")]
    [InlineData("Wrong?what=nan", "reward of action 0 is NaN", "copy 0")]
    [InlineData("Wrong?what=hole", "element 0 of the observation is NaN", "copy 0 of 2), step 1")]
    [InlineData("WrongVector?what=observations", "shape (2, 3)", "(2, 4)")]
    [InlineData("WrongVector?what=rewards", "rewards of shape (2, 1)", "(2,)")]
    [InlineData("WrongVector?what=no_final", "final_obs", "SAME_STEP")]
    [InlineData("WrongVector?what=count", "3 copies", "2")]
    [InlineData("WrongVector?what=mode", "Sometimes", "NextStep")]
    [InlineData("TextActions", "its actions are Text(80)", "MultiBinary, Box, Dict and Tuple")]
    [InlineData("GraphObservations", "its observations are Graph(Box(2,))", "MultiBinary, Dict and Tuple")]
    [InlineData("Walk?length=2&size=3", "unexpected keyword argument 'size'", "TypeError")]
    [InlineData("Walk?vectorization=native", "single environment", "singles")]
    [InlineData("Walk?timeout=soon", "timeout", "soon")]
    public void WhatCannotBeMappedIsOneClearError(string name, string what, string also)
    {
        var e = Fails(() =>
        {
            using var vector = Open(name, 2);
            vector.Reset();
            for (var t = 0; t < 10; t++) vector.Step([0, 0]);
        });
        Assert.Contains(what, e.Message);
        Assert.Contains(also, e.Message);
        Assert.StartsWith("gym:rlleap_fixture:", e.Message);
    }

    [PythonFact]
    public void AnUnknownModuleIsNamed() =>
        Assert.Equal("gym:no_such_module_of_mine:Thing-v0: there is no Python module no_such_module_of_mine in the "
            + "current folder or on PYTHONPATH.",
            Fails(() => Registry.MakeVector("gym:no_such_module_of_mine:Thing-v0", 1, new Rng(0))).Message);

    [PythonFact]
    public void ActionsAreCheckedBeforePythonSeesThem()
    {
        using var vector = Open("Walk", 2);
        vector.Reset();
        Assert.Contains("No copy was stepped", Fails(() => vector.Step([0, 3])).Message);
        vector.Step([0, 2]);
        Assert.Equal(1, vector.Observations.Floats[2]);
    }

    [PythonFact]
    public void WithoutALimitTheCallersThreadStepsAndSeesTheSame()
    {
        using var limited = Open("Walk");
        using var free = Open("Walk?timeout=0");
        Assert.Equal(Record(limited, 60), Record(free, 60));
    }

    [PythonFact]
    public void VectorsOnSeveralThreadsKeepToThemselves()
    {
        List<string> One(int seed)
        {
            using var vector = Open("Walk", 4, seed);
            return Record(vector, 200);
        }
        var alone = Enumerable.Range(0, 4).Select(One).ToArray();
        var together = new List<string>[4];
        Parallel.For(0, 4, i => together[i] = One(i));
        Assert.Equal(alone, together);
    }

    [PythonFact]
    public void LostLivesEndEpisodesForTheLearnerOnly()
    {
        // ale-py's vector with life_loss_info, stood in for by a fixture that keeps to what its source does.
        using var vector = new PythonVector(new PythonRequest("test/Lives", 2, _ =>
        {
            using PyObject fixture = Py.Import("rlleap_fixture"), bridge = Py.Import("rlleap_bridge");
            using PyObject lives = fixture.InvokeMethod("Lives"), n = 2.ToPython(), skip = 4.ToPython(),
                signal = true.ToPython();
            return bridge.InvokeMethod("Ale", lives, n, skip, signal);
        })
        { Stream = i => new Rng(i), Timeout = TimeSpan.Zero });
        vector.Reset();
        var ends = new List<string>();
        for (var t = 1; t <= 13; t++)
        {
            vector.Step([0, 0]);
            for (var i = 0; i < 2; i++)
                if (vector.StepTypes[i].IsLast())
                    ends.Add($"t={t} copy {i}: {vector.StepTypes[i]}, last seen "
                        + $"{string.Join(',', vector.FinalObservations.ByteRow(i).ToArray())}, now "
                        + $"{string.Join(',', vector.Observations.ByteRow(i).ToArray())}");
            foreach (var episode in vector.Finished) ends.Add(episode.ToString());
        }
        Assert.Equal(
        [
            "t=4 copy 0: Terminated, last seen 0,2,24, now 0,2,24",
            "t=5 copy 1: Terminated, last seen 0,2,32, now 0,2,32",
            "t=8 copy 0: Terminated, last seen 0,1,40, now 0,1,40",
            "t=9 copy 1: Terminated, last seen 0,1,48, now 0,1,48",
            "t=12 copy 0: Terminated, last seen 0,0,56, now 1,3,10",
            "EpisodeRecord { Index = 0, Return = 12, Length = 12, End = Terminated }",
            "t=13 copy 1: Terminated, last seen 0,0,64, now 1,3,10",
            "EpisodeRecord { Index = 1, Return = 26, Length = 13, End = Terminated }",
        ], ends);
    }

    [GymnasiumFact]
    public void RealGymnasiumGivesTheSameThroughItsOwnVectorAndOurs()
    {
        using var singles = Registry.MakeVector("gym:CartPole-v1?vectorization=singles", 4, new Rng(5));
        using var sync = Registry.MakeVector("gym:CartPole-v1?vectorization=sync", 4, new Rng(5));
        Assert.Equal(500, singles.Spec.MaxEpisodeSteps);
        Assert.Equal(Record(singles, 300), Record(sync, 300));
    }

    [GymnasiumFact]
    public void AnIdThatAModuleRegistersWhenItIsImportedIsFound()
    {
        using var vector = Registry.MakeVector("gym:rlleap_registered:RlLeap/Walk-v0", 2, new Rng(0));
        Assert.Equal(4, vector.Spec.MaxEpisodeSteps);
        vector.Reset();
        for (var t = 1; t <= 3; t++) vector.Step([0, 1]);
        Assert.Equal([3, 3], vector.Observations.Floats);
        vector.Step([0, 1]);
        Assert.Equal([StepType.Truncated, StepType.Truncated], vector.StepTypes);
        Assert.Contains("the module rlleap_registered neither registers it",
            Fails(() => Registry.MakeVector("gym:rlleap_registered:RlLeap/Wolk-v0", 1, new Rng(0))).Message);
    }

    [GymnasiumFact]
    public void AnUnknownIdOfGymnasiumsIsNamedWithItsNeighbour()
    {
        var message = Fails(() => Registry.MakeVector("gym:CartPoll-v1", 1, new Rng(0))).Message;
        Assert.Contains("CartPoll", message);
        Assert.Contains("CartPole", message);
    }

    [PythonTheory]
    [InlineData("Walk")]
    [InlineData("WalkVector?mode=NextStep")]
    [InlineData("Picture")]
    [InlineData("Drawing?render_mode=rgb_array")]
    public void PythonsEnvironmentsKeepTheRulesOfOurs(string name)
    {
        foreach (var rule in EnvironmentCheck.Rules)
            Assert.Null(EnvironmentCheck.Run(rule, "gym:rlleap_fixture:" + name, 300));
    }
}

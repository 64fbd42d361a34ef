// What crosses from Python: copied as soon as it arrives, and refused where its values would be lost.
// The fixtures are in fixtures/rlleap_faults.py; each stands for a fault that people report of environments.
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

[Collection("python")]
public sealed class ObservationTests
{
    private static IVectorEnvironment Open(string name, int count = 3, long seed = 1) =>
        Registry.MakeVector("gym:rlleap_faults:" + name, count, new Rng(seed));

    private static string Fails(string name, int count = 3, int steps = 12) => Assert.Throws<EnvironmentException>(() =>
    {
        using var vector = Open(name, count);
        vector.Reset();
        for (var t = 0; t < steps; t++) vector.Step(new int[count]);
    }).Message;

    private static List<float> Record(IVectorEnvironment vector, int steps = 60)
    {
        List<float> seen = [];
        vector.Reset();
        seen.AddRange(vector.Observations.Floats);
        for (var t = 0; t < steps; t++) Step(vector, seen);
        return seen;
    }

    private static void Step(IVectorEnvironment vector, List<float> seen)
    {
        vector.Step(new int[vector.Count]);
        for (var i = 0; i < vector.Count; i++)
            if (vector.StepTypes[i].IsLast()) seen.AddRange(vector.FinalObservations.FloatRow(i));
        seen.AddRange(vector.Observations.Floats);
    }

    [PythonTheory]
    [InlineData("Screen?whose=own")]
    [InlineData("Screen?whose=class")]
    [InlineData("Screen?whose=module")]
    [InlineData("ScreenVector?whose=module")]
    [InlineData("ScreenVector?whose=own")]
    public void EveryCopySeesItsOwnObservationsWhoeverOwnsTheArray(string name)
    {
        using var separate = Open("Screen?whose=new", 5);
        using var shared = Open(name, 5);
        Assert.Equal(Record(separate), Record(shared));
    }

    [PythonTheory]
    [InlineData("ByteScreen")]
    [InlineData("ByteScreenVector")]
    public void VectorsThatShareAnArrayCanBeReadLate(string name)
    {
        byte[] Seen(bool beside)
        {
            using var vector = Open(name, 4);
            using var other = Open(name, 4, seed: 2);
            List<byte> seen = [];
            vector.Reset();
            other.Reset();
            for (var t = 0; t < 30; t++)
            {
                vector.Step(new int[4]);
                if (beside) other.Step(new int[4]); // draws into the same array before the first vector is read
                seen.AddRange(vector.Observations.Bytes);
            }
            return [.. seen];
        }
        Assert.Equal(Seen(beside: false), Seen(beside: true));
    }

    [GymnasiumFact]
    public void GymnasiumsOwnVectorSeesEachCopysArrayToo()
    {
        const string Id = "gym:rlleap_registered:RlLeap/Screen-v0";
        using var singles = Registry.MakeVector(Id + "?vectorization=singles", 4, new Rng(1));
        using var sync = Registry.MakeVector(Id + "?vectorization=sync", 4, new Rng(1));
        var expected = Record(singles);
        Assert.True(expected.Distinct().Count() > 200); // no copy repeats another's
        Assert.Equal(expected, Record(sync));
    }

    [PythonFact]
    public void PicturesAreTheirCopysToo()
    {
        using var vector = Open("Screen?whose=module&render_mode=rgb_array", 2);
        vector.Reset();
        vector.Step([0, 0]);
        var first = vector.Render(0);
        var before = (byte[])first.Pixels.Clone();
        vector.Render(1);
        Assert.Equal(before, first.Pixels);
        Assert.NotEqual(vector.Render(1).Pixels, first.Pixels);
    }

    [PythonTheory]
    [InlineData("float", "uint8", "copy 0 of 3", "at [0] is 0.25", "float32", "step 3")]
    [InlineData("zeros", "uint8", "copy 0 of 3", "at [0] is 0.0", "float64",
        "step 3")] // a scaled picture that is black
    [InlineData("256", "uint8", "copy 0 of 3", "at [1] is 256", "0 to 255", "step 3")]
    [InlineData("minus", "uint8", "copy 0 of 3", "at [0] is -1", "0 to 255", "step 3")]
    [InlineData("two", "bool", "copy 0 of 3", "at [1] is 2", "0 to 1", "step 3")]
    [InlineData("text", "uint8", "copy 0 of 3", "of the type <U", "uint8", "step 3")]
    [InlineData("none", "float32", "copy 0 of 3", "object", "float32", "step 3")]
    [InlineData("complex", "float32", "copy 0 of 3", "complex128", "float32", "step 3")]
    [InlineData("huge", "float64", "copy 0 of 3", "element 1", "1E+39, too large for float32", "step 3")]
    [InlineData("-huge", "float32", "copy 0 of 3", "element 1", "-1E+39, too large for float32", "step 3")]
    [InlineData("inf", "float32", "copy 0 of 3", "element 0", "infinite", "step 3")]
    [InlineData("nan", "float64", "copy 0 of 3", "element 1", "NaN", "step 3")]
    [InlineData("2**24+1", "int64", "copy 0 of 3", "at [0] is 16777217", "exactly", "step 3")]
    [InlineData("big", "int64", "copy 0 of 3", "at [1] is 4611686018427387907", "exactly", "step 3")]
    public void AValueThatWouldBeLostIsNamedWithItsCopyAndStep(string value, string space, params string[] expected)
    {
        var single = Fails($"Shows?value={value}&space={space}");
        Assert.All(expected, part => Assert.Contains(part, single));
        // In a vector the last copy shows it; an array of another type is all copies'.
        var vector = Fails($"ShowsVector?value={value}&space={space}");
        var who = vector.Contains("it returned") ? "it returned" : value == "zeros" ? "copy 0 of 3" : "copy 2 of 3";
        Assert.All(expected[1..].Prepend(who), part => Assert.Contains(part, vector));
    }

    [PythonTheory]
    [InlineData("int", "uint8", 200, 7)]
    [InlineData("list", "uint8", 3, 4)]
    [InlineData("bool", "uint8", 1, 0)]
    [InlineData("bool", "bool", 1, 0)]
    [InlineData("bool", "float32", 1, 0)]
    [InlineData("2**24", "int64", 0, 16777216)]
    [InlineData("wide", "float32", 0.1f, 0.2f)]
    [InlineData("wide", "float64", 0.1f, 0.2f)]
    [InlineData("half", "float32", 0.5f, 2)]
    [InlineData("half", "float16", 0.5f, 2)]
    [InlineData("minus", "int8", -1, 0)]
    public void AValueThatFitsArrivesAsItIs(string value, string space, float first, float second)
    {
        foreach (var name in new[] { "Shows", "ShowsVector" })
        {
            using var vector = Open($"{name}?value={value}&space={space}&high={(space == "int8" ? 100 : 255)}", 2);
            vector.Reset();
            for (var t = 0; t < 5; t++) vector.Step([0, 0]); // the type changes in the third
            var row = vector.Observations.Row(1);
            Assert.Equal(space is "uint8" or "bool" ? ElementType.Byte : ElementType.Float32, row.Element);
            Assert.Equal([first, second], row.Element == ElementType.Byte ? [.. row.Bytes.Select(b => (float)b)]
                : row.Floats);
        }
    }

    [PythonFact]
    public void ALastObservationIsLookedThroughToo() =>
        Assert.Contains("(copy 0 of 3), step 10: element 1 of the final observation is 1E+39",
            Fails("Shows?value=huge&at=last"));

    [PythonTheory]
    [InlineData("11.5")]
    [InlineData("'red'")]
    [InlineData("14")]
    public void ANumberOutsideADiscreteSpaceIsNamed(string value)
    {
        var message = Fails($"Number?value={value}");
        Assert.Contains("copy 0 of 3 returned the observation " + value, message);
        Assert.Contains("step 3", message);
    }

    [PythonTheory]
    [InlineData("reward", "none", "returned None as reward")]
    [InlineData("reward", "'7'", "returned 7 as reward")]
    [InlineData("reward", "1e39", "the reward of action 0 is 1E+39, too large for float32")]
    [InlineData("reward", "inf", "the reward of action 0 is infinite")]
    [InlineData("reward", "1j", "returned 1j as reward")]
    [InlineData("terminated", "none", "returned terminated = None")]
    [InlineData("truncated", "'no'", "returned truncated = 'no'")]
    [InlineData("truncated", "0.5", "returned truncated = 0.5")]
    [InlineData("terminated", "2", "returned terminated = 2")]
    public void ARewardOrAnEndThatIsNoneIsNamed(string what, string value, string expected)
    {
        var message = Fails($"Returns?what={what}&value={value}");
        Assert.Contains(expected.Replace("returned 7 as", "returned '7' as"), message);
        Assert.Contains("step 1", message);
        Assert.Contains("copy 0 of 3", message);
    }

    [PythonTheory]
    [InlineData("reward", "one")]
    [InlineData("reward", "True")]
    [InlineData("terminated", "flat")]
    [InlineData("truncated", "0")]
    public void WhatMeansANumberOrATruthValueIsTaken(string what, string value)
    {
        using var vector = Open($"Returns?what={what}&value={value}", 2);
        vector.Reset();
        vector.Step([0, 0]);
        Assert.Equal([1, 1], vector.Rewards);
        Assert.Equal([StepType.Mid, StepType.Mid], vector.StepTypes);
    }

    [PythonTheory]
    [InlineData("(10,10,4)", "bool", 1, "4,10,10")] // as MinAtar's own ids for gymnasium
    [InlineData("(10,10,10)", "bool", 1, "10,10,10")]
    [InlineData("(40,44,3)", "float32", 255, "3,40,44")]
    [InlineData("(40,44,3)", "float64", 1, "3,40,44")]
    [InlineData("(84,84,2)", "uint8", 255, "2,84,84")]
    [InlineData("(84,84)", "uint8", 255, "1,84,84")]
    [InlineData("(84,84)", "float32", 1, "1,84,84")]
    [InlineData("(2,8,9,3)", "float32", 255, "6,8,9")]
    [InlineData("(4,84,84)", "uint8", 255, "4,84,84")] // planes already
    [InlineData("(4,84,84)", "float32", 1, "4,84,84")]
    [InlineData("(10,3,3)", "float32", 1, "10,3,3")]
    [InlineData("(8,8)", "uint8", 255, "8,8")] // a board
    [InlineData("(84,84)", "float32", 7, "84,84")] // a table
    [InlineData("(5,)", "float32", 1, "5")]
    public void AxesOfImagesAreKnownWhateverTheirTypeIs(string shape, string type, int high, string expected)
    {
        using var vector = Open($"Shaped?shape={shape}&dtype={type}&high={high}", 2);
        Assert.Equal(expected, string.Join(',', vector.Spec.Observation.Shape));
        vector.Reset();
        vector.Step([0, 0]);
        using var plain = Open($"Shaped?shape={shape}&dtype={type}&high={high}&layout=as-is", 2);
        plain.Reset();
        plain.Step([0, 0]);
        Assert.Equal(shape.Trim('(', ')').TrimEnd(','), string.Join(',', plain.Spec.Observation.Shape));
        float[] Row(IVectorEnvironment of) => of.Observations.Element == ElementType.Byte
            ? [.. of.Observations.ByteRow(1).ToArray().Select(b => (float)b)] : of.Observations.FloatRow(1).ToArray();
        var (seen, source) = (Row(vector), Row(plain));
        // Element (image, channel, pixel) of ours is element (image, pixel, channel) of Python's, where the axes
        // moved at all.
        var moved = vector.Spec.Observation.Shape is [var planes, var h, var w] && (shape.EndsWith($",{planes})")
            || shape.Count(c => c == ',') == 3);
        var channels = !moved ? 1 : shape.EndsWith(",3)") ? 3 : (int)vector.Spec.Observation.Shape[0];
        var pixels = !moved ? seen.Length : (int)(vector.Spec.Observation.Shape[1] * vector.Spec.Observation.Shape[2]);
        for (var k = 0; k < seen.Length; k++)
        {
            var (image, channel, pixel) = (k / (pixels * channels), k / pixels % channels, k % pixels);
            Assert.Equal(source[(image * pixels + pixel) * channels + channel], seen[k]);
        }
    }

    [PythonFact]
    public void ImagesOfFloatsUpTo255AreScaledAsThoseOfBytesAre()
    {
        using var floats = Open("Shaped?shape=(40,44,3)&dtype=float32", 1);
        using var bytes = Open("Shaped?shape=(40,44,3)&dtype=uint8", 1);
        using var planes = Open("Shaped?shape=(10,10,4)&dtype=bool&high=1", 1);
        using var vectors = Open("Shaped?shape=(4,)&dtype=float32", 1);
        Assert.Equal([1 / 255.0, 1 / 255.0, 1, 1], new[] { floats, bytes, planes, vectors }.Select(v =>
            v.Spec.Observation.UnitScale));
    }

    [PythonFact]
    public void ThePictureOfFloatsIsRefused()
    {
        using var vector = Open("FloatPicture?render_mode=rgb_array", 1);
        vector.Reset();
        Assert.Contains("float64", Assert.Throws<EnvironmentException>(() => vector.Render(0)).Message);
    }

    [PythonTheory]
    [InlineData("exit", "SystemExit: 3")]
    [InlineData("interrupt", "KeyboardInterrupt")]
    public void AnEnvironmentThatWantsToLeaveIsAnErrorOfIts(string how, string expected) => Assert.Contains(expected,
        Fails($"Leaves?how={how}"));

    private static Finding? Check(string rule, string name) => EnvironmentCheck.Run(rule, "gym:rlleap_faults:" + name,
        200);

    [PythonTheory]
    [InlineData("Screen?whose=class")]
    [InlineData("Screen?whose=module")]
    [InlineData("ScreenVector?whose=module")]
    public void TheCheckFindsArraysThatCopiesShare(string name) =>
        Assert.Contains("two copies handed out the same array", Check("Two environments keep apart", name)!.What);

    [PythonTheory]
    [InlineData("Screen?whose=own")]
    [InlineData("Screen?whose=new")]
    [InlineData("ScreenVector?whose=own")]
    [InlineData("Shaped?shape=(10,10,4)&dtype=bool&high=1")]
    [InlineData("Shows?value=wide&at=0")]
    public void TheCheckFindsNothingWhereNothingIs(string name) => Assert.Equal([],
        EnvironmentCheck.Run("gym:rlleap_faults:" + name, 200));

    [PythonTheory]
    [InlineData("Shows?value=int&space=uint8", "returned an observation of int64, but its space says uint8")]
    [InlineData("Shows?value=float&space=int64", "returned an observation of float32, but its space says int64")]
    [InlineData("Shows?value=out", "the value of the observation at [1] is 300.0, outside its space's -255.0 to 255.0")]
    [InlineData("Narrow", "the value of the observation at [0] is 50.0, outside its space's 0.0 to 1.0")]
    [InlineData("Shows?value=256&space=uint8", "at [1] is 256, but its space of uint8 holds 0 to 255")]
    [InlineData("Shows?value=float&space=uint8", "at [0] is 0.25, a float32, but its space says uint8")]
    [InlineData("Shows?value=huge", "at [1] is 1e+39, outside its space's -255.0 to 255.0")]
    public void TheCheckLooksBeforeAnythingIsConverted(string name, string expected) =>
        Assert.Contains(expected, Check("Steps stay within what the spec promises", name)!.What);

    [PythonFact]
    public void TheCheckFindsASeedThatAllCopiesShare() => Assert.NotNull(Check("Equal streams give equal episodes",
        "GlobalSeed"));

    [PythonFact]
    public void TheCheckSaysTheSameOfEveryRuleThatOneErrorStops()
    {
        var findings = EnvironmentCheck.Run("gym:rlleap_faults:Shows?value=float&space=uint8&at=0", 100);
        Assert.True(findings.Count > 5);
        Assert.Single(findings.Select(finding => finding.StoppedBy).Distinct());
        Assert.NotNull(findings[0].StoppedBy);
    }
}

// Environments of Python with generated traits: what arrives is what they showed, or the error is theirs and in words.
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

[Collection("python")]
public sealed class NastyFuzzTests
{
    // The first of each is a good one, and the usual one.
    private static readonly (string Name, string[] Values)[] Traits =
    [
        ("space", ["float32", "float64", "uint8", "int64", "bool", "int8", "float16"]),
        ("value", ["same", "float32", "float64", "uint8", "int64", "bool", "int32"]),
        ("shape", ["(3,)", "(1,2)", "(2,1,1)", "(4,5,3)", "()"]),
        ("buffer", ["new", "own", "class", "module", "strided", "readonly", "list"]),
        ("reward", ["float", "int", "bool", "numpy", "array", "none", "text", "nan", "inf", "huge"]),
        ("flag", ["bool", "numpy", "array", "int", "none"]),
        ("ends", ["terminated", "truncated", "both", "never"]),
        ("length", ["6", "1", "3", "11"]),
        ("action", ["3", "1", "18"]),
        ("start", ["0", "-1", "5"]),
        ("numpy_action", ["0", "1"]),
        ("api", ["new", "old", "four"]),
        ("info", ["empty", "none", "deep", "final"]),
        ("fault", ["none", "raise", "exit", "interrupt", "gone", "shape", "nan"]),
    ];

    [PythonFact]
    public void What_arrives_from_any_environment_is_what_it_showed_or_an_error_that_names_it()
    {
        var seed = Tier.Long ? DateTime.UtcNow.Ticks : 4;
        var rng = new Rng(seed);
        var (good, refused) = (0, 0);
        for (var i = 0; i < (Tier.Long ? 1500 : 120); i++)
        {
            var traits = Draw(rng.Split("case", i));
            var id = "gym:rlleap_nasty:Nasty?" + string.Join('&', traits.Select(t => $"{t.Key}={t.Value}"));
            try
            {
                Play(id, traits, rng.Split("play", i));
                good++;
            }
            catch (EnvironmentException e)
            {
                refused++;
                Assert.True(e.Message.StartsWith("gym:rlleap_nasty:Nasty", StringComparison.Ordinal), e.Message);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, {id}: {e}");
            }
        }
        Assert.True(good > 20 && refused > 20, $"{good} played, {refused} refused");
    }

    // Mostly good traits, so that the odd ones are met in all depths.
    private static Dictionary<string, string> Draw(Rng rng)
    {
        var traits = Traits.ToDictionary(t => t.Name, t =>
            rng.NextBool(0.75) ? t.Values[0] : t.Values[rng.NextInt(t.Values.Length)]);
        if (traits["value"] == "same") traits["value"] = traits["space"];
        return traits;
    }

    private static void Play(string id, IReadOnlyDictionary<string, string> traits, Rng rng)
    {
        const int Steps = 20;
        var count = 1 + rng.NextInt(4);
        using var vector = Registry.MakeVector(id, count, rng.Split("environment"));
        vector.Reset();
        var (t, first) = (new int[count], 0);
        // Copies are numbered as they were made, whichever was made first.
        if (Show(vector.Observations, 0) is var shown) first = shown;
        for (var i = 0; i < count; i++) Expect(vector.Observations, i, 0, "after reset");
        var length = traits["ends"] == "never" ? int.MaxValue : int.Parse(traits["length"]);
        for (var step = 1; step <= Steps; step++)
        {
            vector.Step([.. t.Select(_ => rng.NextInt(((Discrete)vector.Spec.Action).Count))]);
            for (var i = 0; i < count; i++)
            {
                t[i]++;
                var isLast = vector.StepTypes[i].IsLast();
                Assert.True(isLast == (t[i] >= length), $"{id}: step {t[i]} of {length} is {vector.StepTypes[i]}");
                Assert.True(vector.Rewards[i] == 1, $"{id}: the reward 1 arrived as {vector.Rewards[i]}");
                if (isLast) Expect(vector.FinalObservations, i, t[i], "at the end");
                if (isLast) t[i] = 0;
                Expect(vector.Observations, i, t[i], $"in step {step}");
            }
            // Such a fault is in the observation or the call itself: it cannot have gone by.
            Assert.False(traits["fault"] is not ("none" or "nan") && t[0] == 4, $"{id}: its fault went by");
            Assert.False(traits["fault"] == "nan" && t[0] == 4
                && traits["value"].StartsWith("float", StringComparison.Ordinal), $"{id}: NaN went by");
        }

        void Expect(ObservationBuffer observations, int copy, int at, string when)
        {
            var number = (first + copy + 3 * at) % 40;
            if (traits["value"] == "bool") number = (first + copy + at) % 2;
            Assert.True(Show(observations, copy) == number,
                $"{id}: {when}, copy {copy} showed {number}, and {Show(observations, copy)} arrived");
        }

        int Show(ObservationBuffer observations, int copy) => vector.Spec.Observation.Element == ElementType.Byte
            ? observations.ByteRow(copy)[0] : (int)observations.FloatRow(copy)[0];
    }
}

// Takes the steps that gymnasium's environments took, from the same states. See Golden/README.md.
using System.Runtime.InteropServices;
using System.Text.Json;
using RlLeap.Environments;
using RlLeap.Environments.Classic;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class ClassicControlConformance
{
    // The C library's sine and cosine may differ in the last bit between machines.
    private const double Tolerance = 1e-12;

    public static TheoryData<string, string> Recorded()
    {
        var data = new TheoryData<string, string>();
        foreach (var file in Files())
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var environment in document.RootElement.GetProperty("environments").EnumerateObject())
                data.Add(file, environment.Name);
        }
        return data;
    }

    private static IEnumerable<string> Files()
    {
        yield return Path.Combine(AppContext.BaseDirectory, "Environments", "Golden", "classic-control.json");
        if (Environment.GetEnvironmentVariable("RLLEAP_EXTRA_GOLDEN") is not { Length: > 0 } extra) yield break;
        var folder = Path.Combine(extra, "classic");
        if (!Directory.Exists(folder)) yield break;
        foreach (var file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
            // skips text files, such as notes
            if (File.ReadAllText(file).TrimStart().StartsWith('{')) yield return file;
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Recorded_transitions_are_the_same(string file, string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        var recorded = document.RootElement.GetProperty("environments").GetProperty(name);
        switch (name)
        {
            case "CartPole-v1": Replay<CartPole>(recorded, 4); break;
            case "Acrobot-v1": Replay<Acrobot>(recorded, 4); break;
            case "MountainCar-v0": Replay<MountainCar>(recorded, 2); break;
            case "MountainCarContinuous-v0": Replay<MountainCarContinuous>(recorded, 2); break;
            case "Pendulum-v1": Replay<Pendulum>(recorded, 2); break;
            default: Assert.Fail($"{name} is not one of ours"); break;
        }
        var spec = Registry.Spec("Classic/" + name);
        Assert.Equal(recorded.GetProperty("max_episode_steps").GetInt32(), spec.MaxEpisodeSteps);
        Assert.Equal(recorded.GetProperty("observation_low").GetArrayLength(), spec.Observation.Length);
    }

    private static void Replay<TSystem>(JsonElement recorded, int numbers)
        where TSystem : unmanaged, IClassicSystem<TSystem>
    {
        var (row, count) = (new float[TSystem.Info.Observation.Length], 0);
        foreach (var transition in recorded.GetProperty("transitions").EnumerateArray())
        {
            var system = default(TSystem);
            var state = MemoryMarshal.Cast<TSystem, double>(new Span<TSystem>(ref system))[..numbers];
            Numbers(transition[0]).CopyTo(state);
            var action = transition[1].ValueKind == JsonValueKind.Array ? transition[1][0] : transition[1];
            var terminated = system.Step(action.GetDouble(), out var reward);
            system.Observe(row);
            var what = $"{TSystem.Info.Name}, transition {count++}: {transition}";
            AssertNear(Numbers(transition[2]), state.ToArray(), what);
            AssertNear(Numbers(transition[3]), [.. row.Select(value => (double)value)], what, 1e-6);
            AssertNear([transition[4].GetDouble()], [reward], what);
            Assert.True(transition[5].GetBoolean() == terminated, what);
        }
        Assert.True(count > 0, "nothing was recorded");
    }

    private static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(n => n.GetDouble())];

    private static void AssertNear(double[] expected, double[] actual, string what, double tolerance = Tolerance)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i])),
                FormattableString.Invariant($"{what}: number {i} is {actual[i]:R}, not {expected[i]:R}"));
    }
}

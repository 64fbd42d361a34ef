using RlLeap.Environments.Classic;

namespace RlLeap.Environments;

/// <summary>
/// The five problems of classic control, without Python: Classic/{CartPole-v1, Acrobot-v1, MountainCar-v0,
/// MountainCarContinuous-v0, Pendulum-v1}. Their transitions, rewards and time limits are those of gymnasium's.
/// </summary>
public static class ClassicControl
{
    private const int Width = 480, Height = 320;

    private static readonly EnvironmentEntry[] All =
    [
        Entry<CartPole>(), Entry<Acrobot>(), Entry<MountainCar>(), Entry<MountainCarContinuous>(), Entry<Pendulum>(),
    ];

    /// <summary>Their ids.</summary>
    public static IReadOnlyList<string> Ids { get; } = [.. All.Select(entry => entry.Id)];

    internal static IEnumerable<EnvironmentEntry> Entries() => All;

    internal static EnvironmentSpec Spec(string id, ClassicInfo info, int limit) => new(id, info.Observation,
        info.ActionBound > 0 ? Box.Between(-info.ActionBound, info.ActionBound, 1)
            : new Discrete(info.ActionNames.Length))
    {
        ActionNames = info.ActionNames,
        MaxEpisodeSteps = limit == int.MaxValue ? null : limit,
        Options = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["time_limit"] = limit == int.MaxValue ? "0" : limit.ToString(),
        },
    };

    internal static Picture Picture<TSystem>(ref TSystem system) where TSystem : unmanaged, IClassicSystem<TSystem>
    {
        var canvas = new Canvas(Width, Height);
        system.Draw(canvas);
        return canvas.Picture();
    }

    internal static double Uniform(Rng random, double low, double high) => low + (high - low) * random.NextDouble();

    private static EnvironmentEntry Entry<TSystem>() where TSystem : unmanaged, IClassicSystem<TSystem>
    {
        var info = TSystem.Info;
        return new EnvironmentEntry($"Classic/{info.Name}", info.Summary,
            (random, options) => new ClassicEnvironment<TSystem>(options.Id, random, Limit(options)))
        {
            Options = [new("time_limit", $"{info.TimeLimit}", "cut episodes off after this many steps; 0 does not")],
            MakeVector = (count, random, options, threads) => new ClassicVector<TSystem>(options.Id,
                [.. Enumerable.Range(0, count).Select(i => random.Split("environment", i))], Limit(options), threads),
        };
    }

    private static int Limit(EnvironmentOptions options) =>
        options.Int("time_limit", 0) is > 0 and var limit ? limit : int.MaxValue;
}

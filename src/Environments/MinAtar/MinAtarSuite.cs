using RlLeap.Environments.MinAtar;

namespace RlLeap.Environments;

/// <summary>The five games of MinAtar (Young and Tian 2019, arXiv 1903.03176): small, exact, and part of RlLeap.</summary>
/// <remarks>Ids are MinAtar/{Asterix, Breakout, Freeway, Seaquest, SpaceInvaders}-v0 (six actions) and -v1 (the game's own actions).</remarks>
public static class MinAtarSuite
{
    private static readonly (GameFacts Facts, Func<string, uint, MinAtarOptions, IEnvironment> One, Func<string, uint[], MinAtarOptions, int, IVectorEnvironment> Many)[] All =
        [Kind<Asterix>(), Kind<Breakout>(), Kind<Freeway>(), Kind<Seaquest>(), Kind<SpaceInvaders>()];

    private static readonly EnvironmentOption[] Known =
    [
        new("sticky", "0.1", "probability that the action executed last is taken again"),
        new("ramping", "1", "1: games get harder with time; 0: they do not"),
        new("planes", "", "pad the planes with zeros to this many (10 fits all games)"),
        new("render", "", "rgb84: show the picture as [3, 84, 84] bytes instead of planes"),
        new("time_limit", "", "cut episodes off after this many steps (Truncated)"),
    ];

    /// <summary>The names of the games.</summary>
    public static IReadOnlyList<string> Games { get; } = [.. All.Select(kind => kind.Facts.Name)];

    /// <summary>One game whose random stream is seeded as MinAtar's own is: the recorded games of the original can be replayed.</summary>
    public static IEnvironment Make(string game, uint seed, MinAtarOptions options) => Find(game).One(IdOf(game, options), seed, options);

    /// <summary>Games side by side, one a seed.</summary>
    public static IVectorEnvironment MakeVector(string game, uint[] seeds, MinAtarOptions options, int threads = 1) => Find(game).Many(IdOf(game, options), seeds, options, threads);

    /// <summary>What the registry knows of MinAtar.</summary>
    internal static IEnumerable<EnvironmentEntry> Entries() =>
        from kind in All
        from minimal in (bool[])[false, true]
        let name = $"MinAtar/{kind.Facts.Name}-v{(minimal ? 1 : 0)}"
        let actions = minimal ? kind.Facts.Minimal.Length : Actions.Names.Length
        select new EnvironmentEntry(name, $"{kind.Facts.Summary} ({kind.Facts.Channels.Length} planes, {actions} actions)",
            (rng, options) => kind.One(options.Id, rng.NextUInt32(), Read(options, minimal)))
        {
            Options = Known,
            MakeVector = (count, rng, options, threads) => kind.Many(options.Id,
                [.. Enumerable.Range(0, count).Select(i => rng.Split("environment", i).NextUInt32())], Read(options, minimal), threads),
        };

    private static MinAtarOptions Read(EnvironmentOptions options, bool minimal) => new()
    {
        MinimalActions = minimal,
        Sticky = options.Double("sticky", 0, 1),
        Ramping = options.Bool("ramping"),
        Planes = options.Has("planes") ? options.Int("planes", 1, 1024) : 0,
        Rgb = options.Has("render") && options.Choice("render", "rgb84") == "rgb84",
        TimeLimit = options.Has("time_limit") ? options.Int("time_limit", 1) : null,
    };

    internal static EnvironmentSpec Spec(string id, GameFacts facts, MinAtarOptions options)
    {
        if (options.Planes > 0 && options.Rgb) throw new EnvironmentException($"{id}: planes pads planes, but render=rgb84 shows a picture; give one of the two.");
        if (options.Planes > 0 && options.Planes < facts.Channels.Length)
            throw new EnvironmentException($"{id}: {facts.Name} has {facts.Channels.Length} planes; planes={options.Planes} would cut some off.");
        var actions = ActionsOf(facts, options);
        return new EnvironmentSpec(id, Renderer.Space(facts, options), new Discrete(actions.Length))
        {
            ActionNames = [.. actions.Select(action => Actions.Names[action])],
            ChannelNames = options.Rgb ? ["red", "green", "blue"] : PadPlanes.Names(facts.Channels, Math.Max(options.Planes, facts.Channels.Length)),
            MaxEpisodeSteps = options.TimeLimit,
            Options = new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                ["sticky"] = options.Sticky.ToString(System.Globalization.CultureInfo.InvariantCulture),
                ["ramping"] = options.Ramping ? "1" : "0",
                ["planes"] = options.Planes > 0 ? options.Planes.ToString() : "",
                ["render"] = options.Rgb ? "rgb84" : "",
                ["time_limit"] = options.TimeLimit?.ToString() ?? "",
            },
        };
    }

    internal static int[] ActionsOf(GameFacts facts, MinAtarOptions options) => options.MinimalActions ? facts.Minimal : [.. Enumerable.Range(0, Actions.Names.Length)];

    private static string IdOf(string game, MinAtarOptions options) => $"MinAtar/{game}-v{(options.MinimalActions ? 1 : 0)}";

    private static (GameFacts Facts, Func<string, uint, MinAtarOptions, IEnvironment> One, Func<string, uint[], MinAtarOptions, int, IVectorEnvironment> Many) Find(string game)
    {
        foreach (var kind in All)
            if (kind.Facts.Name == game) return kind;
        throw new EnvironmentException($"No MinAtar game is named {game}.{Names.Suggest(game, Games)} There are {string.Join(", ", Games)}.");
    }

    private static (GameFacts, Func<string, uint, MinAtarOptions, IEnvironment>, Func<string, uint[], MinAtarOptions, int, IVectorEnvironment>) Kind<TGame>()
        where TGame : unmanaged, IGame<TGame> =>
        (TGame.Facts,
         (id, seed, options) => new MinAtarEnvironment<TGame>(id, seed, options),
         (id, seeds, options, threads) => new MinAtarVector<TGame>(id, seeds, options, threads));
}

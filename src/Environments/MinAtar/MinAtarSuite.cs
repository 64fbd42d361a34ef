using RlLeap.Environments.MinAtar;

namespace RlLeap.Environments;

/// <summary>The five games of MinAtar (Young and Tian 2019, arXiv 1903.03176).</summary>
/// <remarks>
/// Ids are MinAtar/{Asterix, Breakout, Freeway, Seaquest, SpaceInvaders}-v0 (all six actions) and -v1 (only the actions
/// that the game uses).
/// </remarks>
public static class MinAtarSuite
{
    private sealed record Game(
        GameInfo Info,
        Func<string, uint, MinAtarOptions, IEnvironment> Make,
        Func<string, uint[], MinAtarOptions, int, IVectorEnvironment> MakeVector);

    private static readonly Game[] All =
        [Create<Asterix>(), Create<Breakout>(), Create<Freeway>(), Create<Seaquest>(), Create<SpaceInvaders>()];

    private static readonly EnvironmentOption[] Known =
    [
        new("sticky", "0.1", "probability that the action executed last is taken again"),
        new("ramping", "1", "1: games get harder with time; 0: they do not"),
        new("planes", "", "pad the planes with zeros to this many (10 fits all games)"),
        new("render", "", "rgb84: show the picture as [3, 84, 84] bytes instead of planes"),
        new("time_limit", "", "cut episodes off after this many steps (Truncated)"),
    ];

    /// <summary>The names of the games.</summary>
    public static IReadOnlyList<string> Games { get; } = [.. All.Select(game => game.Info.Name)];

    /// <summary>Makes one game, seeded as the original seeds it, so that recorded games can be replayed.</summary>
    /// <exception cref="EnvironmentException">There is no such game, or the options contradict each other.</exception>
    public static IEnvironment Make(string game, uint seed, MinAtarOptions options) =>
        Find(game).Make(IdOf(game, options), seed, options);

    /// <summary>The entries of all games for the registry.</summary>
    internal static IEnumerable<EnvironmentEntry> Entries() =>
        from game in All
        from minimal in (bool[])[false, true]
        select CreateEntry(game, minimal);

    private static EnvironmentEntry CreateEntry(Game game, bool minimal)
    {
        var info = game.Info;
        var actions = minimal ? info.MinimalActions.Length : Actions.Names.Length;
        return new EnvironmentEntry(
            $"MinAtar/{info.Name}-v{(minimal ? 1 : 0)}",
            $"{info.Summary} ({info.Channels.Length} planes, {actions} actions)",
            (rng, options) => game.Make(options.Id, rng.NextUInt32(), Read(options, minimal)))
        {
            Options = Known,
            MakeVector = (count, rng, options, threads) =>
            {
                var seeds = Enumerable.Range(0, count).Select(i => rng.Split("environment", i).NextUInt32());
                return game.MakeVector(options.Id, [.. seeds], Read(options, minimal), threads);
            },
        };
    }

    private static MinAtarOptions Read(EnvironmentOptions options, bool minimal) => new()
    {
        MinimalActions = minimal,
        Sticky = options.Double("sticky", 0, 1),
        Ramping = options.Bool("ramping"),
        Planes = options.Has("planes") ? options.Int("planes", 1, 1024) : 0,
        Rgb = options.Has("render") && options.Choice("render", "rgb84") == "rgb84",
        TimeLimit = options.Has("time_limit") ? options.Int("time_limit", 1) : null,
    };

    internal static EnvironmentSpec Spec(string id, GameInfo info, MinAtarOptions options)
    {
        if (options.Planes > 0 && options.Rgb)
            throw new EnvironmentException(
                $"{id}: planes pads planes, but render=rgb84 shows a picture; give one of the two.");
        if (options.Planes > 0 && options.Planes < info.Channels.Length)
            throw new EnvironmentException(
                $"{id}: {info.Name} has {info.Channels.Length} planes; planes={options.Planes} would cut some off.");
        var actions = ActionsOf(info, options);
        return new EnvironmentSpec(id, Renderer.Space(info, options), new Discrete(actions.Length))
        {
            ActionNames = [.. actions.Select(action => Actions.Names[action])],
            ChannelNames = options.Rgb
                ? ["red", "green", "blue"]
                : PadPlanes.Names(info.Channels, Math.Max(options.Planes, info.Channels.Length)),
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

    internal static int[] ActionsOf(GameInfo info, MinAtarOptions options) =>
        options.MinimalActions ? info.MinimalActions : [.. Enumerable.Range(0, Actions.Names.Length)];

    private static string IdOf(string game, MinAtarOptions options) =>
        $"MinAtar/{game}-v{(options.MinimalActions ? 1 : 0)}";

    private static Game Find(string name) =>
        Array.Find(All, game => game.Info.Name == name) ?? throw new EnvironmentException(
            $"No MinAtar game is named {name}.{Names.Suggest(name, Games)} There are {string.Join(", ", Games)}.");

    private static Game Create<TGame>() where TGame : unmanaged, IGame<TGame> => new(
        TGame.Info,
        (id, seed, options) => new MinAtarEnvironment<TGame>(id, seed, options),
        (id, seeds, options, threads) => new MinAtarVector<TGame>(id, seeds, options, threads));
}

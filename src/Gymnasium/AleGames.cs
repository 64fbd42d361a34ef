using System.Globalization;

namespace RlLeap.Gymnasium;

/// <summary>What is known of a game before its ROM is loaded.</summary>
/// <param name="Id">"ALE/MsPacman-v5".</param>
/// <param name="Rom">"ms_pacman".</param>
/// <param name="MinimalActions">The size of its minimal action set (ale-py 0.12).</param>
/// <param name="InGym2018">Whether gym's list of 62 Atari games of 2018 has it, from which the Leap paper's pool was
/// drawn.</param>
public sealed record AleGame(string Id, string Rom, int MinimalActions, bool InGym2018)
{
    /// <summary>"MsPacman".</summary>
    public string Name => Id["ALE/".Length..^"-v5".Length];
}

/// <summary>The 104 games that ale-py registers as ALE/...-v5.</summary>
/// <remarks>Action counts are ale-py 0.12.1's. The table is atari-games.csv beside this file.</remarks>
public static class AleGames
{
    /// <summary>In alphabetical order of the ROMs' names.</summary>
    public static IReadOnlyList<AleGame> All { get; } = Read();

    private static readonly Dictionary<string, AleGame> ById = All.ToDictionary(game => game.Id);

    /// <summary>The game of an id; null where there is none.</summary>
    public static AleGame? Find(string id) => ById.GetValueOrDefault(id);

    /// <summary>
    /// The games the Leap paper (4.3) can have drawn its pool from: gym's list of 2018, at most 10 minimal actions.
    /// They are 27 with Breakout and SpaceInvaders, which the paper holds out. A config still names its games one by
    /// one.
    /// </summary>
    public static IReadOnlyList<AleGame> LeapPool { get; } =
        [.. All.Where(game => game.InGym2018 && game.MinimalActions <= 10)];

    private static List<AleGame> Read()
    {
        using var stream = typeof(AleGames).Assembly.GetManifestResourceStream("atari-games.csv")!;
        using var reader = new StreamReader(stream);
        var games = new List<AleGame>();
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#') || line.StartsWith("rom,", StringComparison.Ordinal)) continue;
            var cells = line.Split(',');
            games.Add(new AleGame(cells[1], cells[0], int.Parse(cells[2], CultureInfo.InvariantCulture),
                cells[3] == "1"));
        }
        return games;
    }
}

using RlLeap.Environments;
using System.Globalization;

namespace RlLeap.Gymnasium;

/// <summary>What is known of a game before its ROM is loaded.</summary>
/// <param name="Id">"ALE/MsPacman-v5".</param>
/// <param name="Rom">"ms_pacman".</param>
/// <param name="MinimalActions">The size of its minimal action set (ale-py 0.12).</param>
/// <param name="InGym2018">Whether gym's list of 62 Atari games of 2018 has it, from which the Leap paper's pool was
/// drawn.</param>
/// <param name="Random">A random player's score; null where the table lacks the game.</param>
/// <param name="Human">A human's score; null where the table lacks the game.</param>
public sealed record AleGame(string Id, string Rom, int MinimalActions, bool InGym2018, double? Random, double? Human)
{
    /// <summary>"MsPacman".</summary>
    public string Name => Id["ALE/".Length..^"-v5".Length];

    /// <summary>
    /// (score - random) / (human - random): 0 is random play, 1 a human's. Null for the 47 games without both scores;
    /// normalize those per game between the random player measured in the same set-up and the best score of the runs
    /// compared, and say so.
    /// </summary>
    public double? HumanNormalized(double score) =>
        Random is { } low && Human is { } high ? (score - low) / (high - low) : null;
}

/// <summary>The 104 games that ale-py registers as ALE/...-v5.</summary>
/// <remarks>
/// Action counts are ale-py 0.12.1's. Scores of 57 games are those of Wang et al. 2016 (dueling networks,
/// arXiv:1511.06581, table 2: human and random starts with no-ops), as DQN Zoo and Agent57 use them. The table is
/// atari-games.csv beside this file.
/// </remarks>
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
            static double? Score(string cell) =>
                cell.Length == 0 ? null : double.Parse(cell, CultureInfo.InvariantCulture);
            games.Add(new AleGame(cells[1], cells[0], int.Parse(cells[2], CultureInfo.InvariantCulture),
                cells[3] == "1", Score(cells[4]), Score(cells[5])));
        }
        return games;
    }
}

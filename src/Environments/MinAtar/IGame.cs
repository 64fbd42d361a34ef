namespace RlLeap.Environments.MinAtar;

/// <summary>One of the five games: a plain value with all of its board, without the random stream.</summary>
/// <remarks>
/// The rules follow Young and Tian 2019 (arXiv 1903.03176) as released in version 1.0.15. They were written from a
/// description of its behaviour and verified by replaying recorded games (tests: MinAtarConformance). The board is
/// 10 x 10. Row 0 is at the top and column 0 on the left.
/// </remarks>
internal interface IGame<TSelf> where TSelf : unmanaged, IGame<TSelf>
{
    /// <summary>Name, planes, actions and colours.</summary>
    static abstract GameInfo Info { get; }

    /// <summary>Starts an episode.</summary>
    void Reset(ref Mt19937 random);

    /// <summary>Takes one of the <see cref="Actions"/>; the reward, and whether the episode ended.</summary>
    int Step(int action, bool ramping, ref Mt19937 random, ref bool ended);

    /// <summary>Sets the active cells of [C, 10, 10] to 1. All cells must be 0 before.</summary>
    void Draw(Span<byte> planes);
}

/// <summary>The six actions, numbered alike in every game. One that a game does not use is a no-op.</summary>
internal static class Actions
{
    public const int Noop = 0, Left = 1, Up = 2, Right = 3, Down = 4, Fire = 5;

    public static readonly string[] Names = ["noop", "left", "up", "right", "down", "fire"];
}

/// <summary>The constants of a game.</summary>
/// <param name="Name">The name in its id.</param>
/// <param name="Summary">One line for lists.</param>
/// <param name="MinimalActions">The numbers of the actions that the game uses. They are the actions of its v1
/// id.</param>
/// <param name="Channels">What each plane shows.</param>
/// <param name="Colours">The colour of each plane in pictures, 0xRRGGBB. Null for a plane whose cells other planes show
/// too.</param>
internal sealed record GameInfo(
    string Name, string Summary, int[] MinimalActions, string[] Channels, int?[] Colours);

namespace RlLeap.Environments.MinAtar;

/// <summary>One of the five games: a plain value holding the whole state of its board, without its random stream.</summary>
/// <remarks>The rules follow Young and Tian 2019 (arXiv 1903.03176) as released in version 1.0.15, written from a description of its behaviour
/// and proved by replaying recorded games (tests: MinAtarConformance). Board: 10 x 10, row 0 on top, column 0 on the left.</remarks>
internal interface IGame<TSelf> where TSelf : unmanaged, IGame<TSelf>
{
    /// <summary>Name, planes, actions and colours.</summary>
    static abstract GameFacts Facts { get; }

    /// <summary>Starts an episode.</summary>
    void Reset(ref Mt19937 random);

    /// <summary>Takes one of the six <see cref="Actions"/>; returns the reward, and sets <paramref name="ended"/> at the end of the episode.</summary>
    int Step(int action, bool ramping, ref Mt19937 random, ref bool ended);

    /// <summary>Sets the cells of [C, 10, 10] that are on; all are 0 before.</summary>
    void Draw(Span<byte> planes);
}

/// <summary>The six actions, the same numbers in every game. What a game has no use for is a no-op.</summary>
internal static class Actions
{
    public const int Noop = 0, Left = 1, Up = 2, Right = 3, Down = 4, Fire = 5;

    public static readonly string[] Names = ["noop", "left", "up", "right", "down", "fire"];
}

/// <summary>What is constant about a game.</summary>
/// <param name="Name">As in its id.</param>
/// <param name="Summary">One line for lists.</param>
/// <param name="Minimal">The numbers of the actions it has use for: those of its v1 id.</param>
/// <param name="Channels">What each plane shows.</param>
/// <param name="Colours">0xRRGGBB of each plane in pictures; null for a plane that others show again.</param>
internal sealed record GameFacts(string Name, string Summary, int[] Minimal, string[] Channels, int?[] Colours);

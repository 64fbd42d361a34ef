namespace RlLeap.Environments;

/// <summary>How MinAtar games are played and shown. The defaults are those of the published results.</summary>
public sealed record MinAtarOptions
{
    /// <summary>The probability that the action executed last is taken instead of the one asked for.</summary>
    public double Sticky { get; init; } = 0.1;

    /// <summary>Whether games that can get harder with time do.</summary>
    public bool Ramping { get; init; } = true;

    /// <summary>Only the actions the game has use for (the v1 ids), instead of all six (the v0 ids).</summary>
    public bool MinimalActions { get; init; }

    /// <summary>Planes shown: the game's own (0), or that many, those behind the game's own being zeros.</summary>
    public int Planes { get; init; }

    /// <summary>Show the picture as [3, 84, 84] bytes instead of planes [C, 10, 10].</summary>
    public bool Rgb { get; init; }

    /// <summary>Cut episodes off after this many steps (Truncated); null: never.</summary>
    public int? TimeLimit { get; init; }
}

namespace RlLeap.Environments;

/// <summary>Options of the MinAtar games. The defaults are those of the published results.</summary>
public sealed record MinAtarOptions
{
    /// <summary>The probability that the last executed action is taken instead of the requested one.</summary>
    public double Sticky { get; init; } = 0.1;

    /// <summary>Whether games get harder with time, if they can.</summary>
    public bool Ramping { get; init; } = true;

    /// <summary>
    /// Whether only the actions that the game uses are available (the v1 ids), or all six (the v0 ids).
    /// </summary>
    public bool MinimalActions { get; init; }

    /// <summary>The number of planes. The game's own are padded with zeros. 0 means no padding.</summary>
    public int Planes { get; init; }

    /// <summary>Whether the observation is the picture, [3, 84, 84] bytes, instead of planes [C, 10, 10].</summary>
    public bool Rgb { get; init; }

    /// <summary>After how many steps episodes are truncated, or null for never.</summary>
    public int? TimeLimit { get; init; }
}

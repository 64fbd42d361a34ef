namespace RlLeap.Environments.MinAtar;

/// <summary>How each action changes the column and the row of a cell: by 0 where it is not a move.</summary>
internal static class Movement
{
    public static ReadOnlySpan<sbyte> Horizontal => [0, -1, 0, 1, 0, 0];

    public static ReadOnlySpan<sbyte> Vertical => [0, 0, -1, 0, 1, 0];
}

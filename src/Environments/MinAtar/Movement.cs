namespace RlLeap.Environments.MinAtar;

/// <summary>What the four moves do to a cell, by action number; 0 for the others.</summary>
internal static class Movement
{
    public static ReadOnlySpan<sbyte> Horizontal => [0, -1, 0, 1, 0, 0];

    public static ReadOnlySpan<sbyte> Vertical => [0, 0, -1, 0, 1, 0];
}

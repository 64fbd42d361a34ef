namespace RlLeap.Environments.MinAtar;

/// <summary>Converts bits to cells of bytes.</summary>
internal static class BitBoard
{
    private static readonly ulong[] Table = MakeTable();

    /// <summary>Eight bits as eight bytes of 0 or 1, the lowest first in memory.</summary>
    public static ulong Spread(byte bits) => Table[bits];

    private static ulong[] MakeTable()
    {
        var table = new ulong[256];
        for (var bits = 0; bits < 256; bits++)
            for (var i = 0; i < 8; i++)
                table[bits] |= (ulong)(bits >> i & 1) << 8 * (BitConverter.IsLittleEndian ? i : 7 - i);
        return table;
    }
}

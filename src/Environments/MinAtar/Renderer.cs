using System.Buffers.Binary;

namespace RlLeap.Environments.MinAtar;

/// <summary>Shows a game as planes, or as a picture of 84 x 84 pixels: cells of 8 x 8, a border of 2.</summary>
/// <remarks>
/// If two objects share a cell, the later plane fills the middle 4 x 4 pixels and the earlier one the rest. So both are
/// visible.
/// </remarks>
internal static class Renderer
{
    public const int Size = 84;
    private const int Border = 2, Cell = 8, Area = Size * Size;
    private const byte BorderGrey = 0x28;
    private const ulong Middle = 0x0000FFFFFFFF0000;

    /// <summary>Writes an observation of the space made by <see cref="Space"/>.</summary>
    public static void Draw<TGame>(ref TGame game, Span<byte> row, bool rgb) where TGame : unmanaged, IGame<TGame>
    {
        if (rgb)
        {
            Paint(ref game, row);
            return;
        }
        row.Clear();
        game.Draw(row);
    }

    /// <summary>The observation space with these options.</summary>
    public static Box Space(GameInfo info, MinAtarOptions options) =>
        options.Rgb
            ? Box.Bytes(255, 3, Size, Size)
            : Box.Bytes(1, Math.Max(options.Planes, info.Channels.Length), 10, 10);

    /// <summary>The picture as [84, 84, 3].</summary>
    public static Picture Picture<TGame>(ref TGame game) where TGame : unmanaged, IGame<TGame>
    {
        var planes = new byte[3 * Area];
        Paint(ref game, planes);
        var pixels = new byte[3 * Area];
        for (var i = 0; i < Area; i++)
            for (var c = 0; c < 3; c++) pixels[3 * i + c] = planes[c * Area + i];
        return new Picture(Size, Size, pixels);
    }

    /// <summary>Writes the picture as [3, 84, 84].</summary>
    private static void Paint<TGame>(ref TGame game, Span<byte> image) where TGame : unmanaged, IGame<TGame>
    {
        var info = TGame.Info;
        Span<byte> planes = stackalloc byte[100 * info.Channels.Length];
        planes.Clear();
        game.Draw(planes);
        // For each cell, the numbers of the first and of the last plane that is set there, plus one. 0 means none.
        Span<byte> lower = stackalloc byte[100], upper = stackalloc byte[100];
        lower.Clear();
        upper.Clear();
        for (var c = 0; c < info.Channels.Length; c++)
        {
            if (info.Colours[c] is null) continue;
            var plane = planes.Slice(100 * c, 100);
            for (var cell = plane.IndexOf((byte)1); cell >= 0;)
            {
                if (lower[cell] == 0) lower[cell] = (byte)(c + 1);
                upper[cell] = (byte)(c + 1);
                var next = plane[(cell + 1)..].IndexOf((byte)1);
                cell = next < 0 ? -1 : cell + 1 + next;
            }
        }
        Span<byte> palette = stackalloc byte[info.Channels.Length + 1];
        palette[0] = 0;
        for (var rgb = 0; rgb < 3; rgb++)
        {
            for (var c = 0; c < info.Channels.Length; c++)
                palette[c + 1] = (byte)((info.Colours[c] ?? 0) >> 8 * (2 - rgb));
            PaintPlane(image.Slice(rgb * Area, Area), lower, upper, palette);
        }
    }

    private static void PaintPlane(Span<byte> plane, ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper,
        ReadOnlySpan<byte> palette)
    {
        plane[..(Border * Size)].Fill(BorderGrey);
        plane[^(Border * Size)..].Fill(BorderGrey);
        for (var y = 0; y < 10; y++)
        {
            var rows = plane.Slice((Border + Cell * y) * Size, Cell * Size);
            var outer = rows[..Size];
            var inner = rows.Slice(2 * Size, Size);
            for (var i = 0; i < Border; i++) outer[i] = outer[^(i + 1)] = inner[i] = inner[^(i + 1)] = BorderGrey;
            for (var x = 0; x < 10; x++)
            {
                var below = palette[lower[10 * y + x]] * 0x0101010101010101UL;
                var above = palette[upper[10 * y + x]] * 0x0101010101010101UL;
                BinaryPrimitives.WriteUInt64LittleEndian(outer[(Border + Cell * x)..], below);
                BinaryPrimitives.WriteUInt64LittleEndian(inner[(Border + Cell * x)..],
                    (below & ~Middle) | (above & Middle));
            }
            foreach (var line in (ReadOnlySpan<int>)[1, 6, 7]) outer.CopyTo(rows[(line * Size)..]);
            foreach (var line in (ReadOnlySpan<int>)[3, 4, 5]) inner.CopyTo(rows[(line * Size)..]);
        }
    }
}

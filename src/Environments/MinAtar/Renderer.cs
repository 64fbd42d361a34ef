using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>How a game is shown: as planes, or as a picture of 84 x 84 pixels with cells of 8 x 8 inside a border of 2.</summary>
/// <remarks>Where two objects share a cell, the later plane fills the middle 4 x 4 pixels and the earlier one the rest: nothing is hidden.</remarks>
internal static class Renderer
{
    public const int Size = 84;
    private const int Border = 2, Cell = 8, Area = Size * Size;
    private const byte BorderGrey = 0x28;
    private const ulong Middle = 0x0000FFFFFFFF0000;

    /// <summary>Writes the observation of a space made by <see cref="Space"/>.</summary>
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

    /// <summary>What agents see under these options.</summary>
    public static Box Space(GameFacts facts, MinAtarOptions options) =>
        options.Rgb ? Box.Bytes(255, 3, Size, Size) : Box.Bytes(1, Math.Max(options.Planes, facts.Channels.Length), 10, 10);

    /// <summary>The picture for people, [84, 84, 3].</summary>
    public static Picture Picture<TGame>(ref TGame game) where TGame : unmanaged, IGame<TGame>
    {
        var planes = new byte[3 * Area];
        Paint(ref game, planes);
        var pixels = new byte[3 * Area];
        for (var i = 0; i < Area; i++)
            for (var c = 0; c < 3; c++) pixels[3 * i + c] = planes[c * Area + i];
        return new Picture(Size, Size, pixels);
    }

    /// <summary>The picture, [3, 84, 84].</summary>
    private static void Paint<TGame>(ref TGame game, Span<byte> image) where TGame : unmanaged, IGame<TGame>
    {
        var facts = TGame.Facts;
        Span<byte> planes = stackalloc byte[100 * facts.Channels.Length];
        planes.Clear();
        game.Draw(planes);
        // The number of the first and of the last plane, plus one, that is on in each cell.
        Span<byte> lower = stackalloc byte[100], upper = stackalloc byte[100];
        lower.Clear();
        upper.Clear();
        for (var c = 0; c < facts.Channels.Length; c++)
        {
            if (facts.Colours[c] is null) continue;
            var plane = planes.Slice(100 * c, 100);
            for (var cell = plane.IndexOf((byte)1); cell >= 0;)
            {
                if (lower[cell] == 0) lower[cell] = (byte)(c + 1);
                upper[cell] = (byte)(c + 1);
                var next = plane[(cell + 1)..].IndexOf((byte)1);
                cell = next < 0 ? -1 : cell + 1 + next;
            }
        }
        Span<byte> palette = stackalloc byte[facts.Channels.Length + 1];
        palette[0] = 0;
        for (var rgb = 0; rgb < 3; rgb++)
        {
            for (var c = 0; c < facts.Channels.Length; c++) palette[c + 1] = (byte)((facts.Colours[c] ?? 0) >> 8 * (2 - rgb));
            PaintPlane(image.Slice(rgb * Area, Area), lower, upper, palette);
        }
    }

    private static void PaintPlane(Span<byte> plane, ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper, ReadOnlySpan<byte> palette)
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
                BinaryPrimitives.WriteUInt64LittleEndian(inner[(Border + Cell * x)..], (below & ~Middle) | (above & Middle));
            }
            foreach (var line in (ReadOnlySpan<int>)[1, 6, 7]) outer.CopyTo(rows[(line * Size)..]);
            foreach (var line in (ReadOnlySpan<int>)[3, 4, 5]) inner.CopyTo(rows[(line * Size)..]);
        }
    }
}

/// <summary>Saved states: a header that says what they are of, the bytes, and a checksum, so that nothing else is ever taken for a state.</summary>
internal static class GameSnapshot
{
    private const uint Format = 0x314D_4C52; // "RLM1"

    public static byte[] Write<TState>(string what, ReadOnlySpan<TState> states, Action<BinaryWriter> rest) where TState : unmanaged
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(Format);
        writer.Write(what);
        writer.Write(MemoryMarshal.AsBytes(states));
        rest(writer);
        writer.Write(Checksum(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
        return stream.ToArray();
    }

    public static void Read<TState>(EnvironmentSpec spec, string what, ReadOnlySpan<byte> snapshot, Span<TState> states, Action<BinaryReader> rest) where TState : unmanaged
    {
        if (snapshot.Length < 12 || Checksum(snapshot[..^8]) != BinaryPrimitives.ReadUInt64LittleEndian(snapshot[^8..]))
            throw new EnvironmentException($"{spec.Id}: the saved state of {snapshot.Length} bytes is damaged (its checksum is wrong) or not one of a MinAtar game.");
        using var reader = new BinaryReader(new MemoryStream(snapshot[..^8].ToArray()));
        if (reader.ReadUInt32() != Format) throw new EnvironmentException($"{spec.Id}: this is not the saved state of a MinAtar game.");
        var of = reader.ReadString();
        if (of != what) throw new EnvironmentException($"{spec.Id}: the saved state is of '{of}', but this is '{what}'.");
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(states));
        rest(reader);
    }

    /// <summary>FNV-1a.</summary>
    private static ulong Checksum(ReadOnlySpan<byte> bytes)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var value in bytes) hash = (hash ^ value) * 0x100000001B3UL;
        return hash;
    }
}

using System.Buffers.Binary;

namespace RlLeap.Environments;

/// <summary>What an environment's saved states were in version 0.1, where they had no mark and no checksum.</summary>
internal enum OldState
{
    /// <summary>They had both: bytes without are no state.</summary>
    None,

    /// <summary>What the state is of, then its values.</summary>
    Named,

    /// <summary>The values alone.</summary>
    Values,
}

/// <summary>The one form of saved states: a mark, whose state it is, its values, and a checksum.</summary>
/// <remarks>
/// Older states without mark and checksum have the same values in the same order (<see cref="OldState"/>).
/// </remarks>
internal static class SavedState
{
    private const uint Mark = 0x314D_4C52; // "RLM1"
    private const int ChecksumBytes = 8;

    /// <summary>Saves a state.</summary>
    /// <param name="what">What it is of: a state of anything else is refused.</param>
    /// <param name="values">Writes the values.</param>
    public static byte[] Write(string what, Action<BinaryWriter> values)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(Mark);
        writer.Write(what);
        values(writer);
        writer.Write(Checksum(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
        return stream.ToArray();
    }

    /// <summary>Restores a state.</summary>
    /// <param name="spec">Whose it is, for errors.</param>
    /// <param name="what">As it was saved with.</param>
    /// <param name="snapshot">What <see cref="Write"/> returned.</param>
    /// <param name="values">Reads the values, to the last.</param>
    /// <param name="old">What version 0.1 wrote, which is read too.</param>
    /// <exception cref="EnvironmentException">It is damaged, or of something else.</exception>
    public static void Read(EnvironmentSpec spec, string what, ReadOnlySpan<byte> snapshot,
        Action<BinaryReader> values, OldState old = OldState.None)
    {
        var marked = snapshot.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(snapshot) == Mark;
        if (marked ? !IsWhole(snapshot) : old == OldState.None)
            throw Refused(spec, snapshot.Length, marked ? "its checksum is wrong" : "it has no checksum");
        var content = marked ? snapshot[4..^ChecksumBytes] : snapshot;
        using var reader = new BinaryReader(new MemoryStream(content.ToArray()));
        try
        {
            if (marked || old == OldState.Named)
            {
                var of = reader.ReadString();
                if (of != what) throw marked
                    ? new EnvironmentException($"{spec.Id}: the saved state is of '{of}', but this is '{what}'.")
                    : Refused(spec, snapshot.Length, $"it is not one of '{what}'");
            }
            values(reader);
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or ArgumentOutOfRangeException
            || e is RlLeapException and not EnvironmentException)
        {
            throw Refused(spec, snapshot.Length, "it is cut short", e);
        }
        if (reader.BaseStream.Position < reader.BaseStream.Length)
            throw Refused(spec, snapshot.Length, "it is longer than a state of this environment");
    }

    /// <summary>Writes bytes with their number before them.</summary>
    public static void WriteBytes(this BinaryWriter writer, byte[] bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    /// <summary>Reads what <see cref="WriteBytes"/> wrote.</summary>
    public static byte[] ReadCountedBytes(this BinaryReader reader)
    {
        var length = reader.ReadInt32();
        if (length < 0 || length > reader.BytesLeft()) throw new EndOfStreamException();
        return reader.ReadBytes(length);
    }

    /// <summary>Bytes up to the end of the values.</summary>
    public static int BytesLeft(this BinaryReader reader) =>
        (int)(reader.BaseStream.Length - reader.BaseStream.Position);

    private static bool IsWhole(ReadOnlySpan<byte> snapshot) => snapshot.Length >= 4 + ChecksumBytes
        && Checksum(snapshot[..^ChecksumBytes])
            == BinaryPrimitives.ReadUInt64LittleEndian(snapshot[^ChecksumBytes..]);

    private static EnvironmentException Refused(EnvironmentSpec spec, int length, string why, Exception? e = null) =>
        new($"{spec.Id}: the saved state of {length} bytes cannot be restored: {why}. It is damaged or from elsewhere; "
            + "Reset before going on.", e);

    /// <summary>The FNV-1a hash.</summary>
    private static ulong Checksum(ReadOnlySpan<byte> bytes)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var value in bytes) hash = (hash ^ value) * 0x100000001B3UL;
        return hash;
    }
}

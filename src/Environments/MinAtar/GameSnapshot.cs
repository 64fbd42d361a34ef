using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>
/// Saved states: a header that says what the state is of, the bytes and a checksum. Other bytes are refused.
/// </summary>
internal static class GameSnapshot
{
    private const uint Format = 0x314D_4C52; // "RLM1"

    public static byte[] Write<TState>(string what, ReadOnlySpan<TState> states, Action<BinaryWriter> rest)
        where TState : unmanaged
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

    public static void Read<TState>(EnvironmentSpec spec, string what, ReadOnlySpan<byte> snapshot, Span<TState> states,
        Action<BinaryReader> rest) where TState : unmanaged
    {
        if (snapshot.Length < 12 || Checksum(snapshot[..^8]) != BinaryPrimitives.ReadUInt64LittleEndian(snapshot[^8..]))
            throw new EnvironmentException($"{spec.Id}: the saved state of {snapshot.Length} bytes is damaged " +
                "(its checksum is wrong) or not one of a MinAtar game.");
        using var reader = new BinaryReader(new MemoryStream(snapshot[..^8].ToArray()));
        if (reader.ReadUInt32() != Format)
            throw new EnvironmentException($"{spec.Id}: this is not the saved state of a MinAtar game.");
        var of = reader.ReadString();
        if (of != what)
            throw new EnvironmentException($"{spec.Id}: the saved state is of '{of}', but this is '{what}'.");
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(states));
        rest(reader);
    }

    /// <summary>The FNV-1a hash.</summary>
    private static ulong Checksum(ReadOnlySpan<byte> bytes)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var value in bytes) hash = (hash ^ value) * 0x100000001B3UL;
        return hash;
    }
}

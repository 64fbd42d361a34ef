using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace RlLeap.Data;

/// <summary>
/// Keeps decoded sets on disk, so that only the first start has to decode them. Each set is one file with a fingerprint
/// of its sources and a checksum.
/// </summary>
/// <remarks>
/// A cache file never causes an error. If it is damaged, of another version or of other sources, the set is decoded
/// again and the file is replaced.
/// </remarks>
internal static class ImageCache
{
    private static ReadOnlySpan<byte> Magic => "RLIMAGE2"u8;

    private const int HeaderInts = 9;

    /// <summary>Returns the set from the cache, or builds it from its sources and writes it to the cache.</summary>
    /// <param name="folder">Where cache files lie; null for no cache.</param>
    /// <param name="name">The cache file's name without extension.</param>
    /// <param name="sources">The files and folders that the set is built from. Their names, sizes and times make the
    /// fingerprint.</param>
    /// <param name="build">Decodes the sources.</param>
    public static ImageSet Load(string? folder, string name, IEnumerable<string> sources, Func<ImageSet> build)
    {
        if (folder is null) return build();
        var path = Path.Combine(folder, name + ".images");
        var fingerprint = Fingerprint(sources);
        if (TryRead(path, fingerprint) is { } cached) return cached;
        var set = build();
        try
        {
            AtomicFile.Write(path, stream => Write(stream, set, fingerprint));
        }
        catch (RlLeapException)
        {
            // The disk is full or read-only. Then the next start has to decode again; nothing else is lost.
        }
        return set;
    }

    private static void Write(Stream stream, ImageSet set, byte[] fingerprint)
    {
        var name = Encoding.UTF8.GetBytes(set.Name);
        int[] header = [name.Length, set.Channels, set.Height, set.Width, set.Classes, set.Count, set.TrainCount,
            set.Groups is null ? 0 : 1, 0];
        var labels = MemoryMarshal.AsBytes<int>(set.Labels);
        var groups = MemoryMarshal.AsBytes<int>(set.Groups ?? []);
        header[^1] = (int)Checksum(set.Pixels, Checksum(groups, Checksum(labels, 0)));
        stream.Write(Magic);
        stream.Write(fingerprint);
        stream.Write(MemoryMarshal.AsBytes<int>(header));
        stream.Write(name);
        stream.Write(labels);
        stream.Write(groups);
        stream.Write(set.Pixels);
    }

    private static ImageSet? TryRead(string path, byte[] fingerprint)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
            var start = new byte[Magic.Length + fingerprint.Length];
            stream.ReadExactly(start);
            if (!start.AsSpan().StartsWith(Magic) || !start.AsSpan(Magic.Length).SequenceEqual(fingerprint))
                return null;
            var h = new int[HeaderInts];
            stream.ReadExactly(MemoryMarshal.AsBytes(h.AsSpan()));
            if (h.AsSpan(0, 8).ContainsAnyInRange(int.MinValue, -1)) return null;
            var size = checked((long)h[1] * h[2] * h[3]);
            // Nothing is allocated before the file's length agrees with its header.
            if (size > int.MaxValue
                || stream.Length != stream.Position + h[0] + (h[7] == 0 ? 4L : 8L) * h[5] + checked(size * h[5]))
                return null;
            var name = new byte[h[0]];
            stream.ReadExactly(name);
            var labels = new int[h[5]];
            stream.ReadExactly(MemoryMarshal.AsBytes(labels.AsSpan()));
            var groups = h[7] == 0 ? null : new int[h[5]];
            if (groups is not null) stream.ReadExactly(MemoryMarshal.AsBytes(groups.AsSpan()));
            var pixels = GC.AllocateUninitializedArray<byte>(checked((int)(size * h[5])));
            stream.ReadExactly(pixels);
            var checksum = Checksum(pixels,
                Checksum(MemoryMarshal.AsBytes<int>(groups ?? []), Checksum(MemoryMarshal.AsBytes<int>(labels), 0)));
            if (checksum != (uint)h[^1]) return null;
            return new ImageSet(Encoding.UTF8.GetString(name), h[1], h[2], h[3], h[4], pixels, labels, h[6], groups);
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or OverflowException or RlLeapException)
        {
            return null;
        }
    }

    private static byte[] Fingerprint(IEnumerable<string> sources)
    {
        var text = new StringBuilder("readers 2\n"); // raise it when a reader makes another set of the same files
        foreach (var source in sources.Select(Path.GetFullPath).Order(StringComparer.Ordinal))
        {
            if (!Directory.Exists(source)) Append(text, new FileInfo(source));
            else
                foreach (var file in SourceFolder.Files(source))
                    Append(text, new FileInfo(Path.Combine(source, file)));
        }
        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static void Append(StringBuilder text, FileInfo file) =>
        text.Append(file.FullName).Append('|').Append(file.Exists ? file.Length : -1).Append('|')
            .Append(file.Exists ? file.LastWriteTimeUtc.Ticks : 0).Append('\n');

    // CRC-32C. Processors have an instruction for eight bytes of it: 180 MB take about 30 ms.
    private static uint Checksum(ReadOnlySpan<byte> bytes, uint crc)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (var b in bytes[(8 * words.Length)..]) crc = BitOperations.Crc32C(crc, b);
        return crc;
    }
}

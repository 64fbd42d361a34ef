// JSON that knows its own checksum.
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RlLeap.Cli.Runs;

/// <summary>Files of one JSON object whose first member, "checksum", is the SHA-256 of the file without it.</summary>
/// <remarks>A file without the member was written by hand or by an earlier version, and is read as it is.</remarks>
internal static class SealedJson
{
    private const string Key = "{\"checksum\":\"";
    private const int SumLength = 2 * SHA256.HashSizeInBytes;

    /// <summary>Writes an object, whole or not at all.</summary>
    public static void Write<T>(string path, T value, JsonSerializerOptions options)
    {
        var text = JsonSerializer.SerializeToUtf8Bytes(value, options);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(Encoding.ASCII.GetBytes($"{Key}{Convert.ToHexStringLower(SHA256.HashData(text))}\","));
            stream.Write(text.AsSpan(1));
            stream.WriteByte((byte)'\n');
        });
    }

    /// <summary>Reads an object.</summary>
    /// <exception cref="DamagedFileException">It has another checksum, or it has one and cannot be read.</exception>
    /// <exception cref="JsonException">It is not such an object.</exception>
    public static T Read<T>(string path, JsonSerializerOptions options)
    {
        var text = File.ReadAllBytes(path);
        var end = text is [.., (byte)'\n'] ? text.Length - 1 : text.Length;
        var start = text.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        if (Encoding.ASCII.GetBytes(Key) is var key && text.AsSpan().StartsWith(key)
            && text.Length > key.Length + SumLength + 2)
        {
            start = key.Length + SumLength + 1; // the comma, in whose place the brace stood
            var sum = Encoding.ASCII.GetString(text, key.Length, SumLength);
            text[start] = (byte)'{';
            if (Convert.ToHexStringLower(SHA256.HashData(text.AsSpan(start, end - start))) != sum)
                throw new DamagedFileException(path, $"{path} is damaged: its checksum is not that of its content.");
        }
        return JsonSerializer.Deserialize<T>(text.AsSpan(start, end - start), options)
            ?? throw new JsonException("it is empty");
    }
}

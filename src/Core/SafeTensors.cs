using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RlLeap;

/// <summary>
/// The format of every saved tensor (huggingface/safetensors): eight bytes of header length, a JSON header, raw
/// little-endian data. Readable from Python.
/// </summary>
/// <remarks>
/// Reading trusts nothing: every length, offset, shape and dtype is checked against the file's size before anything is
/// allocated. The note "sha256" of a file is the SHA-256 of the whole file with zeros in the place of that sum; other
/// tools read past it. A file with another sum is damaged. A file without it was written by other tools.
/// </remarks>
public static class SafeTensors
{
    private const string Notes = "__metadata__", SumNote = "sha256";
    private static readonly string NoSum = new('0', 2 * SHA256.HashSizeInBytes);
    private const long LargestHeader = 100_000_000;

    private static readonly (string Name, ScalarType Type, int Size)[] Types =
    [
        ("F64", ScalarType.Float64, 8), ("I64", ScalarType.Int64, 8), ("F32", ScalarType.Float32, 4),
        ("I32", ScalarType.Int32, 4),
        ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2), ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1), ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    /// <summary>Writes tensors (any device, any strides; in logical order) and notes, whole or not at all.</summary>
    /// <exception cref="RlLeapException">The file cannot be written.</exception>
    /// <exception cref="ArgumentException">A dtype that the format does not have here.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? notes = null)
    {
        // Widest elements first: every tensor then starts aligned to its element size.
        var entries = tensors.Select(t => (Name: t.Key, t.Value, Type: TypeOf(t.Key, t.Value.dtype)))
            .OrderByDescending(t => t.Type.Size).ThenBy(t => t.Name, StringComparer.Ordinal).ToList();
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject(Notes);
            foreach (var (key, value) in (notes ?? new Dictionary<string, string>()).Append(new(SumNote, NoSum))
                .OrderBy(note => note.Key, StringComparer.Ordinal)) writer.WriteString(key, value);
            writer.WriteEndObject();
            long offset = 0;
            foreach (var (name, value, type) in entries)
            {
                if (name == Notes) throw new ArgumentException($"No tensor may be called {Notes}.", nameof(tensors));
                writer.WriteStartObject(name);
                writer.WriteString("dtype", type.Name);
                writer.WriteStartArray("shape");
                foreach (var size in value.shape) writer.WriteNumberValue(size);
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(offset);
                writer.WriteNumberValue(offset += value.numel() * type.Size);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        while (json.Length % 8 != 0) json.WriteByte((byte)' ');
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var data = entries.Where(entry => entry.Value.numel() > 0)
            .Select(entry => entry.Value.detach().cpu().contiguous()).ToList();
        var header = json.ToArray();
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sum.AppendData(length);
        sum.AppendData(header);
        foreach (var value in data) sum.AppendData(value.bytes);
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(sum.GetHashAndReset())).CopyTo(header.AsSpan(SumAt(header)));
        AtomicFile.Write(path, stream =>
        {
            stream.Write(length);
            stream.Write(header);
            foreach (var value in data) stream.Write(value.bytes);
        });
    }

    /// <summary>Reads tensors by name, on the CPU and in the caller's dispose scope, and notes.</summary>
    /// <exception cref="RlLeapException">The file is missing, truncated or not in the format; says what is wrong with
    /// it.</exception>
    public static (Dictionary<string, Tensor> Tensors, Dictionary<string, string> Notes) Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            return Read(file);
        }
        catch (Exception e) when (e is FormatException or JsonException or EndOfStreamException
            or DecoderFallbackException or InvalidOperationException)
        {
            throw new DamagedFileException(path,
                $"{path} is not a whole safetensors file: {e.Message} Delete it, or use an earlier checkpoint.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RlLeapException($"Cannot read {path}: {SystemErrors.Explain(e)}", e);
        }
    }

    private static (Dictionary<string, Tensor>, Dictionary<string, string>) Read(FileStream file)
    {
        var length = new byte[8];
        if (file.Length < 8) throw new FormatException($"it has {file.Length} bytes.");
        file.ReadExactly(length);
        var headerLength = BinaryPrimitives.ReadInt64LittleEndian(length);
        if (headerLength < 2 || headerLength > Math.Min(file.Length - 8, LargestHeader))
            throw new FormatException($"it says its header has {headerLength} bytes, but the file has {file.Length}.");
        var header = new byte[headerLength];
        file.ReadExactly(header);
        var (entries, notes) = Parse(header, file.Length - 8 - headerLength);
        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (notes.Remove(SumNote, out var expected))
        {
            // Where another writer laid the sum out differently, nothing equals it: that is damage too.
            if (SumAt(header) is >= 0 and var at) Encoding.ASCII.GetBytes(NoSum).CopyTo(header.AsSpan(at));
            sum.AppendData(length);
            sum.AppendData(header);
        }

        var tensors = new Dictionary<string, Tensor>();
        try
        {
            foreach (var (name, type, shape, start, end) in entries.OrderBy(e => e.Start))
            {
                var value = empty(shape, type.Type);
                tensors.Add(name, value);
                file.Position = 8 + headerLength + start;
                if (end > start) file.ReadExactly(value.bytes);
                if (expected is not null) sum.AppendData(value.bytes);
            }
            if (expected is not null && Convert.ToHexStringLower(sum.GetHashAndReset()) != expected)
                throw new FormatException("its content is not what was written, by its checksum.");
            return (tensors, notes);
        }
        catch
        {
            foreach (var value in tensors.Values) value.Dispose();
            throw;
        }
    }

    // Where the sum stands in the header; -1 where there is none. Only a note can have a text as value.
    private static int SumAt(ReadOnlySpan<byte> header)
    {
        var key = Encoding.ASCII.GetBytes($"\"{SumNote}\":\"");
        var at = header.IndexOf(key);
        return at < 0 || at + key.Length + NoSum.Length > header.Length ? -1 : at + key.Length;
    }

    private static (List<(string Name, (string Name, ScalarType Type, int Size) Type, long[] Shape, long Start,
        long End)>, Dictionary<string, string>) Parse(byte[] header, long dataLength)
    {
        var entries = new List<(string Name, (string Name, ScalarType Type, int Size) Type, long[] Shape, long Start,
            long End)>();
        var notes = new Dictionary<string, string>();
        using var document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new FormatException("its header is not a JSON object.");
        var seen = new HashSet<string>();
        foreach (var property in document.RootElement.EnumerateObject())
        {
            var name = property.Name;
            if (!seen.Add(name)) throw new FormatException($"{name} occurs twice.");
            if (property.Value.ValueKind != JsonValueKind.Object)
                throw new FormatException($"{name} is not described by an object.");
            if (name == Notes)
            {
                foreach (var note in property.Value.EnumerateObject())
                    notes[note.Name] = note.Value.ValueKind == JsonValueKind.String
                        ? note.Value.GetString()! : throw new FormatException($"the note {note.Name} is not text.");
                continue;
            }
            var type = Types.FirstOrDefault(t => t.Name == Member(property, "dtype", JsonValueKind.String).GetString());
            if (type.Name is null) throw new FormatException(
                $"{name} has the dtype {Member(property, "dtype", JsonValueKind.String)}, which is unknown.");
            var shape = Numbers(property, "shape");
            if (shape.Length > 32) throw new FormatException($"{name} has {shape.Length} axes.");
            var offsets = Numbers(property, "data_offsets");
            if (offsets is not [var start, var end] || start > end || end > dataLength)
                throw new FormatException(
                    $"{name} lies at [{string.Join(", ", offsets)}], outside the {dataLength} bytes of data.");
            if (Bytes(shape, type.Size) != end - start)
                throw new FormatException($"{name} of shape [{string.Join(", ", shape)}] and type {type.Name} does not "
                    + $"fill its {end - start} bytes.");
            if (end - start > int.MaxValue)
                throw new FormatException($"{name} has {end - start} bytes, more than can be read.");
            entries.Add((name, type, shape, start, end));
        }
        long covered = 0;
        foreach (var entry in entries.OrderBy(e => e.Start).ThenBy(e => e.End))
        {
            if (entry.Start != covered) throw new FormatException(
                $"{entry.Name} starts at {entry.Start}, but the tensors before it end at {covered}.");
            covered = entry.End;
        }
        if (covered != dataLength)
            throw new FormatException($"its tensors take {covered} bytes, but {dataLength} follow the header.");
        return (entries, notes);
    }

    private static JsonElement Member(JsonProperty owner, string name, JsonValueKind kind) =>
        owner.Value.TryGetProperty(name, out var value)
            && value.ValueKind == kind ? value : throw new FormatException($"{owner.Name} has no proper {name}.");

    private static long[] Numbers(JsonProperty owner, string name)
    {
        var array = Member(owner, name, JsonValueKind.Array);
        var numbers = new long[array.GetArrayLength()];
        for (var i = 0; i < numbers.Length; i++)
            if (array[i].ValueKind != JsonValueKind.Number || !array[i].TryGetInt64(out numbers[i]) || numbers[i] < 0)
                throw new FormatException($"{owner.Name} has {array[i]} in its {name}.");
        return numbers;
    }

    // Sizes come from the file: a product that overflows must not pass for a small one.
    private static long Bytes(long[] shape, int size)
    {
        long product = size;
        foreach (var axis in shape)
        {
            if (axis != 0 && product > long.MaxValue / axis) return -1;
            product *= axis;
        }
        return product;
    }

    private static (string Name, ScalarType Type, int Size) TypeOf(string name, ScalarType dtype)
    {
        var type = Types.FirstOrDefault(t => t.Type == dtype && t.Name is not null);
        return type.Name is not null
            ? type : throw new ArgumentException($"{name} is of {dtype}, which safetensors files do not hold.");
    }
}

using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace RlLeap.Data;

/// <summary>A numeric array of a MATLAB file. The order is column-major: the first dimension changes fastest.</summary>
/// <param name="Shape">The size of each dimension.</param>
/// <param name="Type">The stored element type, a number of the format (miUINT8 is 2).</param>
/// <param name="Bytes">The elements as stored, little-endian.</param>
internal sealed record Mat5Array(int[] Shape, int Type, byte[] Bytes)
{
    /// <summary>Element <paramref name="index"/> in storage order.</summary>
    public double this[int index]
    {
        get
        {
            var at = Bytes.AsSpan(index * Mat5.ElementSize(Type));
            return Type switch
            {
                1 => (sbyte)at[0],
                2 => at[0],
                3 => BinaryPrimitives.ReadInt16LittleEndian(at),
                4 => BinaryPrimitives.ReadUInt16LittleEndian(at),
                5 => BinaryPrimitives.ReadInt32LittleEndian(at),
                6 => BinaryPrimitives.ReadUInt32LittleEndian(at),
                7 => BinaryPrimitives.ReadSingleLittleEndian(at),
                9 => BinaryPrimitives.ReadDoubleLittleEndian(at),
                12 => BinaryPrimitives.ReadInt64LittleEndian(at),
                _ => BinaryPrimitives.ReadUInt64LittleEndian(at),
            };
        }
    }
}

/// <summary>Reads real numeric arrays from MATLAB level 5 files, compressed or not. SVHN uses this format.</summary>
internal static class Mat5
{
    private const int Matrix = 14, CompressedElement = 15, HeaderBytes = 128;

    /// <summary>The numeric arrays of a file by name.</summary>
    /// <exception cref="DataException">The file is damaged or of another format.</exception>
    public static Dictionary<string, Mat5Array> Read(byte[] file, string where)
    {
        if (file.Length < HeaderBytes)
            throw new DataException(where, "is shorter than a MATLAB file's header; truncated or not the data set");
        if (file.AsSpan().StartsWith("MATLAB 7.3"u8))
            throw new DataException(where, "is a MATLAB 7.3 (HDF5) file; save it with -v7 or -v6");
        if (file[126] == 'M' && file[127] == 'I')
            throw new DataException(where, "is a big-endian MATLAB file; save it on a little-endian machine");
        if (file[126] != 'I' || file[127] != 'M' || file[125] != 1)
            throw new DataException(where, "is not a MATLAB level 5 file");
        var arrays = new Dictionary<string, Mat5Array>();
        var at = HeaderBytes;
        while (at < file.Length)
        {
            var (type, start, count, next) = Tag(file, at, file.Length, where);
            if (type == CompressedElement)
            {
                var inner = InflateElement(file, start, count, where);
                var tag = Tag(inner, 0, inner.Length, where);
                if (tag.Type == Matrix) Add(arrays, inner, tag.Start, tag.Count, where);
            }
            else if (type == Matrix) Add(arrays, file, start, count, where);
            at = next;
        }
        return arrays;
    }

    /// <summary>Bytes of one element of a type, or 0 for a type that is not a number.</summary>
    public static int ElementSize(int type) => type switch
    {
        1 or 2 => 1,
        3 or 4 => 2,
        5 or 6 or 7 => 4,
        9 or 12 or 13 => 8,
        _ => 0,
    };

    private static byte[] InflateElement(byte[] file, int start, int count, string where)
    {
        // The first eight inflated bytes are the inner tag, which gives the size of the rest.
        var size = Compressed.Guard(where, () =>
        {
            using var zlib = new ZLibStream(new MemoryStream(file, start, count, writable: false),
                CompressionMode.Decompress);
            Span<byte> tag = stackalloc byte[8];
            zlib.ReadExactly(tag);
            return BinaryPrimitives.ReadUInt32LittleEndian(tag[4..]);
        });
        if (size > int.MaxValue - 64) throw new DataException(where, $"claims an array of {size:N0} bytes");
        return Compressed.Inflate(file, start, count, 8L + size, where);
    }

    private static void Add(Dictionary<string, Mat5Array> arrays, byte[] data, int start, int count, string where)
    {
        var end = start + count;
        var flags = Tag(data, start, end, where);
        if (flags.Type != 6 || flags.Count != 8) throw new DataException(where, "has an array with damaged flags");
        var kind = data[flags.Start];
        if (kind is < 6 or > 15) return; // Cells, structures, text and sparse arrays are not read.
        if ((data[flags.Start + 1] & 0x08) != 0) return; // Complex arrays are not read.
        var extents = Tag(data, flags.Next, end, where);
        if (extents.Type != 5 || extents.Count is < 8 or > 64 || extents.Count % 4 != 0)
            throw new DataException(where, "has an array with damaged dimensions");
        var name = Tag(data, extents.Next, end, where);
        if (name.Type is not (1 or 2 or 16) || name.Count > 63)
            throw new DataException(where, "has an array with a damaged name");
        var values = Tag(data, name.Next, end, where);
        var element = ElementSize(values.Type);
        if (element == 0) throw new DataException(where, $"has an array with elements of unknown type {values.Type}");
        var shape = new int[extents.Count / 4];
        var length = (long)element;
        for (var i = 0; i < shape.Length; i++)
        {
            shape[i] = BinaryPrimitives.ReadInt32LittleEndian(data.AsSpan(extents.Start + 4 * i));
            if (shape[i] < 0) throw new DataException(where, "has an array with a negative dimension");
            // A damaged shape can claim any size. One above values.Count is wrong in any case, so it need not be exact.
            if (shape[i] == 0) length = 0;
            else length = length > values.Count / shape[i] ? long.MaxValue / int.MaxValue : length * shape[i];
        }
        if (length != values.Count)
            throw new DataException(where,
                $"has an array of {string.Join(" x ", shape)} with {values.Count:N0} bytes; damaged");
        arrays[Encoding.ASCII.GetString(data, name.Start, name.Count)] = new Mat5Array(shape, values.Type,
            data.AsSpan(values.Start, values.Count).ToArray());
    }

    // A tag has eight bytes: type and size. The data follow, unless they have at most four bytes: those are in the tag.
    private static (int Type, int Start, int Count, int Next) Tag(byte[] data, int at, int end, string where)
    {
        if (end - at < 8) throw new DataException(where, "ends within an element; truncated or damaged");
        var first = BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(at));
        if (first >> 16 is var small and not 0)
            return small <= 4
                ? ((int)(first & 0xFFFF), at + 4, (int)small, at + 8)
                : throw new DataException(where, "has a damaged element");
        var count = BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(at + 4));
        if (count > end - at - 8) throw new DataException(where, "ends within an element; truncated or damaged");
        // Elements are padded to eight bytes, but compressed ones are not.
        var next = at + 8 + (int)count + (first == CompressedElement ? 0 : (8 - (int)(count & 7)) & 7);
        return ((int)first, at + 8, (int)count, Math.Min(next, end));
    }
}

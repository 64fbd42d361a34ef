using System.Buffers.Binary;

namespace RlLeap.Data;

/// <summary>Reads the idx format of MNIST: unsigned bytes, one or three dimensions, gzipped or plain.</summary>
internal static class Idx
{
    /// <summary>A file of images: [Count, Height, Width].</summary>
    public static (int Count, int Height, int Width, byte[] Pixels) Images(string path)
    {
        var (shape, content) = Parse(Compressed.ReadFile(path), 3, path);
        return (shape[0], shape[1], shape[2], content);
    }

    /// <summary>A file of labels, each 0 .. <paramref name="classes"/>-1.</summary>
    public static int[] Labels(string path, int classes)
    {
        var (_, content) = Parse(Compressed.ReadFile(path), 1, path);
        var labels = Array.ConvertAll(content, b => (int)b);
        var wrong = Array.FindIndex(labels, label => label >= classes);
        return wrong < 0
            ? labels
            : throw new DataException(path, $"record {wrong} has label {labels[wrong]}, outside 0..{classes - 1}");
    }

    /// <summary>The shape and the content of an idx file of unsigned bytes with this number of dimensions.</summary>
    internal static (int[] Shape, byte[] Content) Parse(byte[] file, int dimensions, string where)
    {
        var header = 4 + 4 * dimensions;
        if (file.Length < header)
            throw new DataException(where,
                $"has {file.Length} bytes, less than the header of an idx file; truncated or not the data set");
        var magic = BinaryPrimitives.ReadUInt32BigEndian(file);
        if (magic != (uint)(0x0800 | dimensions))
            throw new DataException(where, $"starts with {magic:x8} where an idx file of bytes with {dimensions} " +
                $"dimension(s) starts with {0x0800 | dimensions:x8}; not the data set");
        var shape = new int[dimensions];
        var expected = 1L;
        for (var i = 0; i < dimensions; i++)
        {
            var extent = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(4 + 4 * i));
            if (extent is 0 or > int.MaxValue) throw new DataException(where, $"claims an extent of {extent}");
            shape[i] = (int)extent;
            // A product larger than the file is wrong in any case. Stopping there avoids an overflow.
            if (expected <= file.Length) expected *= extent;
        }
        if (file.Length - header != expected)
            throw new DataException(where, $"holds {file.Length - header:N0} bytes where its header promises " +
                $"{string.Join(" x ", shape)}; truncated or damaged");
        return (shape, file[header..]);
    }
}

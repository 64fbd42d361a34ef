namespace RlLeap.Data;

/// <summary>
/// Reads the binary version of CIFAR. A record is one label byte (CIFAR-10) or a coarse and a fine label (CIFAR-100),
/// then 3x32x32 pixel bytes.
/// </summary>
internal static class CifarBinary
{
    private const int Image = 3 * 32 * 32;

    /// <summary>Appends a file's records to the lists. The label of CIFAR-100 is the fine one.</summary>
    public static void Parse(byte[] file, int labelBytes, int classes, string where, List<int> labels,
        List<byte[]> pixels)
    {
        var record = labelBytes + Image;
        if (file.Length == 0 || file.Length % record != 0)
            throw new DataException(where, $"has {file.Length:N0} bytes, not a multiple of the {record:N0} bytes of " +
                "a record; truncated or not the data set");
        var block = new byte[file.Length / record * Image];
        for (var i = 0; i < file.Length / record; i++)
        {
            var label = file[i * record + labelBytes - 1];
            if (label >= classes)
                throw new DataException(where,
                    $"record {i} has label {label}, outside 0..{classes - 1}; damaged or not the data set");
            if (labelBytes == 2 && file[i * record] >= 20)
                throw new DataException(where,
                    $"record {i} has coarse label {file[i * record]}, outside 0..19; damaged or not the data set");
            labels.Add(label);
            Buffer.BlockCopy(file, i * record + labelBytes, block, i * Image, Image);
        }
        pixels.Add(block);
    }
}

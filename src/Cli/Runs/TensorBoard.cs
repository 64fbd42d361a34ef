// TensorBoard's event files, written by hand: a protocol buffer of a few fields inside TensorFlow's record framing.
using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace RlLeap.Cli.Runs;

/// <summary>Writes rows as TensorBoard scalars: each series is a run (a folder), each column a tag. A tag is the
/// column's name, so curves lie beside CleanRL's. Formats: tensorflow/core/util/event.proto, summary.proto,
/// lib/io/record_writer.h.</summary>
/// <param name="open">The event file of a series, at its end; empty at first. Asked for at every row, since more series
/// than files that may be open are allowed. The caller closes the streams.</param>
public sealed class TensorBoard(Func<string, Stream> open, TimeProvider? clock = null) : IMetricSink
{
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;

    public void Write(in Row row)
    {
        var stream = open(row.Series);
        if (stream.Position == 0) Record(stream, Event(0, Field(3, "brain.Event:2"u8)));
        var summary = new List<byte>();
        foreach (var (column, value) in row.Values)
        {
            // tag = 1, simple_value = 2 (fixed32)
            byte[] scalar = [.. Field(1, Encoding.UTF8.GetBytes(column)), 0x15, .. BitConverter.GetBytes((float)value)];
            summary.AddRange(Field(1, scalar));
        }
        Record(stream, Event(row.Step, Field(5, [.. summary])));
        stream.Flush();
    }

    // Event: wall_time = 1 (double, seconds), step = 2 (varint), then file_version = 3 or summary = 5.
    private byte[] Event(long step, byte[] what) =>
        [0x09, .. BitConverter.GetBytes(_clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0), 0x10,
            .. Varint((ulong)step), .. what];

    private static byte[] Field(int number, ReadOnlySpan<byte> bytes) =>
        [(byte)(number << 3 | 2), .. Varint((ulong)bytes.Length), .. bytes];

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }

    // length (8), masked CRC of length (4), data, masked CRC of data (4); little endian.
    private static void Record(Stream stream, byte[] data)
    {
        var record = new byte[data.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        stream.Write(record);
    }

    /// <summary>CRC-32C, rotated by 15 bits and shifted, as TensorFlow stores it beside data with CRCs.</summary>
    public static uint MaskedCrc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data) crc = BitOperations.Crc32C(crc, b);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8u;
    }
}

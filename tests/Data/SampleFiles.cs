// Small files in the formats of the data sets, for the tests.
using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using RlLeap.Data;

namespace RlLeap.Tests.Data;

internal static class SampleFiles
{
    public static byte[] Bytes(int count, long seed = 1)
    {
        var rng = new Rng(seed);
        var bytes = new byte[count];
        for (var i = 0; i < count; i++) bytes[i] = (byte)rng.NextInt(256);
        return bytes;
    }

    public static byte[] Gzip(byte[] content)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest)) gzip.Write(content);
        return target.ToArray();
    }

    public static byte[] Zlib(byte[] content)
    {
        using var target = new MemoryStream();
        using (var zlib = new ZLibStream(target, CompressionLevel.Fastest)) zlib.Write(content);
        return target.ToArray();
    }

    public static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        using var target = new MemoryStream();
        using (var zip = new ZipArchive(target, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (name, content) in files)
                using (var entry = zip.CreateEntry(name).Open()) entry.Write(content);
        return target.ToArray();
    }

    public static byte[] TarGz(params (string Name, byte[] Content)[] files)
    {
        using var target = new MemoryStream();
        using (var tar = new TarWriter(target, TarEntryFormat.Ustar, leaveOpen: true))
            foreach (var (name, content) in files)
            {
                tar.WriteEntry(
                    new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            }
        return Gzip(target.ToArray());
    }

    /// <summary>An idx file of bytes.</summary>
    public static byte[] Idx(int[] shape, byte[] content)
    {
        var file = new byte[4 + 4 * shape.Length + content.Length];
        file[2] = 8;
        file[3] = (byte)shape.Length;
        for (var i = 0; i < shape.Length; i++) BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + 4 * i), shape[i]);
        content.CopyTo(file, 4 + 4 * shape.Length);
        return file;
    }

    /// <summary>A gray PNG of 1 or 8 bits. No row is filtered.</summary>
    public static byte[] Png(int width, int height, byte[] gray, int depth = 8)
    {
        var row = depth == 8 ? width : (width + 7) / 8;
        var raw = new byte[height * (row + 1)];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                if (depth == 8) raw[y * (row + 1) + 1 + x] = gray[y * width + x];
                else if (gray[y * width + x] != 0) raw[y * (row + 1) + 1 + x / 8] |= (byte)(0x80 >> (x % 8));
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = (byte)depth;
        return [.. RlLeap.Data.Png.Signature, .. Chunk("IHDR", header), .. Chunk("IDAT", Zlib(raw)),
            .. Chunk("IEND", [])];
    }

    public static byte[] Chunk(string type, byte[] body)
    {
        var chunk = new byte[12 + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, body.Length);
        Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        body.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + body.Length), Crc32(chunk.AsSpan(4, 4 + body.Length)));
        return chunk;
    }

    // Computed bit by bit from the definition, so that it is independent of the table in src/Data.
    public static uint Crc32(ReadOnlySpan<byte> data)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var b in data)
            for (var k = 0; k < 8; k++) crc = (((crc ^ (uint)(b >> k)) & 1) != 0 ? 0xEDB88320u : 0) ^ (crc >> 1);
        return ~crc;
    }

    public static byte[] Ppm(int width, int height, byte[] rgb) =>
        [.. Encoding.ASCII.GetBytes($"P6\n{width} {height}\n255\n"), .. rgb];

    /// <summary>A folder a class of 16x16 images: a bright square at a place of the class's own, in noise.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="first">The first class, of twelve that there are.</param>
    /// <param name="classes">How many.</param>
    /// <param name="images">Of each class.</param>
    /// <param name="seed">Of the noise.</param>
    public static void ClassFolder(string folder, int first, int classes, int images, long seed = 1)
    {
        const int Side = 16;
        var rng = new Rng(seed);
        for (var c = first; c < first + classes; c++)
            for (var i = 0; i < images; i++)
            {
                var pixels = new byte[Side * Side];
                for (var p = 0; p < pixels.Length; p++) pixels[p] = (byte)rng.NextInt(90);
                for (var p = 0; p < 9; p++)
                    pixels[(4 * (c % 4) + p / 3) * Side + 5 * (c / 4) + p % 3] = (byte)(200 + rng.NextInt(50));
                var path = Path.Combine(folder, $"class{c:D2}", $"{i}.png");
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllBytes(path, Png(Side, Side, pixels));
            }
    }

    public static void MnistFolder(string folder, int train = 20, int test = 10, bool gzip = true)
    {
        Directory.CreateDirectory(folder);
        foreach (var (part, count, seed) in new[] { ("train", train, 1), ("t10k", test, 2) })
        {
            if (count == 0) continue;
            Write($"{part}-images-idx3-ubyte", Idx([count, 28, 28], Bytes(count * 784, seed)));
            Write($"{part}-labels-idx1-ubyte",
                Idx([count], [.. Enumerable.Range(0, count).Select(i => (byte)(i % 10))]));
        }
        void Write(string name, byte[] content) =>
            File.WriteAllBytes(Path.Combine(folder, gzip ? name + ".gz" : name), gzip ? Gzip(content) : content);
    }

    public static byte[] CifarRecords(int count, int labelBytes = 1, long seed = 3)
    {
        var bytes = Bytes(count * (labelBytes + 3072), seed);
        for (var i = 0; i < count; i++)
        {
            bytes[i * (labelBytes + 3072)] = (byte)(i % 10);
            if (labelBytes == 2) bytes[i * (labelBytes + 3072) + 1] = (byte)(90 + i % 10);
        }
        return bytes;
    }

    public static (string, byte[])[] CifarArchive(int count = 12) =>
    [
        ("cifar-10-batches-bin/batches.meta.txt", "airplane\n"u8.ToArray()),
        ("cifar-10-batches-bin/data_batch_2.bin", CifarRecords(count, seed: 4)),
        ("cifar-10-batches-bin/data_batch_1.bin", CifarRecords(count)),
        ("cifar-10-batches-bin/test_batch.bin", CifarRecords(4, seed: 5)),
    ];

    /// <summary>Two classes, each with two tracks of three frames, and three test images.</summary>
    public static List<(string Name, byte[] Content)> GtsrbFiles(bool csv = true, int side = 6)
    {
        var files = new List<(string, byte[])>();
        for (var c = 0; c < 2; c++)
        {
            var table = new StringBuilder(GtsrbColumns + "\r\n");
            for (var track = 0; track < 2; track++)
                for (var frame = 0; frame < 3; frame++)
                {
                    var name = $"{track:D5}_{frame:D5}.ppm";
                    var pixels = Bytes(3 * side * side, 100 + 10 * c + 3 * track + frame);
                    files.Add(($"GTSRB/Final_Training/Images/{c:D5}/{name}", Ppm(side, side, pixels)));
                    table.Append($"{name};{side};{side};1;1;4;4;{c}\r\n");
                }
            if (!csv) continue;
            var rows = Encoding.ASCII.GetBytes(table.ToString());
            files.Add(($"GTSRB/Final_Training/Images/{c:D5}/GT-{c:D5}.csv", rows));
        }
        for (var i = 0; i < 3; i++)
            files.Add(($"GTSRB/Final_Test/Images/{i:D5}.ppm", Ppm(side, side, Bytes(3 * side * side, 200 + i))));
        var truth = GtsrbColumns +
            "\n00000.ppm;6;6;1;1;4;4;1\n00001.ppm;6;6;1;1;4;4;0\n00002.ppm;6;6;1;1;4;4;1\n";
        files.Add(("GT-final_test.csv", Encoding.ASCII.GetBytes(truth)));
        return files;
    }

    private const string GtsrbColumns = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId";

    /// <summary>
    /// A few alphabets in Omniglot's layout. Each drawing has 105x105 pixels of one bit and a block of ink at its own
    /// place.
    /// </summary>
    public static (string, byte[])[] OmniglotFiles(params (string Alphabet, int Characters)[] alphabets)
    {
        var files = new List<(string, byte[])>();
        var number = 0;
        foreach (var (alphabet, characters) in alphabets)
            for (var c = 1; c <= characters; c++, number++)
                for (var d = 1; d <= 20; d++)
                {
                    var gray = Enumerable.Repeat((byte)1, 105 * 105).ToArray();
                    for (var y = 0; y < 40; y++) gray.AsSpan((10 + d + y) * 105 + 8 + number % 50, 20).Clear();
                    var name = $"images_background/{alphabet}/character{c:D2}/{number:D4}_{d:D2}.png";
                    files.Add((name, Png(105, 105, gray, depth: 1)));
                }
        return [.. files];
    }

    public static string Golden => Path.Combine(AppContext.BaseDirectory, "Data", "Golden", "suites.json");
}

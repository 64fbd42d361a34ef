// Decoding and resizing of pictures. The expected values come from PIL (Golden/suites.py). Damaged files are refused.
using System.Text.Json;
using RlLeap.Data;
using Xunit;

namespace RlLeap.Tests.Data;

public class ImagingTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(File.ReadAllText(SampleFiles.Golden)).RootElement;

    [Fact]
    public void Every_kind_of_png_decodes_as_in_pil()
    {
        foreach (var item in Golden.GetProperty("png").EnumerateArray())
        {
            var mode = item.GetProperty("mode").GetString()!;
            var image = Png.Decode(item.GetProperty("file").GetBytesFromBase64(), mode);
            Assert.Equal(item.GetProperty("width").GetInt32(), image.Width);
            Assert.Equal(item.GetProperty("height").GetInt32(), image.Height);
            Assert.Equal(item.GetProperty("channels").GetInt32(), image.Channels);
            Assert.Equal(item.GetProperty("pixels").GetBytesFromBase64(), image.Pixels);
        }
    }

    [Theory]
    [InlineData(10, 11, 8, 8)] // distances 1, 2, 1: left wins over corner
    [InlineData(10, 8, 11, 8)] // distances 2, 1, 1: up wins over corner
    public void Ties_of_the_paeth_predictor_go_to_left_then_up_then_corner(
        byte corner, byte up, byte left, byte predicted)
    {
        byte[] rows = [0, corner, up, 4, (byte)(left - corner), 0];
        byte[] file = [.. Png.Signature, .. SampleFiles.Chunk("IHDR", [0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0]),
            .. SampleFiles.Chunk("IDAT", SampleFiles.Zlib(rows)), .. SampleFiles.Chunk("IEND", [])];
        Assert.Equal([corner, up, left, predicted], Png.Decode(file, "a").Pixels);
    }

    [Fact]
    public void Resizing_gives_the_same_bytes_as_pil()
    {
        foreach (var item in Golden.GetProperty("resize").EnumerateArray())
        {
            var image = new RasterImage(item.GetProperty("width").GetInt32(), item.GetProperty("height").GetInt32(),
                item.GetProperty("channels").GetInt32(), item.GetProperty("input").GetBytesFromBase64());
            var (w, h) = (item.GetProperty("to")[0].GetInt32(), item.GetProperty("to")[1].GetInt32());
            var resized = item.GetProperty("kind").GetString() == "nearest"
                ? Resize.Nearest(image, w, h)
                : Resize.Bilinear(image, w, h);
            Assert.Equal(item.GetProperty("output").GetBytesFromBase64(), resized.Pixels);
        }
    }

    [Fact]
    public void An_augmented_drawing_is_the_one_that_torchvision_makes()
    {
        var drawing = Golden.GetProperty("drawing").GetBytesFromBase64();
        var target = new float[784];
        foreach (var item in Golden.GetProperty("affine").EnumerateArray())
        {
            AffineAugmentation.Apply(drawing, target, 28, item.GetProperty("angle").GetDouble(),
                item.GetProperty("x").GetInt32(), item.GetProperty("y").GetInt32(),
                item.GetProperty("scale").GetDouble(), fill: 0);
            var bits = item.GetProperty("pixels").GetBytesFromBase64(); // 8 pixels a byte, the first in the highest bit
            for (var i = 0; i < 784; i++) Assert.Equal((bits[i / 8] >> (7 - i % 8)) & 1, target[i]);
        }
    }

    [Fact]
    public void Uncovered_corners_are_ink_as_in_the_authors_code_or_background()
    {
        var paper = Enumerable.Repeat((byte)1, 784).ToArray();
        var (ink, background) = (new float[784], new float[784]);
        AffineAugmentation.Apply(paper, ink, 28, 45, 0, 0, 1, fill: 0);
        AffineAugmentation.Apply(paper, background, 28, 45, 0, 0, 1, fill: 1);
        Assert.Equal(0, ink[0]);
        Assert.Equal(1, ink[14 * 28 + 14]);
        Assert.All(background, v => Assert.Equal(1, v));
    }

    [Fact]
    public void Augmentation_draws_cover_their_ranges_and_come_from_rng_alone()
    {
        // A dot of ink in the centre moves with the shift. It never gets further than a quarter of the side.
        var dot = Enumerable.Repeat((byte)1, 784).ToArray();
        foreach (var i in new[] { 13 * 28 + 13, 13 * 28 + 14, 14 * 28 + 13, 14 * 28 + 14 }) dot[i] = 0;
        var augmentation = new AffineAugmentation { Corners = CornerFill.Background };
        var (rng, again) = (new Rng(5), new Rng(5));
        var (one, two) = (new float[784], new float[784]);
        var columns = new HashSet<int>();
        for (var n = 0; n < 400; n++)
        {
            augmentation.ApplyRandom(dot, one, 28, rng);
            augmentation.ApplyRandom(dot, two, 28, again);
            Assert.Equal(one, two);
            for (var i = 0; i < 784; i++) if (one[i] == 0) columns.Add(i % 28);
        }
        // The largest shift is 6 pixels (20 % of 28 is 5.6, rounded). The dot itself has a width of up to two pixels.
        Assert.InRange(columns.Min(), 6, 8);
        Assert.InRange(columns.Max(), 19, 21);
    }

    [Fact]
    public void Photographs_are_decoded_as_the_Python_Imaging_Library_does()
    {
        foreach (var item in Golden.GetProperty("photos").EnumerateArray())
        {
            var file = item.GetProperty("file").GetBytesFromBase64();
            var expected = item.GetProperty("pixels").GetBytesFromBase64();
            var image = RasterImage.Decode(file, item.GetProperty("kind").GetString()!);
            Assert.Equal((47, 33, expected.Length / (47 * 33)), (image.Width, image.Height, image.Channels));
            var largest = expected.Zip(image.Pixels, (a, b) => Math.Abs(a - b)).Max();
            Assert.True(largest == 0, $"{item.GetProperty("kind")} {item.GetProperty("mode")}: differs by {largest}");
        }
    }

    [Fact]
    public void A_photograph_that_ends_too_early_is_refused()
    {
        foreach (var item in Golden.GetProperty("photos").EnumerateArray())
        {
            var file = item.GetProperty("file").GetBytesFromBase64();
            var error = Assert.Throws<DataException>(() => RasterImage.Decode(file[..(file.Length * 2 / 3)], "a"));
            Assert.Contains("cannot be decoded", error.Reason);
        }
    }

    [Fact]
    public void A_picture_that_is_not_read_is_refused_with_the_reason()
    {
        var good = SampleFiles.Png(3, 2, [1, 2, 3, 4, 5, 6]);
        Assert.Equal([1, 2, 3, 4, 5, 6], Png.Decode(good, "a").Pixels);
        Refused("truncated", good[..^5]);
        Refused("CRC-32", Changed(good, 20, 9));
        Refused("none of PNG, JPEG", [1, 2, 3]);
        Refused("empty", []);
        Refused("cannot be decoded", [0xFF, 0xD8, 0xFF, 0xE0, 0, 0]);
        Refused("interlaced", Header(12, 1));
        Refused("16 bits", Header(8, 16));
        Refused("claims",
            [.. Png.Signature, .. SampleFiles.Chunk("IHDR", [0x7F, 0, 0, 0, 0x7F, 0, 0, 0, 8, 0, 0, 0, 0])]);
        Refused("cannot hold",
            [.. Png.Signature, .. SampleFiles.Chunk("IHDR", [0, 0, 32, 0, 0, 0, 32, 0, 8, 0, 0, 0, 0]),
            .. SampleFiles.Chunk("IDAT", SampleFiles.Zlib([0, 0])), .. SampleFiles.Chunk("IEND", [])]);
        Refused("end too early",
            [.. good[..33], .. SampleFiles.Chunk("IDAT", SampleFiles.Zlib([0, 0])), .. SampleFiles.Chunk("IEND", [])]);
        Refused("more than",
            [.. good[..33], .. SampleFiles.Chunk("IDAT", SampleFiles.Zlib(new byte[99])),
                .. SampleFiles.Chunk("IEND", [])]);
        Refused("filter",
            [.. good[..33], .. SampleFiles.Chunk("IDAT", SampleFiles.Zlib([7, 0, 0, 0, 7, 0, 0, 0])),
                .. SampleFiles.Chunk("IEND", [])]);
        Refused("maximum", "P6\n1 1\n65535\n\0\0\0\0\0\0"u8.ToArray());
        Refused("truncated", "P6\n2 2\n255\n123"u8.ToArray());
        Refused("header", "P5\n2"u8.ToArray());
        Assert.Equal([9], RasterImage.Decode([.. "P5 # a comment\n1 1 255\n"u8, 9], "a").Pixels);

        byte[] Header(int at, byte value)
        {
            byte[] header = [0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0];
            header[at] = value;
            return [.. Png.Signature, .. SampleFiles.Chunk("IHDR", header), .. good[33..]];
        }
        static void Refused(string reason, byte[] file)
        {
            var error = Assert.Throws<DataException>(() => RasterImage.Decode(file, "a.png"));
            Assert.Equal("a.png", error.File);
            Assert.Contains(reason, error.Reason);
        }
        static byte[] Changed(byte[] file, int at, byte value)
        {
            var copy = file.ToArray();
            copy[at] = value;
            return copy;
        }
    }

    [Fact]
    public void Colour_becomes_gray_by_the_weights_of_pil()
    {
        var gray = new byte[2];
        new RasterImage(2, 1, 3, [255, 0, 0, 10, 200, 30]).CopyPlanar(gray, 1);
        Assert.Equal([76, 124], gray); // (10*19595 + 200*38470 + 30*7471 + 2^15) >> 16
    }
}

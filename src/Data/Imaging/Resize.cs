namespace RlLeap.Data;

/// <summary>Nearest-neighbour and bilinear resizing to the same bytes as the Python Imaging Library's.</summary>
internal static class Resize
{
    private const int PrecisionBits = 22;

    /// <summary>Nearest neighbour: pixel x is input pixel floor((x + 1/2) * input / output), as PIL's.</summary>
    public static RasterImage Nearest(RasterImage image, int width, int height)
    {
        var c = image.Channels;
        var pixels = new byte[width * height * c];
        for (var y = 0; y < height; y++)
        {
            var row = Nearest(y, image.Height, height) * image.Width;
            for (var x = 0; x < width; x++)
                image.Pixels.AsSpan((row + Nearest(x, image.Width, width)) * c, c)
                    .CopyTo(pixels.AsSpan((y * width + x) * c));
        }
        return new RasterImage(width, height, c, pixels);
    }

    /// <summary>
    /// Bilinear, as PIL's BILINEAR since 2.7. The filter is a triangle as wide as the larger of the input and output
    /// pixel, so a smaller picture averages its pixels. First the width is changed, then the height.
    /// </summary>
    public static RasterImage Bilinear(RasterImage image, int width, int height)
    {
        if (image.Width == width && image.Height == height) return image;
        var c = image.Channels;
        var narrow = image.Width == width ? image.Pixels : Filter(image.Pixels, image.Height, image.Width, c, width);
        var pixels = image.Height == height ? narrow : Filter(narrow, 1, image.Height, width * c, height);
        return new RasterImage(width, height, c, pixels);
    }

    private static int Nearest(int at, int input, int output) => (int)((2L * at + 1) * input / (2L * output));

    // Resizes the middle axis of [outer, input, inner].
    private static byte[] Filter(byte[] pixels, int outer, int input, int inner, int output)
    {
        var scale = (double)input / output;
        var support = Math.Max(scale, 1);
        var weights = new double[(int)Math.Ceiling(support) * 2 + 1];
        var fixedWeights = new int[weights.Length];
        var result = new byte[outer * output * inner];
        for (var x = 0; x < output; x++)
        {
            var centre = (x + 0.5) * scale;
            var first = Math.Max(0, (int)(centre - support + 0.5));
            var count = Math.Min(input, (int)(centre + support + 0.5)) - first;
            var sum = 0.0;
            for (var k = 0; k < count; k++)
                sum += weights[k] = Math.Max(0, 1 - Math.Abs((first + k - centre + 0.5) / support));
            for (var k = 0; k < count; k++) fixedWeights[k] = (int)(0.5 + weights[k] / sum * (1 << PrecisionBits));
            for (var o = 0; o < outer; o++)
                for (var i = 0; i < inner; i++)
                {
                    var value = 1 << (PrecisionBits - 1);
                    for (var k = 0; k < count; k++)
                        value += pixels[(o * input + first + k) * inner + i] * fixedWeights[k];
                    result[(o * output + x) * inner + i] = (byte)Math.Clamp(value >> PrecisionBits, 0, 255);
                }
        }
        return result;
    }
}

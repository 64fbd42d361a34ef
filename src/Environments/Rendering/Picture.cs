namespace RlLeap.Environments;

/// <summary>An RGB picture. <paramref name="Pixels"/> is [Height, Width, 3], row by row from the top left.</summary>
public sealed record Picture(int Width, int Height, byte[] Pixels)
{
    /// <summary>3 * Width * Height bytes.</summary>
    public byte[] Pixels { get; } = Width > 0 && Height > 0 && Pixels.LongLength == 3L * Width * Height
        ? Pixels
        : throw new EnvironmentException(
            $"A picture of {Width} x {Height} needs {3L * Width * Height} bytes; it was given {Pixels.Length}.");

    /// <summary>The same picture in another size, by nearest neighbour.</summary>
    public Picture Resize(int width, int height)
    {
        if (width == Width && height == Height) return this;
        var pixels = new byte[3 * width * height];
        for (var y = 0; y < height; y++)
        {
            var row = (int)((2L * y + 1) * Height / (2L * height)) * Width;
            for (var x = 0; x < width; x++)
            {
                var from = 3 * (row + (int)((2L * x + 1) * Width / (2L * width)));
                Pixels.AsSpan(from, 3).CopyTo(pixels.AsSpan(3 * (y * width + x)));
            }
        }
        return new Picture(width, height, pixels);
    }
}

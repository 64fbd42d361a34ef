namespace RlLeap.Environments;

/// <summary>The newest frame of an observation, for environments that show images but cannot render.</summary>
/// <remarks>
/// Images are bytes from 0 to 255 in one of two layouts. The first is [H, W] or [C, H, W] with the newest frame last:
/// three planes if the channel names end in red, green and blue, otherwise one gray plane. The second is [H, W, C] or
/// [frames, H, W, C] with C of 1, 3 or 4. An alpha channel is ignored. The picture is what the agent sees. For ALE that
/// is the whole screen of 160 x 210, reduced to 84 x 84 pixels.
/// </remarks>
internal static class ObservedPicture
{
    private const int SmallestSide = 5; // anything with fewer rows or columns is not taken for an image

    /// <summary>Whether observations of this spec are images.</summary>
    public static bool Shows(EnvironmentSpec spec) => Find(spec) is not null;

    /// <summary>The newest frame of <paramref name="observation"/>: a row of a buffer, or bytes.</summary>
    /// <exception cref="NotSupportedException">Observations of this spec are not images.</exception>
    public static Picture Of(EnvironmentSpec spec, ReadOnlySpan<byte> observation)
    {
        if (Find(spec) is not { } at)
            throw new NotSupportedException(
                $"{spec.Id} cannot draw itself, and its observations are no images: {spec.Observation}.");
        var pixels = new byte[3 * at.Width * at.Height];
        for (var i = 0; i < at.Width * at.Height; i++)
            for (var c = 0; c < 3; c++) pixels[3 * i + c] = observation[at.Start + i * at.Pixel + c * at.Colour];
        return new Picture(at.Width, at.Height, pixels);
    }

    // Where the newest frame starts, and the distances from one pixel and from one colour to the next. The distance
    // between colours is 0 for gray.
    private static (int Width, int Height, int Start, int Pixel, int Colour)? Find(EnvironmentSpec spec)
    {
        var box = spec.Observation;
        if (box is not { Element: ElementType.Byte, Low: 0, High: 255 }) return null;
        var shape = Array.ConvertAll(box.Shape, size => checked((int)size));
        if (shape is [.., >= SmallestSide and var rows, >= SmallestSide and var columns, (1 or 3 or 4) and var channels]
            && shape.Length is 3 or 4)
        {
            var frame = rows * columns * channels;
            return (columns, rows, box.Length - frame, channels, channels > 1 ? 1 : 0);
        }
        if (shape is not ([>= SmallestSide, >= SmallestSide] or [_, >= SmallestSide, >= SmallestSide])) return null;
        var area = shape[^1] * shape[^2];
        var names = spec.ChannelNames;
        var alpha = names is [.., "alpha"] ? 1 : 0;
        var coloured = names.Count >= 3 + alpha
            && names.Skip(names.Count - 3 - alpha).Take(3).SequenceEqual(["red", "green", "blue"]);
        return coloured
            ? (shape[^1], shape[^2], box.Length - (3 + alpha) * area, 1, area)
            : (shape[^1], shape[^2], box.Length - area, 1, 0);
    }
}

namespace RlLeap.Environments;

/// <summary>The newest frame of an observation as a picture for people, where observations are images and an environment draws nothing itself.</summary>
/// <remarks>
/// Images are bytes from 0 to 255: [H, W] or frames of planes [C, H, W], the newest last, red, green and blue where the spec's channel names end so and
/// one gray plane a frame otherwise; or [H, W, C] and [frames, H, W, C] with C of 1, 3 or 4 (alpha is left away). It is what the agent sees: 84 x 84 pixels of ALE
/// are the whole screen of 160 x 210.
/// </remarks>
internal static class ObservedPicture
{
    private const int Least = 5; // fewer rows or columns are not taken for an image's

    /// <summary>Whether observations of this spec are images.</summary>
    public static bool Shows(EnvironmentSpec spec) => Find(spec) is not null;

    /// <summary>The newest frame of <paramref name="observation"/>, one row of a buffer or an observation's bytes.</summary>
    /// <exception cref="NotSupportedException">Observations of this spec are no images.</exception>
    public static Picture Of(EnvironmentSpec spec, ReadOnlySpan<byte> observation)
    {
        if (Find(spec) is not { } at) throw new NotSupportedException($"{spec.Id} cannot draw itself, and its observations are no images: {spec.Observation}.");
        var pixels = new byte[3 * at.Width * at.Height];
        for (var i = 0; i < at.Width * at.Height; i++)
            for (var c = 0; c < 3; c++) pixels[3 * i + c] = observation[at.Start + i * at.Pixel + c * at.Colour];
        return new Picture(at.Width, at.Height, pixels);
    }

    // Where the newest frame begins, and how far it is from one pixel to the next and from one colour to the next (0: gray).
    private static (int Width, int Height, int Start, int Pixel, int Colour)? Find(EnvironmentSpec spec)
    {
        var box = spec.Observation;
        if (box is not { Element: ElementType.Byte, Low: 0, High: 255 }) return null;
        var shape = Array.ConvertAll(box.Shape, size => checked((int)size));
        if (shape is [.., >= Least and var rows, >= Least and var columns, (1 or 3 or 4) and var channels] && shape.Length is 3 or 4)
        {
            var frame = rows * columns * channels;
            return (columns, rows, box.Length - frame, channels, channels > 1 ? 1 : 0);
        }
        if (shape is not ([>= Least, >= Least] or [_, >= Least, >= Least])) return null;
        var area = shape[^1] * shape[^2];
        var names = spec.ChannelNames;
        var alpha = names is [.., "alpha"] ? 1 : 0;
        var coloured = names.Count >= 3 + alpha && names.Skip(names.Count - 3 - alpha).Take(3).SequenceEqual(["red", "green", "blue"]);
        return coloured ? (shape[^1], shape[^2], box.Length - (3 + alpha) * area, 1, area) : (shape[^1], shape[^2], box.Length - area, 1, 0);
    }
}

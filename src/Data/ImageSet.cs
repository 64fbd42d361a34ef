namespace RlLeap.Data;

/// <summary>
/// Labelled images of one size, held in memory as bytes. The training images come first. The distribution's own test
/// images follow, if it has any.
/// </summary>
public sealed class ImageSet
{
    /// <summary>Wraps the given arrays; they are not copied.</summary>
    /// <param name="name">The set's name for messages and records.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="classes">Labels are 0 .. classes-1.</param>
    /// <param name="pixels">[N, channels, height, width].</param>
    /// <param name="labels">[N].</param>
    /// <param name="trainCount">How many images, counted from the first, are the distribution's training part.</param>
    /// <param name="groups">[N] or null. Images of one group (frames of one sign, copies of one picture) always stay in
    /// the same split.</param>
    /// <exception cref="RlLeapException">The lengths do not fit, or a label is out of range.</exception>
    public ImageSet(string name, int channels, int height, int width, int classes, byte[] pixels, int[] labels,
        int trainCount, int[]? groups = null)
    {
        var count = labels.Length;
        if (pixels.LongLength != (long)count * channels * height * width)
            throw new RlLeapException(
                $"{name}: {pixels.Length:N0} bytes of pixels are not {count} x {channels} x {height} x {width}.");
        if (groups is not null && groups.Length != count)
            throw new RlLeapException($"{name}: {groups.Length} groups for {count} images.");
        if (trainCount < 0 || trainCount > count)
            throw new RlLeapException($"{name}: {trainCount} training images of {count}.");
        var wrong = Array.FindIndex(labels, label => label < 0 || label >= classes);
        if (wrong >= 0)
            throw new RlLeapException($"{name}: image {wrong} has label {labels[wrong]}, outside 0..{classes - 1}.");
        (Name, Channels, Height, Width, Classes) = (name, channels, height, width, classes);
        (Pixels, Labels, TrainCount, Groups) = (pixels, labels, trainCount, groups);
    }

    /// <summary>The set's name.</summary>
    public string Name { get; }

    /// <summary>1 or 3.</summary>
    public int Channels { get; }

    /// <summary>Rows of an image.</summary>
    public int Height { get; }

    /// <summary>Pixels in a row.</summary>
    public int Width { get; }

    /// <summary>Labels are 0 .. Classes-1.</summary>
    public int Classes { get; }

    /// <summary>[N, Channels, Height, Width].</summary>
    public byte[] Pixels { get; }

    /// <summary>[N].</summary>
    public int[] Labels { get; }

    /// <summary>How many images, the first ones, are the distribution's training part; the rest is its test.</summary>
    public int TrainCount { get; }

    /// <summary>[N] or null. Images with the same number stay in the same split.</summary>
    public int[]? Groups { get; }

    /// <summary>N.</summary>
    public int Count => Labels.Length;

    /// <summary>Bytes of one image.</summary>
    public int ImageBytes => Channels * Height * Width;

    /// <summary>One image, [Channels, Height, Width].</summary>
    public ReadOnlySpan<byte> Image(int index) => Pixels.AsSpan(index * ImageBytes, ImageBytes);
}

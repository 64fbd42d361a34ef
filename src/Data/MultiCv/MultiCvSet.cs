namespace RlLeap.Data;

/// <summary>A data set of Multi-CV ready for training: images, a split, and batches as normalized floats.</summary>
/// <remarks>
/// Pixels stay bytes. A batch looks up each pixel in its channel's table of 256 normalized values. The values are
/// exact, and the set needs a quarter of the memory and disk that floats would.
/// </remarks>
public sealed class MultiCvSet
{
    /// <summary>Channels of every batch. Gray images are repeated in all of them.</summary>
    public const int Channels = 3;

    /// <summary>Side of an image.</summary>
    public const int Side = MultiCvReaders.Side;

    private readonly float[][] _tables;

    /// <summary>Combines images, a split and the normalization (pixel / 255 - mean) / deviation.</summary>
    /// <param name="images">Images of 32x32.</param>
    /// <param name="split">Image indices of each part.</param>
    /// <param name="mean">Means on the 0..1 scale: one value for all channels, or three.</param>
    /// <param name="deviation">Standard deviations, positive, as many as there are means.</param>
    /// <exception cref="RlLeapException">The images are not 32x32.</exception>
    public MultiCvSet(ImageSet images, ImageSplit split, ReadOnlySpan<double> mean, ReadOnlySpan<double> deviation)
    {
        if (images.Height != Side || images.Width != Side)
            throw new RlLeapException(
                $"{images.Name}: images of {images.Width}x{images.Height} where 32x32 are needed.");
        if (mean.Length is not (1 or 3) || mean.Length != deviation.Length)
            throw new ArgumentException("One value a channel, 1 or 3, for both.", nameof(mean));
        (Images, Split) = (images, split);
        _tables = new float[Channels][];
        for (var c = 0; c < Channels; c++)
        {
            _tables[c] = new float[256];
            var (m, d) = ((float)mean[c % mean.Length], (float)deviation[c % deviation.Length]);
            // Computed in float, as torchvision's ToTensor and Normalize do.
            for (var v = 0; v < 256; v++) _tables[c][v] = (v / 255f - m) / d;
        }
    }

    /// <summary>The images.</summary>
    public ImageSet Images { get; }

    /// <summary>Training, validation and test indices.</summary>
    public ImageSplit Split { get; }

    /// <summary>The set's name.</summary>
    public string Name => Images.Name;

    /// <summary>Number of classes.</summary>
    public int Classes => Images.Classes;

    /// <summary>Writes a batch.</summary>
    /// <param name="indices">B image numbers.</param>
    /// <param name="images">[B, 3, 32, 32].</param>
    /// <param name="labels">[B].</param>
    public void Fill(ReadOnlySpan<int> indices, Span<float> images, Span<long> labels)
    {
        const int plane = Side * Side;
        if (images.Length < indices.Length * Channels * plane || labels.Length < indices.Length)
            throw new ArgumentException("The buffers are too small for the batch.");
        for (var b = 0; b < indices.Length; b++)
        {
            labels[b] = Images.Labels[indices[b]];
            var image = Images.Image(indices[b]);
            for (var c = 0; c < Channels; c++)
            {
                var from = Images.Channels == 1 ? image : image.Slice(c * plane, plane);
                var to = images.Slice((b * Channels + c) * plane, plane);
                ReadOnlySpan<float> table = _tables[c].AsSpan(0, 256);
                for (var i = 0; i < to.Length && i < from.Length; i++) to[i] = table[from[i]];
            }
        }
    }
}

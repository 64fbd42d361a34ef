using static TorchSharp.torch;

namespace RlLeap.Data;

/// <summary>All images of some classes as one labelled set, for pretraining an encoder on them.</summary>
/// <remarks>
/// The last tenth of each class's images, but at least one, is left out of training; validation and test are both made
/// of it, because none of these classes is ever tested.
/// </remarks>
internal sealed class ClassImages : IImageSource
{
    private readonly Tensor _pixels; // [images, C, S, S], bytes; not owned
    private readonly (int Row, int Label)[] _train, _rest;

    /// <summary>The images of classes.</summary>
    /// <param name="pixels">[images, channels, side, side], bytes.</param>
    /// <param name="classes">The first row of each class, and how many rows it has.</param>
    public ClassImages(Tensor pixels, IReadOnlyList<(int First, int Count)> classes)
    {
        _pixels = pixels;
        var all = classes.Index().SelectMany(c => Enumerable.Range(0, c.Item.Count).Select(i => (
            Row: c.Item.First + i, Label: c.Index,
            IsTrain: i < c.Item.Count - Math.Max(1, c.Item.Count / 10)))).ToList();
        _train = [.. all.Where(image => image.IsTrain).Select(image => (image.Row, image.Label))];
        _rest = [.. all.Where(image => !image.IsTrain).Select(image => (image.Row, image.Label))];
    }

    public (int Channels, int Side) Shape => ((int)_pixels.shape[1], (int)_pixels.shape[2]);

    public int Count(Split split) => Part(split).Length;

    public void Fill(Split split, ReadOnlySpan<int> indices, Span<float> images, Span<long> labels, Rng rng)
    {
        var part = Part(split);
        var bytes = _pixels.bytes;
        var size = images.Length / indices.Length;
        for (var i = 0; i < indices.Length; i++)
        {
            var (row, label) = part[indices[i]];
            labels[i] = label;
            var from = bytes.Slice(row * size, size);
            var to = images.Slice(i * size, size);
            for (var k = 0; k < size; k++) to[k] = from[k] / 255f;
        }
    }

    private (int Row, int Label)[] Part(Split split) => split == Split.Train ? _train : _rest;
}

namespace RlLeap.Data;

/// <summary>Digits on photographs: MNIST-M's rule, |photograph - digit| in each channel.</summary>
/// <remarks>
/// Ganin and Lempitsky 2015, arXiv 1409.7495, section 4.1, take patches of BSDS500. Here photographs are CIFAR-10's, as
/// large as the digits, turned left to right or not. Training digits lie on training photographs, test digits on test
/// photographs.
/// </remarks>
internal static class BlendedDigits
{
    /// <summary>Blends every digit with a photograph, drawn by its place in the set.</summary>
    /// <param name="digits">Gray images.</param>
    /// <param name="photographs">Images of three channels and the same size, with a test part.</param>
    public static ImageSet Of(ImageSet digits, ImageSet photographs, string name)
    {
        var (side, plane) = (digits.Width, digits.Height * digits.Width);
        var pixels = new byte[digits.Count * 3L * plane];
        var rng = new Rng(0).Split("photographs");
        for (var i = 0; i < digits.Count; i++)
        {
            var isTrain = i < digits.TrainCount;
            var chosen = isTrain ? rng.NextInt(photographs.TrainCount)
                : photographs.TrainCount + rng.NextInt(photographs.Count - photographs.TrainCount);
            var isTurned = rng.NextInt(2) == 1;
            var (digit, photograph) = (digits.Image(i).ToArray(), photographs.Image(chosen).ToArray());
            for (var k = 0; k < 3 * plane; k++)
            {
                var (row, x) = (k / side * side, k % side);
                var photo = photograph[row + (isTurned ? side - 1 - x : x)];
                pixels[i * 3L * plane + k] = (byte)Math.Abs(photo - digit[k % plane]);
            }
        }
        return new ImageSet(name, 3, digits.Height, side, digits.Classes, pixels, digits.Labels, digits.TrainCount);
    }
}

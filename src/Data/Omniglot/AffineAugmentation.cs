using System.ComponentModel.DataAnnotations;

namespace RlLeap.Data;

/// <summary>The value of pixels that are uncovered when a drawing is rotated, shifted or shrunk.</summary>
public enum CornerFill
{
    /// <summary>0, the value of ink, as in the authors' code.</summary>
    Ink,
    /// <summary>1, the value of the paper.</summary>
    Background,
}

/// <summary>
/// Random affine augmentation of drawings. For the same parameters it gives the same pixels as torchvision's
/// RandomAffine on PIL images with nearest neighbour.
/// </summary>
/// <remarks>
/// <para>A drawing is rotated and scaled about its centre and then shifted by whole pixels. Each output pixel takes the
/// input pixel that the inverse map gives. PIL rounds the map's coefficients to 16.16 fixed point, and so do we.</para>
/// <para>Order of random draws for each drawing: angle, horizontal shift, vertical shift, scale.</para>
/// </remarks>
public sealed record AffineAugmentation
{
    /// <summary>Rotations are uniform in [0, Degrees).</summary>
    [Range(0, 360)]
    public double Degrees { get; init; } = 360;

    /// <summary>The largest shift as a share of the side. Shifts are uniform and rounded to whole pixels.</summary>
    [Range(0, 1)]
    public double Shift { get; init; } = 0.2;

    /// <summary>Scales are uniform between this and <see cref="LargestScale"/>.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double SmallestScale { get; init; } = 0.8;

    /// <summary>Scales are uniform between <see cref="SmallestScale"/> and this.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double LargestScale { get; init; } = 1.2;

    /// <summary>The value of uncovered pixels.</summary>
    public CornerFill Corners { get; init; } = CornerFill.Ink;

    /// <summary>Augments a square drawing with random parameters.</summary>
    /// <param name="drawing">[side, side], values 0 and 1.</param>
    /// <param name="target">[side, side], the result as floats.</param>
    /// <param name="side">Pixels in a row.</param>
    /// <param name="rng">Four numbers are drawn from it.</param>
    public void ApplyRandom(ReadOnlySpan<byte> drawing, Span<float> target, int side, Rng rng)
    {
        var angle = rng.NextDouble() * Degrees;
        var x = (int)Math.Round((2 * rng.NextDouble() - 1) * Shift * side);
        var y = (int)Math.Round((2 * rng.NextDouble() - 1) * Shift * side);
        var scale = SmallestScale + rng.NextDouble() * (LargestScale - SmallestScale);
        Apply(drawing, target, side, angle, x, y, scale, Corners == CornerFill.Ink ? 0f : 1f);
    }

    /// <summary>Applies one transform: clockwise rotation in degrees, shifts in pixels, scale.</summary>
    /// <param name="drawing">[side, side], values 0 and 1.</param>
    /// <param name="target">[side, side], the result as floats.</param>
    /// <param name="side">Pixels in a row.</param>
    /// <param name="angle">Clockwise rotation in degrees.</param>
    /// <param name="shiftX">Shift to the right in pixels.</param>
    /// <param name="shiftY">Shift down in pixels.</param>
    /// <param name="scale">Larger than 1 enlarges.</param>
    /// <param name="fill">The value of uncovered pixels.</param>
    internal static void Apply(ReadOnlySpan<byte> drawing, Span<float> target, int side, double angle, int shiftX,
        int shiftY, double scale, float fill)
    {
        if (drawing.Length != side * side || target.Length != side * side)
            throw new ArgumentException(
                $"A drawing has {side} x {side} pixels; got {drawing.Length} and {target.Length}.");
        // The inverse map undoes the shift first, then the rotation and scaling about the centre.
        var radians = angle * (Math.PI / 180);
        var (cos, sin, centre) = (Math.Cos(radians) / scale, Math.Sin(radians) / scale, side * 0.5);
        var c = cos * (-centre - shiftX) + sin * (-centre - shiftY) + centre;
        var f = -sin * (-centre - shiftX) + cos * (-centre - shiftY) + centre;
        var (ax, ay, bx, by) = (Fixed(cos), Fixed(-sin), Fixed(sin), Fixed(cos));
        var (rowX, rowY) = (Fixed(c + (cos + sin) * 0.5), Fixed(f + (cos - sin) * 0.5));
        for (var y = 0; y < side; y++, rowX += bx, rowY += by)
        {
            var row = target.Slice(y * side, side);
            var (px, py) = (rowX, rowY);
            for (var x = 0; x < row.Length; x++, px += ax, py += ay)
            {
                var (ix, iy) = (px >> 16, py >> 16);
                // A negative number is a large unsigned one, so one comparison checks both borders.
                row[x] = (uint)ix < (uint)side && (uint)iy < (uint)side ? drawing[iy * side + ix] : fill;
            }
        }
    }

    private static int Fixed(double value) => (int)Math.Floor(value * 65536.0 + 0.5);
}

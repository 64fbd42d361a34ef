using System.ComponentModel.DataAnnotations;

namespace RlLeap.Data;

/// <summary>What uncovered corners become when a drawing is turned or moved.</summary>
public enum CornerFill
{
    /// <summary>0, which is ink: corners look like ink, as in the authors' code.</summary>
    Ink,
    /// <summary>1, the paper that drawings are on.</summary>
    Background,
}

/// <summary>Random affine augmentation of drawings as torchvision's RandomAffine on PIL images with nearest neighbour: the same pixels for the same parameters.</summary>
/// <remarks>
/// <para>A drawing is rotated and scaled about its centre and then moved by whole pixels; every output pixel looks up the input under the inverse map,
/// whose coefficients PIL rounds to 16.16 fixed point. The inner loop is integer arithmetic over 784 pixels.</para>
/// <para>Order of draws for each drawing: angle, horizontal shift, vertical shift, scale.</para>
/// </remarks>
public sealed record AffineAugmentation
{
    /// <summary>Rotation is uniform in [0, this) degrees.</summary>
    [Range(0, 360)]
    public double Degrees { get; init; } = 360;

    /// <summary>Shifts are uniform up to this share of the side, rounded to whole pixels.</summary>
    [Range(0, 1)]
    public double Shift { get; init; } = 0.2;

    /// <summary>Scale is uniform between this and <see cref="LargestScale"/>.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double SmallestScale { get; init; } = 0.8;

    /// <summary>Scale is uniform between <see cref="SmallestScale"/> and this.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double LargestScale { get; init; } = 1.2;

    /// <summary>What uncovered pixels become.</summary>
    public CornerFill Corners { get; init; } = CornerFill.Ink;

    /// <summary>Writes an augmented square drawing of values 0 and 1 as floats.</summary>
    /// <param name="drawing">[side, side].</param>
    /// <param name="target">[side, side].</param>
    /// <param name="side">Pixels in a row.</param>
    /// <param name="rng">Four draws are taken.</param>
    public void Draw(ReadOnlySpan<byte> drawing, Span<float> target, int side, Rng rng)
    {
        var angle = rng.NextDouble() * Degrees;
        var x = (int)Math.Round((2 * rng.NextDouble() - 1) * Shift * side);
        var y = (int)Math.Round((2 * rng.NextDouble() - 1) * Shift * side);
        var scale = SmallestScale + rng.NextDouble() * (LargestScale - SmallestScale);
        Apply(drawing, target, side, angle, x, y, scale, Corners == CornerFill.Ink ? 0f : 1f);
    }

    /// <summary>The transform itself: clockwise rotation in degrees, shift in pixels, scale.</summary>
    public static void Apply(ReadOnlySpan<byte> drawing, Span<float> target, int side, double angle, int shiftX, int shiftY, double scale, float fill)
    {
        if (drawing.Length != side * side || target.Length != side * side) throw new ArgumentException($"A drawing has {side} x {side} pixels; got {drawing.Length} and {target.Length}.");
        // The inverse of: scale and rotate about the centre, then shift.
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
                // One unsigned comparison a coordinate covers both borders.
                row[x] = (uint)ix < (uint)side && (uint)iy < (uint)side ? drawing[iy * side + ix] : fill;
            }
        }
    }

    private static int Fixed(double value) => (int)Math.Floor(value * 65536.0 + 0.5);
}

namespace RlLeap.Environments;

/// <summary>A white RGB picture to draw filled shapes on, in the coordinates of what is shown.</summary>
internal sealed class Canvas
{
    public const int Dark = 0x2B2B2B, Grey = 0x8C8C8C, Blue = 0x3B6FB6, Orange = 0xD98032;
    private const int Margin = 8;

    private readonly int _width, _height;
    private readonly byte[] _pixels;
    private double _left, _top, _scale = 1;

    public Canvas(int width, int height)
    {
        (_width, _height, _pixels) = (width, height, new byte[3 * width * height]);
        Array.Fill(_pixels, byte.MaxValue);
    }

    /// <summary>The picture as it is now.</summary>
    public Picture Picture() => new(_width, _height, [.. _pixels]);

    /// <summary>Sets the part of the plane that is shown: as large as it fits, in the middle; y points up.</summary>
    public void View(double left, double bottom, double right, double top)
    {
        _scale = Math.Min((_width - 2 * Margin) / (right - left), (_height - 2 * Margin) / (top - bottom));
        _left = (left + right - _width / _scale) / 2;
        _top = (bottom + top + _height / _scale) / 2;
    }

    /// <summary>A rectangle between two corners.</summary>
    public void Rectangle(double left, double bottom, double right, double top, int colour) =>
        Fill(left, bottom, right, top, colour, static (_, _) => true);

    /// <summary>A disc around a point.</summary>
    public void Disc(double x, double y, double radius, int colour) =>
        Fill(x - radius, y - radius, x + radius, y + radius, colour,
            (px, py) => (px - x) * (px - x) + (py - y) * (py - y) <= radius * radius);

    /// <summary>A line with round ends.</summary>
    public void Line(double x1, double y1, double x2, double y2, double width, int colour)
    {
        var (dx, dy, half) = (x2 - x1, y2 - y1, width / 2);
        var square = Math.Max(1e-12, dx * dx + dy * dy);
        Fill(Math.Min(x1, x2) - half, Math.Min(y1, y2) - half, Math.Max(x1, x2) + half, Math.Max(y1, y2) + half, colour,
            (px, py) =>
            {
                var along = Math.Clamp(((px - x1) * dx + (py - y1) * dy) / square, 0, 1);
                var (ox, oy) = (px - x1 - along * dx, py - y1 - along * dy);
                return ox * ox + oy * oy <= half * half;
            });
    }

    // Colours the pixels of a rectangle whose middle is inside.
    private void Fill(double left, double bottom, double right, double top, int colour,
        Func<double, double, bool> inside)
    {
        // What is shown may lie far outside, or nowhere (NaN): then nothing is drawn.
        var (fromX, toX) = (Pixel((left - _left) * _scale, _width), Pixel((right - _left) * _scale, _width));
        var (fromY, toY) = (Pixel((_top - top) * _scale, _height), Pixel((_top - bottom) * _scale, _height));
        for (var row = fromY; row < toY; row++)
            for (var column = fromX; column < toX; column++)
            {
                if (!inside(_left + (column + 0.5) / _scale, _top - (row + 0.5) / _scale)) continue;
                var at = 3 * (row * _width + column);
                (_pixels[at], _pixels[at + 1], _pixels[at + 2]) =
                    ((byte)(colour >> 16), (byte)(colour >> 8), (byte)colour);
            }
    }

    private static int Pixel(double at, int size) =>
        double.IsNaN(at) ? 0 : (int)Math.Clamp(Math.Round(at), 0, size);
}

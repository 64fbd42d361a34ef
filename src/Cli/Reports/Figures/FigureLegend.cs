using SkiaSharp;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>A figure's legend: a line's look and its name each.</summary>
internal sealed class FigureLegend(IReadOnlyList<(string Name, Look Look, float Width)> entries)
{
    private const float Line = 12.5f, Swatch = 18, SwatchGap = 5, Between = 16;

    /// <summary>The names' looks in a palette.</summary>
    public FigureLegend(Palette palette, IEnumerable<string> names) :
        this([.. names.Select(name => (name, palette[name], FigureStyle.LineWidth + 0.2f))])
    {
    }

    /// <summary>A legend without entries takes no room.</summary>
    public static FigureLegend None { get; } = new([]);

    /// <summary>Names and looks.</summary>
    public IReadOnlyList<(string Name, Look Look, float Width)> Entries => entries;

    private float EntryWidth => entries.Max(WidthOf);

    /// <summary>Its size with one entry a line; null where there is no entry.</summary>
    public (float Width, float Height)? ColumnSize => entries.Count == 0 ? null : (EntryWidth, entries.Count * Line);

    /// <summary>Its height in lines of a width.</summary>
    public float HeightIn(float width) => (entries.Count + ColumnsIn(width) - 1) / ColumnsIn(width) * Line;

    /// <summary>Draws it with one entry a line.</summary>
    public void DrawColumn(SKCanvas canvas, float left, float top)
    {
        for (var i = 0; i < entries.Count; i++) Draw(canvas, entries[i], left, top + (i + 0.5f) * Line);
    }

    /// <summary>Draws it in lines, in the middle of a width.</summary>
    public void DrawRows(SKCanvas canvas, float width, float top)
    {
        if (entries.Count == 0) return;
        var columns = Math.Min(entries.Count, ColumnsIn(width));
        // Few entries stand as close as they can; several lines of them in columns.
        float[] widths = [.. Enumerable.Range(0, columns)
            .Select(c => entries.Where((_, i) => i % columns == c).Max(WidthOf))];
        var start = (width - widths.Sum() - Between * (columns - 1)) / 2;
        for (var i = 0; i < entries.Count; i++)
        {
            var left = start + widths.Take(i % columns).Sum(w => w + Between);
            Draw(canvas, entries[i], left, top + (i / columns + 0.5f) * Line);
        }
    }

    private int ColumnsIn(float width) => Math.Max(1, (int)((width + Between) / (EntryWidth + Between)));

    private static float WidthOf((string Name, Look, float) entry) =>
        Swatch + SwatchGap + FigureStyle.WidthOf(entry.Name, FigureStyle.LabelText);

    private static void Draw(SKCanvas canvas, (string Name, Look Look, float Width) entry, float x, float y)
    {
        using var paint = new SKPaint
        {
            Color = entry.Look.Color.ToSKColor(), StrokeWidth = entry.Width, IsStroke = true, IsAntialias = true,
        };
        using var dashes = entry.Look.Pattern.GetPathEffect();
        paint.PathEffect = dashes;
        canvas.DrawLine(x, y, x + Swatch, y, paint);
        FigureStyle.Write(canvas, entry.Name, x + Swatch + SwatchGap, y + 3, FigureStyle.LabelText);
    }
}

using ScottPlot;
using ScottPlot.Rendering.RenderActions;
using SkiaSharp;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>Sizes, colours, font of all figures. Lengths are points; <see cref="FullWidth"/> fills a page.</summary>
internal static class FigureStyle
{
    /// <summary>Width of a figure of several panels: seven inches.</summary>
    public const float FullWidth = 504;

    /// <summary>Width of a figure of one panel: half a page, one column.</summary>
    public const float ColumnWidth = 252;

    /// <summary>Dots an inch of PNG files.</summary>
    public const float PngDpi = 240;

    /// <summary>Sizes of text: numbers at axes; what axes are and legends; what stands above a panel.</summary>
    public const float TickText = 8, LabelText = 9, TitleText = 9.5f;

    /// <summary>Widths of lines, and the length of the marks at axes.</summary>
    public const float LineWidth = 1.3f, ThinLine = 0.7f, IntervalWidth = 1.6f, SpineWidth = 0.8f, TickLength = 3;

    /// <summary>How much of a band's colour is laid over what is behind it.</summary>
    public const double BandAlpha = 0.17;

    /// <summary>Text, axes and ticks.</summary>
    public static readonly Color Ink = Color.FromHex("#1a1a1a");

    /// <summary>Lines behind the data.</summary>
    public static readonly Color GridColor = Color.FromHex("#e6e6e6");

    /// <summary>The font's family. It lies in the program, so that figures need none of the system's.</summary>
    public const string Family = "Liberation Serif";

    private static readonly Lazy<SKTypeface> Embedded = new(() =>
    {
        using var stream = typeof(FigureStyle).Assembly.GetManifestResourceStream("LiberationSerif-Regular.ttf")!;
        Fonts.FontResolvers.Insert(0, new Resolver());
        return SKTypeface.FromStream(stream);
    });

    /// <summary>The font.</summary>
    public static SKTypeface Typeface => Embedded.Value;

    /// <summary>The font at a size, laid out at fractions of a pixel, without a screen's hints.</summary>
    public static SKFont Font(float size) =>
        new(Typeface, size) { Subpixel = true, Hinting = SKFontHinting.None, Edging = SKFontEdging.Antialias };

    /// <summary>Width of a text.</summary>
    public static float WidthOf(string text, float size)
    {
        using var font = Font(size);
        return font.MeasureText(text);
    }

    /// <summary>Writes a line of text; <paramref name="y"/> is the base line.</summary>
    public static void Write(
        SKCanvas canvas, string text, float x, float y, float size, SKTextAlign align = SKTextAlign.Left)
    {
        using var font = Font(size);
        using var paint = new SKPaint { Color = Ink.ToSKColor(), IsAntialias = true };
        canvas.DrawText(text, x, y, align, font, paint);
    }

    /// <summary>An empty plot in this style: two axes, a grid, no margins of its own.</summary>
    public static Plot NewPlot()
    {
        _ = Typeface;
        var plot = new Plot();
        plot.Axes.Top.IsVisible = plot.Axes.Right.IsVisible = plot.Axes.Title.IsVisible = false;
        // Several plots share a canvas: none clears it or paints its background.
        plot.RenderManager.RenderActions.RemoveAll(action =>
            action is ClearCanvas or RenderFigureBackground or RenderDataBackground);
        plot.Grid.MajorLineColor = GridColor;
        plot.Grid.MajorLineWidth = 0.6f;
        foreach (var axis in new IAxis[] { plot.Axes.Bottom, plot.Axes.Left })
        {
            axis.FrameLineStyle.Color = axis.MajorTickStyle.Color = axis.TickLabelStyle.ForeColor = Ink;
            axis.FrameLineStyle.Width = axis.MajorTickStyle.Width = SpineWidth;
            axis.MajorTickStyle.Length = TickLength;
            axis.MinorTickStyle.Length = 0;
            (axis.TickLabelStyle.FontName, axis.TickLabelStyle.FontSize) = (Family, TickText);
            axis.TickLabelStyle.SubpixelText = true;
        }
        return plot;
    }

    private sealed class Resolver : IFontResolver
    {
        public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
            fontName == Family ? Typeface : null;

        public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) =>
            fontName == Family ? Typeface : null;
    }
}

using System.Text;
using System.Text.RegularExpressions;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>Panels of one size in rows and columns, axes in line; a legend in a free place or below.</summary>
internal sealed partial class FigurePage
{
    private const float Gap = 12, Edge = 5;

    private readonly IReadOnlyList<Panel> _panels;
    private readonly FigureLegend _legend;
    private readonly int _columns, _rows;
    private readonly float _height, _titleRoom;
    private readonly float[] _left, _widths, _below;
    private readonly AxisTicks[] _y;
    private readonly bool _inFreePlace;

    /// <summary>Lays the panels out.</summary>
    /// <param name="columns">Panels in a row; null for what suits their number.</param>
    /// <param name="height">Height of every plot; null for what suits its width.</param>
    /// <param name="shares">Each column's share of the width; null for equal ones.</param>
    public FigurePage(
        IReadOnlyList<Panel> panels, FigureLegend? legend = null, int? columns = null, float? height = null,
        float[]? shares = null)
    {
        (_panels, _legend) = (panels, legend ??= FigureLegend.None);
        _columns = columns ?? ColumnsOf(panels.Count);
        _rows = (panels.Count + _columns - 1) / _columns;
        _titleRoom = panels.Any(panel => panel.Title.Length > 0) ? FigureStyle.TitleText + 5.5f : 4;
        Width = _columns == 1 ? FigureStyle.ColumnWidth : FigureStyle.FullWidth;
        _height = height ?? (panels[0].Rows is { } rows ? Math.Max(40, rows.Count * Intervals.RowHeight)
            : Math.Clamp(0.68f * (Width / _columns - 30), 62, 150));
        _y = [.. panels.Select((panel, i) => panel.YAxis(_height, WritesRows(i)))];
        _left = [.. Enumerable.Range(0, _columns).Select(column => Column(column).Max(i => _y[i].TextWidth
            + FigureStyle.TickLength + 4 + (YLabelOf(i).Length > 0 ? FigureStyle.LabelText + 5 : 0)))];
        var room = Width - _left.Sum() - Gap * (_columns - 1) - 2 * Edge - 6;
        shares ??= [.. Enumerable.Repeat(1f, _columns)];
        _widths = [.. shares.Select(share => Math.Max(40, room * share / shares.Sum()))];
        _below = [.. Enumerable.Range(0, panels.Count).Chunk(_columns)
            .Select(row => row.Any(i => XLabelOf(i).Length > 0) ? FigureStyle.LabelText + 4 : 0)
            .Select(label => FigureStyle.TickLength + FigureStyle.TickText + 6 + label)];
        // The last row's free place takes a short legend; else the legend has lines of its own.
        _inFreePlace = panels.Count % _columns != 0 && _rows > 1
            && legend.ColumnSize is var (w, h) && w <= _widths[^1] + _left[^1] && h <= _height + _titleRoom;
        LegendHeight = _inFreePlace || legend.Entries.Count == 0 ? 0 : legend.HeightIn(Width - 2 * Edge) + 6;
        Height = (int)(Edge + _below.Sum() + _rows * (_height + _titleRoom) + (_rows - 1) * 4 + LegendHeight + 2);
    }

    /// <summary>Width in points.</summary>
    public float Width { get; }

    /// <summary>Height in points.</summary>
    public float Height { get; }

    private float LegendHeight { get; }

    /// <summary>The figure as data for a page, where each panel stands by itself and says what its axes are.</summary>
    public ChartFigure Data()
    {
        var y = _panels.Select(panel => panel.YLabel).FirstOrDefault(label => label.Length > 0) ?? "";
        return new(_legend.Entries.Count > 0 ? [.. _legend.Entries.Select(entry => entry.Name)] : null,
            [.. _panels.Select(panel => new ChartPanel(
                panel.Title, panel.XLabel, panel.Rows is null ? y : "", panel.WholeSteps,
                panel.XLimits is var (low, high) ? [low, high]
                    : panel.XTicks is { } axis ? [axis.Low, axis.High] : null,
                panel.XValues ?? panel.XTicks?.At, panel.Rows, panel.Task, panel.Marks)
            {
                XTexts = panel.XTicks?.Texts,
            })]);
    }

    /// <summary>How many panels stand in a row, of so many in all.</summary>
    public static int ColumnsOf(int panels) => panels switch { 1 => 1, 2 or 4 => 2, <= 6 or 9 => 3, _ => 4 };

    /// <summary>Writes PATH.png, PATH.svg and PATH.pdf. Equal figures are equal files.</summary>
    public void Save(string path)
    {
        AtomicFile.WriteAllBytes(path + ".png", Png());
        AtomicFile.WriteAllText(path + ".svg", Svg());
        AtomicFile.WriteAllBytes(path + ".pdf", Pdf());
    }

    private byte[] Png()
    {
        const float Scale = FigureStyle.PngDpi / 72;
        var (width, height) = ((int)MathF.Round(Width * Scale), (int)MathF.Round(Height * Scale));
        using var surface = SKSurface.Create(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul));
        surface.Canvas.Clear(SKColors.White);
        surface.Canvas.Scale(Scale);
        Draw(surface.Canvas);
        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private string Svg()
    {
        using var stream = new MemoryStream();
        using (var canvas = SKSvgCanvas.Create(SKRect.Create(Width, Height), stream)) Draw(canvas);
        // Lengths are points.
        var size = $"width=\"{Width}pt\" height=\"{Height}pt\" viewBox=\"0 0 {Width} {Height}\"";
        // Where this font is missing, one of the same widths.
        const string Font = $"font-family=\"{FigureStyle.Family}\"";
        const string Fonts = $"font-family=\"{FigureStyle.Family}, Times New Roman, Times, serif\"";
        var svg = Encoding.UTF8.GetString(stream.ToArray())
            .Replace($"width=\"{Width}\" height=\"{Height}\"", size).Replace(Font, Fonts);
        // Skia counts ids over the process.
        Dictionary<string, int> ids = [];
        return Ids().Replace(svg, id =>
        {
            ids.TryAdd(id.Value, ids.Count);
            return $"clip{ids[id.Value]}";
        });
    }

    [GeneratedRegex("(?<=[\"#])cl_[0-9a-f]+(?=[\")])")]
    private static partial Regex Ids();

    private byte[] Pdf()
    {
        using var stream = new MemoryStream();
        // No dates inside.
        var facts = new SKDocumentPdfMetadata { RasterDpi = FigureStyle.PngDpi, EncodingQuality = 101 };
        using (var document = SKDocument.CreatePdf(stream, facts))
        {
            Draw(document.BeginPage(Width, Height));
            document.EndPage();
            document.Close();
        }
        return stream.ToArray();
    }

    private void Draw(SKCanvas canvas)
    {
        var top = Edge;
        for (var row = 0; row < _rows; row++)
        {
            var left = Edge;
            for (var column = 0; column < _columns; column++)
            {
                var place = SKRect.Create(left + _left[column], top + _titleRoom, _widths[column], _height);
                if (row * _columns + column is var i && i < _panels.Count) Draw(canvas, i, place);
                else if (_inFreePlace && column == _columns - 1)
                    _legend.DrawColumn(canvas, place.Left, top + _titleRoom);
                left = place.Right + Gap;
            }
            top += _titleRoom + _height + _below[row] + 4;
        }
        if (!_inFreePlace) _legend.DrawRows(canvas, Width, Height - LegendHeight + 4);
    }

    private void Draw(SKCanvas canvas, int i, SKRect place)
    {
        var panel = _panels[i];
        var (x, y) = (panel.XAxis(place.Width), _y[i]);
        Set(panel.Plot.Axes.Bottom, x);
        Set(panel.Plot.Axes.Left, y);
        if (panel.Rows is not null)
        {
            panel.Plot.Axes.Left.MajorTickStyle.Length = 0;
            panel.Plot.Grid.YAxisStyle.IsVisible = false;
        }
        const float Around = 60; // room in which ScottPlot writes what stands at the axes
        panel.Plot.Layout.Fixed(new PixelPadding(Around + 60, Around, Around, Around));
        var rect = new PixelRect(
            place.Left - Around - 60, place.Right + Around, place.Bottom + Around, place.Top - Around);
        // A plot whose axes have changed draws itself twice: the first time where nobody sees it.
        using (var nowhere = new SKNoDrawCanvas(1, 1)) panel.Plot.Render(nowhere, rect);
        panel.Plot.Render(canvas, rect);
        // A long title is written smaller: it must not touch its neighbour's.
        var title =
            Math.Min(1, (place.Width + Gap) / Math.Max(1, FigureStyle.WidthOf(panel.Title, FigureStyle.TitleText)));
        FigureStyle.Write(canvas, panel.Title, place.MidX, place.Top - 5, FigureStyle.TitleText * title,
            SKTextAlign.Center);
        var below = place.Bottom + FigureStyle.TickLength + FigureStyle.TickText + 4 + FigureStyle.LabelText;
        FigureStyle.Write(canvas, XLabelOf(i), place.MidX, below, FigureStyle.LabelText, SKTextAlign.Center);
        if (YLabelOf(i).Length == 0) return;
        canvas.Save();
        canvas.Translate(place.Left - _left[i % _columns] + FigureStyle.LabelText - 1, place.MidY);
        canvas.RotateDegrees(-90);
        FigureStyle.Write(canvas, YLabelOf(i), 0, 0, FigureStyle.LabelText, SKTextAlign.Center);
        canvas.Restore();
    }

    private static void Set(IAxis axis, AxisTicks ticks)
    {
        (axis.Min, axis.Max) = (ticks.Low, ticks.High);
        axis.TickGenerator = new NumericManual([.. ticks.At], [.. ticks.Texts]);
    }

    // What a panel has in common with its left neighbour, or with the one below, is written once.
    private string XLabelOf(int i) =>
        i + _columns < _panels.Count && _panels[i + _columns].XLabel == _panels[i].XLabel ? "" : _panels[i].XLabel;

    private string YLabelOf(int i) =>
        i % _columns > 0 && _panels[i - 1].YLabel == _panels[i].YLabel ? "" : _panels[i].YLabel;

    private bool WritesRows(int i) => i % _columns == 0 || _panels[i - 1].Rows != _panels[i].Rows;

    private IEnumerable<int> Column(int column) =>
        Enumerable.Range(0, _panels.Count).Where(i => i % _columns == column);
}

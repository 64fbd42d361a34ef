// One plot of a figure: lines, bands, dots and intervals on two axes.
using ScottPlot;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>One plot with its title and the texts at its axes. What is not a finite number is left out.</summary>
internal sealed class Panel(string title)
{
    /// <summary>What stands above it.</summary>
    public string Title => title;

    /// <summary>What stands below its horizontal axis; empty for nothing.</summary>
    public string XLabel { get; init; } = "";

    /// <summary>What stands beside its vertical axis; empty for nothing.</summary>
    public string YLabel { get; init; } = "";

    /// <summary>Only whole numbers at the horizontal axis.</summary>
    public bool WholeSteps { get; init; }

    /// <summary>Room at both ends of the horizontal axis, as a share of its length.</summary>
    public double XMargin { get; init; }

    /// <summary>The numbers at the horizontal axis; null for round ones.</summary>
    public IReadOnlyList<double>? XValues { get; init; }

    /// <summary>The whole horizontal axis; null for one that follows from what is drawn.</summary>
    public AxisTicks? XTicks { get; init; }

    /// <summary>Names, one a row, instead of numbers at the vertical axis; row i is at y = -i.</summary>
    public IReadOnlyList<string>? Rows { get; init; }

    /// <summary>The horizontal axis ends here, whatever is drawn; null to show all.</summary>
    public (double Low, double High)? XLimits { get; init; }

    /// <summary>The task that it is about; null where it is about none, or all.</summary>
    public string? Task { get; init; }

    /// <summary>What is drawn, as data for a page.</summary>
    public List<ChartMark> Marks { get; } = [];

    /// <summary>What is drawn.</summary>
    public Plot Plot { get; } = FigureStyle.NewPlot();

    private (double Low, double High) _x = (double.PositiveInfinity, double.NegativeInfinity);
    private (double Low, double High) _y = (double.PositiveInfinity, double.NegativeInfinity);

    /// <summary>Curves with their bands and their marks, the first one on top.</summary>
    public void Curves(IReadOnlyList<PanelCurve> curves)
    {
        foreach (var curve in curves.Where(c => c.HasBand)) Band(curve.X, curve.Low, curve.High, curve.Look.Color);
        foreach (var curve in curves.Reverse())
            Line(curve.X, curve.Mean, curve.Look, curve.Width ?? FigureStyle.LineWidth);
        Marks.AddRange(curves.Select(c => ChartMark.Curve(c.Name, c.Look, c.X, c.Mean, c.Low, c.High) with
        {
            Each = c.Each,
            Width = c.Width * 1.4,
        }));
    }

    /// <summary>A line; it is broken where a value is missing, and a value alone is a dot.</summary>
    public void Line(IReadOnlyList<double> x, IReadOnlyList<double> y, Look look, float width = FigureStyle.LineWidth)
    {
        foreach (var (from, to) in Present(x, y))
        {
            var (xs, ys) = (x.Skip(from).Take(to - from).ToArray(), y.Skip(from).Take(to - from).ToArray());
            var line = Plot.Add.ScatterLine(xs, ys);
            (line.LineWidth, line.Color, line.LinePattern, line.MarkerSize) = (width, look.Color, look.Pattern, 0);
            Extend(xs, ys);
            if (to - from == 1) Dots(xs, ys, look.Color, 4);
        }
    }

    /// <summary>What lies between two lines.</summary>
    public void Band(IReadOnlyList<double> x, IReadOnlyList<double> low, IReadOnlyList<double> high, Color color)
    {
        foreach (var (from, to) in Present(x, [.. low.Zip(high, (l, h) => l + h)]))
        {
            if (to - from < 2) continue;
            var at = Enumerable.Range(from, to - from).ToArray();
            var shape = Plot.Add.Polygon([
                .. at.Select(i => new Coordinates(x[i], low[i])),
                .. at.Reverse().Select(i => new Coordinates(x[i], high[i]))]);
            (shape.FillColor, shape.LineWidth) = (color.WithAlpha(FigureStyle.BandAlpha), 0);
            Extend([x[from]], [.. at.Select(i => low[i])]);
            Extend([x[to - 1]], [.. at.Select(i => high[i])]);
        }
    }

    /// <summary>Dots, somewhat transparent where <paramref name="alpha"/> is below 1.</summary>
    public void Dots(
        IReadOnlyList<double> x, IReadOnlyList<double> y, Color color, float size, double alpha = 1,
        MarkerShape shape = MarkerShape.FilledCircle)
    {
        foreach (var (from, to) in Present(x, y))
            for (var i = from; i < to; i++)
            {
                var marker = Plot.Add.Marker(x[i], y[i], shape, size, color.WithAlpha(alpha));
                marker.MarkerStyle.OutlineWidth = 0;
                Extend([x[i]], [y[i]]);
            }
    }

    /// <summary>A straight line from one point to another that does not widen the axes.</summary>
    public void Bar(double x0, double y0, double x1, double y1, Color color, float width)
    {
        if (!double.IsFinite(x0 + y0 + x1 + y1)) return;
        var line = Plot.Add.Line(x0, y0, x1, y1);
        (line.LineWidth, line.Color, line.MarkerSize) = (width, color, 0);
    }

    /// <summary>Widens the axes so that these points are seen.</summary>
    public void Extend(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        foreach (var value in x.Where(double.IsFinite)) _x = (Math.Min(_x.Low, value), Math.Max(_x.High, value));
        foreach (var value in y.Where(double.IsFinite)) _y = (Math.Min(_y.Low, value), Math.Max(_y.High, value));
    }

    /// <summary>The vertical axis at a height of the plot.</summary>
    public AxisTicks YAxis(float height, bool writesRows)
    {
        if (Rows is not null) return AxisTicks.Names(Rows, writesRows);
        if (_y.High < _y.Low) return new(0, 1, [], []);
        var room = 0.04 * (_y.High - _y.Low);
        return AxisTicks.Round(_y.Low - room, _y.High + room, Math.Clamp((int)(height / 18), 2, 6));
    }

    /// <summary>The horizontal axis at a width of the plot.</summary>
    public AxisTicks XAxis(float width)
    {
        if (XTicks is not null) return XTicks;
        if (_x.High < _x.Low) return new(0, 1, [], []);
        var room = XMargin * (_x.High - _x.Low);
        var (low, high) = XLimits ?? (_x.Low - room, _x.High + room);
        return XValues is null ? AxisTicks.Across(low, high, width, WholeSteps)
            : high > low ? AxisTicks.Given(low, high, XValues, width)
            : AxisTicks.Given(low - 1, high + 1, XValues, width);
    }

    // Runs of points that are there: [from, to).
    private static IEnumerable<(int From, int To)> Present(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        for (var from = 0; from < x.Count;)
        {
            var to = from;
            while (to < x.Count && double.IsFinite(x[to]) && double.IsFinite(y[to])) to++;
            if (to > from) yield return (from, to);
            from = to + 1;
        }
    }
}

/// <summary>A mean over points, with the ends of its band; <c>Width</c> where it is not a figure's usual one.</summary>
internal sealed record PanelCurve(string Name, Look Look, IReadOnlyList<double> X, IReadOnlyList<double> Mean,
    IReadOnlyList<double> Low, IReadOnlyList<double> High, bool HasBand)
{
    public float? Width { get; init; }

    /// <summary>The seeds' own curves, which a page shows on demand.</summary>
    public IReadOnlyList<ChartSeed>? Each { get; init; }
}

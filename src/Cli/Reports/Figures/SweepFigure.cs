namespace RlLeap.Cli.Reports.Figures;

/// <summary>A panel a quantity: each method's mean over the setting, its interval, and its runs as dots.</summary>
internal static class SweepFigure
{
    public static FigurePage Of(Report report, Palette palette)
    {
        var methods = report.Sweeps.SelectMany(s => s.Points).Select(p => p.Method).Distinct();
        return new([.. report.Sweeps.Select(sweep => Of(report, sweep, palette))], new FigureLegend(palette, methods));
    }

    private static Panel Of(Report report, SweepReport sweep, Palette palette)
    {
        string[] names = [.. sweep.Points.Select(p => p.Method).Distinct()];
        double[] values = [.. sweep.Points.Select(p => p.X).Distinct().Order()];
        var title = sweep.Quantity == OverallReport.Area ? $"area under the {report.Measure}" : sweep.Quantity;
        var key = sweep.Key[(sweep.Key.LastIndexOf('.') + 1)..].Replace('-', ' ');
        var panel = new Panel(title) { XLabel = key, XMargin = 0.06, XValues = values };
        // Side by side, so that bars do not hide one another.
        var nudge = 0.016 * (values[^1] - values[0]);
        for (var i = names.Length - 1; i >= 0; i--)
        {
            var look = palette[names[i]];
            var points = sweep.Points.Where(p => p.Method == names[i]).OrderBy(p => p.X).ToList();
            double At(SweepPoint p) => p.X + (i - (names.Length - 1) / 2.0) * nudge;
            foreach (var point in points)
            {
                panel.Bar(At(point), point.Low, At(point), point.High, look.Color, 1);
                panel.Extend([At(point)], [point.Low, point.High]);
                if (point.Values.Count > 1)
                    panel.Dots([.. point.Values.Select(_ => At(point))], point.Values, look.Color, 2.8f, 0.45);
            }
            panel.Line([.. points.Select(At)], [.. points.Select(p => p.Mean)], look);
            panel.Dots([.. points.Select(At)], [.. points.Select(p => p.Mean)], look.Color, 4.2f);
        }
        panel.Marks.AddRange(names.Select(name =>
        {
            var points = sweep.Points.Where(p => p.Method == name).OrderBy(p => p.X).ToList();
            return ChartMark.Curve(name, palette[name], [.. points.Select(p => p.X)], [.. points.Select(p => p.Mean)],
                [.. points.Select(p => p.Low)], [.. points.Select(p => p.High)]) with
            { Dots = true, Values = points.Select(p => p.Values).ToList() };
        }));
        return panel;
    }
}

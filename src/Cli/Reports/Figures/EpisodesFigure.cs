// Accuracy on test episodes, a panel for each kind of them.
using ScottPlot;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>A row a method: its accuracy with its interval, and the published number as an upright stroke.</summary>
internal static class EpisodesFigure
{
    private const float PublishedWidth = 1.4f;

    public static FigurePage Of(Report report, Palette palette)
    {
        string[] methods = [.. report.Episodes.Select(e => e.Label).Distinct()];
        return new([.. report.Episodes.GroupBy(e => e.Kind).Select(kind => Of(kind.Key, methods, [.. kind], palette))]);
    }

    private static Panel Of(
        string title, IReadOnlyList<string> methods, IReadOnlyList<EpisodeReport> rows, Palette palette)
    {
        var panel = new Panel(title) { XLabel = "accuracy, %", Rows = methods, XMargin = 0.08 };
        foreach (var row in rows)
        {
            var y = -Enumerable.Range(0, methods.Count).First(i => methods[i] == row.Label);
            var color = palette[row.Label].Color;
            panel.Marks.Add(ChartMark.OfRow(row.Label, palette[row.Label], -y, row.Accuracy,
                [.. row.Runs.Select((x, i) => new ChartSeed($"run {i + 1}", $"run {i + 1}") { X = x })]) with
            { Published = row.Published });
            panel.Extend([row.Accuracy.Low, row.Accuracy.High], []);
            panel.Bar(row.Accuracy.Low, y, row.Accuracy.High, y, color, FigureStyle.IntervalWidth);
            panel.Dots([row.Accuracy.Value], [y], color, 6, 1, MarkerShape.FilledDiamond);
            if (row.Published is not { } published) continue;
            panel.Extend([published], []);
            panel.Bar(published, y - 0.35, published, y + 0.35, Colors.Black, PublishedWidth);
        }
        return panel;
    }
}

/// <summary>One test episode in two dimensions, a panel a run: a colour a class, support images as diamonds.</summary>
internal static class EmbeddingFigure
{
    private const int MostPanels = 6;

    public static FigurePage Of(Report report, Palette palette)
    {
        _ = palette; // colours are those of classes here
        return new([.. report.Embeddings.Take(MostPanels).Select(shown => Of(shown.Label, shown.Picture))]);
    }

    private static Panel Of(string title, Runs.EmbeddingPicture picture)
    {
        var panel = new Panel(title) { XLabel = "first component", YLabel = "second component", XMargin = 0.06 };
        var classes = new Palette(picture.Classes.Select((_, i) => $"class {i}"));
        for (var i = picture.Labels.Count - 1; i >= 0; i--) // support images last, on top
        {
            var color = classes[$"class {picture.Labels[i]}"].Color;
            var isSupport = i < picture.Support;
            panel.Dots([picture.X[i]], [picture.Y[i]], color, isSupport ? 8 : 3.4f, isSupport ? 1 : 0.7,
                isSupport ? MarkerShape.FilledDiamond : MarkerShape.FilledCircle);
        }
        for (var i = 0; i < picture.Classes.Count; i++)
            foreach (var isSupport in new[] { true, false })
            {
                var at = Enumerable.Range(0, picture.Labels.Count)
                    .Where(k => picture.Labels[k] == i && k < picture.Support == isSupport).ToList();
                panel.Marks.Add(new ChartMark("dots", picture.Classes[i], classes[$"class {i}"].Color.ToStringRGB())
                {
                    X = [.. at.Select(k => picture.X[k])], Y = [.. at.Select(k => picture.Y[k])],
                    Size = isSupport ? 6 : 3, Diamond = isSupport,
                });
            }
        return panel;
    }
}

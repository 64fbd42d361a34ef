// What a run prints when it is done.
using System.Globalization;
using RlLeap.Experiments.Runs;
using Spectre.Console;

namespace RlLeap.Experiments.MetaTraining;

/// <summary>Results as tables on the terminal; report.json and the figures have all the numbers.</summary>
public static class Tables
{
    /// <summary>Per held-out task: a row of the learning curve at even distances for each starting point, then area and end.</summary>
    public static void Print(Result result)
    {
        if (!Console.IsOutputRedirected) AnsiConsole.WriteLine();
        else AnsiConsole.Profile.Width = 160;
        foreach (var task in result.Curves.GroupBy(curve => curve.Task))
        {
            var last = task.Max(curve => curve.Steps[^1]);
            long[] at = [.. Enumerable.Range(1, 6).Select(i => last * i / 6)];
            var table = new Table().Border(TableBorder.Simple).Title($"{Markup.Escape(task.Key)}: {result.Measure} after {result.Axis}, mean over seeds");
            table.AddColumn("from");
            foreach (var step in at) table.AddColumn(new TableColumn(step.ToString("N0", CultureInfo.InvariantCulture)).RightAligned());
            table.AddColumn(new TableColumn("area / steps").RightAligned());
            table.AddColumn(new TableColumn("seeds").RightAligned());
            foreach (var method in task.GroupBy(curve => curve.Method))
                table.AddRow([Markup.Escape(method.Key), .. at.Select(step => Number(method.Average(c => At(c, step)))), Number(method.Average(Area), method.Select(Area)), method.Count().ToString(CultureInfo.InvariantCulture)]);
            AnsiConsole.Write(table);
        }
        var scores = result.Scores ?? [];
        if (scores.Count == 0) return;
        var summary = new Table().Border(TableBorder.Simple).Title("over all held-out tasks and seeds");
        summary.AddColumn("from");
        var quantities = scores.Select(s => s.Quantity).Distinct().ToList();
        foreach (var quantity in quantities) summary.AddColumn(new TableColumn(Markup.Escape(quantity)).RightAligned());
        foreach (var method in scores.GroupBy(s => s.Method))
            summary.AddRow([Markup.Escape(method.Key), .. quantities.Select(q => method.Where(s => s.Quantity == q).Select(s => s.Value).ToList() is { Count: > 0 } values ? Number(values.Average(), values) : "")]);
        AnsiConsole.Write(summary);
    }

    /// <summary>Mean height of a curve: its area over its range.</summary>
    public static double Area(Curve curve) => new LearningCurve([.. curve.Steps.Select(s => (double)s)], curve.Values).Area();

    private static double At(Curve curve, long step)
    {
        var i = curve.Steps.Count - 1;
        while (i > 0 && curve.Steps[i] > step) i--;
        return curve.Values[i];
    }

    private static string Number(double value, IEnumerable<double>? spread = null)
    {
        var text = value.ToString("G4", CultureInfo.InvariantCulture);
        if (spread?.ToList() is not { Count: > 1 } values) return text;
        var deviation = Math.Sqrt(values.Sum(v => (v - value) * (v - value)) / (values.Count - 1));
        return FormattableString.Invariant($"{text} +-{deviation:G2}");
    }
}

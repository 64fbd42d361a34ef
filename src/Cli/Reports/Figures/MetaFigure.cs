// What the meta-training recorded, a panel a quantity.
using RlLeap.Cli.MetaTraining;
using ScottPlot;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>Quantities over meta-steps: of one run task by task, of several one line each.</summary>
internal static class MetaFigure
{
    // In this order; a quantity not named here keeps its name and comes last.
    private static readonly List<(string Quantity, string Title)> Titles =
    [
        (Scaled, "normalized return while training"),
        (Raw, "mean return while training"),
        ("error/mean", "training error"),
        ("validation/error", "validation error"),
        ("loss/mean", "training loss"),
        ("path/length", "path length"),
        ("path/energy", "path energy"),
        ("meta/gradient_norm", "norm of the meta-gradient"),
        ("meta/diverged", "tasks that diverged"),
    ];

    // Raw returns of games do not fit one axis; report.json has them. Where there is no scale, they are all there is.
    private const string Raw = "return/mean", Scaled = "return/normalized";

    private static readonly string[] LeftOut = ["loss/first", "loss/last"];

    // Tasks have colours of their own (Paul Tol's "muted"), not those of methods. More tasks than these are all grey.
    private static readonly string[] TaskColors =
        ["#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499"];

    private static readonly Look Together = Solid("#000000"), Grey = Solid("#b8b8b8");

    private const string Batch = "whole batch";

    private static string IdOf(string task) =>
        task.StartsWith(MetaTrainMetrics.TaskSeries, StringComparison.Ordinal)
            ? task[MetaTrainMetrics.TaskSeries.Length..] : task;

    private static Look Solid(string color) => new(Color.FromHex(color), LinePattern.Solid);

    /// <summary>The curves that are shown: those with a number; diverged tasks only where there were any.</summary>
    public static IEnumerable<MetaReport> Drawn(Report report) => report.Meta.Where(curve =>
        !LeftOut.Contains(curve.Quantity)
        && !(curve.Quantity == Raw && report.Meta.Any(other => other.Quantity == Scaled && other.Label == curve.Label))
        && curve.Mean.Any(double.IsFinite)
        && (curve.Quantity != "meta/diverged" || curve.Mean.Any(value => value > 0)));

    public static FigurePage Of(Report report, Palette palette)
    {
        var known = Drawn(report).ToList();
        string[] labels = [.. known.Select(c => c.Label).Distinct().OrderBy(palette.IndexOf)];
        // Runs or methods against each other: what is about the whole batch.
        if (labels.Length > 1) known = [.. known.Where(c => c.Task == "meta")];
        string[] tasks = [.. known.Select(c => c.Task).Distinct().Where(t => t != "meta")
            .Order(StringComparer.Ordinal)];
        string[] quantities = [.. known.Select(c => c.Quantity).Distinct()
            .OrderBy(q => Titles.FindIndex(t => t.Quantity == q) is >= 0 and var at ? at : Titles.Count)
            .ThenBy(q => q, StringComparer.Ordinal)];
        var many = tasks.Length > TaskColors.Length;
        var ids = tasks.ToDictionary(task => task, IdOf);
        var shortNames = FigureFiles.NamesOf(ids.Values);
        var taskNames = ids.ToDictionary(id => id.Key, id => shortNames[id.Value]);

        return new([.. quantities.Select(quantity =>
        {
            var panel = new Panel(Titles.FirstOrDefault(t => t.Quantity == quantity).Title ?? quantity)
            {
                XLabel = "meta-step", WholeSteps = true, XMargin = 0.02,
            };
            panel.Curves([.. known.Where(c => c.Quantity == quantity).OrderBy(c => c.Task == "meta").Reverse()
                .Select(c => new PanelCurve(NameOf(c), LookOf(c), [.. c.MetaSteps.Select(step => (double)step)],
                    c.Mean, c.Low, c.High, HasBand: c.Runs > 1) { Width = WidthOf(c) })]);
            return panel;
        })], labels.Length > 1 ? new FigureLegend(palette, labels) : new FigureLegend([.. OfTasks()]));

        string NameOf(MetaReport curve) => labels.Length > 1 ? curve.Label : curve.Task == "meta" ? Batch
            : taskNames[curve.Task];

        Look LookOf(MetaReport curve) => labels.Length > 1 ? palette[curve.Label] : curve.Task == "meta" ? Together
            : many ? Grey : Solid(TaskColors[Array.IndexOf(tasks, curve.Task)]);

        float WidthOf(MetaReport curve) => labels.Length > 1 ? FigureStyle.LineWidth : curve.Task == "meta" ? 1.8f
            : many ? FigureStyle.ThinLine : FigureStyle.LineWidth;

        IEnumerable<(string, Look, float)> OfTasks()
        {
            if (known.Any(c => c.Task == "meta")) yield return (Batch, Together, 1.8f);
            if (many)
            {
                yield return ($"each of {tasks.Length} tasks", Grey, 1);
                yield break;
            }
            foreach (var (i, task) in tasks.Index())
                yield return (taskNames[task], Solid(TaskColors[i]), FigureStyle.LineWidth + 0.2f);
        }
    }
}

// The figures of a report: which there are, and one file for each kind.
using System.Text.RegularExpressions;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>Draws what a report has numbers for.</summary>
public static partial class FigureFiles
{
    /// <summary>What every figure is written as.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [".png", ".svg", ".pdf"];

    // Of single tasks, where one figure shows all together.
    private const int MostPanels = 12;

    private static readonly (string Name, Func<Report, bool> Wanted, Func<Report, Palette, FigurePage> Of)[] All =
    [
        ("overall", report => report.Overall is not null, OverallFigure.Of),
        ("sweep", report => report.Sweeps.Count > 0, SweepFigure.Of),
        ("aggregates", report => report.Aggregates.Count > 0 && report.Tasks.Count > 1, AggregatesFigure.Of),
        ("profiles", report => report.Profiles.Count > 0, ProfilesFigure.Of),
        ("improvement", report => report.Improvements.Count > 0 && report.Tasks.Count > 1, ImprovementFigure.Of),
        ("curves", SingleTasks, CurvesFigure.Of),
        ("area", report => SingleTasks(report) && HasSeveral(report), AreaFigure.Of),
        ("episodes", report => report.Episodes.Count > 0, EpisodesFigure.Of),
        ("embedding", report => report.Embeddings.Count > 0, EmbeddingFigure.Of),
        ("meta", report => MetaFigure.Drawn(report).Any(), MetaFigure.Of),
    ];

    /// <summary>Writes a report's figures into a folder, and removes those of an earlier report.</summary>
    internal static IReadOnlyDictionary<string, FigurePage> Write(Report report, string folder)
    {
        Dictionary<string, FigurePage> pages = [];
        var palette = PaletteOf(report);
        foreach (var (name, wanted, of) in All)
        {
            var path = Path.Combine(folder, name);
            foreach (var kind in Kinds) File.Delete(path + kind);
            if (!wanted(report)) continue;
            var page = of(report, palette);
            page.Save(path);
            pages[name] = page;
        }
        return pages;
    }

    /// <summary>Short names of tasks, without namespace, version and options where that tells them apart.</summary>
    internal static IReadOnlyDictionary<string, string> NamesOf(IEnumerable<string> tasks)
    {
        var names = tasks.Distinct().ToDictionary(task => task, Short);
        foreach (var same in names.GroupBy(n => n.Value).Where(g => g.Count() > 1).ToList())
            foreach (var (task, name) in same.ToList())
            {
                var options = task.IndexOf('?');
                names[task] = options > 0 ? $"{name} ({task[(options + 1)..]})" : task;
            }
        return names;

        static string Short(string task)
        {
            var name = task.Split('?')[0];
            name = name[(name.LastIndexOf('/') + 1)..];
            if (name.LastIndexOf("-v", StringComparison.Ordinal) is > 0 and var version) name = name[..version];
            return Words().Replace(name.Replace('_', ' '), "$1 $2");
        }
    }

    /// <summary>Looks of all that a report compares, over all its figures.</summary>
    internal static Palette PaletteOf(Report report)
    {
        List<string> methods =
        [
            .. report.Methods,
            .. report.Sweeps.SelectMany(s => s.Points).Select(p => p.Method),
            .. report.Episodes.Select(e => e.Label),
        ];
        var known = new Palette(methods);
        return new(methods.Concat(report.Meta.Select(m => m.Label).Where(label => !known.Knows(label))));
    }

    // SpaceInvaders is two words.
    [GeneratedRegex("([a-z])([A-Z])")]
    private static partial Regex Words();

    // A single number is no figure.
    private static bool HasSeveral(Report report) =>
        report.Tasks.Any(task => task.Methods.Count > 1 || task.Methods.Any(method => method.Seeds > 1));

    private static bool SingleTasks(Report report) =>
        report.Tasks.Count > 0 && (report.Tasks.Count <= MostPanels || report.Overall is null);
}

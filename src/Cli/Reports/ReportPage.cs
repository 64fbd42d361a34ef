// report.html: one file that needs no other, with figures that answer to the pointer and the keyboard.
using System.Text;
using System.Text.RegularExpressions;
using RlLeap.Cli.Reports.Figures;

namespace RlLeap.Cli.Reports;

/// <summary>
/// Writes the page of a report: the conclusion first, then all tasks together and task by task, then where the numbers
/// come from. All text is escaped: names of tasks, methods and runs are the user's.
/// </summary>
internal sealed partial class ReportPage
{
    // Figures by name and tables by title, in their order.
    private static readonly string[] Together = ["overall", ReportTables.AllTasks, "sweep", "aggregates",
        ReportTables.OverAll, "profiles", "improvement", ReportTables.Probability];

    private static readonly string[] ByTask = ["curves", "area", ReportTables.Tasks, ReportTables.LeftOut];

    private static readonly string[] Others = [ReportTables.Scores, "episodes", ReportTables.Episodes, "embedding",
        "meta", ReportTables.State];

    // Somewhat larger than in print.
    private const double CssDpi = 130;

    private readonly Report _report;
    private readonly IReadOnlyDictionary<string, FigurePage> _figures;
    private readonly string _folder;
    private readonly Dictionary<string, TextTable> _tables;
    private readonly HashSet<string> _titles = [];
    private readonly StringBuilder _html = new();

    private ReportPage(Report report, IReadOnlyDictionary<string, FigurePage> figures, string folder)
    {
        (_report, _figures, _folder) = (report, figures, folder);
        _tables = ReportTables.Of(report).ToDictionary(table => table.Title);
    }

    /// <summary>The page's text.</summary>
    /// <param name="folder">Where the figures' files lie.</param>
    public static string Of(Report report, IReadOnlyDictionary<string, FigurePage> figures, string folder) =>
        new ReportPage(report, figures, folder).Write();

    private string Write()
    {
        _html.Append(HtmlPage.Begin(_report.Name));
        Conclusion();
        var tabs = _report.Tasks.Count > 1 && Together.Any(Has);
        if (tabs)
        {
            _html.Append("<div role=\"tablist\" aria-label=\"Views\" hidden>"
                + Tab("all", "All tasks") + Tab("each", "Task by task") + "</div>\n");
            _html.Append("<section id=\"all\" role=\"tabpanel\" aria-labelledby=\"tab-all\">\n");
            Parts(Together);
            _html.Append("</section>\n<section id=\"each\" role=\"tabpanel\" aria-labelledby=\"tab-each\">\n");
            TaskChoice();
            Parts(ByTask);
            _html.Append("</section>\n");
        }
        else Parts([.. ByTask, .. Together]);
        Parts(Others);
        Recorded();
        Records();
        return _html.Append(HtmlPage.End()).ToString();
    }

    private static string Tab(string id, string text) =>
        $"<button type=\"button\" role=\"tab\" id=\"tab-{id}\" aria-controls=\"{id}\">{text}</button>";

    private void Conclusion()
    {
        var sentences = Headline.Of(_report);
        _html.Append($"<p class=\"headline\">{Whole(sentences[0])}</p>\n");
        if (sentences.Count > 1)
            _html.Append("<ul class=\"lead\">"
                + string.Concat(sentences.Skip(1).Select(s => $"<li>{Whole(s)}</li>")) + "</ul>\n");
        _html.Append($"<p class=\"lead\">{E(ReportTables.Summary(_report))}</p>\n");
    }

    private void TaskChoice()
    {
        var names = _report.TaskNames;
        _html.Append("<p class=\"choice\"><label>Task <select data-task-choice><option value=\"\">all</option>"
            + string.Concat(_report.Tasks.Select(t => $"<option value=\"{E(t.Task)}\">{E(names[t.Task])}</option>"))
            + "</select></label></p>\n");
    }

    private bool Has(string part) => _figures.ContainsKey(part) || _tables.ContainsKey(part);

    private void Parts(IReadOnlyList<string> parts)
    {
        foreach (var part in parts.Where(Has))
            if (_figures.TryGetValue(part, out var figure)) Figure(part, figure);
            else Table(_tables[part]);
    }

    // A table stands under its figure's title.
    private void Title(string title)
    {
        if (_titles.Add(title)) _html.Append($"<h2>{E(title)}</h2>\n");
    }

    private void Figure(string name, FigurePage page)
    {
        var (title, caption) = FigureCaptions.Of(name, _report);
        var width = $"{page.Width / 72 * CssDpi:0}";
        Title(title);
        _html.Append(HtmlPage.Figure(
            name, title, page, _folder, $"{E(caption)} {Files(name, FigureFiles.Kinds)}", width));
    }

    // They lie beside the page.
    private static string Files(string name, IEnumerable<string> kinds) => "For papers: "
        + string.Join(", ", kinds.Select(kind => $"<a href=\"{name}{kind}\">{name}{kind}</a>")) + ".";

    private void Table(TextTable table)
    {
        Title(table.Title);
        _html.Append(HtmlPage.Table(table, table.Columns[0] == "task" ? [.. _report.Tasks.Select(t => t.Task)] : null,
            LatexTables.NameOf(table) is { } name ? $" {Files(name, [".tex", ".csv"])}" : ""));
    }

    // Side by side, in the order of their names; a reader who wants nothing to move finds them folded.
    private void Recorded()
    {
        var all = _report.Runs.SelectMany(run => run.Recorded.Select(episode => (Run: run.Name, Episode: episode)))
            .ToList();
        if (all.Count == 0) return;
        var several = all.Select(e => e.Run).Distinct().Count() > 1;
        Title("Recorded episodes");
        _html.Append("<details open data-moving><summary>Episodes, side by side</summary><div class=\"films\">\n");
        List<string> left = [.. all.Skip(RecordedEpisodes.Most).Select(e => e.Episode.Path)];
        foreach (var (run, episode) in all.Take(RecordedEpisodes.Most))
        {
            if (RecordedEpisodes.DataOf(episode) is not { } data)
            {
                left.Add(episode.Path);
                continue;
            }
            var name = several ? $"{run}: {episode.Name}" : episode.Name;
            _html.Append("<figure>" + (episode.Kind.StartsWith("video", StringComparison.Ordinal)
                ? $"<video controls loop muted playsinline aria-label=\"Recorded episode, {E(name)}\" src=\"{data}\">"
                    + "</video>"
                : $"<img alt=\"Recorded episode, {E(name)}\" src=\"{data}\">")
                + $"<figcaption>{E(name)}</figcaption></figure>\n");
        }
        _html.Append("</div></details>\n");
        if (left.Count > 0)
            _html.Append($"<p class=\"caption\">Left out, because the page would be too large: {left.Count} recordings "
                + $"({E(string.Join(", ", left.Take(5).Select(Path.GetFileName)))}).</p>\n");
    }

    // Folded: how each run was made, with its configuration, and what it recorded of itself.
    private void Records()
    {
        var runs = _report.Runs.Where(r => r.Record.Count + r.Provenance.Count > 0).ToList();
        if (runs.Count == 0) return;
        _html.Append("<h2>Where the numbers come from</h2>\n");
        if (runs.Count > 1)
            _html.Append($"<details><summary>Configuration and provenance of {runs.Count} runs</summary>\n");
        foreach (var run in runs)
        {
            _html.Append($"<details><summary>{E(run.Name)} ({E(run.Kind)})</summary>\n");
            Facts(run.Provenance.Where(fact => fact.Key != Provenance.Configuration));
            Facts(run.Record.OrderBy(fact => fact.Key, StringComparer.Ordinal));
            if (run.Provenance.TryGetValue(Provenance.Configuration, out var config))
                _html.Append($"<h3>Configuration</h3>\n<pre>{E(config)}</pre>\n");
            _html.Append("</details>\n");
        }
        if (runs.Count > 1) _html.Append("</details>\n");
    }

    private void Facts(IEnumerable<KeyValuePair<string, string>> facts)
    {
        var rows = string.Concat(facts.Select(f => $"<dt>{E(f.Key)}</dt><dd><pre>{E(f.Value)}</pre></dd>\n"));
        if (rows.Length > 0) _html.Append($"<dl>\n{rows}</dl>\n");
    }

    // Intervals and percentages stay on one line.
    private static string Whole(string sentence) => Numbers().Replace(E(sentence), part =>
        part.Value.Replace(" ", "&nbsp;"));

    [GeneratedRegex(@"\S+ \[[^\]]{1,40}\]|[0-9] %")]
    private static partial Regex Numbers();

    private static string E(string text) => HtmlPage.Escaped(text);
}

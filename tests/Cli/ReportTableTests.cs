// The tables of a report for programs and for papers.
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public class ReportTableTests
{
    private static Report Of(params Curve[] curves) =>
        Report.Of([("run", new Result("meta-train", "run", curves, []))], new Rng(0), 500);

    private static Curve Flat(string task, string method, long seed, double value) =>
        new(task, method, seed, [0, 10], [value, value]);

    private static Report Sample { get; } = Of(
        Flat("my, \"own\" task_1", "leap", 0, 3), Flat("my, \"own\" task_1", "leap", 1, -4),
        Flat("my, \"own\" task_1", "none", 0, 1), Flat("my, \"own\" task_1", "none", 1, 1),
        Flat("50% & more", "leap", 0, 1), Flat("50% & more", "none", 0, 2));

    private static string[] Csv(Report report, string name) =>
        CsvTables.Of(report).Single(t => t.Name == name).Text.TrimEnd('\n').Split('\n');

    [Fact]
    public void Csv_has_whole_numbers_quoted_names_and_nothing_for_what_is_missing()
    {
        var tasks = Csv(Sample, "tasks");
        Assert.StartsWith("task,method,seeds,diverged,final,final low,final high,area,", tasks[0],
            StringComparison.Ordinal);
        Assert.StartsWith("\"my, \"\"own\"\" task_1\",leap,2,0,-0.5,-4,3,-0.5,-4,3,-1.5,", tasks[3],
            StringComparison.Ordinal);
        Assert.Equal("50% & more,none,1,0,2,,,2,,,,,,,,,1,0", tasks[2]);
        Assert.Equal("50% & more,leap,seed 0,1,1", Csv(Sample, "seeds")[1]);
        Assert.Equal(1 + 4 * 200, Csv(Sample, "curves").Length);
    }

    [Fact]
    public void Every_row_has_as_many_cells_as_there_are_columns()
    {
        var report = Of(Flat("a", "leap", 0, 1), Flat("a", "leap", 1, 2), Flat("a", "none", 0, 1),
            Flat("b", "leap", 0, 1), Flat("b", "none", 0, 2));
        foreach (var (name, text) in CsvTables.Of(report))
        {
            var lines = text.TrimEnd('\n').Split('\n');
            Assert.All(lines, line => Assert.Equal(lines[0].Split(',').Length, line.Split(',').Length));
            Assert.Contains(name, CsvTables.Names);
        }
        Assert.Equal(["tasks", "seeds", "curves", "aggregates", "profiles", "improvement"],
            CsvTables.Of(report).Select(t => t.Name));
    }

    [Fact]
    public void Latex_names_a_task_once_escapes_it_and_rounds_to_the_interval()
    {
        var text = LatexTables.Of(Sample).Single(t => t.Name == "tasks").Text;
        Assert.Contains("\\begin{tabular}{llrrrr", text, StringComparison.Ordinal);
        Assert.Contains("    my, \"own\" task 1 & leap & 2 & $-$0.5 {\\footnotesize [$-$4.0, 3.0]} & ", text,
            StringComparison.Ordinal);
        Assert.Contains("\n     & none & 2 & 1.00 & 1.00 & ", text, StringComparison.Ordinal);
        Assert.Contains("50\\% \\& more & leap", text, StringComparison.Ordinal);
        Assert.Contains("\\addlinespace", text, StringComparison.Ordinal);
        Assert.Equal(text.Split("\\toprule").Length, text.Split("\\bottomrule").Length);
    }

    [Theory]
    [InlineData(@"a_b\c", @"a\_b\textbackslash{}c")]
    [InlineData("~^{}$#<>|", @"\textasciitilde{}\textasciicircum{}\{\}\$\#\textless{}\textgreater{}\textbar{}")]
    [InlineData("a\nb", "a b")]
    public void Latex_has_no_commands_of_the_users(string text, string escaped) =>
        Assert.Equal(escaped, LatexTables.Escaped(text));

    [Fact]
    public void Tables_lie_beside_the_report_and_those_of_an_earlier_one_are_removed()
    {
        using var temp = new TempFolder();
        temp.Write("episodes.csv", "of an earlier report");
        temp.Write("episodes.tex", "of an earlier report");
        ReportFiles.Write(Sample, temp.Root);
        Assert.True(File.Exists(temp["tasks.csv"]) && File.Exists(temp["tasks.tex"]));
        Assert.False(File.Exists(temp["episodes.csv"]) || File.Exists(temp["episodes.tex"]));
        Assert.Contains("href=\"tasks.tex\"", File.ReadAllText(temp["report.html"]), StringComparison.Ordinal);
    }
}

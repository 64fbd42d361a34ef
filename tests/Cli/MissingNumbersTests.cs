// What a report says where there is nothing to say: one seed, seeds that agree, no episode, a run that goes on.
using System.Text.Json;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Statistics;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class MissingNumbersTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static Curve Of(string method, long seed, params double[] values) =>
        new("my/World", method, seed, [.. Enumerable.Range(1, values.Length).Select(i => 10L * i)], values);

    private static Report ReportOf(params Curve[] curves) =>
        Report.Of([("a", new Result("meta-train", "a", curves, []) { Method = "leap" })], new Rng(0), 200);

    [Theory]
    [InlineData(1, "one seed, no interval"), InlineData(3, "3 seeds that agree, no interval")]
    public void Where_nothing_can_be_resampled_there_is_no_interval(int seeds, string said)
    {
        var report = ReportOf([.. Enumerable.Range(0, seeds).SelectMany(seed => new[]
        {
            Of("leap", seed, 1, 2, 3), Of("none", seed, 0, 1, 1),
        })]);
        ReportFiles.Write(report, _folder["r"]);
        var page = File.ReadAllText(_folder["r/report.html"]);
        Assert.Contains($"1.00 ({said})", page, StringComparison.Ordinal);
        Assert.DoesNotContain("[1.00, 1.00]", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(File.ReadAllText(_folder["r/report.json"]));
        foreach (var method in json.RootElement.GetProperty("tasks")[0].GetProperty("methods").EnumerateArray())
            foreach (var number in new[] { "area", "final" })
                Assert.Equal(JsonValueKind.Null, method.GetProperty(number).GetProperty("low").ValueKind);
        Assert.Contains(ReportTables.Of(report), table => table.Title == "Tasks"
            && table.Rows.All(row => !row[3].Contains('[')));
    }

    [Fact]
    public void Seeds_that_differ_have_an_interval()
    {
        var report = ReportOf(Of("leap", 0, 1, 2, 3), Of("leap", 1, 1, 2, 4), Of("leap", 2, 1, 2, 5));
        Assert.True(report.Tasks[0].Methods[0].Final.IsKnown);
        Assert.Equal(Interval.None(2), Aggregates.Student([2.0, 2.0, 2.0]));
        Assert.False(Aggregates.Bootstrap([[0.1 + 0.2, 0.3]], Aggregates.Mean, new Rng(1)).IsKnown);
    }

    [Fact]
    public void Seeds_without_a_finished_episode_are_named_and_counted()
    {
        var report = ReportOf(Of("leap", 0, 1, 2, 3), Of("leap", 1), Of("leap", 4), Of("none", 0, 0, 1, 1));
        var table = ReportTables.Of(report).Single(table => table.Title == "Left out");
        Assert.Equal(["my/World", "leap", "2 of 3 (seeds 1, 4)"], table.Rows.Single());
    }

    [Fact]
    public void Trainings_are_told_apart_by_their_settings_and_by_their_runs()
    {
        foreach (var (name, rate) in new[] { ("a", 0.1), ("b", 0.10), ("c", 0.2) })
        {
            _folder.Write($"{name}/config.yaml", $"environment: x\nagent: {{optimizer: {{learning-rate: {rate}}}}}\n");
            new Result("train", name, [Of("minatar", name[0], 1, 2, name[0])], []) { Method = "minatar" }
                .Save(_folder[$"{name}/result.json"]);
        }
        string[] folders = [_folder["a"], _folder["b"], _folder["c"]];
        var places = new RunNames(folders);
        var runs = folders.Select((f, i) => (places.Names[i], Result.Load(Path.Combine(f, "result.json")))).ToList();
        var labels = places.Labels(["agent.optimizer.learning-rate"], [.. runs.Select(r => r.Item2.Method)]);
        var methods = Report.Of(runs, new Rng(0), 200, labels: labels).Tasks[0].Methods;
        Assert.Equal([("learning-rate 0.1", 2), ("learning-rate 0.2", 1)], methods.Select(m => (m.Method, m.Seeds)));
        // As a version without names for trainings wrote them.
        var old = runs.Select(r => (r.Item1, r.Item2 with
        {
            Method = null,
            Curves = [.. r.Item2.Curves.Select(c => c with { Method = "none", Seed = 1 })],
        })).ToList();
        Assert.Equal(2, Report.Of(old, new Rng(0), 200, labels: labels).Tasks[0].Methods.Count);
        var report = Report.Of(old, new Rng(0), 200);
        Assert.Equal(["training (a)", "training (b)", "training (c)"], report.Tasks[0].Methods.Select(m => m.Method));
        var palette = FigureFiles.PaletteOf(report);
        Assert.Equal(3, report.Tasks[0].Methods.Select(m => palette[m.Method]).Distinct().Count());
    }

    [Fact]
    public void Own_environments_have_a_return_in_the_figure_of_the_meta_training()
    {
        MetaCurve Meta(string task) => new(task, "return/mean", [0, 1, 2], [1, 2, 3]);
        var own = Report.Of([("a", new Result("meta-train", "a", [], [Meta("task/my/World")]))], new Rng(0));
        Assert.Contains(MetaFigure.Drawn(own), m => m is { Task: "task/my/World", Quantity: "return/mean" });
        var games = Report.Of([("a", new Result("meta-train", "a", [], [Meta("task/ALE/Pong-v5")]))], new Rng(0));
        Assert.All(MetaFigure.Drawn(games), m => Assert.NotEqual("return/mean", m.Quantity));
        var two = Report.Of([("a", new Result("meta-train", "a", [], [Meta("task/my/World")])),
            ("b", new Result("meta-train", "b", [], [Meta("task/my/World")]))], new Rng(0));
        Assert.Equal(2, MetaFigure.Drawn(two).Count(m => m is { Task: "meta", Quantity: "return/mean" }));
        var palette = FigureFiles.PaletteOf(two);
        Assert.NotEqual(palette["a"], palette["b"]);
    }

    [Fact]
    public void Methods_and_runs_never_share_a_look()
    {
        string[] names = ["leap", "none", "reptile", "hat", "a/leap", "b/leap", "learning-rate 0.1", "training",
            .. Enumerable.Range(0, 30).Select(i => $"run-{i}")];
        var palette = new Palette(names);
        Assert.Equal(names.Length, names.Select(name => palette[name]).Distinct().Count());
    }

    [Fact]
    public void A_run_that_is_not_complete_has_a_report_that_says_so()
    {
        using (var run = RunDirectory.Start(_folder["m"], "suite: games\nmeta: {steps: 9, batch: 1}\n"
            + "games: {pool: [MinAtar/Breakout-v1], agent-steps: 100}\n"))
            for (var step = 0; step < 4; step++) run.Metrics.Write(new("meta", step, ("loss/mean", step)));
        using (var run = RunDirectory.Start(_folder["t"], "environment: MinAtar/Breakout-v1\n"))
        {
            for (var i = 1; i < 9; i++)
                run.Metrics.Write(new("episodes", i, ("charts/episodic_return", i), ("charts/episodic_length", 1)));
            run.Metrics.Write(new("train", 9, ("charts/mean_return_100", double.NaN)));
        }
        foreach (var folder in new[] { "m", "t" })
        {
            var (code, output, error) = ProgramProcess.Run("report", _folder[folder]);
            Assert.True(code == 0, error);
            Assert.Contains("is not complete", error, StringComparison.Ordinal);
            Assert.Contains("(unfinished)", File.ReadAllText(_folder[$"{folder}/report/report.html"]),
                StringComparison.Ordinal);
        }
        RunDirectory.Start(_folder["n"], "environment: MinAtar/Breakout-v1\n").Dispose();
        Assert.Contains("recorded nothing yet", ProgramProcess.Run("report", _folder["n"]).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_grid_has_a_report_while_a_run_of_it_has_recorded_nothing_yet()
    {
        using (var run = RunDirectory.Start(_folder["g/a"], "environment: MinAtar/Breakout-v1\n"))
            for (var i = 1; i < 9; i++)
                run.Metrics.Write(new("episodes", i, ("charts/episodic_return", i), ("charts/episodic_length", 1)));
        RunDirectory.Start(_folder["g/b"], "environment: MinAtar/Breakout-v1\n").Dispose();
        var (code, _, error) = ProgramProcess.Run("report", _folder["g"]);
        Assert.True(code == 0, error);
        Assert.Contains("g/b has recorded nothing yet", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(80), InlineData(60), InlineData(50)]
    public void A_table_wider_than_the_terminal_is_stacked_and_loses_nothing(int width)
    {
        var table = new TextTable("Tasks", "", ["task", "method", "seeds", "final episodic return", "area",
            "area minus none's", "agent steps to none's final"],
            [["MinAtar/SpaceInvaders-v0?planes=10", "leap", "3", "12.3 [11.0, 13.5]", "10.1 [9.00, 11.2]",
                "-2.05 [-3.11, 1.02]", "400,000 (3/3)"]]);
        Assert.False(StackedTable.Fits(table, width));
        var lines = StackedTable.Lines(table, width).ToList();
        Assert.All(lines, line => Assert.True(line.Length <= width, line));
        foreach (var cell in table.Rows[0].Skip(1))
            Assert.Contains(lines, line => line.Contains(cell, StringComparison.Ordinal));
        Assert.True(StackedTable.Fits(table, 200));
    }
}

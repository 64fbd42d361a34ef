// Reports: the numbers against the curves they come from, and the page that is written of them.
using System.Text.Json;
using RlLeap.Cli;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Statistics;
using Xunit;

namespace RlLeap.Tests.Cli;

public class ReportTests
{
    // leap rises from 0 to 2 with s/50, none to 1 with s/100; each seed adds a constant.
    private static Result Sample(string name = "sample", params string[] methods) => new("evaluate", name,
        [.. from task in new[] { "MinAtar/Breakout-v0", "a task" }
            from method in methods.Length > 0 ? methods : ["leap", "none"]
            from seed in new[] { 0, 1, 2 }
            let steps = Enumerable.Range(0, 101).Select(s => (long)s * 10).ToArray()
            select new Curve(task, method, seed, steps,
                [.. steps.Select(s => s / (method == "leap" ? 500.0 : 1000.0) + seed * 0.1)])],
        [new("MinAtar/Asterix-v0", "path length", [0, 1, 2], [3, 2, 1.5])],
        Record: new Dictionary<string, string> { ["config"] = "<b>: 1" });

    private static Report Of(params (string, Result)[] runs) => Report.Of(runs, new Rng(0), 200);

    [Fact]
    public void Curves_without_an_episode_are_told_of()
    {
        var sample = Sample();
        Assert.Empty(Of(("run", sample)).Missing);
        var curves = sample.Curves.Select(c => (c.Task, c.Method, c.Seed) is ("a task", _, _) or (_, "leap", 2)
            ? c with { Steps = [], Values = [] } : c);
        var report = Of(("run", sample with { Curves = [.. curves] }));
        Assert.Equal([("MinAtar/Breakout-v0", "leap", 1, 3), ("a task", "leap", 3, 3), ("a task", "none", 3, 3)],
            report.Missing.Select(m => (m.Task, m.Method, m.Count, m.Of)));
        var table = ReportTables.Of(report, @long: false).Single(t => t.Title == "Left out");
        Assert.Equal(["a task", "leap", "3 of 3 (seeds 0, 1, 2)"], table.Rows[1]);
        Assert.Single(report.Tasks);
    }

    [Fact]
    public void Curves_areas_finals_and_steps_to_the_goal_are_those_of_straight_lines()
    {
        var report = Of(("run", Sample()));
        Assert.Equal(["MinAtar/Breakout-v0", "a task"], report.Tasks.Select(t => t.Task));
        var task = report.Tasks[0];
        Assert.Equal(["leap", "none"], task.Methods.Select(m => m.Method)); // scratch last
        var leap = task.Methods[0];
        Assert.Equal((0.0, 1000.0), (leap.Steps[0], leap.Steps[^1]));
        Assert.Equal(2.1, leap.Mean[^1], 9);
        Assert.Equal(2.2, leap.High[^1], 9); // seeds at 2, 2.1, 2.2: no band leaves them
        Assert.Equal([1.0, 1.1, 1.2], leap.Areas, (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal([2.0, 2.1, 2.2], leap.Finals, (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal(1.1, task.Goal!.Value, 9);
        Assert.Equal((3, 500L), (leap.Reached, leap.StepsToGoal)); // s/500 + 0.1 ≥ 1.1
        Assert.Equal(1, report.Improvements.Single(i => i.Of == "final").Interval.Value);
        Assert.Equal(8 * 2, report.Aggregates.Count);
    }

    [Fact]
    public void A_line_goes_as_far_as_its_longest_seed_and_a_seed_that_stopped_stays_where_it_was()
    {
        static Curve Constant(string method, long seed, double value, params long[] steps) =>
            new("t", method, seed, steps, [.. steps.Select(_ => value)]);
        var result = new Result("evaluate", "a",
            [Constant("leap", 0, 1, 10, 100), Constant("leap", 1, 3, 20, 400), Constant("none", 0, 5, 10, 50)], []);
        var methods = Of(("a", result)).Tasks[0].Methods;
        Assert.Equal((20.0, 400.0), (methods[0].Steps[0], methods[0].Steps[^1]));
        Assert.All(methods[0].Mean, mean => Assert.Equal(2, mean, 12));
        Assert.Equal((10.0, 50.0), (methods[1].Steps[0], methods[1].Steps[^1]));
    }

    [Fact]
    public void Areas_are_compared_over_pairs_of_one_seed_of_one_runs_seed()
    {
        static (string, Result) Run(string seed, params double[] differences) => (seed, new Result("meta-train", seed,
            [.. differences.SelectMany((d, i) => new[] { ("none", 10.0 * i + double.Parse(seed)), ("leap", 10.0 * i
                + double.Parse(seed) + d) }.Select(m => new Curve("t", m.Item1, i, [0, 10], [m.Item2, m.Item2])))], [],
            Record: new Dictionary<string, string> { ["seed"] = seed }));
        var methods = Report.Of([Run("1", 1, 2), Run("2", 3, 6)], new Rng(0), 200, pool: true).Tasks[0].Methods;
        Assert.Null(methods[1].Difference);
        var difference = methods[0].Difference!.Value;
        Assert.Equal(3, difference.Value, 12);
        // T with 3 degrees of freedom; deviations -2, -1, 0, 3
        Assert.Equal(3.182446 * Math.Sqrt(14.0 / 3 / 4), difference.High - 3, 5);
        var ofRuns = methods[0].DifferenceOfRuns!.Value;
        Assert.Equal(3, ofRuns.Value, 12);
        Assert.Equal(12.706205 * 1.5, ofRuns.High - 3, 4); // t with 1; the runs' means are 1.5 and 4.5
        Assert.Null(Report.Of([Run("1", 1, 2)], new Rng(0), 200).Tasks[0].Methods[0].DifferenceOfRuns);
        // The pairs are the runs
        Assert.Null(
            Report.Of([Run("1", 1), Run("2", 3)], new Rng(0), 200, pool: true).Tasks[0].Methods[0].DifferenceOfRuns);

        // The same seeds again, by a version that rounds differently: every run is compared with its own.
        var (_, again) = Run("1", 1, 2);
        again = again with
        {
            Curves =
            [
                .. again.Curves.Select(c => c with
                {
                    Method = c.Method == "leap" ? "finetuning" : c.Method, Values = [.. c.Values.Select(v => v + 100)]
                })
            ]
        };
        methods = Report.Of([Run("1", 1, 2), Run("2", 3, 6), ("again", again)], new Rng(0), 200,
            pool: true).Tasks[0].Methods;
        Assert.Equal([3, 1.5], methods.Where(m => m.Method != "none").Select(m => m.Difference!.Value.Value),
            (a, b) => Math.Abs(a - b) < 1e-9);
        // Another method than random initialization to compare with; the two curves are of different runs.
        methods = Report.Of([Run("1", 1, 2), ("again", again)], new Rng(0), 200, pool: true,
            against: "finetuning").Tasks[0].Methods;
        Assert.Equal(Interval.None(-100), methods.Single(m => m.Method == "leap").Difference);
        Assert.Null(methods.Single(m => m.Method == "finetuning").Difference);
        Assert.Contains("the runs have leap, finetuning, none", Assert.Throws<RlLeapException>(() =>
            Report.Of([Run("1", 1, 2), ("again", again)], new Rng(0), 200, pool: true, against: "fine")).Message,
            StringComparison.Ordinal);

        static Curve Flat(string method, long seed) => new("t", method, seed, [0, 10], [1, 1]);
        var unpaired =
            new Result("evaluate", "a", [Flat("leap", 0), Flat("leap", 1), Flat("none", 0), Flat("none", 2)], []);
        Assert.Null(Of(("a", unpaired)).Tasks[0].Methods[0].Difference);
    }

    [Fact]
    public void Meta_training_is_shown_by_run_or_pooled_by_method_over_the_meta_steps_that_all_have_made()
    {
        static Result Run(params double[] lengths) => new("meta-train", "r", [], [new("meta", "path/length",
            [.. Enumerable.Range(0, lengths.Length).Select(i => (long)i)], lengths)])
        { Method = "leap" };
        (string, Result)[] runs = [("a", Run(4, 2)), ("b", Run(6, 4, 3))];
        Assert.Equal([("a", 2), ("b", 3)], Of(runs).Meta.Select(m => (m.Label, m.MetaSteps.Count)));
        var pooled = Assert.Single(Report.Of(runs, new Rng(0), 200, pool: true).Meta);
        Assert.Equal(("leap", 2), (pooled.Label, pooled.Runs));
        Assert.Equal([5.0, 3.0], pooled.Mean);
        Assert.Equal(6, pooled.High[0], 12);
    }

    [Fact]
    public void Returns_of_different_games_share_a_scale()
    {
        static MetaCurve Returns(string game, params double[] values) =>
            new("task/MinAtar/" + game, "return/mean", [0, 1], values);
        var report = Of(("a", new Result("meta-train", "a", [],
            [Returns("SpaceInvaders-v0", 183, 183), Returns("Breakout-v0", double.NaN, 0)])));
        double[] Normalized(string task) =>
            [.. report.Meta.Single(m => m.Task == task && m.Quantity == "return/normalized").Mean];
        Assert.Equal(1, Normalized("task/MinAtar/SpaceInvaders-v0")[0], 12);
        Assert.Equal(1, Normalized("meta")[0], 12); // of the one that ended an episode
        Assert.Equal((1 + Normalized("task/MinAtar/Breakout-v0")[1]) / 2, Normalized("meta")[1], 12);
    }

    [Fact]
    public void An_equal_report_is_written_twice()
    {
        static string Json() => JsonSerializer.Serialize(Of(("run", Sample())), RlLeap.Cli.Runs.Json.Shown);
        Assert.Equal(Json(), Json());
    }

    [Fact]
    public void Runs_with_methods_of_one_name_are_told_apart_and_others_join()
    {
        // b's leap is one higher; its scratch curves are a's own, as they are where they were cached, and count once.
        var b = Sample("b") with
        {
            Curves = [.. Sample("b").Curves
                .Select(c => c.Method == "leap" ? c with { Values = [.. c.Values.Select(v => v + 1)] } : c)]
        };
        Assert.Equal([("leap (a)", 3), ("leap (b)", 3), ("none", 3)],
            Of(("a", Sample("a")), ("b", b)).Tasks[0].Methods.Select(m => (m.Method, m.Seeds)));
        Assert.Equal([("leap", 6), ("none", 3)], Report.Of([("a", Sample("a")), ("b", b)], new Rng(0), 200,
            pool: true).Tasks[0].Methods.Select(m => (m.Method, m.Seeds)));
        Assert.Equal(["leap", "none"],
            Of(("a", Sample("a", "leap")), ("c", Sample("c", "none"))).Tasks[0].Methods.Select(m => m.Method));
        Assert.Contains("measure different things", Assert.Throws<RlLeapException>(() =>
            Of(("a", Sample()), ("b", Sample() with { Measure = "loss" }))).Message, StringComparison.Ordinal);
        Assert.Contains("nothing to report", Assert.Throws<RlLeapException>(() =>
            Of(("a", new Result("train", "a", [], [])))).Message, StringComparison.Ordinal);
    }

    // Three runs of each method with seeds 1 to 3; a run of seed s holds out tasks "s/0" and "s/1"; errors are
    // constant: that of leap is x/10 + s/100 + task/1000, none's 0.9 + s/100.
    private static List<(string Name, Result Result)> Errors(params double[] values) =>
        [.. from x in values
            from seed in new[] { 1, 2, 3 }
            select ($"{x}/{seed}", new Result("meta-train", "a",
                [.. from task in new[] { 0, 1 }
                    from method in new[] { "leap", "none" }
                    select new Curve($"{seed}/{task}", method, 0, [0, 1, 2],
                        [.. Enumerable.Repeat((method == "leap" ? x / 10 + task / 1000.0 : 0.9) + seed / 100.0, 3)])],
                [new("meta", "loss/mean", [0, 1], [seed, 2 * seed]), new("task/a", "loss/mean", [0], [9])],
                "training error", "gradient steps", HigherIsBetter: false,
                Record: new Dictionary<string, string> { ["seed"] = $"{seed}" })
            { Method = "leap", Scores = [new($"{seed}/0", "leap", 0, "validation error", x),
                new($"{seed}/0", "leap", 0, "AUC of error", x / 10 + seed / 100.0),
                new($"{seed}/1", "leap", 0, "AUC of error", x / 10 + seed / 100.0 + 0.001)] })];

    [Fact]
    public void Errors_are_averaged_over_the_tasks_of_each_run_and_methods_compared_by_seed()
    {
        var overall = Report.Of(Errors(1), new Rng(0), 200, pool: true).Overall!;
        Assert.Equal(("run", "leap"), (overall.Unit, overall.Compared));
        // The area is computed from the curves: a run's own score of it is not shown beside it.
        Assert.Equal([OverallReport.Area, "validation error"], overall.Quantities);
        var (leap, none) = (overall.Methods[0], overall.Methods[1]);
        Assert.Equal([0.1105, 0.1205, 0.1305], leap.Values[0], (a, b) => Math.Abs(a - b) < 1e-12);
        // Of three, all draws of one are likely enough
        Assert.Equal([0.1105, 0.1305], [leap.Low[0], leap.High[0]], (a, b) => Math.Abs(a - b) < 1e-9);
        // T of two degrees of freedom
        Assert.Equal(4.302653 * 0.01 / Math.Sqrt(3), leap.Intervals[0].High - leap.Intervals[0].Value, 7);
        Assert.Null(leap.Difference);
        Assert.Equal(-0.7995, Report.Of(Errors(1), new Rng(0), 200, pool: true,
            against: "none").Overall!.Methods[0].Difference!.Value.Value, 9);
        // The seeds' part cancels
        Assert.Equal(0.7995, none.Difference!.Value.Value, 9);
        Assert.False(none.Difference!.Value.IsKnown); // of differences that agree
        Assert.Null(Of(("run", Sample())).Overall); // returns of games have no common scale
        var meta = Report.Of(Errors(1), new Rng(0), 200, pool: true).Meta.Single(m => m.Task == "meta");
        Assert.Equal(("leap", "meta", 3), (meta.Label, meta.Task, meta.Runs));
        Assert.Equal([2.0, 4.0], meta.Mean);
        Assert.Equal([1.0, 2.0], meta.Low); // that of the lowest run
    }

    [Fact]
    public void A_sweep_is_over_all_runs_and_the_rest_about_those_with_the_largest_value()
    {
        var report = Report.Of(Errors(1, 5), new Rng(0), 200, over: ("omniglot.alphabets", [1, 1, 1, 5, 5, 5]));
        Assert.Equal(0.5205, report.Overall!.Methods[0].Values[0][1], 9);
        var area = report.Sweeps.Single(s => s.Quantity == OverallReport.Area);
        Assert.Equal([("leap", 1.0), ("leap", 5.0), ("none", 1.0), ("none", 5.0)],
            area.Points.Select(p => (p.Method, p.X)));
        Assert.Equal([0.1205, 0.5205, 0.92, 0.92], area.Points.Select(p => p.Mean), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.All(area.Points,
            p => Assert.Equal([-0.01, 0.01], [p.Low - p.Mean, p.High - p.Mean], (a, b) => Math.Abs(a - b) < 1e-9));
    }

    [Fact]
    public void Runs_to_compare_with_are_named_by_as_much_of_their_paths_as_tells_them_apart()
    {
        Assert.Equal(["omniglot-reptile"], RunNames.Tails(["/runs/omniglot-reptile"], "none", "leap"));
        Assert.Equal(["leap/seed-0", "reptile/seed-0"],
            RunNames.Tails(["/runs/leap/seed-0", "/runs/reptile/seed-0"], "none", "leap"));
        Assert.Equal(["runs/leap"], RunNames.Tails(["/runs/leap"], "none", "leap"));
        Assert.Empty(RunNames.Tails([], "none"));
    }

    [Fact]
    public void Runs_are_named_by_where_they_lie_and_what_their_configs_say()
    {
        using var temp = new TempFolder();
        temp.Write("grid/loss-true/seed-1/config.yaml",
            "method: {loss: true, metric: length}\nomniglot: {alphabets: 5}\nevaluation: {roles: {} }\n");
        temp.Write("grid/loss-false/seed-1/config.yaml", "method: {loss: false, metric: energy}\n"
            + "omniglot: {alphabets: 10}\nevaluation: {roles: {a.0: frozen, a.1: meta} }\n");
        var places = new RunNames([temp["grid/loss-true/seed-1"], temp["grid/loss-false/seed-1"]]);
        Assert.Equal(["loss-true/seed-1", "loss-false/seed-1"], places.Names);
        Assert.Equal("grid: 2 runs", places.Title);
        Assert.Equal(["length, loss", "energy, no loss"],
            places.Labels(["method.metric", "method.loss"], ["leap", "leap"]));
        Assert.Equal(["leap: alphabets 5", "reptile: alphabets 10"],
            places.Labels(["omniglot.alphabets"], ["leap", "reptile"]));
        Assert.Equal(["no roles", "a.0: frozen, a.1: meta"], places.Labels(["evaluation.roles"], ["leap", "leap"]));
        Assert.Equal([5.0, 10.0], places.Values("omniglot.alphabets"));
        Assert.Contains("no number", Assert.Throws<RlLeapException>(() => places.Values("method.metric")).Message,
            StringComparison.Ordinal);
        Assert.Contains("no key meta.steps", Assert.Throws<RlLeapException>(() => places.Values("meta.steps")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_that_lack_a_key_of_another_method_keep_their_methods_name()
    {
        using var temp = new TempFolder();
        temp.Write("leap/config.yaml", "method: {name: leap}\n");
        temp.Write("local/config.yaml", "method: {name: warp, update: local}\n");
        var places = new RunNames([temp["leap"], temp["local"]]);
        Assert.Equal(["leap", "warp: local"], places.Labels(["method.update"], ["leap", "warp"]));
        Assert.Contains("No run has a key method.updates", Assert.Throws<RlLeapException>(() =>
            places.Labels(["method.updates"], ["leap", "warp"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_of_errors_draws_all_tasks_and_its_sweep()
    {
        using var temp = new TempFolder();
        ReportFiles.Write(Report.Of(Errors(1, 5), new Rng(0), 200, over: ("omniglot.alphabets", [1, 1, 1, 5, 5, 5])),
            temp.Root);
        foreach (var figure in new[] { "overall", "sweep", "curves", "area", "meta" })
            Assert.True(new FileInfo(temp[figure + ".png"]).Length > 1000);
        Assert.Contains("area minus leap&#39;s", File.ReadAllText(temp["report.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_holds_its_figures_and_escapes_what_it_shows()
    {
        using var temp = new TempFolder();
        ReportFiles.Write(Of(("run", Sample())), temp.Root);
        foreach (var figure in new[] { "curves", "area", "meta", "aggregates", "profiles", "improvement" })
            foreach (var kind in new[] { ".png", ".svg", ".pdf" })
                Assert.True(new FileInfo(temp[figure + kind]).Length > 1000);
        var page = File.ReadAllText(temp["report.html"]);
        Assert.Equal(6, page.Split("src=\"data:image/png;base64,").Length - 1);
        // Self-contained: the one address is the name of SVG's elements.
        Assert.DoesNotContain("http", page.Replace("http://www.w3.org/2000/svg", ""), StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;: 1", page, StringComparison.Ordinal);
    }
}

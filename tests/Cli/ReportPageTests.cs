// The page of a report: what it says first, what it escapes, where its numbers come from.
using System.Text.Json;
using System.Text.RegularExpressions;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Statistics;
using RlLeap.Cli.Web;
using Xunit;

namespace RlLeap.Tests.Cli;

public class ReportPageTests
{
    private static readonly long[] Steps = [0, 10, 20];

    private static Curve Flat(string task, string method, long seed, double value) =>
        new(task, method, seed, Steps, [value, value, value]);

    private static Report Of(Result result) => Report.Of([("run", result)], new Rng(0), 5_000);

    private static Result Games(params (string Task, string Method, double[] Values)[] all) => new("meta-train", "run",
        [.. all.SelectMany(a => a.Values.Select((value, seed) => Flat(a.Task, a.Method, seed, value)))], []);

    [Fact]
    public void The_conclusion_says_who_is_ahead_by_how_much_and_how_sure()
    {
        var sentence = Headline.Of(Of(Games(("MinAtar/Asterix-v0", "leap", [3, 4, 5.5]),
            ("MinAtar/Asterix-v0", "none", [1, 2, 3]))))[0];
        // Differences 2, 2, 2.5: t with two degrees of freedom
        Assert.Equal("On Asterix, leap is ahead of learning from a random initialization: with leap the episodic "
            + "return is 2.17 [1.45, 2.88] higher, averaged over learning (95 % interval over 3 pairs of seeds).",
            sentence);
        Assert.StartsWith("On Asterix, no difference between leap and learning from a random initialization can be "
            + "told: with leap the episodic return is 0.3 [", Headline.Of(Of(Games(
                ("MinAtar/Asterix-v0", "leap", [3, 1, 3]), ("MinAtar/Asterix-v0", "none", [1, 2, 3]))))[0],
            StringComparison.Ordinal);
        Assert.StartsWith("On Asterix, leap is behind learning from a random initialization: with leap the episodic "
            + "return is 2.17 [1.45, 2.88] lower", Headline.Of(Of(Games(
                ("MinAtar/Asterix-v0", "leap", [-3, -4, -5.5]), ("MinAtar/Asterix-v0", "none", [-1, -2, -3]))))[0],
            StringComparison.Ordinal);
        Assert.Contains("one seed tells no difference", Headline.Of(Of(Games(
            ("MinAtar/Asterix-v0", "leap", [3]), ("MinAtar/Asterix-v0", "none", [1]))))[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Over_several_tasks_it_counts_them()
    {
        var sentence = Headline.Of(Of(Games(("a", "leap", [3, 4.1, 5]), ("a", "none", [1, 2, 3]),
            ("b", "leap", [1, 4, 2]), ("b", "none", [2, 1, 3]))))[0];
        Assert.StartsWith("Over 2 tasks, leap does better than learning from a random initialization with probability "
            + "0.75 [", sentence, StringComparison.Ordinal);
        Assert.Contains("it is ahead on 1 of 2 tasks, behind on none, and on the others no difference can be told",
            sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_training_says_where_it_ends()
    {
        var one = Games(("Classic/CartPole-v1", "ppo", [400, 500, 480])) with { Kind = "train" };
        Assert.Equal("On Cart Pole, ppo ends at an episodic return of 460 [400, 500] (95 % interval over 3 seeds).",
            Headline.Of(Of(one))[0]);
        var two = Games(
            ("Classic/CartPole-v1", "ppo", [400, 500, 480]), ("Classic/Acrobot-v1", "ppo", [-90, -80, -70]));
        Assert.Equal("ppo ends at an episodic return of -80 [-90, -70] on Acrobot, 460 [400, 500] on Cart Pole (means "
            + "over 3 seeds, 95 % intervals).", Headline.Of(Of(two))[0]);
        // On a scale made of itself one method has nothing to be compared with.
        Assert.Empty(Of(two).Aggregates);
        Assert.Empty(Of(two).Profiles);
    }

    [Fact]
    public void Names_that_look_like_markup_stay_text_and_data_stay_data()
    {
        const string Task = "</script><script>alert(1)</script>\"'&";
        var result = Games((Task, "<b>own</b>", [1, 2]), (Task, "none", [0, 1]), ("b", "<b>own</b>", [1, 2]),
            ("b", "none", [0, 1]));
        using var temp = new TempFolder();
        ReportFiles.Write(Of(result with { Name = "<i>" }), temp.Root);
        var page = File.ReadAllText(temp["report.html"]);
        Assert.DoesNotContain("alert(1)</script>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>own", page, StringComparison.Ordinal);
        var data = Regex.Match(page, "id=\"data-curves\">(.*?)</script>", RegexOptions.Singleline).Groups[1].Value;
        var panel = JsonDocument.Parse(data).RootElement.GetProperty("panels")[0];
        Assert.Equal(Task, panel.GetProperty("task").GetString());
        Assert.Equal("<b>own</b>", panel.GetProperty("marks")[0].GetProperty("name").GetString());
        Assert.Equal(2, panel.GetProperty("marks")[0].GetProperty("each").GetArrayLength());
    }

    [Fact]
    public void Scripts_can_stand_in_a_page()
    {
        foreach (var name in WebFiles.Scripts.Append(WebFiles.Style))
        {
            var text = WebFiles.Text(name);
            Assert.DoesNotContain("</", text, StringComparison.Ordinal);
            Assert.DoesNotContain("innerHTML", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_missing_number_is_null_in_the_data_of_a_figure()
    {
        var mark = ChartMark.OfRow("a", default, 0, Interval.None(1.23456789));
        var json = new ChartFigure(null, [new("", "", "", false, null, null, ["a"], null, [mark])]).ToJson();
        Assert.Contains("\"value\":1.2346}", json, StringComparison.Ordinal);
        Assert.Contains("\"low\":null", json, StringComparison.Ordinal);
    }

    [Fact]
    public void A_runs_folder_tells_how_it_was_made()
    {
        using var temp = new TempFolder();
        Assert.Empty(Provenance.Of(temp.Root));
        temp.Write("config.yaml", "run: {seed: 3}\n");
        temp.Write("run.log", """
            2026-01-02 03:04:05.678 INF /opt/rl leap/rlleap.dll train a --seed 3
            2026-01-02 03:04:05.700 INF RlLeap 0.2.0+abc; Debian, .NET 10; 2 x CPU, 23 GiB; TorchSharp 1, libtorch 2
            2026-01-02 03:04:06.700 INF half way
            2026-01-03 00:00:00.000 INF /bin/rlleap train --resume a
            2026-01-03 00:00:00.001 INF RlLeap 0.3.0+def; Debian, .NET 10; 2 x CPU, 23 GiB; TorchSharp 1, libtorch 2
            """.Replace("/opt/rl leap", "/opt/rl", StringComparison.Ordinal));
        var facts = Provenance.Of(temp.Root);
        Assert.Equal(("rlleap train a --seed 3", "2026-01-02 03:04:05", "0.2.0", "abc"),
            (facts["command"], facts["started"], facts["version"], facts["commit"]));
        Assert.Equal(("Debian, .NET 10", "2 x CPU, 23 GiB", "TorchSharp 1, libtorch 2"),
            (facts["system"], facts["machine"], facts["libraries"]));
        Assert.StartsWith("2026-01-03 00:00:00 rlleap train --resume a (RlLeap 0.3.0+def;", facts["continued"],
            StringComparison.Ordinal);
        Assert.Equal("run: {seed: 3}", facts[Provenance.Configuration]);
    }

    [Fact]
    public void Recorded_episodes_stand_side_by_side_in_the_order_of_their_names()
    {
        using var temp = new TempFolder();
        Assert.Empty(RecordedEpisodes.Of(temp.Root));
        foreach (var name in new[] { "2_after.gif", "1_before_<b>.gif", "notes.txt" })
            temp.Write("episodes/" + name, "GIF");
        File.WriteAllBytes(temp["episodes/3_long.mp4"], new byte[RecordedEpisodes.MostBytes + 1]);
        var recorded = RecordedEpisodes.Of(temp.Root);
        Assert.Equal([("before <b>", "image/gif"), ("after", "image/gif"), ("long", "video/mp4")],
            recorded.Select(e => (e.Name, e.Kind)));
        var report = Of(Games(("a", "ppo", [1])));
        ReportFiles.Write(report with { Runs = [report.Runs[0] with { Recorded = recorded }] }, temp["report"]);
        var page = File.ReadAllText(temp["report/report.html"]);
        Assert.Equal(2, page.Split("src=\"data:image/gif;base64,R0lG\"").Length - 1);
        Assert.Contains("alt=\"Recorded episode, before &lt;b&gt;\"", page, StringComparison.Ordinal);
        Assert.Contains("1 recordings (3_long.mp4)", page, StringComparison.Ordinal);
        Assert.False(File.Exists(temp["report/area.png"])); // of a single number
    }

    [Fact]
    public void A_performance_profile_is_the_share_of_runs_above()
    {
        double[][] scores = [[1, 2], [1, 1, 3, 4]];
        var (share, low, high) = Aggregates.Profile(scores, [0, 1, 2.5, 4], new Rng(0), 500);
        Assert.Equal([1, (0.5 + 0.5) / 2, (0 + 0.5) / 2, 0], share, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal((1.0, 1.0, 0.0, 0.0), (low[0], high[0], low[3], high[3]));
        Assert.True(low[1] < share[1] && share[1] < high[1]);
        // One run a task: nothing is drawn anew.
        var (one, from, to) = Aggregates.Profile([[1], [2]], [1.5], new Rng(0), 50);
        Assert.Equal((0.5, 0.5, 0.5), (one[0], from[0], to[0]));
    }

    [Theory]
    [InlineData(4.5612, 3.62, 5.5, "4.56 [3.62, 5.50]")]
    [InlineData(8.19, 1.96, 14.4, "8.2 [2.0, 14.4]")]
    [InlineData(253.2, 208.1, 281.9, "253 [208, 282]")]
    [InlineData(12345.6, 11000, 13000, "12,346 [11,000, 13,000]")]
    [InlineData(0.0012, -0.0001, 0.0023, "0.0012 [-0.0001, 0.0023]")]
    [InlineData(-0.001, -0.3, 0.3, "0.00 [-0.30, 0.30]")]
    [InlineData(84.56, double.NaN, double.NaN, "84.6")]
    public void Numbers_have_as_many_figures_as_their_interval_lets_them(
        double value, double low, double high, string text) =>
        Assert.Equal(text, Rounded.Text(new Interval(value, low, high)));
}

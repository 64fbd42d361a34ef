// What a sweep's report says, and a whole sweep that is killed and goes on.
using RlLeap.Cli.Config;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Sweeps;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class SweepReportTests : IDisposable
{
    private static readonly RangeConfig Numbers = new() { Linear = [0, 10] }, Words = new() { Choice = ["a", "b"] };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Importance_of_numbers_is_their_rank_correlation()
    {
        string[] values = ["1", "2", "3", "4", "5"];
        double? Of(Direction direction, params double[] objectives) =>
            Importance.Of("k", Numbers, values, objectives, direction)!.Correlation;
        Assert.Equal(1, Of(Direction.Maximize, 1, 10, 100, 101, 1000)!.Value, 12);
        Assert.Equal(-1, Of(Direction.Minimize, 1, 10, 100, 101, 1000)!.Value, 12);
        // By hand: squared rank differences of 1..5 and 2 1 4 3 5 sum to 4, and 1 - 6*4/(5*24) = 0.8.
        var some = Importance.Of("k", Numbers, values, [2, 1, 4, 3, 5], Direction.Maximize)!;
        Assert.Equal(0.8, some.Correlation!.Value, 12);
        Assert.Equal(0.64, some.Share, 12);
        // Tables of Spearman's coefficient: 0.878 at n = 5 (as for Pearson's, two-sided 5 %).
        Assert.Equal(0.878, Math.Sqrt(some.ByChance), 3);
        // A failure is the worst of all: the largest value failed.
        Assert.True(Of(Direction.Maximize, 1, 2, 3, 4, double.NaN) < 0.2);
        Assert.Null(Importance.Of("k", Numbers, values[..3], [1, 2, 3], Direction.Maximize));
        Assert.Equal(0, Importance.Of("k", Numbers, values, [7, 7, 7, 7, 7], Direction.Maximize)!.Share);
    }

    [Fact]
    public void Importance_of_choices_is_the_variance_between_them()
    {
        // Ranks 1 2 and 3 4: means 1.5 and 3.5 around 2.5; between 2*1+2*1 = 4 of 5.
        var choices = Importance.Of("k", Words, ["a", "a", "b", "b"], [10, 20, 30, 50], Direction.Maximize)!;
        Assert.Equal(0.8, choices.Share, 12);
        Assert.Null(choices.Correlation);
        Assert.Equal([("b", 40.0), ("a", 15.0)], choices.Means.Select(m => (m.Value, m.Mean)));
        Assert.Equal(["b"], choices.BestQuarter);
        // Chi-squared of one degree: 3.841; of three degrees of freedom in all.
        var many = Importance.Of("k", Words, [.. Enumerable.Repeat("a", 10), .. Enumerable.Repeat("b", 10)],
            [.. Enumerable.Range(0, 20).Select(i => (double)i)], Direction.Maximize)!;
        Assert.Equal(3.841 / 19, many.ByChance, 3);
    }

    [Fact]
    public void Ranks_are_shared_by_equals_and_failures_come_last()
    {
        Assert.Equal([2.5, 1, 2.5, 4.5, 4.5],
            Ranking.Ranks([3, 5, 3, double.NaN, double.NaN], Direction.Maximize));
        Assert.Equal([0, 2, 1, 3], Ranking.Order([1, 2, 1, double.NaN], Direction.Minimize));
        Assert.Equal([0, 1], Ranking.Best([1, 2, double.NaN], 3, Direction.Minimize));
    }

    [Fact]
    public void The_best_settings_are_yaml_that_a_config_takes()
    {
        var yaml = SearchReport.Yaml(new Dictionary<string, string>
        {
            ["agent.optimizer.learning-rate"] = "0.01", ["agent.discount"] = "0.9", ["agent-steps"] = "100",
            ["agent.optimizer.kind"] = "adam",
        });
        Assert.Equal("agent-steps: 100\nagent:\n  discount: 0.9\n  optimizer:\n    kind: adam\n"
            + "    learning-rate: 0.01\n", yaml);
        var config = ConfigFile.Parse<TrainConfig>("environment: MinAtar/Breakout-v1\n" + yaml, "best.yaml");
        Assert.Equal((100, 0.01), (config.AgentSteps, config.Agent.Optimizer.LearningRate));
    }

    [Fact]
    public void Objectives_are_read_from_results_and_metrics_up_to_their_end()
    {
        using (var run = RunDirectory.Start(_folder["run"], ""))
        {
            foreach (var step in new[] { 10, 20, 30 })
            {
                run.Metrics.Write(new Row("meta", step, ("loss/mean", step), ("path/length", 2 * step)));
                run.Metrics.Write(new Row("task/a", step, ("loss/mean", -step), ("return/mean", 3 * step)));
                run.Metrics.Write(new Row("task/b", step, ("loss/mean", -step), ("return/mean", 5 * step)));
            }
        }
        var result = new Result("meta-train", "n", [new("x", "leap", 1, [0, 2], [0, 10]), new("x", "leap", 2, [0, 2],
            [0, 20]), new("y", "leap", 1, [0, 2], [40, 60]), new("y", "none", 1, [0, 2], [1000, 1000])], [])
        { Method = "leap", Scores = [new("x", "leap", 1, "error", 4), new("y", "leap", 1, "error", 6)] };
        var whole = new Objective(_folder["run"], result, null);
        // Tasks first: x has (5 + 10) / 2, y has 50.
        Assert.Equal((57.5 / 2, 75.0 / 2), (whole["area"], whole["final"]));
        Assert.Equal((5, 30, 60), (whole["error"], whole["loss/mean"], whole["path/length"]));
        Assert.Equal((120, 90, -30), (whole["return/mean"], whole["task/a/return/mean"], whole["task/b/loss/mean"]));
        Assert.Equal(20, new Objective(_folder["run"], result, 20)["loss/mean"]);
        Assert.Null(whole["loss"]);
    }

    // Killed with all its runs, wherever they are; then with another number of processes.
    [Fact]
    public void A_killed_sweep_goes_on_to_the_same_trials_and_the_same_table()
    {
        _folder.Write("base.yaml", "environment: Classic/CartPole-v1\nagent: {optimizer: {schedule: constant}}\n"
            + "record: {every: 1024, evaluation-episodes: 0, checkpoint-every: 1024}\n");
        string Sweep(string name) => _folder.Write($"{name}.yaml", $$"""
            command: train
            config: base.yaml
            directory: {{_folder[name]}}
            parallel: 2
            objective: area
            direction: maximize
            search: {kind: halving, trials: 4, factor: 2, budget: agent-steps, min: 2048, max: 8192}
            ranges:
              agent.optimizer.learning-rate: {log: [1e-4, 1e-2]}
              agent.ppo.clip: {choice: [0.1, 0.3]}
            """);
        ProgramProcess.Succeed("grid", Sweep("whole"), "--set", "parallel=1");
        var file = Sweep("killed");
        foreach (var due in new[] { "trial-001/metrics.jsonl", "trial-*/history.json" })
        {
            using var process = ProgramProcess.Start("grid", file);
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            ProgramProcess.Until(process, () => Directory.Exists(_folder["killed"])
                && Directory.GetFiles(_folder["killed"], "*", SearchOption.AllDirectories).Any(path =>
                    System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(due,
                        Path.GetRelativePath(_folder["killed"], path))));
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
        var (code, text, why) = ProgramProcess.Run("grid", file);
        Assert.True(code == 0 && !why.Contains("failed", StringComparison.Ordinal), why + string.Concat(Directory
            .GetFiles(_folder["killed"], "*.log").Select(log => $"\n{log}:\n{File.ReadAllText(log)}")));
        foreach (var name in new[] { "trials.csv", "best.yaml" })
            Assert.Equal(File.ReadAllText(_folder[$"whole/report/{name}"]),
                File.ReadAllText(_folder[$"killed/report/{name}"]));
        Assert.Contains("What mattered", text, StringComparison.Ordinal);
        Assert.Contains(File.ReadAllText(_folder["killed/report/best.yaml"]), text, StringComparison.Ordinal);
        foreach (var name in new[] { "ranges.png", "ranges.svg", "ranges.pdf", "report.json" })
            Assert.True(new FileInfo(_folder[$"killed/report/{name}"]).Length > 1000, name);
        var html = File.ReadAllText(_folder["killed/report/report.html"]);
        Assert.Contains(">trial-003</td>", html, StringComparison.Ordinal);
        // The report of a sweep is the report of its folder.
        File.Delete(_folder["killed/report/report.json"]);
        Assert.Contains("4 of 4 trials are done", ProgramProcess.Succeed("report", _folder["killed"]),
            StringComparison.Ordinal);
        Assert.True(File.Exists(_folder["killed/report/report.json"]));
    }

    [LongTheory]
    [InlineData("random", "16 of 16 trials are done")]
    [InlineData("halving", "18 of 18 trials are done")]
    public void The_sweeps_that_come_with_RlLeap_run(string name, string expected) => Assert.Contains(expected,
        ProgramProcess.Succeed("grid", Path.Combine(Repository.Root, $"experiments/sweeps/{name}.yaml"), "--set",
            $"directory={_folder[name]}"), StringComparison.Ordinal);
}

// Sweeps: what is drawn, who goes on, what a stop and a failure leave, and what is refused.
using RlLeap.Cli.Config;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Sweeps;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class SweepTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<IReadOnlyList<string>> _calls = [];

    public void Dispose() => _folder.Dispose();

    private GridConfig Config(string search, string more = "", string ranges = "agent.discount: {linear: [0, 1]}") =>
        ConfigFile.Parse<GridConfig>($$"""
            command: train
            config: base.yaml
            directory: {{_folder["sweep"]}}
            objective: final
            direction: maximize
            search: {{{search}}}
            ranges: { {{ranges}} }
            {{more}}
            """, "sweep.yaml");

    private const string Halving = "kind: halving, trials: 9, factor: 3, budget: agent-steps, min: 80, max: 720";

    // A run whose final value is what a function says of its config; code other than 0 leaves it unfinished.
    private Sweep Fake(GridConfig config, Func<TrainConfig, double> value, Func<TrainConfig, int>? code = null,
        string schedule = "constant")
    {
        _folder.Write("base.yaml", "environment: MinAtar/Breakout-v1\n"
            + $"agent: {{preset: minatar, optimizer: {{schedule: {schedule}}}}}\n");
        return new Sweep(config, _folder["sweep.yaml"], (arguments, _, stop) =>
        {
            lock (_calls) _calls.Add(arguments);
            stop.ThrowIfCancellationRequested();
            TrainConfig made;
            RunDirectory run;
            if (arguments[1] == "--resume")
            {
                made = ConfigFile.LoadRun<TrainConfig>(arguments[2]);
                if (arguments is [.., "--extend", var more])
                    made = Extension.Of(made, arguments[2], long.Parse(more));
                run = RunDirectory.Resume(arguments[2], config: ConfigFile.ToYaml(made),
                    extension: arguments.Contains("--extend") ? Extension.OfTraining : null);
            }
            else
            {
                made = ConfigFile.Load<TrainConfig>(arguments[2],
                    arguments.Index().Where(a => a.Index > 0 && arguments[a.Index - 1] == "--set").Select(a => a.Item));
                run = RunDirectory.Start(made.Run.Directory!, ConfigFile.ToYaml(made));
            }
            using (run)
            {
                run.SaveCheckpoint(made.AgentSteps, _ => { });
                if (code?.Invoke(made) is { } failed and not 0) return Task.FromResult(failed);
                run.Metrics.Write(new Row("evaluation", made.AgentSteps, ("evaluation/greedy_return", value(made))));
                run.Complete(new("train", "a", [new Curve("a", "b", 1, [1, made.AgentSteps], [0, value(made)])], [],
                    Record: new Dictionary<string, string> { ["agent-steps"] = $"{made.AgentSteps}" }));
            }
            return Task.FromResult(0);
        });
    }

    [Fact]
    public void Draws_depend_on_seed_trial_and_key_alone()
    {
        var few = Trial.Draw(Config("kind: random, trials: 3").Search!, Config("kind: random, trials: 3").Ranges);
        var more = Config("kind: random, trials: 9", ranges:
            "a: {log: [1, 2]}, agent.discount: {linear: [0, 1]}, z: {choice: [x, y]}");
        var many = Trial.Draw(more.Search!, more.Ranges);
        Assert.Equal(few.Select(t => t.Values["agent.discount"]), many.Take(3).Select(t => t.Values["agent.discount"]));
        Assert.Equal(9, many.Select(t => t.Values["agent.discount"]).Distinct().Count());
        var other = Trial.Draw(Config("kind: random, trials: 3, seed: 2").Search!, more.Ranges);
        Assert.Empty(few.Select(t => t.Values["agent.discount"])
            .Intersect(other.Select(t => t.Values["agent.discount"])));
    }

    [Fact]
    public void Draws_fill_their_ranges_evenly_and_reach_their_ends()
    {
        var config = Config("kind: random, trials: 4000", ranges: "linear: {linear: [-1, 3]}, log: {log: [1e-4, 1]}, "
            + "int: {int: [2, 5]}, wide: {log-int: [1, 100]}, choice: {choice: [a, b, c]}, "
            + "narrow: {linear: [1, 1.001]}");
        var trials = Trial.Draw(config.Search!, config.Ranges);
        double[] Of(string key) => [.. trials.Select(t => double.Parse(t.Values[key],
            System.Globalization.CultureInfo.InvariantCulture))];
        Assert.InRange(Of("linear").Count(x => x < 0), 900, 1100);
        Assert.All(Of("linear"), x => Assert.InRange(x, -1, 3));
        foreach (var low in new[] { 1e-4, 1e-3, 1e-2, 1e-1 })
            Assert.InRange(Of("log").Count(x => x >= low && x < 10 * low), 900, 1100);
        foreach (var i in new[] { 2, 3, 4, 5 }) Assert.InRange(Of("int").Count(x => x == i), 900, 1100);
        Assert.InRange(Of("wide").Count(x => x <= 10), 2100, 2500);
        Assert.Equal((1, 100), (Of("wide").Min(), Of("wide").Max()));
        foreach (var word in new[] { "a", "b", "c" })
            Assert.InRange(trials.Count(t => t.Values["choice"] == word), 1230, 1440);
        Assert.InRange(Of("narrow").Distinct().Count(), 500, 4000);
        Assert.All(trials, t => Assert.True(t.Values["log"].Length <= 9, t.Values["log"]));
    }

    [Theory]
    [InlineData("trials: 27, factor: 3, min: 1, max: 27", "27@1 9@3 3@9 1@27")]
    [InlineData("trials: 8, factor: 2, min: 10, max: 50", "8@10 4@20 2@40 1@50")]
    [InlineData("trials: 10, factor: 3, min: 1000, max: 2000", "10@1000 3@2000")]
    [InlineData("trials: 9, factor: 3, min: 1, max: 81, finalists: 2", "9@1 3@3 2@9 2@27 2@81")]
    public void Rungs_are_those_of_a_hand_computation(string search, string expected) => Assert.Equal(expected,
        string.Join(' ', Config($"kind: halving, budget: agent-steps, {search}").Search!.Rungs()
            .Select(rung => $"{rung.Trials}@{rung.Budget}")));

    // The best at the smallest budget is not the best at the larger ones: it goes on, and is overtaken.
    private static double Crossing(TrainConfig run) => run.AgentSteps switch
    {
        80 => run.Agent.Discount,
        240 => -Math.Abs(run.Agent.Discount - 0.7),
        _ => 1 - run.Agent.Discount,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Halving_keeps_the_best_as_computed_by_hand(int parallel)
    {
        var config = Config(Halving) with { Parallel = parallel };
        double[] drawn = [.. Trial.Draw(config.Search!, config.Ranges)
            .Select(t => double.Parse(t.Values["agent.discount"], System.Globalization.CultureInfo.InvariantCulture))];
        int[] second = [.. Enumerable.Range(0, 9).OrderByDescending(i => drawn[i]).Take(3)];
        var third = second.MinBy(i => Math.Abs(drawn[i] - 0.7));
        Assert.Equal(0, await Fake(config, Crossing).Execute(default));

        Assert.Equal(13, _calls.Count);
        Assert.All(_calls.Take(9), call => Assert.Equal("--config", call[1]));
        string[] Extended(IEnumerable<int> trials, int by) =>
            [.. trials.Order().Select(i => $"train --resume {_folder[$"sweep/trial-00{i}"]} --extend {by}")];
        Assert.Equal(Extended(second, 160), _calls.Skip(9).Take(3).Select(c => string.Join(' ', c)).Order());
        Assert.Equal(Extended([third], 480), _calls.Skip(12).Select(c => string.Join(' ', c)));

        var report = SearchReport.Of(_folder["sweep"]);
        Assert.Equal((third, 720L, 1 - drawn[third]), (report.Best!.Number, report.Best.Budget!.Value,
            report.Best.Objective));
        Assert.Equal(drawn, report.First.Select(value => value!.Value));
        Assert.Equal(second.Except([third]).OrderBy(i => Math.Abs(drawn[i] - 0.7)),
            report.Trials.Skip(1).Take(2).Select(t => t.Number));

        // Everything is done: called again it trains nothing, and says the same.
        _calls.Clear();
        await Fake(config, Crossing).Execute(default);
        Assert.Empty(_calls);
        Assert.Equal(report.Trials.Select(t => (t.Number, t.Objective)),
            SearchReport.Of(_folder["sweep"]).Trials.Select(t => (t.Number, t.Objective)));
    }

    [Fact]
    public async Task Where_a_rate_falls_over_a_run_trials_are_trained_anew()
    {
        var config = Config(Halving);
        await Fake(config, Crossing, schedule: "linear").Execute(default);
        Assert.Equal(13, _calls.Count);
        Assert.DoesNotContain(_calls, call => call.Contains("--resume"));
        Assert.Equal(9, Directory.GetDirectories(_folder["sweep/budget-80"]).Length);
        Assert.Single(Directory.GetDirectories(_folder["sweep/budget-720"]));
        var refused = await Assert.ThrowsAsync<RlLeapException>(() => Fake(
            Config(Halving + ", extend: true"), Crossing, schedule: "linear").Execute(default));
        Assert.Contains("agent.optimizer.schedule falls", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trial_that_fails_counts_last_and_is_tried_again()
    {
        var config = Config("kind: random, trials: 5", "axes: {run.seed: [1, 2]}");
        int Odd(TrainConfig run) => run.Agent.Discount == largest && run.Run.Seed == 2 ? 1 : 0;
        Assert.Equal(1, await Fake(config, run => run.Agent.Discount + run.Run.Seed, Odd).Execute(default));
        Assert.Equal(10, _calls.Count);
        var report = SearchReport.Of(_folder["sweep"]);
        Assert.True(report.Trials[^1].Failed);
        Assert.Equal([.. report.First.Where(v => double.IsFinite(v!.Value)).Select(v => v!.Value).OrderDescending()],
            report.Trials.Take(4).Select(t => t.Objective));
        Assert.Equal(2, report.Best!.Runs.Count);
        Assert.Equal(1, report.Best.Runs[1] - report.Best.Runs[0], 12);

        _calls.Clear();
        Assert.Equal(0, await Fake(config, run => run.Agent.Discount + run.Run.Seed).Execute(default));
        Assert.Equal(["--resume"], _calls.Select(call => call[1]));
        Assert.False(SearchReport.Of(_folder["sweep"]).Trials[0].Failed);
        Assert.Equal(largest + 1.5, SearchReport.Of(_folder["sweep"]).Best!.Objective, 12);
    }

    private static readonly double largest = Trial.Draw(
        new SearchConfig { Kind = SearchKind.Random, Trials = 5 },
        new Dictionary<string, RangeConfig> { ["agent.discount"] = new() { Linear = [0, 1] } })
        .Max(t => double.Parse(t.Values["agent.discount"], System.Globalization.CultureInfo.InvariantCulture));

    [Fact]
    public async Task A_run_that_another_process_holds_is_no_failure()
    {
        var config = Config("kind: random, trials: 2");
        var other = Environment.ProcessId;
        var odd = await Assert.ThrowsAsync<RlLeapException>(() => Fake(config, _ => 0, run =>
        {
            if (run.Run.Directory!.EndsWith("0", StringComparison.Ordinal)) return 1;
            _folder.Write("sweep/trial-000/.holder", $"{other} {Environment.MachineName}\n");
            return 0;
        }).Execute(default));
        Assert.Contains($"trial-000 is in use by process {other}", odd.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sweep_of_failures_is_an_error()
    {
        var failed = await Assert.ThrowsAsync<RlLeapException>(() =>
            Fake(Config("kind: random, trials: 3"), _ => 0, _ => 1).Execute(default));
        Assert.Contains("no trial has a value of final", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_metric_that_no_run_has_ends_the_sweep_after_the_first_run()
    {
        var config = Config("kind: random, trials: 9") with { Objective = "evaluation/greedy_retrun" };
        var odd = await Assert.ThrowsAsync<RlLeapException>(() => Fake(config, _ => 1).Execute(default));
        Assert.StartsWith("key 'objective': trial-000 has no metric 'evaluation/greedy_retrun'. Did you mean "
            + "evaluation/greedy_return?", odd.Message, StringComparison.Ordinal);
        Assert.Contains("It has area, final, agent-steps, evaluation/greedy_return.", odd.Message,
            StringComparison.Ordinal);
        Assert.Single(_calls);
    }

    [Fact]
    public async Task A_range_that_changed_is_not_mixed_with_the_old_one()
    {
        await Fake(Config("kind: random, trials: 2"), _ => 1).Execute(default);
        var odd = await Assert.ThrowsAsync<RlLeapException>(() => Fake(Config("kind: random, trials: 2",
            ranges: "agent.discount: {linear: [0, 0.5]}"), _ => 1).Execute(default));
        Assert.Contains("trial-000 was begun with another config", odd.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ranges: {a: {log: [1e-2, 1e-4]}}", "'ranges.a.log': expected two numbers, the smaller one first")]
    [InlineData("ranges: {a: {linear: [1, 1]}}", "'ranges.a.linear': expected two numbers, the smaller one first")]
    [InlineData("ranges: {a: {log: [0, 1]}}", "'ranges.a.log': expected numbers above zero")]
    [InlineData("ranges: {a: {log-int: [0, 8]}}", "'ranges.a.log-int': expected numbers above zero")]
    [InlineData("ranges: {a: {int: [1.5, 8]}}", "'ranges.a.int[0]': found '1.5'")]
    [InlineData("ranges: {a: {choice: []}}", "'ranges.a.choice': expected at least one value")]
    [InlineData("ranges: {a: {choice: [x, x]}}", "'ranges.a.choice': expected each value once")]
    [InlineData("ranges: {a: {}}", "'ranges.a': expected one of linear, log, int, log-int, choice")]
    [InlineData("ranges: {a: {log: [1, 2], choice: [3]}}", "'ranges.a': expected one of linear, log")]
    [InlineData("ranges: {a: {logarithmic: [1, 2]}}", "unknown key 'logarithmic' in section 'ranges.a'")]
    [InlineData("ranges: {}", "'ranges': expected at least one key")]
    [InlineData("search: {kind: grid, trials: 3}", "expected one of random, halving")]
    [InlineData("search: {kind: random}", "missing key 'trials'")]
    [InlineData("search: {kind: random, trials: 3, min: 1}", "'search.min': expected kind: halving")]
    [InlineData("search: {kind: halving, trials: 9, factor: 1, budget: b, min: 1, max: 9}",
        "'search.factor': found '1'; expected a whole number, at least 2")]
    [InlineData("search: {kind: halving, trials: 9, budget: b, min: 9, max: 9}",
        "'search.max': expected more than min")]
    [InlineData("search: {kind: halving, trials: 9, min: 1, max: 9}", "'search.budget': expected the key")]
    [InlineData("search: {kind: halving, trials: 9, budget: b, min: 1, max: 9, finalists: 10}",
        "'search.finalists': expected no more than there are trials, 9")]
    [InlineData("direction: up", "expected one of maximize, minimize")]
    [InlineData("direction: null", "'direction': expected maximize or minimize")]
    [InlineData("objective: null", "'objective': expected what to make best")]
    [InlineData("set: {a: 1}", "'ranges': expected keys that nothing else sets: a")]
    [InlineData("search: null", "'ranges': expected search beside it")]
    public void Sweeps_that_cannot_be_are_refused(string line, string expected)
    {
        var key = line[..line.IndexOf(':')];
        var lines = new[] { "config: c", "directory: d", "objective: area", "direction: maximize",
            "search: {kind: random, trials: 3}", "ranges: {a: {log: [1, 2]}}", "axes: {seed: [1]}" }
            .Where(l => !l.StartsWith(key + ":", StringComparison.Ordinal)).Append(line);
        Assert.Contains(expected, Assert.Throws<ConfigException>(() => ConfigFile.Parse<GridConfig>(
            string.Join('\n', lines), "grid.yaml")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("agent.optimiser.learning-rate: {log: [1e-4, 1e-2]}", "expected 'optimizer'?")]
    [InlineData("agent.optimizer.kind: {choice: [adam, adamw]}", "expected one of")]
    [InlineData("agent.discount: {linear: [0.5, 90]}", "'agent.discount': found")]
    public void What_the_runs_do_not_know_is_said_before_one_is_started(string ranges, string expected)
    {
        var odd = Assert.Throws<ConfigException>(() =>
            Fake(Config("kind: random, trials: 20", ranges: ranges), _ => 0).Plan());
        Assert.StartsWith($"{_folder["sweep.yaml"]}: trial-0", odd.Message, StringComparison.Ordinal);
        Assert.Contains(expected, odd.Message, StringComparison.Ordinal);
        Assert.Empty(_calls);
    }
}

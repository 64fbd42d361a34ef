// rlleap meta-train as a process: killed and gone on with, stopped politely, started twice, given what it cannot use,
// on a disk that is full.
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class MetaTrainProcessTests(MetaTrainProcessTests.Uninterrupted reference)
    : IClassFixture<MetaTrainProcessTests.Uninterrupted>, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private const string Config = """
        run: {directory: DIRECTORY, seed: 3, parallel: 2, checkpoint-seconds: 0.2}
        suite: games
        games:
          pool: [MinAtar/Asterix-v0?planes=10, MinAtar/Breakout-v0?planes=10, MinAtar/Freeway-v0?planes=10]
          agent-steps: 4000
          agent: {preset: minatar, environments: 8}
        method: {name: leap, metric: energy}
        meta: {steps: 3, batch: 3, learning-rate: 0.1}
        evaluation: {tasks: ["MinAtar/SpaceInvaders-v0?planes=10"], seeds: 1, agent-steps: 6000, points: 10}
        """;

    // Every run has a parent folder of its own: curves from random initialization are shared between the runs of one.
    private string ConfigOf(string run) => ConfigIn(_folder, run);

    private static string ConfigIn(TempFolder folder, string run) =>
        folder.Write(run + ".yaml", Config.Replace("DIRECTORY", folder[$"{run}/run"]));

    [Fact]
    public void A_run_killed_at_random_moments_and_resumed_ends_with_the_same_bits() => KilledAndResumed(kills: 2);

    [LongFact]
    public void A_run_killed_ten_times_and_resumed_ends_with_the_same_bits() => KilledAndResumed(kills: 10);

    [Fact]
    public void Neither_the_number_of_workers_nor_a_polite_stop_changes_a_bit_and_a_second_process_is_refused()
    {
        // The held-out game's options are part of the record too.
        Assert.Contains("MinAtar/SpaceInvaders-v0?planes=10: planes=10",
            Result.Load(Path.Combine(reference.Run, "result.json")).Record!["environment options"],
            StringComparison.Ordinal);
        var process = ProgramProcess.Start("meta-train", ConfigOf("stopped"), "--parallel", "1");
        ProgramProcess.Until(process, () => Directory.Exists(_folder["stopped/run/checkpoints"]));
        var (second, _, refused) = ProgramProcess.Run("meta-train", "--resume", _folder["stopped/run"]);
        ProgramProcess.Signal(process, "TERM");
        var (code, _, _) = ProgramProcess.Wait(process);
        Assert.Contains(code, new[] { 143, 0 });
        if (!RunDirectory.IsComplete(_folder["stopped/run"])) // else it was faster than we
        {
            Assert.Equal(143, code);
            Assert.Equal(1, second);
            Assert.Contains("in use by", refused);
        }
        ProgramProcess.Succeed("meta-train", "--resume", _folder["stopped/run"], "--parallel", "1");
        AssertSame("stopped");
        // Both processes wrote into one log: what was called, with which versions, and each meta-step once.
        var log = File.ReadAllLines(Path.Combine(_folder["stopped/run"], "run.log"));
        Assert.Contains(log, line => line.Contains("meta-train --resume", StringComparison.Ordinal));
        Assert.Contains(log, line => line.Contains("RlLeap ", StringComparison.Ordinal)
            && line.Contains(".NET ", StringComparison.Ordinal));
        for (var step = 1; step <= 3; step++) Assert.Contains(log,
            line => line.Contains($"meta-step {step} of 3: path energy ", StringComparison.Ordinal));
    }

    [Fact]
    public void Asked_to_leave_twice_at_once_as_a_grid_and_a_terminal_do_it_checkpoints_and_says_how_to_go_on()
    {
        var process = ProgramProcess.Start("meta-train", ConfigOf("long"), "--set", "games.agent-steps=100000000",
            "--set", "run.checkpoint-seconds=1");
        UntilItHasWritten(process, 2, _folder["long/run"]);
        ProgramProcess.Signal(process, "INT");
        ProgramProcess.Signal(process, "TERM");
        var (code, _, error) = ProgramProcess.Wait(process);
        Assert.Contains(code, new[] { 130, 143 }); // the runtime hands signals on in any order
        Assert.Contains($"Go on with: ./rlleap meta-train --resume {_folder["long/run"]}\n", error);
        Assert.Equal(2, Directory.GetFiles(_folder["long/run/work/step-000000"], "*.checkpoint").Length);
    }

    [Fact]
    public void An_evaluation_that_is_asked_to_leave_goes_on_by_the_same_command()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("whole"));
        string[] evaluate = ["evaluate", _folder["whole/run"], "--seeds", "1", "--against", "none", "--agent-steps",
            "100000000"];
        var process = ProgramProcess.Start(evaluate);
        while (process.StandardOutput.ReadLine() is { } line
            && !line.StartsWith("evaluation  0/2 runs", StringComparison.Ordinal)) { }
        ProgramProcess.Signal(process, "TERM");
        var (code, _, error) = ProgramProcess.Wait(process);
        Assert.Equal(143, code);
        Assert.Contains($"Go on with: ./rlleap {string.Join(' ', evaluate)}\n", error);
    }

    [Fact]
    public void What_was_evaluated_before_says_nothing_of_the_rate()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("whole"));
        string Evaluated(string seeds) => ProgramProcess.Succeed("evaluate", _folder["whole/run"], "--seeds", seeds,
            "--against", "none", "--agent-steps", "2000", "--output", _folder["evaluated"]);
        Evaluated("1");
        Assert.Contains("evaluation  2/4 runs  held-out tasks\n", Evaluated("2"));
    }

    [Fact]
    public void A_grid_that_is_asked_to_leave_has_its_runs_leave_and_goes_on_by_the_same_command()
    {
        ConfigOf("base");
        var grid = _folder.Write("grid.yaml", $$"""
            config: base.yaml
            directory: {{_folder["grid"]}}
            parallel: 2
            set: {games.agent-steps: "100000000", run.parallel: "1"}
            axes: {run.seed: [1, 2, 3]}
            """);
        var process = ProgramProcess.Start("grid", grid);
        UntilItHasWritten(process, 1, _folder["grid/seed-1"], _folder["grid/seed-2"]);
        ProgramProcess.Signal(process, "TERM");
        var (code, _, error) = ProgramProcess.Wait(process);
        Assert.Equal(143, code);
        Assert.Contains($"Go on with: ./rlleap grid {grid}\n", error);
        foreach (var seed in new[] { 1, 2 })
        {
            Assert.Null(RunLock.HolderOf(_folder[$"grid/seed-{seed}"]));
            Assert.Single(Directory.GetFiles(_folder[$"grid/seed-{seed}/work/step-000000"], "*.checkpoint"));
        }
        Assert.False(Directory.Exists(_folder["grid/seed-3"]));
    }

    // So many checkpoints of running tasks, which are then taken away: those that are there in the end were written on
    // leaving.
    private static void UntilItHasWritten(System.Diagnostics.Process process, int checkpoints, params string[] runs)
    {
        string[] Found() => [.. runs.Select(run => Path.Combine(run, "work/step-000000")).Where(Directory.Exists)
            .SelectMany(folder => Directory.GetFiles(folder, "*.checkpoint"))];
        ProgramProcess.Until(process, () => Found().Length == checkpoints * runs.Length);
        foreach (var path in Found()) File.Delete(path);
    }

    [Fact]
    public void A_damaged_newest_checkpoint_is_named_and_the_one_before_it_is_used()
    {
        ProgramProcess.StartAndKill(_folder["damaged/run"],
            () => ProgramProcess.Checkpoints(_folder["damaged/run"]).Count >= 2, "meta-train", ConfigOf("damaged"));
        var newest = ProgramProcess.Checkpoints(_folder["damaged/run"])[^1];
        using (var file = new FileStream(Path.Combine(newest, "meta.safetensors"), FileMode.Open))
            file.SetLength(file.Length / 2);
        var (code, _, error) = ProgramProcess.Run("meta-train", "--resume", _folder["damaged/run"]);
        Assert.Equal(0, code);
        Assert.Contains(newest, error);
        AssertSame("damaged");
    }

    [Theory]
    [InlineData("MinAtar/Breakout-v0", "--set", "games.pool=[MinAtar/Brakout-v0]")]
    [InlineData("learning-rate", "--set", "meta.learning-rat=1")]
    [InlineData("at least", "--set", "run.parallel=-1")]
    [InlineData("cpu, cuda or cuda:i", "--set", "run.device=gpu")]
    [InlineData("all tasks of a pool must fit", "--set", "games.pool=[MinAtar/Breakout-v0, MinAtar/Freeway-v0]")]
    [InlineData("last step", "--set", "method.last-step=true")]
    [InlineData("Did you mean MinAtar/SpaceInvaders-v0", "--set", "evaluation.tasks=[MinAtar/SpaceInvader-v0]")]
    [InlineData("takes inputs of", "--set", "evaluation.tasks=[MinAtar/SpaceInvaders-v0]")]
    [InlineData("holds no run", "--set", "evaluation.against=[none, runs/nowhere]")]
    public void What_it_cannot_use_is_said_before_anything_is_begun(string expected, params string[] settings)
    {
        var (code, _, error) = ProgramProcess.Run(["meta-train", ConfigOf("bad"), .. settings]);
        Assert.Equal(1, code);
        Assert.Contains(expected, error, StringComparison.OrdinalIgnoreCase);
        Assert.False(Directory.Exists(_folder["bad"]));
    }

    [Fact]
    public void A_run_that_was_trained_on_what_is_held_out_here_is_nothing_to_compare_with()
    {
        var other = ConfigOf("other");
        // In its pool
        File.WriteAllText(other,
            File.ReadAllText(other).Replace("MinAtar/Freeway", "MinAtar/SpaceInvaders", StringComparison.Ordinal));
        ProgramProcess.Succeed("meta-train", other, "--set", "evaluation=null", "--set", "games.agent-steps=400");
        var (code, _, error) =
            ProgramProcess.Run("meta-train", ConfigOf("run"), "--set", $"evaluation.against=[{_folder["other/run"]}]");
        Assert.Equal(1, code);
        Assert.Contains("was trained on MinAtar/SpaceInvaders-v0?planes=10, which is held out here", error);
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Theory]
    [InlineData("diverged", "--set", "games.agent.learning-rate=1e30", "--set", "games.agent.max-gradient-norm=0",
        "--set", "games.agent.optimizer=sgd")]
    public void What_it_cannot_use_is_one_clear_error(string expected, params string[] settings)
    {
        var (code, _, error) = ProgramProcess.Run(["meta-train", ConfigOf("bad"), .. settings]);
        Assert.Equal(1, code);
        Assert.Contains(expected, error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", error);
        Assert.False(RunDirectory.IsComplete(_folder["bad/run"]));
    }

    [Fact]
    public void A_dry_run_says_what_it_would_do_and_writes_nothing()
    {
        var output = ProgramProcess.Succeed("meta-train", ConfigOf("dry"), "--dry-run");
        Assert.Contains("gradient steps in all", output);
        Assert.False(Directory.Exists(_folder["dry"]));
    }

    [Fact]
    public void A_full_disk_is_said_and_what_was_saved_can_be_gone_on_with()
    {
        Directory.CreateDirectory(_folder["disk"]);
        if (ProgramProcess.RunOnSmallDisk(_folder["disk"], 1, "meta-train", ConfigOf("disk"))
            is not var (code, _, error)) return;
        Assert.Equal(1, code);
        Assert.Matches("(?i)no space left|disk is full", error);
        Assert.DoesNotContain("   at ", error);
        ProgramProcess.Succeed("meta-train", "--resume", _folder["disk/run"]);
        AssertSame("disk");
    }

    private void KilledAndResumed(int kills)
    {
        ProgramProcess.KillAndResume(_folder["killed/run"], reference.Run, kills, pause: 300,
            start: ["meta-train", ConfigOf("killed")], resume: ["meta-train", "--resume", _folder["killed/run"]]);
        AssertSame("killed");
    }

    private void AssertSame(string other)
    {
        foreach (var file in new[] { "initialization.safetensors", "metrics.jsonl" })
            Assert.True(File.ReadAllBytes(Path.Combine(reference.Run, file)).AsSpan()
                .SequenceEqual(File.ReadAllBytes(_folder[$"{other}/run/{file}"])), $"{file} differs");
        Assert.Equal(File.ReadAllText(Path.Combine(reference.Run, "result.json")),
            File.ReadAllText(_folder[$"{other}/run/result.json"]));
    }

    /// <summary>The run that the others must equal, made once.</summary>
    public sealed class Uninterrupted : IDisposable
    {
        private readonly TempFolder _folder = new();

        public Uninterrupted() => ProgramProcess.Succeed("meta-train", ConfigIn(_folder, "whole"));

        public string Run => _folder["whole/run"];
        public void Dispose() => _folder.Dispose();
    }
}

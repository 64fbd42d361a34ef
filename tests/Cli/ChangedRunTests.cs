// A run goes on with what it was begun with, and says so where it does not.
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class ChangedRunTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private const string Before = "agent-steps: 60000\nagent: {learning-rate: 0.003}\nrun: {directory: a, seed: 1}\n";

    [Theory]
    [InlineData("agent-steps: 60000", "agent-steps: 6e4", null)]
    [InlineData("agent-steps", "# a comment\nagent-steps", null)]
    [InlineData("directory: a", "directory: elsewhere, device: cuda, parallel: 7", null)]
    [InlineData("run:", "executor: {kind: slurm}\nassemblies: [a.dll]\nrun:", null)]
    [InlineData("agent-steps: 60000", "agent-steps: 90000", "agent-steps: 60000 is now 90000")]
    [InlineData("0.003", "0.1", "agent.learning-rate: 0.003 is now 0.1")]
    [InlineData("seed: 1", "seed: 2", "run.seed: 1 is now 2")]
    [InlineData("agent-steps: 60000\n", "", "agent-steps: 60000 is now (left out)")]
    [InlineData("run:", "games: {pool: [b, a]}\nrun:", "games.pool: (left out) is now [b, a]")]
    public void What_decides_results_is_told_apart_from_what_does_not(string what, string now, string? expected)
    {
        var changed = Before.Replace(what, now);
        Assert.Equal(expected, ConfigGuard.Difference(Before, changed));
        Assert.Equal(expected is null, ConfigGuard.Sum(Before) == ConfigGuard.Sum(changed));
    }

    [Fact]
    public void A_run_whose_config_was_edited_is_refused_or_goes_on_and_says_so_once()
    {
        using (var run = RunDirectory.Start(_folder["a"], Before)) run.SaveCheckpoint(10, _ => { });
        var config = _folder["a/config.yaml"];
        File.WriteAllText(config, Before.Replace("0.003", "0.1"));
        var files = Directory.GetFiles(_folder["a"]);
        var message = Assert.Throws<RlLeapException>(() => RunDirectory.Resume(_folder["a"])).Message;
        Assert.Contains("agent.learning-rate: 0.003 is now 0.1", message, StringComparison.Ordinal);
        Assert.Contains("--accept-changes", message, StringComparison.Ordinal);
        Assert.Equal(files, Directory.GetFiles(_folder["a"]));
        using (var run = RunDirectory.Resume(_folder["a"], acceptChanges: true))
        {
            Assert.True(run.HasAcceptedChanges);
            run.SaveCheckpoint(10, _ => { }); // as the program does it
        }
        using (var run = RunDirectory.Resume(_folder["a"]))
        {
            Assert.False(run.HasAcceptedChanges);
            run.Complete(new("train", "a", [], [], Record: new Dictionary<string, string> { ["x"] = "y" }));
        }
        Assert.Contains("at step 10 config.yaml was changed (agent.learning-rate: 0.003 is now 0.1)",
            Result.Load(_folder["a/result.json"]).Record![RunHistory.Changed], StringComparison.Ordinal);
    }

    [Fact]
    public void Plug_ins_that_were_built_again_are_a_change()
    {
        using var run = RunDirectory.Start(_folder["a"], Before);
        var checkpoint = run.SaveCheckpoint(10, _ => { }) with { Plugins = "My.dll (SHA-256 1f3a)" };
        Assert.Contains("My.dll (SHA-256 1f3a)", RunChanges.Since(checkpoint, Before), StringComparison.Ordinal);
        Assert.Null(RunChanges.Since(checkpoint with { Plugins = null }, Before));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void The_config_of_a_finished_run_is_held_to_what_was_run(bool withCheckpoint)
    {
        using (var run = RunDirectory.Start(_folder["a"], Before))
        {
            run.SaveCheckpoint(10, _ => { });
            run.Complete(new("train", "a", [], []));
        }
        if (!withCheckpoint) Directory.Delete(_folder["a/checkpoints"], recursive: true);
        RunChanges.RequireOwnConfig(_folder["a"]);
        File.WriteAllText(_folder["a/config.yaml"], Before.Replace("seed: 1", "seed: 3"));
        Assert.Contains("is not what was run",
            Assert.Throws<RlLeapException>(() => RunChanges.RequireOwnConfig(_folder["a"])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_training_whose_config_was_edited_goes_on_with_the_flag_only_and_with_it_is_asked_once()
    {
        string[] start =
        [
            "train", "MinAtar/Breakout-v1", "--directory", _folder["r"], "--agent-steps", "40000",
            "--set", "record.evaluation-episodes=0", "--set", "record.checkpoint-every=4000",
        ];
        ProgramProcess.StartAndKill(_folder["r"], () => ProgramProcess.Checkpoints(_folder["r"]).Count > 0, start);
        var config = File.ReadAllText(_folder["r/config.yaml"]);
        File.WriteAllText(_folder["r/config.yaml"], config.Replace("agent-steps: 40000", "agent-steps: 42000"));
        var (code, _, error) = ProgramProcess.Run("train", "--resume", _folder["r"]);
        Assert.Equal(1, code);
        Assert.Contains("agent-steps: 40000 is now 42000", error, StringComparison.Ordinal);
        ProgramProcess.Succeed("train", "--resume", _folder["r"], "--accept-changes");
        var result = Result.Load(_folder["r/result.json"]);
        Assert.Contains("40000 is now 42000", result.Record![RunHistory.Changed], StringComparison.Ordinal);
        Assert.Equal("42080", result.Record["agent-steps"]);
    }

    [Fact]
    public void An_initialization_that_is_gone_or_damaged_comes_back_from_the_checkpoint_and_else_is_said_to_be_gone()
    {
        var config = _folder.Write("c.yaml", $"""
            run:
              directory: {_folder["m/run"]}
              parallel: 1
            suite: games
            games:
              pool: [MinAtar/Breakout-v0]
              agent-steps: 320
            meta:
              steps: 1
              batch: 1
            """);
        ProgramProcess.Succeed("meta-train", config);
        var path = _folder["m/run/initialization.safetensors"];
        var bytes = File.ReadAllBytes(path);
        string[] evaluate =
        [
            "evaluate", _folder["m/run"], "--tasks", "MinAtar/Asterix-v0?planes=4", "--seeds", "1", "--agent-steps",
                "320",
        ];
        File.Delete(path);
        ProgramProcess.Run("meta-train", "--resume", _folder["m/run"]);
        Assert.Equal(bytes, File.ReadAllBytes(path));
        var damaged = bytes.ToArray();
        damaged[^9] ^= 4;
        File.WriteAllBytes(path, damaged);
        var (_, _, error) = ProgramProcess.Run(evaluate);
        Assert.Contains("brought back from", error, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(path));
        Assert.Equal(damaged, File.ReadAllBytes(path + ".damaged"));
        File.Delete(path);
        Directory.Delete(_folder["m/run/checkpoints"], recursive: true);
        (var code, _, error) = ProgramProcess.Run(evaluate);
        Assert.Equal(1, code);
        Assert.Contains("no checkpoint holds it any more", error, StringComparison.Ordinal);
        Assert.DoesNotContain("--resume", error, StringComparison.Ordinal);
    }
}

// A finished run that is extended is the run that was longer from the beginning, and says that it was extended.
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class ExtendedRunTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string[] Training(string run, int steps, params string[] more) =>
    [
        "train", "MinAtar/Breakout-v1", "--directory", _folder[run], "--agent-steps", $"{steps}",
        "--set", "record.every=2000", "--set", "record.evaluate-every=4000", "--set", "record.evaluation-episodes=2",
        "--set", "agent.optimizer.schedule=constant", .. more,
    ];

    [Fact]
    public void An_extended_training_is_to_the_bit_the_longer_one()
    {
        ProgramProcess.Succeed(Training("long", 8000));
        ProgramProcess.Succeed(Training("short", 4000));
        var before = File.ReadAllBytes(_folder["short/model.safetensors"]);
        ProgramProcess.Succeed("train", "--resume", _folder["short"], "--extend", "4000");
        foreach (var file in new[] { RunDirectory.MetricsName, TrainRun.ModelFile })
            Assert.Equal(File.ReadAllBytes(_folder[$"long/{file}"]), File.ReadAllBytes(_folder[$"short/{file}"]));
        Assert.Equal(before, File.ReadAllBytes(_folder["short/model-at-4000.safetensors"]));
        Assert.Equal("4000", Result.Load(_folder["short/result-at-4000.json"]).Record!["agent-steps"]);
        Assert.Contains("agent-steps: 4000 is now 8000",
            Result.Load(_folder["short/result.json"]).Record![RunHistory.Extended], StringComparison.Ordinal);
        Assert.Contains("agent-steps: 8000", File.ReadAllText(_folder["short/config.yaml"]), StringComparison.Ordinal);

        // And it is a run like any other: complete, and can be extended again.
        Assert.Contains("is complete", ProgramProcess.Succeed("train", "--resume", _folder["short"]),
            StringComparison.Ordinal);
        ProgramProcess.Succeed("train", "--resume", _folder["short"], "--extend", "160");
        Assert.Equal("8160", Result.Load(_folder["short/result.json"]).Record!["agent-steps"]);
    }

    [Fact]
    public void A_dry_run_of_an_extension_changes_nothing()
    {
        ProgramProcess.Succeed(Training("run", 4000));
        var files = Files();
        Assert.Contains("agent-steps: 8000",
            ProgramProcess.Succeed("train", "--resume", _folder["run"], "--extend", "4000", "--dry-run"),
            StringComparison.Ordinal);
        Assert.Equal(files, Files());

        List<string> Files() => [.. Directory.GetFiles(_folder["run"], "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).Select(file => $"{file} {Convert.ToHexString(
                System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))}")];
    }

    [Fact]
    public void An_extension_that_is_killed_before_its_first_checkpoint_goes_on_without_being_asked_again()
    {
        ProgramProcess.Succeed(Training("long", 8000));
        ProgramProcess.Succeed(Training("short", 4000));
        // As --extend leaves the folder when it is killed before it has trained a step.
        var longer = Extension.Of(ConfigFile.LoadRun<TrainConfig>(_folder["short"]), _folder["short"], 4000);
        RunDirectory.Resume(_folder["short"], config: ConfigFile.ToYaml(longer), extension: Extension.OfTraining)
            .Dispose();
        ProgramProcess.Succeed("train", "--resume", _folder["short"]);
        foreach (var file in new[] { RunDirectory.MetricsName, TrainRun.ModelFile })
            Assert.Equal(File.ReadAllBytes(_folder[$"long/{file}"]), File.ReadAllBytes(_folder[$"short/{file}"]));
        var record = Result.Load(_folder["short/result.json"]).Record!;
        Assert.Contains("agent-steps: 4000 is now 8000", record[RunHistory.Extended], StringComparison.Ordinal);
        Assert.False(record.ContainsKey(RunHistory.Changed));

        // A change of the config is no extension.
        var text = File.ReadAllText(_folder["short/config.yaml"]);
        File.Delete(_folder["short/result.json"]);
        File.WriteAllText(_folder["short/config.yaml"], text.Replace("agent-steps: 8000", "agent-steps: 12000"));
        Assert.Contains("agent-steps: 8000 is now 12000", Refused("train", "--resume", _folder["short"]),
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_extension_that_is_killed_goes_on_without_being_asked_again()
    {
        ProgramProcess.Succeed(Training("long", 60000, "--set", "record.checkpoint-every=4000"));
        ProgramProcess.Succeed(Training("short", 4000, "--set", "record.checkpoint-every=4000"));
        using (var process = ProgramProcess.Start("train", "--resume", _folder["short"], "--extend", "56000"))
        {
            ProgramProcess.Until(process, () => Directory.Exists(_folder["short/checkpoints/000000008000"]));
            process.Kill();
            process.WaitForExit();
        }
        Assert.False(RunDirectory.IsComplete(_folder["short"]));
        Assert.Contains("is not finished", Refused("train", "--resume", _folder["short"], "--extend", "56000"),
            StringComparison.Ordinal);
        ProgramProcess.Succeed("train", "--resume", _folder["short"]);
        Assert.Equal(File.ReadAllBytes(_folder["long/model.safetensors"]),
            File.ReadAllBytes(_folder["short/model.safetensors"]));
    }

    [Fact]
    public void What_cannot_be_extended_is_refused_and_left_as_it_was()
    {
        Assert.Contains("--resume RUN --extend N", Refused("train", "MinAtar/Breakout-v1", "--extend", "100"),
            StringComparison.Ordinal);
        Assert.Contains("holds no run", Refused("train", "--resume", _folder["no"], "--extend", "100"),
            StringComparison.Ordinal);
        ProgramProcess.Succeed(Training("a", 400, "--set", "agent.optimizer.schedule=linear"));
        var result = File.ReadAllBytes(_folder["a/result.json"]);
        var config = File.ReadAllBytes(_folder["a/config.yaml"]);
        var falling = Refused("train", "--resume", _folder["a"], "--extend", "400");
        Assert.Contains("agent.optimizer.schedule: linear", falling, StringComparison.Ordinal);
        Assert.Contains($"--from {_folder["a"]}", falling, StringComparison.Ordinal);
        Assert.Equal(result, File.ReadAllBytes(_folder["a/result.json"]));
        Assert.Equal(config, File.ReadAllBytes(_folder["a/config.yaml"]));
        string[] constant =
        [
            "--set", "agent.optimizer.schedule=constant", "--set", "agent.optimizer.learning-rate=1e-4",
            "--accept-changes",
        ];
        Assert.Contains("at least 81",
            Refused(["train", "--resume", _folder["a"], "--extend", "80", .. constant]), StringComparison.Ordinal);
        ProgramProcess.Succeed(["train", "--resume", _folder["a"], "--extend", "400", .. constant]);
        Assert.Contains("agent.optimizer.schedule: linear is now constant",
            Result.Load(_folder["a/result.json"]).Record![RunHistory.Extended], StringComparison.Ordinal);
        Directory.Delete(_folder["a/checkpoints"], recursive: true);
        Assert.Contains("has no checkpoint any more", Refused("train", "--resume", _folder["a"], "--extend", "400"),
            StringComparison.Ordinal);
        Assert.True(RunDirectory.IsComplete(_folder["a"]));
    }

    [Fact]
    public void An_extended_meta_training_is_to_the_bit_the_longer_one()
    {
        var config = WarmStartTests.Games(_folder);
        ProgramProcess.Succeed("meta-train", config, "--set", $"run.directory={_folder["m/long"]}",
            "--set", "meta.steps=3");
        ProgramProcess.Succeed("meta-train", config, "--set", $"run.directory={_folder["m/short"]}");
        var before = File.ReadAllBytes(_folder["m/short/initialization.safetensors"]);
        ProgramProcess.Succeed("meta-train", "--resume", _folder["m/short"], "--extend", "2");
        foreach (var file in new[] { RunDirectory.MetricsName, TrainedInitialization.FileName })
            Assert.Equal(File.ReadAllBytes(_folder[$"m/long/{file}"]), File.ReadAllBytes(_folder[$"m/short/{file}"]));
        Assert.Equal(before, File.ReadAllBytes(_folder["m/short/initialization-at-1.safetensors"]));
        var longer = Result.Load(_folder["m/long/result.json"]);
        var extended = Result.Load(_folder["m/short/result.json"]);
        Assert.Equal(longer.Curves.Select(curve => curve.Values), extended.Curves.Select(curve => curve.Values));
        Assert.Contains("meta.steps: 1 is now 3", extended.Record![RunHistory.Extended], StringComparison.Ordinal);
        Assert.False(longer.Record!.ContainsKey(RunHistory.Extended));
    }

    [Fact]
    public void A_meta_training_is_not_extended_where_a_rate_ended_with_it()
    {
        var config = WarmStartTests.Games(_folder, "finetuning");
        ProgramProcess.Succeed("meta-train", config, "--set", $"run.directory={_folder["m/f"]}");
        Assert.Contains("games.agent.optimizer.schedule: linear",
            Refused("meta-train", "--resume", _folder["m/f"], "--extend", "2"), StringComparison.Ordinal);
        Assert.True(RunDirectory.IsComplete(_folder["m/f"]));
    }

    private static string Refused(params string[] arguments)
    {
        var (code, _, error) = ProgramProcess.Run(arguments);
        Assert.Equal(1, code);
        return error;
    }
}

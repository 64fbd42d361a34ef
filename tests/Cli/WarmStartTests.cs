// A run that starts from what another one learned.
using RlLeap.Cli.Commands;
using RlLeap.Cli.Config;
using RlLeap.Cli.Runs;
using TorchSharp;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class WarmStartTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A meta-training of one meta-step over two small games, with a third one held out.</summary>
    internal static string Games(TempFolder folder, string method = "leap") => folder.Write($"{method}.yaml", $$"""
        suite: games
        games:
          pool: [MinAtar/Breakout-v0?planes=10, MinAtar/Freeway-v0?planes=10]
          agent-steps: 400
          agent: {preset: minatar}
        method: {name: {{method}} }
        meta: {steps: 1, batch: 2, optimizer: {learning-rate: 1} }
        evaluation: {tasks: ["MinAtar/Asterix-v0?planes=10"], seeds: 1, against: []}
        """);

    private string[] Training(string run, string id, params string[] more) =>
    [
        "train", id, "--directory", _folder[run], "--agent-steps", "400", "--set", "record.evaluation-episodes=0",
        .. more,
    ];

    [Fact]
    public void A_training_starts_from_the_parameters_of_another_and_depends_on_it_no_more()
    {
        ProgramProcess.Succeed(Training("a", "MinAtar/Breakout-v1"));
        var config = TrainConfigOf("MinAtar/Breakout-v1") with { From = _folder["a"] };
        using (var learner = TrainRun.OpenNew(config).Learner)
            Assert.Equal(Tensors("a/model.safetensors"), learner.Model.Export().ToDictionary(t => t.Name,
                t => t.Value.data<float>().ToArray()));

        ProgramProcess.Succeed(Training("b", "MinAtar/Breakout-v1", "--from", _folder["a"]));
        var record = Result.Load(_folder["b/result.json"]).Record!;
        Assert.Contains($"{_folder["a"]}, train: model.safetensors after 480 agent steps (SHA-256 ",
            record[RunHistory.StartedFrom], StringComparison.Ordinal);
        Assert.Equal("480", record["agent-steps"]);
        Assert.Contains("from: ", File.ReadAllText(_folder["b/config.yaml"]), StringComparison.Ordinal);
        Assert.NotEqual(File.ReadAllBytes(_folder["a/model.safetensors"]),
            File.ReadAllBytes(_folder["b/model.safetensors"]));

        string[] start = Training("c", "MinAtar/Breakout-v1", "--from", _folder["a"], "--agent-steps", "40000");
        start = [.. start.Where((_, i) => i is not (4 or 5))];
        ProgramProcess.StartAndKill(_folder["c"], () => ProgramProcess.Checkpoints(_folder["c"]).Count > 0, start);
        Directory.Move(_folder["a"], _folder["gone"]);
        ProgramProcess.Succeed("train", "--resume", _folder["c"]);
    }

    [Fact]
    public void Training_and_meta_training_start_from_one_another()
    {
        var config = Games(_folder);
        ProgramProcess.Succeed("meta-train", config, "--set", $"run.directory={_folder["m/a"]}");
        var initialization = Tensors("m/a/initialization.safetensors");

        var asterix = TrainConfigOf("MinAtar/Asterix-v0?planes=10");
        using (var fresh = TrainRun.OpenNew(asterix).Learner)
        using (var warm = TrainRun.OpenNew(asterix with { From = _folder["m/a"] }).Learner)
            foreach (var ((name, mine), (_, drawn)) in warm.Model.Export().Zip(fresh.Model.Export()))
                Assert.Equal(initialization.GetValueOrDefault(name) ?? drawn.data<float>().ToArray(),
                    mine.data<float>().ToArray());

        ProgramProcess.Succeed(Training("t", "MinAtar/Asterix-v0?planes=10", "--from", _folder["m/a"]));
        var (code, _, error) = ProgramProcess.Run("meta-train", config, "--from", _folder["t"],
            "--set", $"run.directory={_folder["m/b"]}");
        Assert.Equal(0, code);
        Assert.Contains("which is held out here", error, StringComparison.Ordinal);
        Assert.Contains("which is held out here",
            Result.Load(_folder["m/b/result.json"]).Record![RunHistory.StartedFrom], StringComparison.Ordinal);

        // A meta-step of length zero leaves where it started.
        ProgramProcess.Succeed("meta-train", config, "--from", _folder["m/a"],
            "--set", $"run.directory={_folder["m/c"]}", "--set", "meta.optimizer.learning-rate=0");
        var same = Tensors("m/c/initialization.safetensors");
        foreach (var (name, values) in initialization.Where(t => !t.Key.StartsWith("meta.", StringComparison.Ordinal)))
            Assert.Equal(values, same[name]);

        foreach (var (method, expected) in new[]
        {
            ("hat", "hat cannot start from the parameters of another run"),
            ("progressive", "progressive cannot start from the parameters of another run"),
            ("none", "cannot start from another run"),
        })
        {
            Assert.Contains(expected, Refused("meta-train", Games(_folder, method), "--from", _folder["m/a"],
                "--set", $"run.directory={_folder["m/" + method]}"), StringComparison.Ordinal);
            Assert.False(Directory.Exists(_folder["m/" + method]));
        }
        ProgramProcess.Succeed("meta-train", Games(_folder, "finetuning"), "--from", _folder["m/a"],
            "--set", $"run.directory={_folder["m/finetuning"]}", "--set", "games.agent.optimizer.learning-rate=0");
        foreach (var (name, values) in Tensors("m/finetuning/initialization.safetensors")
            .Where(t => initialization.ContainsKey(t.Key) && !t.Key.StartsWith("meta.", StringComparison.Ordinal)))
            Assert.Equal(initialization[name], values);
    }

    [Fact]
    public void What_does_not_fit_is_refused_before_a_folder_is_made()
    {
        ProgramProcess.Succeed(Training("a", "MinAtar/Breakout-v1"));
        foreach (var (id, more, expected) in new (string, string[], string)[]
        {
            ("MinAtar/Asterix-v1", [], "policy.weight is [3, 128] there and [5, 128] here"),
            ("MinAtar/Breakout-v1", ["--set", "agent.layer-norm=true"], "norm.weight [128] is not there"),
            ("MinAtar/Breakout-v1", ["--from", _folder["none"]], "holds no run"),
        })
        {
            string[] from = more is ["--from", ..] ? [] : ["--from", _folder["a"]];
            Assert.Contains(expected, Refused([.. Training("b", id), .. from, .. more]), StringComparison.Ordinal);
            Assert.False(Directory.Exists(_folder["b"]));
        }
        ProgramProcess.Succeed(Training("n", "MinAtar/Breakout-v1", "--set", "agent.layer-norm=true"));
        Assert.Contains("is only there", Refused(Training("b", "MinAtar/Breakout-v1", "--from", _folder["n"])),
            StringComparison.Ordinal);
        Assert.Contains("give one of them", Refused("train", "--resume", _folder["a"], "--from", _folder["n"]),
            StringComparison.Ordinal);
        File.Delete(_folder["a/result.json"]);
        Assert.Contains("is not finished", Refused(Training("b", "MinAtar/Breakout-v1", "--from", _folder["a"])),
            StringComparison.Ordinal);
    }

    private static TrainConfig TrainConfigOf(string id) => Train.Resolve(
        ConfigFile.Parse<TrainConfig>($"environment: {id}\nagent-steps: 400", "test"));

    private Dictionary<string, float[]> Tensors(string file)
    {
        using var scope = torch.NewDisposeScope();
        return SafeTensors.Read(_folder[file]).Tensors.Where(t => t.Value.dtype == torch.ScalarType.Float32)
            .ToDictionary(t => t.Key, t => t.Value.data<float>().ToArray());
    }

    private static string Refused(params string[] arguments)
    {
        var (code, _, error) = ProgramProcess.Run(arguments);
        Assert.Equal(1, code);
        return error;
    }
}

// WarpGrad from YAML: on threads and on a cluster, what a dry run says, and what is refused before training.
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class WarpRunTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private const string Config = """
        run: {directory: DIRECTORY, seed: 3, parallel: PARALLEL, checkpoint-seconds: 0.2}
        suite: games
        games:
          pool: [MinAtar/Asterix-v0?planes=10, MinAtar/Breakout-v0?planes=10]
          agent-steps: 1600
          agent: {preset: minatar, environments: 8}
        method:
          name: warp
          layer: conv1x1
          update: UPDATE
          keep-every: 9
          rate: 0.01
          learn-rates: 0.001
          optimizer: {kind: adam, learning-rate: 0.01}
          initialization: {name: leap, metric: energy, loss-in-path: false}
        meta: {steps: 2, batch: 2, optimizer: {learning-rate: 0.1}}
        evaluation:
          {tasks: ["MinAtar/SpaceInvaders-v0?planes=10"], seeds: 1, agent-steps: 1600, points: 10, against: []}
        """;

    private string ConfigOf(string run, string update, int parallel) => _folder.Write(run + ".yaml", Config
        .Replace("DIRECTORY", _folder[$"{run}/run"]).Replace("UPDATE", update).Replace("PARALLEL", $"{parallel}"));

    [Theory]
    [InlineData("online")]
    [InlineData("local")]
    [InlineData("central")]
    public void Neither_workers_nor_a_cluster_change_a_bit(string update)
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("one", update, 1));
        ProgramProcess.Succeed("meta-train", ConfigOf("two", update, 2));
        var slurm = new FakeSlurm(_folder);
        var (code, _, error) = ProgramProcess.Wait(ProgramProcess.StartWith(slurm.Environment, "meta-train",
            ConfigOf("cluster", update, 1), "--set", "executor.kind=slurm", "--set", "executor.grace-seconds=5"));
        Assert.True(code == 0, error);
        foreach (var file in new[] { "initialization.safetensors", "metrics.jsonl" })
            foreach (var other in new[] { "two", "cluster" })
                Assert.Equal(File.ReadAllBytes(_folder[$"one/run/{file}"]),
                    File.ReadAllBytes(_folder[$"{other}/run/{file}"]));
        var (tensors, notes) = SafeTensors.Read(_folder["one/run/initialization.safetensors"]);
        Assert.Contains("warp.0.0.weight meta", notes["roles"], StringComparison.Ordinal);
        Assert.NotEqual(0, tensors["warp.1.0.bias"].abs().sum().item<float>());
        Assert.NotEqual(0, tensors["rate.conv1"].item<float>());
        foreach (var value in tensors.Values) value.Dispose();
        Assert.Single(Result.Load(_folder["one/run/result.json"]).Curves);
    }

    [Fact]
    public void A_dry_run_says_what_stored_points_take()
    {
        var output = ProgramProcess.Succeed("meta-train", ConfigOf("dry", "central", 1), "--dry-run");
        Assert.Contains("stored points: 5 a task (keep-every: 9)", output, StringComparison.Ordinal);
        Assert.Contains("minatar+rates+warp-conv1x1", output, StringComparison.Ordinal);
        Assert.DoesNotContain("stored points: ", ProgramProcess.Succeed("meta-train", ConfigOf("dry", "online", 1),
            "--dry-run"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("roles: the pattern conf* matches no parameter of minatar+rates+warp-conv1x1",
        "--set", "games.agent.roles={\"conf*\": frozen}")]
    [InlineData("warp.0.0.weight", "--set", "evaluation.roles={\"wrap\": frozen}")]
    [InlineData("is meta, which the method leap cannot honour",
        "--set", "method.name=leap", "--set", "games.agent.roles={body: meta}")]
    [InlineData("two layers", "--set", "method.depth=2")]
    [InlineData("needs update: local or central", "--set", "method.exact=true")]
    [InlineData("method.initialization is finetuning", "--set", "method.initialization.name=finetuning")]
    public void What_cannot_work_is_said_before_training(string expected, params string[] settings)
    {
        var (code, _, error) = ProgramProcess.Run(["meta-train", ConfigOf("bad", "online", 1), .. settings]);
        Assert.Equal(1, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["bad"]));
    }
}

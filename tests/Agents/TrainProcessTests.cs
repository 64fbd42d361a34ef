// rlleap train as a process: killed at random moments and gone on with, stopped politely, given what it cannot use, on
// a disk that is full.
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Agents;

public class TrainProcessTests(TrainProcessTests.Uninterrupted reference)
    : IClassFixture<TrainProcessTests.Uninterrupted>
{
    private const string Id = "MinAtar/Breakout-v1";
    private static readonly string[] Small =
        ["--agent-steps", "40000", "--set", "agent.environments=8", "--set", "record.checkpoint-every=4000", "--set",
            "record.evaluate-every=15000", "--set", "record.evaluation-episodes=8", "--set", "record.every=5000"];

    [Fact]
    public void A_run_killed_at_random_moments_and_resumed_ends_with_the_same_files() => KilledAndResumed(kills: 3);

    [LongFact]
    public void A_run_killed_twenty_times_and_resumed_ends_with_the_same_files() => KilledAndResumed(kills: 20);

    [Fact]
    public void Sigterm_saves_a_checkpoint_and_a_resume_ends_with_the_same_files()
    {
        using var folder = new TempFolder();
        var process = ProgramProcess.Start(["train", Id, "--directory", folder["stopped"], .. Small]);
        ProgramProcess.Until(process, () => ProgramProcess.Checkpoints(folder["stopped"]).Count > 0);
        ProgramProcess.Signal(process, "TERM");
        Assert.Contains(ProgramProcess.Wait(process).ExitCode, new[] { 143, 0 });
        ProgramProcess.Succeed("train", "--resume", folder["stopped"]);
        AssertSame(reference.Folder, folder["stopped"]);
    }

    [Fact]
    public void A_damaged_newest_checkpoint_is_passed_over_and_named()
    {
        using var folder = new TempFolder();
        ProgramProcess.StartAndKill(folder["r"], () => ProgramProcess.Checkpoints(folder["r"]).Count >= 2,
            ["train", Id, "--directory", folder["r"], .. Small]);
        var newest = ProgramProcess.Checkpoints(folder["r"])[^1];
        using (var file = new FileStream(Path.Combine(newest, "learner.safetensors"), FileMode.Open))
            file.SetLength(file.Length / 2);
        var (code, _, error) = ProgramProcess.Run("train", "--resume", folder["r"]);
        Assert.Equal(0, code);
        Assert.Contains(newest, error);
        AssertSame(reference.Folder, folder["r"]);
    }

    [Fact]
    public void A_full_disk_is_said_and_what_was_saved_can_be_gone_on_with()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["disk"]);
        // Two checkpoints fit, the third does not.
        if (ProgramProcess.RunOnSmallDisk(folder["disk"], 6, ["train", Id, "--directory", folder["disk/run"], .. Small])
            is not var (code, _, error)) return;
        Assert.Equal(1, code);
        Assert.Matches("(?i)no space left|disk is full", error);
        Assert.DoesNotContain("   at ", error);
        Assert.Equal(2, ProgramProcess.Checkpoints(folder["disk/run"]).Count);
        ProgramProcess.Succeed("train", "--resume", folder["disk/run"]);
        AssertSame(reference.Folder, folder["disk/run"]);
    }

    [Theory]
    [InlineData("MinAtar/Brakout-v1", "MinAtar/Breakout-v1")] // the nearest is named
    [InlineData(Id, "learning-rate", "--set", "agent.learning-rat=1")]
    [InlineData(Id, "cpu, cuda or cuda:i", "--device", "gpu")]
    [InlineData(Id, "not finite", "--set", "agent.learning-rate=1e30", "--set", "agent.max-gradient-norm=0", "--set",
        "agent.optimizer=sgd")]
    public void What_it_cannot_use_is_one_clear_error(string id, string expected, params string[] settings)
    {
        using var folder = new TempFolder();
        var (code, _, error) = ProgramProcess.Run(["train", id, "--directory", folder["r"], .. Small, .. settings]);
        Assert.Equal(1, code);
        if (expected != "not finite") Assert.Contains(expected, error);
        else Assert.Matches("(the loss|gradient norm|of the rollout,) became (NaN|∞|-∞|Infinity|-Infinity) at "
            + "gradient step [0-9]+", error);
        Assert.DoesNotContain("   at ", error); // no stack
    }

    private void KilledAndResumed(int kills)
    {
        using var folder = new TempFolder();
        ProgramProcess.KillAndResume(folder["killed"], reference.Folder, kills, pause: 20,
            start: ["train", Id, "--directory", folder["killed"], .. Small],
            resume: ["train", "--resume", folder["killed"]]);
        AssertSame(reference.Folder, folder["killed"]);
    }

    /// <summary>The run that the others must equal, made once.</summary>
    public sealed class Uninterrupted : IDisposable
    {
        private readonly TempFolder _folder = new();

        public Uninterrupted() => ProgramProcess.Succeed(["train", Id, "--directory", Folder, .. Small]);

        public string Folder => _folder["whole"];
        public void Dispose() => _folder.Dispose();
    }

    private static void AssertSame(string expected, string actual)
    {
        foreach (var file in new[] { "model.safetensors", "metrics.jsonl" })
            Assert.True(File.ReadAllBytes(Path.Combine(expected, file)).AsSpan()
                .SequenceEqual(File.ReadAllBytes(Path.Combine(actual, file))), $"{file} differs");
        // Everything in result.json but the run's own name.
        var (a, b) =
            (Result.Load(Path.Combine(expected, "result.json")), Result.Load(Path.Combine(actual, "result.json")));
        Assert.Equal(a.Curves[0].Steps, b.Curves[0].Steps);
        Assert.Equal(a.Curves[0].Values, b.Curves[0].Values);
        Assert.Equal(a.Record, b.Record);
    }
}

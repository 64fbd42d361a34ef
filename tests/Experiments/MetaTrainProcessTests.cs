// rlleap meta-train as a process: killed and gone on with, stopped politely, started twice, given what it cannot use, on a disk that is full.
using System.Diagnostics;
using RlLeap.Experiments.Runs;
using Xunit;

namespace RlLeap.Tests.Experiments;

public sealed class MetaTrainProcessTests : IDisposable
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
    private string ConfigOf(string run) => _folder.Write(run + ".yaml", Config.Replace("DIRECTORY", _folder[$"{run}/run"]));

    [Fact]
    public void A_run_killed_at_random_moments_and_resumed_ends_with_the_same_bits() => KilledAndResumed(kills: 2);

    [LongFact]
    public void A_run_killed_ten_times_and_resumed_ends_with_the_same_bits() => KilledAndResumed(kills: 10);

    [Fact]
    public void Neither_the_number_of_workers_nor_a_polite_stop_changes_a_bit_and_a_second_process_is_refused()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("whole"));
        var process = ProgramProcess.Start("meta-train", ConfigOf("stopped"), "--parallel", "1");
        while (!Directory.Exists(_folder["stopped/run/checkpoints"]) && !process.HasExited) Thread.Sleep(5);
        var (second, _, refused) = ProgramProcess.Run("meta-train", "--resume", _folder["stopped/run"]);
        ProgramProcess.Signal(process, "TERM");
        var (code, _, _) = ProgramProcess.Wait(process);
        Assert.Contains(code, new[] { 143, 0 });
        if (code == 143)
        {
            Assert.Equal(1, second);
            Assert.Contains("in use by", refused);
            Assert.False(RunDirectory.IsComplete(_folder["stopped/run"]));
        }
        ProgramProcess.Succeed("meta-train", "--resume", _folder["stopped/run"], "--parallel", "1");
        AssertSame("stopped");
    }

    [Fact]
    public void A_damaged_newest_checkpoint_is_named_and_the_one_before_it_is_used()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("whole"));
        var process = ProgramProcess.Start("meta-train", ConfigOf("damaged"), "--set", "meta.steps=3");
        while (Checkpoints("damaged").Count < 2 && !process.HasExited) Thread.Sleep(2);
        ProgramProcess.Signal(process, "KILL");
        ProgramProcess.Wait(process);
        if (RunDirectory.IsComplete(_folder["damaged/run"])) return; // it was faster than we; another seed of time will do
        var newest = Checkpoints("damaged")[^1];
        using (var file = new FileStream(Path.Combine(newest, "meta.safetensors"), FileMode.Open)) file.SetLength(file.Length / 2);
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
    [InlineData("diverged", "--set", "games.agent.learning-rate=1e30", "--set", "games.agent.max-gradient-norm=0", "--set", "games.agent.optimizer=sgd")]
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
    public void A_full_disk_is_said_and_what_was_saved_stays()
    {
        // A private mount namespace with a disk of 1 MB; not everybody may make one.
        const string Script = """
            mount -t tmpfs -o size=1m tmpfs "$1" || exit 77
            shift; "$@"; code=$?
            ls "$0" > /dev/null 2>&1
            exit $code
            """;
        var disk = _folder["disk"];
        Directory.CreateDirectory(disk);
        var config = _folder.Write("full.yaml", Config.Replace("DIRECTORY", Path.Combine(disk, "run")));
        var start = new ProcessStartInfo("unshare", ["-m", "bash", "-c", Script, "x", disk, "dotnet", Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), "meta-train", config, "--set", "meta.steps=50"])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_NUM_THREADS"] = "1";
        var (code, _, error) = ProgramProcess.Wait(Process.Start(start)!);
        if (code == 77) return; // no right to mount here
        Assert.Equal(1, code);
        Assert.Matches("(?i)no space left|disk is full", error);
        Assert.DoesNotContain("   at ", error);
    }

    private void KilledAndResumed(int kills)
    {
        var clock = Stopwatch.StartNew();
        ProgramProcess.Succeed("meta-train", ConfigOf("whole"));
        var whole = clock.Elapsed.TotalMilliseconds;
        var rng = new Rng(kills);
        string[] command = ["meta-train", ConfigOf("killed")];
        var killed = 0;
        while (killed < kills && !RunDirectory.IsComplete(_folder["killed/run"]))
        {
            var process = ProgramProcess.Start(command);
            if (process.WaitForExit((int)(whole * (0.2 + 0.6 * rng.NextDouble())))) { ProgramProcess.Wait(process); break; }
            ProgramProcess.Signal(process, "KILL");
            ProgramProcess.Wait(process);
            killed++;
            if (RunDirectory.Holds(_folder["killed/run"])) command = ["meta-train", "--resume", _folder["killed/run"]];
        }
        Assert.True(killed > 0, "it was never killed");
        if (!RunDirectory.IsComplete(_folder["killed/run"])) ProgramProcess.Succeed(command);
        AssertSame("killed");
    }

    private void AssertSame(string other)
    {
        foreach (var file in new[] { "initialization.safetensors", "metrics.jsonl" })
            Assert.True(File.ReadAllBytes(_folder[$"whole/run/{file}"]).AsSpan().SequenceEqual(File.ReadAllBytes(_folder[$"{other}/run/{file}"])), $"{file} differs");
        Assert.Equal(File.ReadAllText(_folder["whole/run/result.json"]), File.ReadAllText(_folder[$"{other}/run/result.json"]));
    }

    private List<string> Checkpoints(string run) => !Directory.Exists(_folder[$"{run}/run/checkpoints"]) ? []
        : [.. Directory.GetDirectories(_folder[$"{run}/run/checkpoints"]).Where(f => !f.EndsWith(".tmp", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}

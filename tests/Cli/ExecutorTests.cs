// The executor section, `rlleap task` by hand, and what is said when Slurm cannot or will not: with sbatch and squeue
// made for it.
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class ExecutorTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private const string Config = """
        run: {directory: DIRECTORY, seed: 3, parallel: 2, checkpoint-seconds: 0.1}
        suite: games
        games:
          pool: [MinAtar/Asterix-v0?planes=10, MinAtar/Breakout-v0?planes=10]
          agent-steps: 2000
          agent: {preset: minatar, environments: 8}
        method: {name: leap, metric: energy}
        meta: {steps: 1, batch: 2, learning-rate: 0.1}
        executor: {kind: slurm, grace-seconds: 0.1, retries: 1}
        """;

    private string ConfigOf(string run) =>
        _folder.Write(run + ".yaml", Config.Replace("DIRECTORY", _folder[$"{run}/run"]));

    [Theory]
    [InlineData("90", 5400L)]
    [InlineData("90:30", 5430L)]
    [InlineData("1:30:00", 5400L)]
    [InlineData("2-0", 172800L)]
    [InlineData("2-01:30", 178200L)]
    [InlineData("2-01:30:10", 178210L)]
    [InlineData("soon", null)]
    [InlineData("1:2:3:4", null)]
    public void Times_are_read_as_sbatch_reads_them(string text, long? seconds) =>
        Assert.Equal(seconds, ExecutorSection.Seconds(text));

    [Theory]
    [InlineData("one of threads, slurm", "executor.kind=pbs")]
    [InlineData("at least 5 minutes", "executor.time=3")]
    [InlineData("a time as sbatch takes it", "executor.time=soon")]
    [InlineData("options such as --account=physics", "executor.sbatch=[account=physics]")]
    [InlineData("'tasks-per-job'?", "executor.task-per-job=2")]
    public void The_section_is_checked(string expected, string setting) =>
        Assert.Contains(expected,
            Assert.Throws<ConfigException>(() => ConfigFile.Parse<MetaTrainConfig>(Config, "a.yaml", setting)).Message);

    [Theory]
    [InlineData("sbatch: error: fetch_config: DNS SRV lookup failed\n"
        + "sbatch: fatal: Could not establish a configuration source", "SLURM_CONF")]
    [InlineData("sbatch: error: Batch job submission failed: Requested node configuration is not available",
        "executor.memory")]
    [InlineData("sbatch: error: invalid partition specified: fast", "executor.partition")]
    public void What_sbatch_says_has_its_own_advice(string words, string named) =>
        Assert.Contains(named, RlLeap.Cli.Slurm.SlurmCommands.Remedy(words), StringComparison.Ordinal);

    [Fact]
    public void Without_sbatch_on_the_path_nothing_is_begun()
    {
        Directory.CreateDirectory(_folder["empty"]);
        var (code, _, error) = ProgramProcess.Wait(ProgramProcess.StartWith(
            new Dictionary<string, string> { ["PATH"] = _folder["empty"] }, "meta-train", ConfigOf("run")));
        Assert.Equal(1, code);
        Assert.Contains("no sbatch on the PATH", error);
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Fact]
    public void A_rejected_submission_is_said_in_Slurms_words_with_the_script_and_the_tasks_can_be_done_by_hand()
    {
        var fake = new FakeSlurm(_folder, "echo 'sbatch: error: invalid partition specified: nosuch' >&2; exit 1");
        var (code, _, error) = ProgramProcess.Wait(ProgramProcess.StartWith(fake.Environment, "meta-train",
            ConfigOf("run"), "--set", "executor.partition=nosuch"));
        Assert.Equal(1, code);
        Assert.Contains("sbatch: error: invalid partition specified: nosuch", error);
        Assert.Contains("#SBATCH --partition=nosuch", error);
        Assert.Contains("sinfo lists the partitions", error);
        Assert.DoesNotContain("   at ", error);

        // What any other scheduler does: run `rlleap task` on each specification. Then the run goes on, here on
        // threads.
        string At(string name) => _folder[$"run/run/work/step-000000/{name}"];
        ProgramProcess.Succeed("task", "--spec", At("0000.task"), "--out", At("0000.outcome"), "--spec",
            At("0001.task"), "--out", At("0001.outcome"));
        var first = File.GetLastWriteTimeUtc(At("0000.outcome"));
        ProgramProcess.Succeed("task", "--spec", At("0000.task"), "--out", At("0000.outcome"));
        Assert.Equal(first, File.GetLastWriteTimeUtc(At("0000.outcome"))); // there already
        File.WriteAllText(At("start.safetensors"), "damaged");
        var (failed, _, _) = ProgramProcess.Run("task", "--spec", At("0001.task"), "--out", _folder["error.outcome"]);
        Assert.Equal(1, failed);
        Assert.Contains("is not what the task's specification refers to",
            SafeTensors.Read(_folder["error.outcome"]).Notes["error"]);

        ProgramProcess.Succeed("meta-train", "--resume", _folder["run/run"], "--set", "executor.kind=threads");
        ProgramProcess.Succeed("meta-train", ConfigOf("threads"), "--set", "executor.kind=threads");
        Assert.Equal(File.ReadAllText(_folder["threads/run/metrics.jsonl"]),
            File.ReadAllText(_folder["run/run/metrics.jsonl"]));
    }

    [Fact]
    public void Jobs_that_leave_no_trace_are_tried_again_and_then_the_shared_folder_is_named()
    {
        var fake = new FakeSlurm(_folder, "echo x >> \"$state/submitted\"; echo 7"); // takes jobs and forgets them
        var (code, _, error) =
            ProgramProcess.Wait(ProgramProcess.StartWith(fake.Environment, "meta-train", ConfigOf("run")));
        Assert.Equal(1, code);
        Assert.Contains("was lost 2 times", error);
        Assert.Contains("the nodes cannot write there", error);
        Assert.Contains("JobState=FAILED", error);
        Assert.Equal(2, File.ReadAllLines(fake["submitted"]).Length);
        Assert.Contains("--name=rlleap-run-step-0", File.ReadAllText(fake["cancelled"]));
    }

    [Fact]
    public void An_error_on_a_node_ends_the_run_and_the_driver_needs_no_GPU()
    {
        if (TorchSharp.torch.cuda.is_available()) return; // then there is no error
        var fake = new FakeSlurm(_folder);
        var (code, _, error) = ProgramProcess.Wait(
            ProgramProcess.StartWith(fake.Environment, "meta-train", ConfigOf("run"), "--set", "run.device=cuda"));
        Assert.Equal(1, code);
        Assert.Matches("MinAtar/.* failed on .*: device cuda: this libtorch sees no CUDA device", error);
        Assert.Single(File.ReadAllLines(fake["submitted"]));
    }

    [Fact]
    public void A_note_is_shown_beside_the_count_and_does_not_move_it()
    {
        var text = new StringWriter();
        var console = Spectre.Console.AnsiConsole
            .Create(new() { Ansi = Spectre.Console.AnsiSupport.No, Out = new Spectre.Console.AnsiConsoleOutput(text) });
        console.Profile.Width = 200;
        using (var progress = new Progress("leap", 5, "meta-steps", console: console, live: false))
            progress.Note("3 queued, 1 running on n1, 0 done");
        Assert.Equal("leap  0/5 meta-steps  3 queued, 1 running on n1, 0 done", text.ToString().Trim());
    }

    [Fact]
    public void An_answer_of_sbatch_that_is_lost_does_not_submit_twice()
    {
        var fake = new FakeSlurm(_folder);
        File.WriteAllText(fake["lose-the-answer"], "");
        var (code, _, error) = ProgramProcess.Wait(ProgramProcess.StartWith(fake.Environment, "meta-train",
            ConfigOf("run"), "--set", "games.agent-steps=20000"));
        Assert.True(code == 0, error);
        Assert.Contains("Socket timed out", error);
        Assert.Equal(["0,1"], File.ReadAllLines(fake["submitted"]));
        Assert.True(RunDirectory.IsComplete(_folder["run/run"]));
    }

    [Fact]
    public void Only_where_a_run_is_computed_can_be_changed_when_it_goes_on()
    {
        var (code, _, error) = ProgramProcess.Run("meta-train", "--resume", _folder.Root, "--set", "meta.steps=7");
        Assert.Equal(1, code);
        Assert.Contains("only keys of executor", error);
    }
}

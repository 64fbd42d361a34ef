// executor.kind=slurm on a real Slurm of one machine: whatever is killed meanwhile, the bits are those of threads and
// nothing is counted twice.
using System.Diagnostics;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class SlurmTests(SlurmCluster cluster) : IClassFixture<SlurmCluster>, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private const string Config = """
        run: {directory: DIRECTORY, seed: 3, parallel: 2, checkpoint-seconds: 0.1}
        suite: games
        games:
          pool: [MinAtar/Asterix-v0?planes=10, MinAtar/Breakout-v0?planes=10]
          agent-steps: STEPS
          agent: {preset: minatar, environments: 8}
        method: {name: leap, metric: energy}
        meta: {steps: 2, batch: 2, learning-rate: 0.1}

        """;

    private const string WithEvaluation = Config
        + """evaluation: {tasks: ["MinAtar/SpaceInvaders-v0?planes=10"], seeds: 1, agent-steps: 2000, points: 10}""";

    private static readonly string[] Slurm = ["--set", "executor.kind=slurm", "--set", "executor.grace-seconds=1"];

    [SlurmFact]
    public void A_run_with_its_evaluation_has_the_bits_that_it_has_on_threads()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("threads", 2000, WithEvaluation));
        var output = Succeed("meta-train", ConfigOf("slurm", 2000, WithEvaluation),
            [.. Slurm, "--set", "executor.tasks-per-job=2", "--set", "executor.cpus=2"]);
        Assert.Contains("queued", output);
        AssertSame("threads", "slurm");
        Assert.False(Directory.Exists(_folder["slurm/run/work"]));
        Assert.Empty(Directory.GetDirectories(_folder["slurm/run/evaluation"]));
    }

    [SlurmFact]
    public void A_task_is_killed_one_is_warned_and_the_driver_is_killed()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("threads", 16000));
        var driver = Start("meta-train", ConfigOf("slurm", 16000), Slurm);
        WaitFor(driver, () => Checkpoints("slurm")
            .Any(path => Path.GetFileName(path).StartsWith("0000.", StringComparison.Ordinal)));
        SignalTasks("STOP"); // or they might be done before the driver is back
        foreach (var process in Tasks("/0000.task")) Signal(process, "KILL");
        // What Slurm does before a time limit; heard when the task goes on.
        cluster.Command("scancel", "--batch", "--signal=USR1", "--name=" + JobName("slurm"));
        ProgramProcess.Signal(driver, "KILL");
        ProgramProcess.Wait(driver);
        driver = Start("meta-train", "--resume", [_folder["slurm/run"]]);
        WaitFor(driver, () => Log("slurm").Contains("taking up"));
        SignalTasks("CONT");
        Finish(driver);
        AssertSame("threads", "slurm");
    }

    [LongSlurmFact]
    public void Evaluations_have_the_bits_that_they_have_on_threads()
    {
        // Against another run too, whose initialization goes along.
        ProgramProcess.Succeed("meta-train", ConfigOf("run", 2000));
        ProgramProcess.Succeed("meta-train", ConfigOf("other", 2000), "--set", "method.name=reptile");
        string[] asked = ["evaluate", _folder["run/run"], "--tasks", "MinAtar/Freeway-v0?planes=10",
            "MinAtar/SpaceInvaders-v0?planes=10", "--seeds", "2", "--agent-steps", "2000", "--against", "none",
            _folder["other/run"]];
        ProgramProcess.Succeed([.. asked, "--output", _folder["a"]]);
        Directory.Delete(_folder["run/run/evaluation"], recursive: true);
        Directory.Delete(_folder["run/.random-initialization"], recursive: true);
        Finish(ProgramProcess.StartWith(cluster.Environment, [.. asked, "--output", _folder["b"], .. Slurm, "--set",
            "executor.tasks-per-job=3", "--set", "executor.concurrency=2"]));
        Assert.Equal(File.ReadAllText(_folder["a/result.json"]), File.ReadAllText(_folder["b/result.json"]));
    }

    [LongSlurmFact]
    public void A_driver_that_was_killed_in_mid_step_takes_its_array_up_again()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("threads", 30000));
        var driver = Start("meta-train", ConfigOf("slurm", 30000), Slurm);
        WaitFor(driver, () => Checkpoints("slurm").Count > 0);
        SignalTasks("STOP"); // or they might be done before the driver is back
        ProgramProcess.Signal(driver, "KILL");
        ProgramProcess.Wait(driver);
        driver = Start("meta-train", "--resume", [_folder["slurm/run"]]);
        WaitFor(driver, () => Log("slurm").Contains("taking up"));
        SignalTasks("CONT");
        Finish(driver);
        Assert.Equal(2, Log("slurm").Split("submitted 2 tasks").Length - 1); // the first step's only once
        AssertSame("threads", "slurm");
    }

    [LongSlurmFact]
    public void Tasks_that_are_killed_or_warned_go_on_from_their_checkpoints()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("threads", 30000));
        var driver = Start("meta-train", ConfigOf("slurm", 30000), Slurm);
        WaitFor(driver, () => Checkpoints("slurm")
            .Any(path => Path.GetFileName(path).StartsWith("0000.", StringComparison.Ordinal)));
        foreach (var process in Tasks("/0000.task")) Signal(process, "KILL");
        cluster.Command("scancel", "--batch", "--signal=USR1", "--name=" + JobName("slurm"));
        Finish(driver);
        Assert.Contains("goes on from its checkpoint", Log("slurm"));
        AssertSame("threads", "slurm");
    }

    [LongSlurmFact]
    public void Ctrl_C_cancels_the_array_and_SIGTERM_leaves_it()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("threads", 30000));
        var driver = Start("meta-train", ConfigOf("slurm", 30000), Slurm);
        WaitFor(driver, () => Checkpoints("slurm").Count > 0);
        var name = JobName("slurm");
        SignalTasks("STOP"); // or they might be done before the driver is back
        ProgramProcess.Signal(driver, "TERM");
        var (code, _, error) = ProgramProcess.Wait(driver);
        Assert.Equal(143, code);
        Assert.Contains("run on", error);
        Assert.NotEmpty(cluster.Command("squeue", "-h", "--name=" + name).Trim());
        // As from a terminal: what a shell starts in the background ignores Ctrl-C, and so does what that starts.
        var resume = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet",
            Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), "meta-train", "--resume", _folder["slurm/run"]])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in cluster.Environment) resume.Environment[key] = value;
        driver = Process.Start(resume)!;
        WaitFor(driver, () => Log("slurm").Contains("taking up"));
        ProgramProcess.Signal(driver, "INT");
        (code, _, error) = ProgramProcess.Wait(driver);
        Assert.Equal(130, code);
        Assert.Contains("cancelled the jobs", error);
        WaitFor(null, () => cluster.Command("squeue", "-h", "--name=" + name).Trim().Length == 0);
        Succeed("meta-train", "--resume", [_folder["slurm/run"]]);
        AssertSame("threads", "slurm");
    }

    [LongSlurmFact]
    public void A_task_that_exceeds_its_time_limit_goes_on_in_another_job()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("threads", 30000));
        var driver = Start("meta-train", ConfigOf("slurm", 30000), [.. Slurm, "--set", "executor.sbatch=[--time=1]"]);
        WaitFor(driver, () => Checkpoints("slurm")
            .Any(path => Path.GetFileName(path).StartsWith("0001.", StringComparison.Ordinal)));
        // A task that hangs hears no warning: Slurm ends it when its minute is over.
        foreach (var process in Tasks("/0001.task")) Signal(process, "STOP");
        Finish(driver);
        Assert.Contains("goes on from its checkpoint", Log("slurm"));
        AssertSame("threads", "slurm");
    }

    [LongSlurmFact]
    public void The_controller_is_killed_and_comes_back()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("threads", 30000));
        var driver = Start("meta-train", ConfigOf("slurm", 30000), Slurm);
        WaitFor(driver, () => Checkpoints("slurm").Count > 0);
        cluster.Kill("slurmctld");
        WaitFor(driver, () => Log("slurm").Contains("out of reach"));
        cluster.Start("slurmctld");
        while (!driver.WaitForExit(500))
            // Killed before it saved its state, it may give the number of a running job away again and drain the node
            // for it: an administrator's part.
            if (cluster.Command("sinfo", "--noheader", "--format=%T").Contains("drain", StringComparison.Ordinal))
                cluster.Command("scontrol", "update", "NodeName=n1", "State=RESUME");
        Finish(driver);
        AssertSame("threads", "slurm");
    }

    [LongSlurmFact]
    public void A_node_dies_with_its_tasks_and_comes_back()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("threads", 30000));
        var driver = Start("meta-train", ConfigOf("slurm", 30000), Slurm);
        WaitFor(driver, () => Checkpoints("slurm").Count > 0);
        SignalTasks("STOP"); // so that none ends meanwhile
        var tasks = Tasks();
        cluster.Kill("slurmd");
        foreach (var process in tasks.Select(SlurmCluster.StepdOf).OfType<int>().Concat(tasks).ToList())
            Signal(process, "KILL");
        cluster.Start("slurmd");
        Finish(driver);
        AssertSame("threads", "slurm");
    }

    [LongSlurmFact]
    public void A_node_agent_dies_alone_and_its_tasks_are_not_counted_twice()
    {
        ProgramProcess.Succeed("meta-train", ConfigOf("threads", 30000));
        var driver = Start("meta-train", ConfigOf("slurm", 30000), Slurm);
        WaitFor(driver, () => Checkpoints("slurm").Count > 0);
        // The tasks run on as orphans while Slurm starts them again. (Not stopped meanwhile: an orphan that is stopped
        // gets SIGHUP.)
        var stepds = Tasks().Select(SlurmCluster.StepdOf).OfType<int>().ToList();
        Assert.NotEmpty(stepds);
        cluster.Kill("slurmd");
        foreach (var process in stepds) Signal(process, "KILL");
        cluster.Start("slurmd");
        Finish(driver);
        AssertSame("threads", "slurm");
    }

    // Every run has a parent folder of its own: curves from random initialization are shared between the runs of one.
    private string ConfigOf(string run, int steps, string config = Config) =>
        _folder.Write(run + ".yaml", config.Replace("DIRECTORY", _folder[$"{run}/run"]).Replace("STEPS", $"{steps}"));

    private Process Start(string command, string argument, string[] more) =>
        ProgramProcess.StartWith(cluster.Environment, [command, argument, .. more]);

    private string Succeed(string command, string argument, string[] more) => Finish(Start(command, argument, more));

    private static string Finish(Process process)
    {
        var (code, output, error) = ProgramProcess.Wait(process);
        Assert.True(code == 0, $"ended with {code}:\n{error}\n{output}");
        return output;
    }

    private IReadOnlyList<string> Checkpoints(string run) => Directory.Exists(_folder[$"{run}/run/work/step-000000"])
        ? Directory.GetFiles(_folder[$"{run}/run/work/step-000000"], "*.checkpoint") : [];

    private string Log(string run)
    {
        using var reader = new StreamReader(
            new FileStream(_folder[$"{run}/run/run.log"], FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private string JobName(string run) => System.Text.Json.JsonDocument.Parse(File.ReadAllText(
        _folder[$"{run}/run/work/step-000000/array.json"])).RootElement.GetProperty("name").GetString()!;

    private IReadOnlyList<int> Tasks(string which = ".task") =>
        SlurmCluster.Processes("rlleap.dll task", _folder["slurm/run/work"], which);

    private void SignalTasks(string name)
    {
        foreach (var process in Tasks()) Signal(process, name);
    }

    private static void Signal(int process, string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{process}"]);
        kill.WaitForExit();
    }

    private static void WaitFor(Process? process, Func<bool> condition)
    {
        while (!condition())
        {
            if (process is { HasExited: true }) Assert.Fail($"it ended before: {ProgramProcess.Wait(process)}");
            Thread.Sleep(5);
        }
    }

    private void AssertSame(string one, string other)
    {
        foreach (var file in new[] { "initialization.safetensors", "metrics.jsonl", "result.json" })
            Assert.True(File.ReadAllBytes(_folder[$"{one}/run/{file}"]).AsSpan()
                .SequenceEqual(File.ReadAllBytes(_folder[$"{other}/run/{file}"])), $"{file} differs");
    }
}

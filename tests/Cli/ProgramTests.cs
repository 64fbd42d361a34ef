// The program from outside: exit codes, one message per error, signals.
using System.CommandLine;
using System.Diagnostics;
using RlLeap.Cli;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public class ProgramTests
{
    [Theory]
    [InlineData("/home/me/rlleap/src/Cli/bin/Release/net10.0/", "./rlleap")]
    [InlineData("/home/me/.dotnet/tools/.store/rlleap/0.2.0/rlleap/0.2.0/tools/net10.0/any/", "rlleap")]
    [InlineData("C:\\Users\\me\\.dotnet\\tools\\.store\\rlleap\\0.2.0\\rlleap\\0.2.0\\tools\\net10.0\\any\\", "rlleap")]
    public void It_is_called_by_its_launcher_or_as_a_tool_by_its_name(string folder, string name) =>
        Assert.Equal(name, Shell.NameIn(folder));

    [Theory]
    [InlineData(2, "Unrecognized command or argument 'nonsense'", "nonsense")]
    [InlineData(2, "see ./rlleap report --help", "report")]
    [InlineData(2, "--window is '0'; it must be a whole number from 1", "report", "x", "--window", "0")]
    [InlineData(1, "the run is not complete", "report", "/no/such/run")]
    [InlineData(1, "/no/such/run is not there", "status", "/no/such/run")]
    public void Wrong_use_and_errors_have_their_exit_codes_and_one_message(int code, string message,
        params string[] arguments)
    {
        var (exit, output, error) = ProgramProcess.Run(arguments);
        Assert.Equal(code, exit);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Equal("", output);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal); // no stack trace
    }

    [Theory]
    [InlineData("too deep for observations", "--set", "agent.network=mnih2013")]
    [InlineData("expected a divisor of agent.environments, 32", "--set", "workers=3")]
    [InlineData("RmsPropBaselines has no momentum", "--set", "agent.optimizer=rms-prop-baselines", "--set",
        "agent.momentum=0.9")]
    public void What_cannot_be_trained_is_said_before_a_folder_is_made(string expected, params string[] settings)
    {
        using var temp = new TempFolder();
        var (code, _, error) =
            ProgramProcess.Run(["train", "MinAtar/Breakout-v1", "--directory", temp["run"], .. settings]);
        Assert.Equal(1, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(temp["run"]));
    }

    [Fact]
    public void A_current_folder_that_was_deleted_is_one_clear_error()
    {
        using var temp = new TempFolder();
        var start = new ProcessStartInfo("bash", ["-c", "mkdir gone && cd gone && rmdir ../gone && exec \"$@\"", "-",
            "dotnet", Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), "train", "MinAtar/Breakout-v1"])
        { WorkingDirectory = temp.Root, RedirectStandardOutput = true, RedirectStandardError = true };
        var (code, _, error) = ProgramProcess.Wait(Process.Start(start)!);
        Assert.Equal(1, code);
        Assert.EndsWith("rlleap: the current folder was deleted: cd to one that exists\n", error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_of_what_another_version_wrote_or_to_where_nothing_can_be_written_is_one_clear_error()
    {
        using var temp = new TempFolder();
        foreach (var text in new[] { "{}", "null", """{"kind":"meta-train","name":"x"}""",
            """{"kind":"meta-train","name":"x","curves":[{"task":"a"}],"meta-curves":[]}""" })
        {
            temp.Write("old/result.json", text);
            var (code, _, old) = ProgramProcess.Run("report", temp["old"]);
            Assert.Equal(1, code);
            Assert.Contains("is not a result that this version reads", old, StringComparison.Ordinal);
        }
        new Result("train", "a", [new("Pong", "none", 1, [1, 2], [0.1, 0.2])], []).Save(temp["run/result.json"]);
        foreach (var output in new[] { temp.Write("file", ""), temp["file/folder"], "/proc/report" })
        {
            var (code, _, error) = ProgramProcess.Run("report", temp["run"], "--output", output);
            Assert.Equal(1, code);
            Assert.Contains($"the report cannot be written to {output}", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_report_of_a_grids_folder_leaves_out_logs_and_the_report_that_lies_there()
    {
        using var temp = new TempFolder();
        foreach (var seed in new[] { 1, 2 })
            new Result("train", "a", [new("Pong", "none", seed, [1, 2], [0.1, 0.2 * seed])], [])
                .Save(temp[$"grid/seed-{seed}/result.json"]);
        temp.Write("grid/seed-1.log", "");
        string[] Places() => [.. Directory.GetFileSystemEntries(temp["grid"]),
            .. Directory.Exists(temp["grid/report"]) ? Directory.GetFiles(temp["grid/report"]) : []];
        for (var i = 0; i < 2; i++)
        {
            var (code, _, error) =
                ProgramProcess.Run(["report", "--pool", .. Places(), "--output", temp["grid/report"]]);
            Assert.True(code == 0, error);
        }
        Assert.Contains("only logs and reports", ProgramProcess.Run("report", temp["grid/report"]).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_runs_stands_for_all_of_them_pooled()
    {
        using var temp = new TempFolder();
        foreach (var run in new[] { "a/seed-1", "b/seed-1" })
            new Result("train", run, [new("Pong", "ppo", 1, [1, 2], [0.1, run.Length * 0.1 + run[0]])], [])
                .Save(temp[$"grid/{run}/result.json"]);
        ProgramProcess.Succeed("report", temp["grid"]);
        Assert.Equal(3, File.ReadAllLines(temp["grid/report/seeds.csv"]).Length);
        Assert.StartsWith("Pong,ppo,2,", File.ReadAllLines(temp["grid/report/tasks.csv"])[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Help_and_no_arguments_list_the_commands()
    {
        foreach (var arguments in new[] { Array.Empty<string>(), ["--help"] })
        {
            var (exit, output, _) = ProgramProcess.Run(arguments);
            Assert.Equal(0, exit);
            foreach (var command in new[] { "doctor", "report", "status" })
                Assert.Contains(command, output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Status_tells_complete_stopped_killed_and_running_runs_apart()
    {
        using var temp = new TempFolder();
        using (var run = RunDirectory.Start(temp["runs/complete"], "")) run.Complete(new("train", "a", [], []));
        RunDirectory.Start(temp["runs/deep/stopped"], "").Dispose();
        RunDirectory.Start(temp["runs/killed"], "").Dispose();
        temp.Write("runs/killed/.holder", $"{int.MaxValue} {Environment.MachineName}\n");
        using var running = RunDirectory.Start(temp["runs/running"], "");
        running.Metrics.Write(new("meta", 7, ("x", 1)));
        running.SaveCheckpoint(5, _ => { });
        var (exit, output, _) = ProgramProcess.Run("status", temp["runs"]);
        Assert.Equal(0, exit);
        Assert.Matches(@"runs/complete\s+complete", output);
        Assert.Matches(@"runs/deep/stopped\s+stopped: --resume", output);
        Assert.Matches(@"runs/killed\s+killed: --resume", output);
        Assert.Matches(@$"runs/running\s+running: process {Environment.ProcessId} on \S+\s+8 meta-steps\s+5\s", output);
    }

    [Fact]
    public void A_run_made_before_its_grid_was_changed_does_not_pass_for_one_of_it()
    {
        using var temp = new TempFolder();
        string[] grid = ["grid", temp.Write("grid.yaml", $$"""
            command: train
            config: {{temp.Write("agent.yaml", "environment: MinAtar/Breakout-v0\nagent-steps: 160\n")}}
            directory: {{temp["grid"]}}
            axes: {seed: ["1"]}
            """)];
        var (first, _, problem) = ProgramProcess.Run(grid);
        Assert.True(first == 0, problem);
        Assert.Equal(0, ProgramProcess.Run([.. grid, "--set", "parallel=2"]).Item1);
        var (exit, _, error) = ProgramProcess.Run([.. grid, "--set", "set={agent-steps: \"320\"}"]);
        Assert.Equal(1, exit);
        Assert.Contains("has agent-steps: 160, now it would be agent-steps: 320", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_grid_says_what_is_wrong_with_the_config_of_a_run_before_the_first_begins()
    {
        using var temp = new TempFolder();
        var (exit, _, error) = ProgramProcess.Run("grid", temp.Write("grid.yaml", $$"""
            command: train
            config: {{temp.Write("agent.yaml", "environment: MinAtar/Breakout-v0\n")}}
            directory: {{temp["grid"]}}
            axes: {agent-steps: ["160", many]}
            """));
        Assert.Equal(1, exit);
        Assert.Contains("steps-many: --set agent-steps=many: key 'agent-steps': found 'many'", error,
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(temp["grid"]));
    }

    [Fact]
    public void An_unexpected_error_is_one_message_with_the_path_of_its_details()
    {
        var (exit, error) = InProcess(_ => throw new InvalidOperationException("a defect"));
        Assert.Equal(70, exit);
        Assert.Contains("InvalidOperationException: a defect", error, StringComparison.Ordinal);
        var log = error.Split("the details are in ")[1].Split(';')[0];
        Assert.Contains("a defect", File.ReadAllText(log), StringComparison.Ordinal);
        File.Delete(log);
    }

    [Fact]
    public void Known_errors_are_their_message_alone_wherever_they_are_wrapped()
    {
        Assert.Equal((1, "rlleap: do this\n"), InProcess(_ => throw new RlLeapException("do this")));
        Assert.Equal((1, "rlleap: do this\n"),
            InProcess(_ => throw new AggregateException(new RlLeapException("do this"))));
        Assert.Equal(1, InProcess(_ => throw new FileNotFoundException("no x")).ExitCode);
    }

    [Fact]
    public void A_full_disk_is_said_and_does_not_count_as_a_defect()
    {
        using var temp = new TempFolder();
        using var run = RunDirectory.Start(temp["a"], "");
        using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite,
            bufferSize: 0);
        var e = Assert.ThrowsAny<IOException>(() =>
            new JsonLines(new Unseekable(full)).Write(new("meta", 1, ("x", 1))));
        Assert.Contains("the disk is full", Shell.Message(e), StringComparison.Ordinal);
        Assert.Contains("go on with --resume", Shell.Message(e), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 129)]
    public void A_signal_cancels_and_gives_its_exit_code(string signal, int code)
    {
        if (signal == "HUP" && Ignores(1)) return; // the tests run under nohup
        var (exit, error) = InProcess(stop =>
        {
            ProgramProcess.Signal(Environment.ProcessId, signal);
            Assert.True(stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)), "the signal did not arrive");
            stop.ThrowIfCancellationRequested();
        });
        Assert.Equal(code, exit);
        Assert.Contains("stopping at the next safe point", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Output_falls_silent_when_its_terminal_is_gone_and_only_then()
    {
        var inner = new Failing();
        using var writer = new HangupSafeWriter(inner);
        writer.WriteLine("one");
        inner.Error = new IOException("Input/output error", 5);
        writer.Write("two");
        inner.Error = null;
        writer.WriteLine("three");
        writer.Flush();
        Assert.Equal("one\n", inner.ToString());
        using var other = new HangupSafeWriter(new Failing { Error = new IOException("No space left on device", 28) });
        Assert.Throws<IOException>(() => other.Write("one"));
    }

    private sealed class Failing : StringWriter
    {
        public IOException? Error { get; set; }

        public override void Write(string? value) { if (Error is { } e) throw e; base.Write(value); }
        public override void WriteLine(string? value) { if (Error is { } e) throw e; base.WriteLine(value); }
    }

    // Bit n - 1 of SigIgn stands for signal n.
    private static bool Ignores(int signal) =>
        (Convert.ToUInt64(File.ReadLines("/proc/self/status").First(line =>
            line.StartsWith("SigIgn", StringComparison.Ordinal)).Split('\t')[1], 16) >> (signal - 1) & 1) == 1;

    private static (int ExitCode, string Error) InProcess(Action<CancellationToken> action)
    {
        var root = new RootCommand();
        var command = new Command("it");
        command.SetAction((_, stop) => { action(stop); return Task.CompletedTask; });
        root.Add(command);
        var (before, error) = (Console.Error, new StringWriter());
        Console.SetError(error);
        try { return (Shell.Run(["it"], root), error.ToString()); }
        finally { Console.SetError(before); }
    }

    // The stream of a device, as JsonLines sees a file that is empty.
    private sealed class Unseekable(Stream inner) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => true;
        public override bool CanWrite => true;
        public override long Length => 0;
        public override long Position { get => 0; set { } }
        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => 0;
        public override long Seek(long offset, SeekOrigin origin) => 0;
        public override void SetLength(long value) { }
        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
    }
}

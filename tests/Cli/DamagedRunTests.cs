// What a run bears: metrics that were lost, torn or changed, files of its own that were deleted or damaged.
using RlLeap.Cli.Commands;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;
using RlLeap.MetaLearning;
using RlLeap.Testing;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class DamagedRunTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string> Bad => new()
    {
        { "garbage {\n", "not a whole row" },
        { "\0\0\0\0\0\0\n", "zeros" },
        { "{\"series\":\"meta\",\"step\":3,\"x\"\n", "not a whole row" },
        { "[1, 2]\n", "not a whole row" },
        { "\n", "not a whole row" },
        { "{\"step\":3,\"x\":1}\n", "no series" },
        { "{\"series\":\"meta\",\"step\":\"three\"}\n", "no step" },
        { "{\"series\":\"meta\",\"step\":1,\"x\":\"high\"}\n", "not a whole row" },
        { "{\"series\":\"meta\",\"step\":3}{\"series\":\"meta\",\"step\":4}\n", "not a whole row" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void A_line_that_cannot_be_read_is_named_and_the_others_are_read(string bad, string reason)
    {
        var path = _folder.Write("m.jsonl", Line(1) + Line(2) + bad + Line(4));
        var seen = new List<BadLine>();
        Assert.Equal([1L, 2L, 4L], JsonLines.Read(path, seen.Add).Select(row => row.Step));
        Assert.Equal((path, 3L), (seen.Single().File, seen.Single().Number));
        Assert.Contains(reason, seen[0].Reason, StringComparison.Ordinal);
        var message = Assert.Throws<RlLeapException>(() => JsonLines.Read(path).ToList()).Message;
        Assert.Contains($"{path}, line 3: ", message, StringComparison.Ordinal);
        Assert.Equal(4, JsonLines.Last(path, _ => true, seen.Add)!.Value.Step);
    }

    [Fact]
    public void Of_a_long_file_the_last_row_is_found_from_its_end_also_behind_other_series()
    {
        using (var file = File.CreateText(_folder["m.jsonl"]))
        {
            file.Write(Line(5));
            for (var i = 0; i < 40_000; i++) file.Write("{\"series\":\"task/a\",\"step\":1,\"x\":0.25}\n");
            file.Write("torn");
        }
        Assert.Equal(5, JsonLines.Last(_folder["m.jsonl"], row => row.Series == "meta", whole: 1000)!.Value.Step);
        Assert.Null(JsonLines.Last(_folder["m.jsonl"], row => row.Series == "none", whole: 1000));
    }

    [Fact]
    public void Rows_are_read_in_memory_that_does_not_grow_with_them_even_without_ends_of_lines()
    {
        using (var file = File.CreateText(_folder["m.jsonl"]))
        {
            for (var i = 0; i < 1_000_000; i++) file.Write(Line(i));
            file.Write(new string('x', 40_000_000));
            file.Write("\n" + Line(7));
        }
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var (most, bad, rows) = (0L, 0, 0);
        foreach (var row in JsonLines.Read(_folder["m.jsonl"], _ => bad++))
            if (rows++ % 100_000 == 0) most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        Assert.Equal((1_000_001, 1), (rows, bad));
        Assert.InRange(most, 0, 12_000_000);
    }

    [Theory]
    [InlineData("gone"), InlineData("shorter"), InlineData("torn"), InlineData("changed"), InlineData("events")]
    public void A_run_with_a_whole_checkpoint_goes_on_whatever_became_of_its_metrics(string damage)
    {
        using (var run = RunDirectory.Start(_folder["a"], "x: 1\n"))
        {
            for (var step = 1; step <= 3; step++) run.Metrics.Write(new("meta", step, ("x", step)));
            run.SaveCheckpoint(3, _ => { });
        }
        var metrics = _folder["a/metrics.jsonl"];
        var whole = File.ReadAllText(metrics);
        if (damage == "gone") File.Delete(metrics);
        if (damage == "shorter") File.WriteAllText(metrics, whole[..^30]);
        // Without its end, its last line is none.
        if (damage == "torn") File.WriteAllText(metrics, whole[..^1] + "}");
        if (damage == "changed") File.WriteAllText(metrics, whole.Replace("\"x\":2", "\"x\":5"));
        if (damage == "events") Directory.Delete(_folder["a/events"], recursive: true);
        for (var again = 0; again < 2; again++)
            using (var run = RunDirectory.Resume(_folder["a"]))
            {
                Assert.Equal(3, run.Restored!.Step);
                run.Metrics.Write(new("meta", 4, ("x", 4)));
                Assert.Equal(damage == "events" ? 0 : 1, run.History.All.Count);
                if (again == 1) run.Complete(new("train", "a", [], []));
            }
        var steps = JsonLines.Read(metrics).Select(row => row.Step).ToArray();
        Assert.Equal(damage switch { "gone" => [4L], "shorter" or "torn" => [1L, 2L, 4L], _ => [1L, 2L, 3L, 4L] },
            steps);
        var record = Result.Load(_folder["a/result.json"]).Record;
        Assert.Equal(damage != "events", record?.ContainsKey(RunHistory.Damaged) == true);
        Assert.True(new FileInfo(_folder["a/events/meta/events.out.tfevents.0.rlleap"]).Length > 40);
    }

    [Fact]
    public void A_resume_names_the_line_that_it_passes_over()
    {
        using (var run = RunDirectory.Start(_folder["a"], ""))
        {
            run.Metrics.Write(new("meta", 1, ("x", 1)));
            run.Append("metrics.jsonl").Write("\0\0\0\n"u8);
            run.Metrics.Write(new("meta", 2, ("x", 2)));
            run.SaveCheckpoint(2, _ => { });
        }
        using var again = RunDirectory.Resume(_folder["a"]);
        again.Metrics.Write(new("meta", 3, ("x", 3)));
        Assert.Contains("metrics.jsonl, line 2: ", Assert.Single(again.History.All).What, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => again.Metrics.Write(new("meta", 4, ("y", 3))));
    }

    [Fact]
    public void Status_lists_all_runs_and_says_which_have_damaged_metrics()
    {
        foreach (var name in new[] { "runs/bad", "runs/good", "runs/worse" })
            using (var run = RunDirectory.Start(_folder[name], "")) run.Metrics.Write(new("meta", 7, ("x", 1)));
        File.AppendAllText(_folder["runs/bad/metrics.jsonl"], "garbage {\n");
        File.Delete(_folder["runs/worse/metrics.jsonl"]);
        Directory.CreateDirectory(_folder["runs/worse/checkpoints"]);
        Directory.CreateSymbolicLink(_folder["runs/loop"], _folder["runs"]);
        var (code, output, error) = ProgramProcess.Run("status", _folder["runs"]);
        Assert.Equal(0, code);
        Assert.Matches(@"runs/good\s+stopped: --resume \S+\s+8 meta-steps", output);
        Assert.Matches(@"runs/bad\s+stopped: --resume \S+ \(damaged metrics\)\s+8 meta-steps", output);
        Assert.Contains("runs/worse", output, StringComparison.Ordinal);
        Assert.Contains("runs/bad/metrics.jsonl, line 2: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_runs_curve_holds_means_at_even_distances_and_its_last()
    {
        var rng = new Rng(1);
        var rows = Enumerable.Range(1, 9_999)
            .Select(i => new Row("episodes", 3 * i, ("charts/episodic_return", rng.NextNormal()))).ToList();
        var whole = RecordedCurve.OfEpisodes(rows, 100, most: 10_000);
        Assert.Equal((9_999, 100, null), (whole.Values.Count, whole.Window, whole.Smoothing));
        var thin = RecordedCurve.OfEpisodes(rows, 100, most: 500);
        Assert.InRange(thin.Steps.Count, 250, 501);
        Assert.Equal((1, "the last 100 episodes"), (thin.Window, thin.Smoothing));
        Assert.Equal(3 * 9_999, thin.Steps[^1]);
        Assert.Single(thin.Steps.Zip(thin.Steps.Skip(1), (a, b) => b - a).Distinct().SkipLast(1));
        var means = RlLeap.Cli.Statistics.LearningCurves.MovingAverage(whole.Values, 100);
        foreach (var (step, value) in thin.Steps.Zip(thin.Values)) Assert.Equal(means[step / 3 - 1], value, 12);
    }

    [Fact]
    public void A_damaged_result_or_kept_curve_is_not_taken_for_what_was_measured()
    {
        new Result("train", "a", [new("Pong", "none", 1, [1, 2], [0.5, 0.25])], []).Save(_folder["result.json"]);
        var text = File.ReadAllText(_folder["result.json"]);
        File.WriteAllText(_folder["result.json"], text.Replace("0.25", "0.75"));
        Assert.Contains("damaged", Assert.Throws<DamagedFileException>(() =>
            Result.Load(_folder["result.json"])).Message,
            StringComparison.Ordinal);
        // What has no checksum was written by hand, or by a version without.
        var bare = "{" + text[(text.IndexOf("\",", StringComparison.Ordinal) + 2)..];
        File.WriteAllText(_folder["result.json"], bare.Replace("0.25", "0.75"));
        Assert.Equal(0.75, Result.Load(_folder["result.json"]).Curves[0].Values[1]);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void A_damaged_checkpoint_of_a_task_is_set_aside_and_the_task_starts_again(bool truncated)
    {
        var sine = new SinusoidTask("sine", 1, 0);
        using var start = new MetaInitialization(new SmallMlp([1, 4, 1]), []);
        start.Initialize(new Rng(1));
        var work = new TaskJob
        {
            TaskId = "sine", Seed = 1, MetaStep = 0, Index = 0, Method = new LeapOptions(),
            Learner = new() { GradientSteps = 20 },
        };
        var straight = TaskRun.Execute(work, sine, start).Contribution!;
        var path = _folder["task.checkpoint"];
        using var stop = new CancellationTokenSource();
        var hooks = new TrainingHooks
        {
            Checkpoint = _ => path,
            Stepped = (_, step) =>
            {
                if (step.Step == 9) stop.Cancel();
            },
        };
        Assert.Throws<OperationCanceledException>(() => TaskRun.Execute(work, sine, start, hooks, stop.Token));
        var bytes = File.ReadAllBytes(path);
        if (truncated) bytes = bytes[..(bytes.Length / 2)];
        else bytes[^5] ^= 1;
        File.WriteAllBytes(path, bytes);
        string? aside = null;
        var again = TaskRun.Execute(work, sine, start, new TrainingHooks
        {
            Checkpoint = _ => path, SetAside = (_, where) => aside = where,
        });
        Assert.Equal(straight.MetaGradient, again.Contribution!.MetaGradient);
        Assert.Equal(path + ".damaged", aside);
        Assert.Equal(bytes, File.ReadAllBytes(aside!));
    }

    [Fact]
    public void As_many_series_as_there_are_do_not_each_keep_a_file_open()
    {
        using var run = RunDirectory.Start(_folder["a"], "");
        for (var step = 0; step < 3; step++)
            for (var task = 0; task < 150; task++) run.Metrics.Write(new($"task/{task}", step, ("x", task)));
        if (OperatingSystem.IsLinux())
            // LinkTarget is null for a file that another test has closed since; File.ResolveLinkTarget throws.
            Assert.InRange(Directory.GetFiles("/proc/self/fd").Count(file =>
                new FileInfo(file).LinkTarget?.StartsWith(_folder.Root, StringComparison.Ordinal) == true), 1, 40);
        var checkpoint = run.SaveCheckpoint(3, _ => { });
        Assert.Equal(151, checkpoint.Lengths.Count);
        var files = Directory.GetFiles(_folder["a/events"], "*", SearchOption.AllDirectories);
        Assert.Equal(150, files.Length);
        Assert.Single(files.Where(file => !file.Contains("task_1", StringComparison.Ordinal))
            .Select(file => new FileInfo(file).Length).Distinct());
    }

    [Theory]
    [InlineData(28, "Free space"), InlineData(30, "read-only"), InlineData(24, "ulimit"),
        InlineData(5, "disk or the network")]
    public void Each_error_of_the_system_is_said_in_its_own_words(int number, string advice)
    {
        if (OperatingSystem.IsWindows()) return;
        var error = new IOException("Some words : '/a/b'", number);
        Assert.Contains("Some words : '/a/b'. ", SystemErrors.Explain(error), StringComparison.Ordinal);
        Assert.Contains(advice, SystemErrors.Explain(error), StringComparison.Ordinal);
        Assert.NotNull(RlLeap.Cli.Shell.Message(error));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_not_said_to_be_in_use()
    {
        var message = Assert.Throws<RlLeapException>(() => RunDirectory.Start("/proc/rlleap/run", "")).Message;
        Assert.DoesNotContain("in use", message, StringComparison.Ordinal);
        Assert.Contains("/proc/rlleap", message, StringComparison.Ordinal);
        var file = _folder.Write("file", "");
        Assert.DoesNotContain("in use",
            Assert.Throws<RlLeapException>(() => RunDirectory.Start(file + "/run", "")).Message,
                StringComparison.Ordinal);
    }

    private static string Line(long step) => $"{{\"series\":\"meta\",\"step\":{step},\"x\":0.25}}\n";
}

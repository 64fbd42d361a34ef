// The folder of a run: begun once, held by one process, resumed to the same bytes, checkpoints whole or not at all.
using System.Diagnostics;
using System.Text;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;
using RlLeap.MetaLearning;
using RlLeap.Testing;
using Xunit;

namespace RlLeap.Tests.Cli;

public class RunTests
{
    private static readonly Result Nothing = new("train", "test", [], []);

    [Fact]
    public void A_start_that_was_killed_as_it_wrote_the_config_can_be_made_again()
    {
        using var temp = new TempFolder();
        temp.Write("run/config.yaml.host-1-2-3.tmp", "enviro");
        temp.Write("run/.lock", "");
        using (RunDirectory.Start(temp["run"], "a: 1")) { }
        temp.Write("other/notes.tmp", "");
        Assert.Throws<RlLeapException>(() => RunDirectory.Start(temp["other"], "a: 1"));
    }

    [Fact]
    public void A_run_is_begun_once_and_says_how_to_go_on()
    {
        using var temp = new TempFolder();
        var path = temp["runs/a"];
        using (var run = RunDirectory.Start(path, "name: a\n")) Assert.Equal("name: a\n", run.Config);
        Assert.Contains($"--resume {path}", Assert.Throws<RlLeapException>(() =>
            RunDirectory.Start(path, "name: a\n")).Message, StringComparison.Ordinal);
        temp.Write("other/file", "x");
        Assert.Contains("not empty", Assert.Throws<RlLeapException>(() =>
            RunDirectory.Start(temp["other"], "")).Message, StringComparison.Ordinal);
        Assert.Equal(["file"], Directory.GetFiles(temp["other"]).Select(Path.GetFileName));
        Assert.Contains("holds no run",
            Assert.Throws<RlLeapException>(() => RunDirectory.Resume(temp["other"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_that_no_folder_matches_is_said_to_be_one()
    {
        Assert.Equal("no folder matches runs/none/*/*.", Assert.Throws<RlLeapException>(() =>
            Result.Load("runs/none/*/*/result.json")).Message);
        Assert.Contains("is not there: the run is not complete (see ./rlleap status)",
            Assert.Throws<RlLeapException>(() => Result.Load("runs/none/result.json")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_user_of_a_run_is_refused_by_name_of_the_first()
    {
        using var temp = new TempFolder();
        using (RunDirectory.Start(temp["a"], "name: a\n"))
            Assert.Contains($"in use by process {Environment.ProcessId} on {Environment.MachineName}",
                Assert.Throws<RlLeapException>(() => RunDirectory.Resume(temp["a"])).Message, StringComparison.Ordinal);
        RunDirectory.Resume(temp["a"]).Dispose();
    }

    [Theory]
    [InlineData(0), InlineData(1), InlineData(2), InlineData(3)]
    public void A_run_killed_and_resumed_leaves_the_same_files_as_one_that_was_not(int seed)
    {
        using var temp = new TempFolder();
        Train(temp["whole"], kills: null);
        Train(temp["killed"], kills: new Rng(seed).Split("kills"));
        var names = Files(temp["whole"]);
        Assert.Equal(names, Files(temp["killed"]));
        Assert.Contains("metrics.jsonl", names);
        foreach (var name in names.Where(n => !n.StartsWith("events", StringComparison.Ordinal)))
            Assert.Equal(File.ReadAllBytes(temp["whole/" + name]), File.ReadAllBytes(temp["killed/" + name]));
        foreach (var name in names.Where(n => n.StartsWith("events", StringComparison.Ordinal)))
            Assert.Equal(new FileInfo(temp["whole/" + name]).Length, new FileInfo(temp["killed/" + name]).Length);

        static string[] Files(string root) => [.. Directory.GetFiles(root, "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(root, f)).Order(StringComparer.Ordinal)];
    }

    // A run of 20 steps whose state is a generator; a "kill" leaves a torn line and drops everything in memory.
    private static void Train(string path, Rng? kills)
    {
        for (var first = true; ; first = false)
        {
            using var run = first ? RunDirectory.Start(path, "name: a\n") : RunDirectory.Resume(path);
            var (rng, step) = run.Restored is { } from
                ? (Rng.FromState(File.ReadAllBytes(from.PathOf("rng"))), from.Step) : (new Rng(7), 0L);
            var killed = false;
            for (; step < 20 && !killed; step++)
            {
                if (step > 0 && step % 3 == 0) run.SaveCheckpoint(step,
                    folder => File.WriteAllBytes(Path.Combine(folder, "rng"), rng.SaveState()));
                run.Metrics.Write(
                    new("meta", step, ("charts/episodic_return", rng.NextNormal()), ("losses/policy", double.NaN)));
                if (step > 10) run.Metrics.Write(new("task/late", step, ("x", rng.NextDouble())));
                if (kills?.NextInt(6) == 0)
                {
                    run.Append("metrics.jsonl").Write("{\"series\":\"me"u8);
                    killed = true;
                }
            }
            if (killed) continue;
            run.SaveCheckpoint(20, folder => File.WriteAllBytes(Path.Combine(folder, "rng"), rng.SaveState()));
            run.Complete(Nothing);
            return;
        }
    }

    [Fact]
    public void A_damaged_newest_checkpoint_is_passed_over()
    {
        using var temp = new TempFolder();
        using (var run = RunDirectory.Start(temp["a"], "name: a\n"))
            for (var step = 1; step <= 3; step++)
            {
                run.Metrics.Write(new("meta", step, ("x", step)));
                run.SaveCheckpoint(step, folder => File.WriteAllText(Path.Combine(folder, "state"), $"{step}"));
            }
        Assert.Equal(["000000000002", "000000000003"],
            Directory.GetDirectories(temp["a/checkpoints"]).Select(Path.GetFileName).Order());
        File.WriteAllText(temp["a/checkpoints/000000000003/state"], "9");
        Directory.CreateDirectory(temp["a/checkpoints/000000000004.tmp"]); // cut off while it was written
        using (var run = RunDirectory.Resume(temp["a"]))
        {
            Assert.Equal(2, run.Restored!.Step);
            Assert.Equal("2", File.ReadAllText(run.Restored.PathOf("state")));
            Assert.Equal([1L, 2L], JsonLines.Read(temp["a/metrics.jsonl"]).Select(r => r.Step));
        }
        File.Delete(temp["a/checkpoints/000000000002/state"]);
        // Beginning anew would cut what is recorded.
        Assert.Contains("None of the checkpoints",
            Assert.Throws<RlLeapException>(() => RunDirectory.Resume(temp["a"])).Message, StringComparison.Ordinal);
        Assert.Equal([1L, 2L], JsonLines.Read(temp["a/metrics.jsonl"]).Select(r => r.Step));
    }

    [Fact]
    public void Curves_over_different_windows_are_not_taken_for_one_another() =>
        Assert.NotEqual(new RlLeap.Cli.MetaTraining.ReturnCurve(100, 10).Save(),
            new RlLeap.Cli.MetaTraining.ReturnCurve(500, 10).Save());

    [Fact]
    public void A_complete_run_is_left_as_it_is()
    {
        using var temp = new TempFolder();
        using (var run = RunDirectory.Start(temp["a"], "name: a\n"))
        {
            run.Metrics.Write(new("meta", 1, ("x", 1)));
            run.SaveCheckpoint(1, folder => File.WriteAllText(Path.Combine(folder, "state"), "1"));
            run.Metrics.Write(new("evaluation", 1, ("x", 2))); // after the last checkpoint
            run.Times.Write(new("meta", 1, ("seconds", 3)));
            run.Complete(Nothing);
        }
        string[] files = ["a/metrics.jsonl", "a/times.jsonl"];
        var before = files.Select(file => File.ReadAllText(temp[file])).ToArray();
        RunDirectory.Resume(temp["a"]).Dispose();
        Directory.Delete(temp["a/checkpoints"], recursive: true); // to free space
        RunDirectory.Resume(temp["a"]).Dispose();
        Assert.Equal(before, files.Select(file => File.ReadAllText(temp[file])));
    }

    [Fact]
    public void A_checkpoint_that_fails_leaves_the_earlier_ones()
    {
        using var temp = new TempFolder();
        var store = new CheckpointStore(temp["c"]);
        store.Save(1, folder => File.WriteAllText(Path.Combine(folder, "state"), "1"));
        Assert.Contains("Earlier checkpoints are whole", Assert.Throws<RlLeapException>(() =>
            store.Save(2, _ => throw new IOException("No space left on device"))).Message, StringComparison.Ordinal);
        Assert.Contains("Earlier checkpoints are whole", Assert.Throws<RlLeapException>(() =>
            store.Save(3, _ => AtomicFile.WriteAllText("/dev/null/x", ""))).Message, StringComparison.Ordinal);
        Assert.Equal(1, store.Newest()!.Step);
        Assert.Equal(["000000000001"], Directory.GetDirectories(temp["c"]).Select(Path.GetFileName));
    }

    [Fact]
    public void What_a_kill_left_beside_the_manifest_does_not_make_a_checkpoint_damaged()
    {
        using var temp = new TempFolder();
        var store = new CheckpointStore(temp["c"]);
        store.Save(1, folder => File.WriteAllText(Path.Combine(folder, "file"), "1"));
        File.WriteAllText(temp["c/000000000001/manifest.json.host-1-1-1.tmp"], "{");
        Assert.Equal(1, store.Newest()!.Step);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_checkpoint_of_the_same_step_is_never_missing_while_it_is_replaced(bool newOneIsThere)
    {
        using var temp = new TempFolder();
        var store = new CheckpointStore(temp["c"]);
        void Save(string text) => store.Save(1, folder => File.WriteAllText(Path.Combine(folder, "file"), text));
        Save("old");
        // Killed after the old one was moved away: before the new one came, or after.
        Directory.Move(temp["c/000000000001"], temp["c/000000000001.replaced"]);
        if (newOneIsThere) Save("new");
        Assert.Equal(newOneIsThere ? "new" : "old", File.ReadAllText(store.Newest()!.PathOf("file")));
        Save("newest");
        Assert.Equal("newest", File.ReadAllText(store.Newest()!.PathOf("file")));
        Assert.Equal(["000000000001"], Directory.GetDirectories(temp["c"]).Select(Path.GetFileName));
    }

    [Fact]
    public void A_damaged_checkpoint_ahead_of_the_present_does_not_push_out_a_whole_one()
    {
        using var temp = new TempFolder();
        var store = new CheckpointStore(temp["c"]);
        foreach (var step in new[] { 10, 20 })
            store.Save(step, folder => File.WriteAllText(Path.Combine(folder, "state"), $"{step}"));
        File.WriteAllText(temp["c/000000000020/state"], "damaged");
        Assert.Equal(10, store.Newest()!.Step);
        store.Save(15, folder => File.WriteAllText(Path.Combine(folder, "state"), "15"));
        Assert.Equal(["000000000010", "000000000015"],
            Directory.GetDirectories(temp["c"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_opened_is_not_passed_over_as_damaged()
    {
        using var temp = new TempFolder();
        var store = new CheckpointStore(temp["c"]);
        foreach (var step in new[] { 10, 20 })
            store.Save(step, folder => File.WriteAllText(Path.Combine(folder, "state"), $"{step}"));
        var manifest = temp["c/000000000020/manifest.json"];
        File.Delete(manifest);
        Directory.CreateDirectory(manifest); // what nobody may open, root included
        var message = Assert.Throws<RlLeapException>(() => store.Newest()).Message;
        Assert.Contains("Cannot read the checkpoint", message, StringComparison.Ordinal);
        Assert.Contains("nothing was changed", message, StringComparison.Ordinal);
        Directory.Delete(manifest);
        Assert.Equal(10, store.Newest()!.Step);
    }

    [Fact]
    public void A_series_whose_columns_change_throws_also_after_a_resume()
    {
        using var stream = new MemoryStream();
        var sink = new JsonLines(stream);
        sink.Write(new("meta", 1, ("a", 1), ("b", 2)));
        sink.Write(new("other", 1, ("c", 1)));
        Assert.Contains("'meta' changed its columns at step 2: a, b before, a now",
            Assert.Throws<InvalidOperationException>(() => sink.Write(new("meta", 2, ("a", 1)))).Message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => new JsonLines(stream).Write(new("other", 2, ("d", 1))));
    }

    [Fact]
    public void Earlier_rows_with_other_columns_are_said_once_and_the_run_goes_on()
    {
        using var stream = new MemoryStream();
        new JsonLines(stream).Write(new("meta", 1, ("stard", 1)));
        var said = new List<string>();
        var sink = new JsonLines(stream, bad => said.Add(bad.ToString()), "m.jsonl");
        sink.Write(new("meta", 2, ("start", 1)));
        sink.Write(new("meta", 3, ("start", 1)));
        Assert.Equal(["m.jsonl: the rows of 'meta' before step 2 have other columns than those from there on"], said);
        Assert.Throws<InvalidOperationException>(() => sink.Write(new("meta", 4, ("end", 1))));
    }

    [Fact]
    public void A_metrics_file_cut_off_in_a_line_is_read_up_to_it()
    {
        using var temp = new TempFolder();
        var path = temp.Write("m.jsonl", "{\"series\":\"a\",\"step\":1,\"x\":0.1}\n"
            + "{\"series\":\"a\",\"step\":2,\"x\":null}\n{\"series\":\"a\",\"st");
        var rows = JsonLines.Read(path).ToList();
        Assert.Equal([1L, 2L], rows.Select(r => r.Step));
        Assert.Equal([("x", 0.1)], rows[0].Values);
        Assert.Equal(double.NaN, rows[1].Values[0].Value);
    }

    [Fact]
    public void A_meta_steps_times_are_kept_apart_and_their_shares_make_a_whole()
    {
        using var temp = new TempFolder();
        var times = new StepTimes(workers: 3);
        var work = new TaskJob
        {
            TaskId = "a", Seed = 1, MetaStep = 0, Index = 0, Method = new LeapOptions(), Learner = new()
        };
        times.Begin();
        var tasks = new MetaBatch(0, null!, [work, work with { Index = 1 }]);
        times.Watch(new ThreadExecutor(3)).Map(tasks, (w, _, _) =>
        {
            times.Trained(TimeSpan.Zero);
            return new TaskOutcome(w, null, "none");
        });
        var row = times.End(0);
        Assert.Equal(1, row.Values.Where(v => v.Column.StartsWith("workers/", StringComparison.Ordinal))
            .Sum(v => v.Value), 9);
        Assert.All(row.Values, v => Assert.True(v.Value >= 0, v.Column));
        using (var run = RunDirectory.Start(temp["a"], "")) run.Times.Write(row);
        Assert.False(File.Exists(temp["a/metrics.jsonl"]));
        Assert.Contains("1 meta-steps; the workers spent 0.0 % training",
            StepTimes.Facts(temp["a"])["time of meta-training"], StringComparison.Ordinal);
        Assert.Empty(StepTimes.Facts(temp["b"]));
    }

    [Fact]
    public void A_task_whose_outcome_cannot_be_kept_keeps_its_checkpoint()
    {
        using var temp = new TempFolder();
        var sine = new SinusoidTask("sine", 1, 0);
        var network = new SmallMlp([1, 4, 1]);
        using var start = new MetaInitialization(network, []);
        start.Initialize(new Rng(1));
        var work = new TaskJob
        {
            TaskId = "sine", Seed = 1, MetaStep = 0, Index = 0, Method = new LeapOptions(),
            Learner = new() { GradientSteps = 5 }
        };
        var executor = new CachingExecutor(
            new InlineExecutor(hooks: new TrainingHooks { CheckpointEvery = TimeSpan.FromTicks(1) }), temp["work"]);
        var outcome = executor.OutcomePath(work);
        Directory.CreateDirectory(Path.Combine(outcome, "in the way")); // as good as a full disk
        Assert.Throws<RlLeapException>(Train);
        Assert.True(File.Exists(executor.CheckpointPath(work)), "the last checkpoint is all that is left of the task");
        Directory.Delete(outcome, recursive: true);
        Assert.NotNull(Assert.Single(Train()).Contribution);
        Assert.True(File.Exists(outcome));
        Assert.False(File.Exists(executor.CheckpointPath(work)));

        // What took less time than its file is worth is not kept.
        File.Delete(outcome);
        executor = new CachingExecutor(new InlineExecutor(), temp["work"]) { WorthKeeping = TimeSpan.FromHours(1) };
        Assert.NotNull(Assert.Single(Train()).Contribution);
        Assert.False(File.Exists(outcome));

        IReadOnlyList<TaskOutcome> Train() => executor.Map(new MetaBatch(0, start, [work]),
            (w, hooks, stop) => TaskRun.Execute(w, sine, start, hooks, stop));
    }

    [Fact]
    public void TensorBoard_events_are_those_of_an_independent_writer()
    {
        using var stream = new MemoryStream();
        var sink = new TensorBoard(_ => stream, new StoppedClock());
        sink.Write(new("meta", 3, ("charts/episodic_return", 1.5), ("losses/policy", -0.25)));
        sink.Write(new("meta", 5_000_000_000, ("charts/episodic_return", 2), ("losses/policy", 1e10)));
        Assert.Equal(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Cli", "Golden", "events.out.tfevents")),
            stream.ToArray());
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250);
    }

    [Fact]
    public void Results_read_back_equal_and_their_absence_is_explained()
    {
        using var temp = new TempFolder();
        var result = new Result("evaluate", "a", [new("Pong", "leap", 3, [1, 2], [0.1, double.NaN])],
            [new("Pong", "path length", [1], [2.5])],
            Scales: new Dictionary<string, Scale> { ["Pong"] = new(-20.7, 14.6) },
            Record: new Dictionary<string, string> { ["version"] = "1" });
        result.Save(temp["result.json"]);
        var again = Result.Load(temp["result.json"]);
        again.Save(temp["again.json"]);
        Assert.Equal(File.ReadAllText(temp["result.json"]), File.ReadAllText(temp["again.json"]));
        Assert.Equal((0.1, double.NaN), (again.Curves[0].Values[0], again.Curves[0].Values[1]));
        Assert.Contains("not complete", Assert.Throws<RlLeapException>(() =>
            Result.Load(temp["no/result.json"])).Message, StringComparison.Ordinal);
        Assert.Contains("not a result", Assert.Throws<RlLeapException>(() =>
            Result.Load(temp.Write("bad.json", "{"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_on_a_terminal_is_cut_to_its_size_and_redrawn_in_place()
    {
        var console = new StringWriter();
        using (var progress = new Progress("leap", 10, "meta-steps", live: true, worth: 0.5, clock: new HandClock(),
            console: Spectre.Console.AnsiConsole.Create(new()
            {
                Ansi = Spectre.Console.AnsiSupport.Yes,
                Out = new Spectre.Console.AnsiConsoleOutput(console)
            })))
        {
            using var first = progress.Begin("MinAtar/Breakout-v0?planes=10", 100_000, "agent steps");
            using var second = progress.Begin("MinAtar/SpaceInvaders-v0?planes=10 from leap, seed 1", 100_000,
                "agent steps");
            HandClock.Seconds = 10;
            first.Update(50_000, "return 3.2, loss 0.1");
            second.Update(50_000);
            // Two tasks at the half of half a meta-step each: half a meta-step in ten seconds.
            Assert.Equal(["leap  0/10 meta-steps  20.0 s each  3 min 10 s left",
                "MinAtar/Breakout-v0?planes=10                         50k/100k agent steps  5000/s  10 s left  return "
                    + "3.2, loss 0.1",
                "MinAtar/SpaceInvaders-v0?planes=10 from leap, seed 1  50k/100k agent steps  5000/s  10 s left"],
                progress.Picture(160, 24));
            var narrow = progress.Picture(80, 24);
            Assert.All(narrow, line => Assert.True(line.Length < 80, line));
            Assert.Matches(@"^MinAtar/Breakout-v0\?… +50k/100k  5000/s  10 s left  return 3\.2, loss 0\.1$", narrow[1]);
            Assert.Matches("^MinAtar/Sp[^ ]*….*seed 1  50k/100k  5000/s  10 s left$", narrow[2]);
            Assert.Equal(["leap  0/10 meta-steps  20.0 s each  3 min 10 s left", "… and 2 more"],
                progress.Picture(160, 4).Where(line => !line.StartsWith("MinAtar", StringComparison.Ordinal)));
            progress.Say("said");
        }
        var written = console.ToString();
        Assert.Contains("said\e[K\n", written);
        Assert.EndsWith("\e[J", written);
        Assert.DoesNotMatch("[^K]\n", written.Replace("\e[K\n", "K\n")); // no line without its rest being wiped
    }

    [Fact]
    public void Bars_are_lines_and_colours_where_the_terminal_has_them()
    {
        Assert.Equal("━━━━━─────", new ProgressBar(10, Lines: true, Colour: false).Of(0.55));
        Assert.Equal("####......", new ProgressBar(10, Lines: false, Colour: false).Of(0.4));
        Assert.Equal("\e[36m━━\e[90m──\e[39m", new ProgressBar(4, true, Colour: true).Of(0.5));
        Assert.Equal("\e[32m━━━━\e[39m", new ProgressBar(4, true, Colour: true).Of(1.5));
        Assert.Equal("....", new ProgressBar(4, Lines: false, Colour: false).Of(double.NaN));
        Spectre.Console.IAnsiConsole Console(Spectre.Console.ColorSystemSupport colours) =>
            Spectre.Console.AnsiConsole.Create(new()
            {
                Ansi = Spectre.Console.AnsiSupport.Yes, ColorSystem = colours,
                Out = new Spectre.Console.AnsiConsoleOutput(new StringWriter()),
            });
        Assert.True(RlLeap.Cli.Terminal.HasColour(Console(Spectre.Console.ColorSystemSupport.Standard)));
        Assert.False(RlLeap.Cli.Terminal.HasColour(Console(Spectre.Console.ColorSystemSupport.NoColors)));

        HandClock.Seconds = 0;
        using var progress = new Progress("leap", 10, "meta-steps", live: false, worth: 0.5, clock: new HandClock(),
            console: Console(Spectre.Console.ColorSystemSupport.NoColors));
        using var first = progress.Begin("a", 100, "agent steps");
        using var second = progress.Begin("b", 100, "agent steps");
        first.Update(50);
        second.Update(100);
        var plain = progress.Picture(98, 24);
        var drawn = progress.Drawn(120, 24);
        // Half of a meta-step each: 0.25 and 0.5 of ten, which is a letter and a half of twenty.
        Assert.Equal([1, 10, 20], drawn.Select(line => line.Count(c => c is '━' or '#')));
        Assert.Equal(plain, drawn.Select(line => line[22..]));
        Assert.Equal(progress.Picture(99, 24), progress.Drawn(99, 24));
        Assert.Equal(new string(' ', 22) + "… and 2 more", progress.Drawn(120, 4)[^1]);
    }

    private sealed class HandClock : TimeProvider
    {
        public static long Seconds { get; set; }
        public override long TimestampFrequency => 1;
        public override long GetTimestamp() => Seconds;
    }

    [Fact]
    public void Progress_off_a_terminal_is_plain_lines_with_rate_and_time_left()
    {
        var console = new StringWriter();
        using (var progress = new Progress("leap", 100, "meta-steps", done: 40,
            live: false, clock: new StoppedClock(), console: Spectre.Console.AnsiConsole.Create(
                new() { Ansi = Spectre.Console.AnsiSupport.No, Out = new Spectre.Console.AnsiConsoleOutput(console) })))
        {
            using var line = progress.Begin("Breakout", 5_000_000, "steps");
            line.Update(12_345, "return 3.2");
            Assert.StartsWith("Breakout  12.3k/5000k steps  ", line.ToString(), StringComparison.Ordinal);
            Assert.EndsWith("left  return 3.2", line.ToString(), StringComparison.Ordinal);
            progress.Report(50, "path length 2");
            progress.Report(51); // too soon after
            progress.Report(100);
        }
        var lines = console.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("leap  50/100 meta-steps  ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("leap  100/100 meta-steps  ", lines[1], StringComparison.Ordinal);
    }
}

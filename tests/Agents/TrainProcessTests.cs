// rlleap train as a process: killed at random moments and gone on with, stopped politely, given what it cannot use.
using System.Diagnostics;
using RlLeap.Experiments.Runs;
using Xunit;

namespace RlLeap.Tests.Agents;

public class TrainProcessTests(TrainProcessTests.Uninterrupted reference) : IClassFixture<TrainProcessTests.Uninterrupted>
{
    private const string Id = "MinAtar/Breakout-v1";
    private static readonly string[] Small =
        ["--agent-steps", "40000", "--set", "agent.environments=8", "--set", "record.checkpoint-every=4000", "--set", "record.evaluate-every=15000", "--set", "record.evaluation-episodes=8", "--set", "record.every=5000"];

    [Fact]
    public void A_run_killed_at_random_moments_and_resumed_ends_with_the_same_files() => KilledAndResumed(kills: 3);

    [LongFact]
    public void A_run_killed_twenty_times_and_resumed_ends_with_the_same_files() => KilledAndResumed(kills: 20);

    [Fact]
    public void Sigterm_saves_a_checkpoint_and_a_resume_ends_with_the_same_files()
    {
        using var folder = new TempFolder();
        using (var process = Rlleap(["train", Id, "--directory", folder["stopped"], .. Small]))
        {
            Until(() => Checkpoints(folder["stopped"]) > 0 || process.HasExited, process);
            Signal(process, "TERM");
            process.WaitForExit();
            Assert.Contains(process.ExitCode, new[] { 143, 0 });
        }
        Finish(Rlleap(["train", "--resume", folder["stopped"]]));
        AssertSame(reference.Folder, folder["stopped"]);
    }

    [Fact]
    public void A_damaged_newest_checkpoint_is_passed_over_and_named()
    {
        using var folder = new TempFolder();
        using (var process = Rlleap(["train", Id, "--directory", folder["r"], .. Small]))
        {
            Until(() => Checkpoints(folder["r"]) >= 2 || process.HasExited, process);
            Signal(process, "KILL");
            process.WaitForExit();
        }
        var newest = Directory.GetDirectories(folder["r/checkpoints"]).Where(f => !f.EndsWith(".tmp", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Last();
        using (var file = new FileStream(Path.Combine(newest, "learner.safetensors"), FileMode.Open)) file.SetLength(file.Length / 2);
        var (_, error) = Finish(Rlleap(["train", "--resume", folder["r"]]));
        Assert.Contains(newest, error);
        AssertSame(reference.Folder, folder["r"]);
    }

    [Theory]
    [InlineData("MinAtar/Brakout-v1", "MinAtar/Breakout-v1")] // the nearest is named
    [InlineData(Id, "learning-rate", "--set", "agent.learning-rat=1")]
    [InlineData(Id, "cpu, cuda or cuda:i", "--device", "gpu")]
    [InlineData(Id, "not finite", "--set", "agent.learning-rate=1e30", "--set", "agent.max-gradient-norm=0", "--set", "agent.optimizer=sgd")]
    public async Task What_it_cannot_use_is_one_clear_error(string id, string expected, params string[] settings)
    {
        using var folder = new TempFolder();
        using var process = Rlleap(["train", id, "--directory", folder["r"], .. Small, .. settings]);
        var reading = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var error = await reading;
        Assert.Equal(1, process.ExitCode);
        if (expected != "not finite") Assert.Contains(expected, error);
        else Assert.Matches("(the loss|gradient norm) became (NaN|∞|-∞|Infinity|-Infinity) at gradient step [0-9]+", error);
        Assert.DoesNotContain("   at ", error); // no stack
    }

    private void KilledAndResumed(int kills)
    {
        using var folder = new TempFolder();
        var rng = new Rng(kills);
        string[] command = ["train", Id, "--directory", folder["killed"], .. Small];
        var killed = 0;
        while (killed < kills && !RunDirectory.IsComplete(folder["killed"]))
        {
            using var process = Rlleap(command);
            if (process.WaitForExit((int)(reference.Took.TotalMilliseconds * (0.2 + 0.8 * rng.NextDouble())))) break;
            Signal(process, "KILL");
            process.WaitForExit();
            killed++;
            if (RunDirectory.Holds(folder["killed"])) command = ["train", "--resume", folder["killed"]];
        }
        Assert.True(killed > 0, "it was never killed");
        if (!RunDirectory.IsComplete(folder["killed"])) Finish(Rlleap(command));
        AssertSame(reference.Folder, folder["killed"]);
    }

    /// <summary>The run that the others must equal, made once.</summary>
    public sealed class Uninterrupted : IDisposable
    {
        private readonly TempFolder _folder = new();

        public Uninterrupted()
        {
            var clock = Stopwatch.StartNew();
            Finish(Rlleap(["train", Id, "--directory", Folder, .. Small]));
            Took = clock.Elapsed;
        }

        public string Folder => _folder["whole"];
        public TimeSpan Took { get; }
        public void Dispose() => _folder.Dispose();
    }

    private static void AssertSame(string expected, string actual)
    {
        foreach (var file in new[] { "model.safetensors", "metrics.jsonl" })
            Assert.True(File.ReadAllBytes(Path.Combine(expected, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, file))), $"{file} differs");
        // Everything in result.json but the run's own name.
        var (a, b) = (Result.Load(Path.Combine(expected, "result.json")), Result.Load(Path.Combine(actual, "result.json")));
        Assert.Equal(a.Curves[0].Steps, b.Curves[0].Steps);
        Assert.Equal(a.Curves[0].Values, b.Curves[0].Values);
        Assert.Equal(a.Record, b.Record);
    }

    private static int Checkpoints(string run) => !Directory.Exists(Path.Combine(run, "checkpoints")) ? 0
        : Directory.GetDirectories(Path.Combine(run, "checkpoints")).Count(f => !f.EndsWith(".tmp", StringComparison.Ordinal));

    private static void Until(Func<bool> holds, Process process)
    {
        while (!holds() && !process.HasExited) Thread.Sleep(5);
    }

    private static (string Output, string Error) Finish(Process process)
    {
        using (process)
        {
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"exit {process.ExitCode}: {error.Result}");
            return (output, error.Result);
        }
    }

    private static Process Rlleap(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        return Process.Start(start)!;
    }

    private static void Signal(Process process, string name)
    {
        if (!process.HasExited) Process.Start("kill", [$"-{name}", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]).WaitForExit();
    }
}

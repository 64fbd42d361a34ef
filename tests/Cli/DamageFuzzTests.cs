// One flipped bit in any file of a run: it is detected, or it changes nothing that counts.
using RlLeap.Cli;
using RlLeap.Cli.Commands;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class DamageFuzzTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // In the long tier every file is damaged in several places; else a few files, in one place each.
    private static int Flips => Tier.Long ? 3 : 1;

    [Fact]
    public void A_training_that_goes_on_is_the_same_or_says_what_was_damaged()
    {
        var start = Start("train");
        ProgramProcess.Succeed([.. start, "--directory", _folder["whole"]]);
        ProgramProcess.StartAndKill(_folder["stopped"],
            () => ProgramProcess.Checkpoints(_folder["stopped"]).Count > 1, [.. start, "--directory",
                _folder["stopped"]]);
        Fuzz(TrainRun.ModelFile, folder =>
        {
            var config = ConfigFile.LoadRun<TrainConfig>(folder);
            using var run = RunDirectory.Resume(folder);
            using var training = new TrainRun(config, run);
            training.Execute(CancellationToken.None);
        });
    }

    [Fact]
    public void A_meta_training_that_goes_on_is_the_same_or_says_what_was_damaged()
    {
        var start = Start("meta-train");
        ProgramProcess.Succeed([.. start, "--set", $"run.directory={_folder["whole"]}"]);
        ProgramProcess.StartAndKill(_folder["stopped"], () => Directory.Exists(_folder["stopped/work"])
            && Directory.EnumerateFiles(_folder["stopped/work"], "*.checkpoint", SearchOption.AllDirectories).Any()
            && ProgramProcess.Checkpoints(_folder["stopped"]).Count > 0,
            [.. start, "--set", $"run.directory={_folder["stopped"]}"]);
        Fuzz(TrainedInitialization.FileName, folder =>
        {
            var config = RunConfig.Of(folder, asWasRun: false);
            using var run = RunDirectory.Resume(folder);
            new MetaTrainRun(config, run).Execute(Suite.Open(config), CancellationToken.None);
        });
    }

    [Fact]
    public void An_evaluation_of_a_finished_meta_training_is_the_same_or_says_what_was_damaged()
    {
        ProgramProcess.Succeed([.. Start("meta-train"), "--set", $"run.directory={_folder["whole"]}"]);
        var evaluated = 0;
        var expected = Evaluated(_folder["whole"]);
        // A kept curve has a hash of what it was learned from in its name.
        var curves = Curves(_folder["whole"]);
        Each("whole", (run, what) =>
        {
            if (Attempt(() => AssertSame(expected, Evaluated(run), what), what)) evaluated++;
            Assert.True(curves.SequenceEqual(Curves(run)), $"{what}: it was learned from something else");
        });
        Assert.True(evaluated > 0);

        static IReadOnlyList<string> Curves(string folder) => [.. Directory.GetFiles(Path.Combine(folder, "evaluation"),
            "*.json").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

        static Result Evaluated(string folder)
        {
            var config = RunConfig.Of(folder, asWasRun: true);
            var suite = Suite.Open(config);
            using var learner = TrainedInitialization.Load(folder, suite, config);
            return HeldOutEvaluation.ResultOf(config, suite, folder, "evaluate", HeldOutEvaluation.Run(config, suite,
                folder, config.Evaluation!, StartingPoint.Of("leap", learner), CancellationToken.None));
        }
    }

    private string[] Start(string command) => command == "train"
        ?
        [
            "train", "MinAtar/Breakout-v1", "--agent-steps", "16000", "--set", "record.every=2000",
            "--set", "record.checkpoint-every=2000", "--set", "record.evaluation-episodes=0",
        ]
        :
        [
            "meta-train", _folder.Write("c.yaml", """
                suite: games
                games:
                  pool: [Classic/CartPole-v1]
                  agent-steps: 2000
                  agent: {environments: 8, rollout-length: 20}
                meta: {steps: 4, batch: 2, optimizer: {learning-rate: 0.5} }
                evaluation: {tasks: [Classic/CartPole-v1], seeds: 1, against: [none]}
                """),
            "--set", "run.checkpoint-seconds=0.01", "--set", "run.parallel=1",
        ];

    // Every file in turn, in a copy of the run: flip, go on, compare.
    private void Fuzz(string learned, Action<string> goOn)
    {
        var expected = Result.Load(_folder["whole/result.json"]);
        var bytes = File.ReadAllBytes(_folder["whole/" + learned]);
        Each("stopped", (run, what) => Attempt(() =>
        {
            goOn(run);
            Assert.True(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(run, learned))),
                $"{what}: it learned something else without a word");
            AssertSame(expected, Result.Load(Path.Combine(run, "result.json")), what);
        }, what));
    }

    // Whether it went through; an error that tells the user what to do is as good.
    private static bool Attempt(Action act, string what)
    {
        try
        {
            act();
            return true;
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            Assert.True(Shell.Message(e) is not null, $"{what}: {e}");
            return false;
        }
    }

    private void Each(string template, Action<string, string> check)
    {
        var rng = new Rng(Tier.Long ? DateTime.UtcNow.Ticks : 1);
        var files = Directory.GetFiles(_folder[template], "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(_folder[template], file)).Order(StringComparer.Ordinal).ToList();
        Assert.True(files.Count > 8);
        if (!Tier.Long) files = [.. rng.Permutation(files.Count).Take(5).Select(i => files[i])];
        foreach (var file in files)
            for (var flip = 0; flip < Flips; flip++)
            {
                var run = _folder["run"];
                if (Directory.Exists(run)) Directory.Delete(run, recursive: true);
                Copy(_folder[template], run);
                var damaged = File.ReadAllBytes(Path.Combine(run, file));
                if (damaged.Length == 0) break;
                var (at, bit) = (rng.NextInt(damaged.Length), rng.NextInt(8));
                damaged[at] ^= (byte)(1 << bit);
                File.WriteAllBytes(Path.Combine(run, file), damaged);
                check(run, $"bit {bit} of byte {at} of {damaged.Length} of {file}");
            }
    }

    // What was lost of the metrics may be missing from curves, where the record says so.
    private static void AssertSame(Result expected, Result actual, string what)
    {
        var isSame = expected.Curves.Count == actual.Curves.Count
            && expected.Curves.Zip(actual.Curves).All(pair => pair.First.Task == pair.Second.Task
                && pair.First.Method == pair.Second.Method && pair.First.Steps.SequenceEqual(pair.Second.Steps)
                && pair.First.Values.SequenceEqual(pair.Second.Values));
        Assert.True(isSame || actual.Record!.ContainsKey(RunHistory.Damaged),
            $"{what}: the curves are others, and the record does not say so");
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}

// The configs of earlier versions, kept in Fixtures: they load, and mean what they meant.
using System.Text.RegularExpressions;
using RlLeap.Agents;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;
using RlLeap.Data;
using RlLeap.MetaLearning;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class OldConfigTests
{
    private static readonly string Old = Path.Combine(Repository.Root, "tests", "Cli", "Fixtures", "configs-of-0.1");

    // Their settings are others now: what they say is compared with nothing.
    private static readonly string[] Changed = ["minatar-quick.yaml"];

    // The grid of A2C on MinAtar had three seeds, and has five.
    private static readonly Regex SeedsSince = new("^  seed: [45]$", RegexOptions.Multiline);

    public static TheoryData<string> Names =>
        [.. Directory.GetFiles(Old, "*.yaml").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_config_of_an_earlier_version_loads_and_says_what_the_present_one_says(string name)
    {
        var old = Runs(Path.Combine(Old, name));
        Assert.NotEmpty(old);
        if (Changed.Contains(name)) return;
        var now = File.Exists(Now(name)) ? Runs(Now(name)) : Runs(OneForAll(name), HeldOut(name));
        if (name == "minatar-a2c.yaml") now = [.. now.Where(text => !SeedsSince.IsMatch(text))];
        Assert.Equal(old, now);
    }

    [Fact]
    public void A_report_that_reads_an_old_config_several_times_says_once_that_its_keys_are_old()
    {
        using var temp = new TempFolder();
        var (code, _, error) = ProgramProcess.Run("report", "--by", "method.metric", "--by", "method.stabilizer",
            Path.Combine(Repository.Root, "experiments/omniglot/results/ablation/loss-true/metric-length/"
                + "stabilizer-true/seed-1"), "-o", temp["report"]);
        Assert.Equal(0, code);
        Assert.Equal(2, error.Split("old keys, still understood").Length);
    }

    // One file for eight sets now, and one for five games.
    private static string OneForAll(string name) =>
        Now(name.StartsWith("minatar-", StringComparison.Ordinal) ? "minatar-breakout.yaml" : "multi-cv-cifar10.yaml");

    private static string[] HeldOut(string name)
    {
        var held = Path.GetFileNameWithoutExtension(name)["multi-cv-".Length..];
        if (name.StartsWith("multi-cv-", StringComparison.Ordinal))
            return [$"multi-cv.held-out={held}", $"run.directory=runs/multi-cv-{held}"];
        held = Path.GetFileNameWithoutExtension(name)["minatar-".Length..];
        var ids = new[] { "Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders" }
            .ToLookup(game => game.Equals(held.Replace("-", ""), StringComparison.OrdinalIgnoreCase),
                game => $"MinAtar/{game}-v0?planes=10");
        return [$"games.pool=[{string.Join(", ", ids[false])}]", $"evaluation.tasks=[{ids[true].Single()}]",
            $"run.directory=runs/minatar-{held}"];
    }

    // A config's present file: "omniglot-leap.yaml" became "omniglot/leap.yaml".
    private static string Now(string name)
    {
        var folder = new[] { "atari", "minatar", "multi-cv", "omniglot" }
            .Single(f => name.StartsWith(f + "-", StringComparison.Ordinal));
        return Path.Combine(Repository.Root, "experiments", folder, name[(folder.Length + 1)..]);
    }

    // The canonical texts of all runs that a file asks for.
    private static IReadOnlyList<string> Runs(string path, params string[] settings)
    {
        if (!File.ReadLines(path)
            .Any(line => line.StartsWith("axes:", StringComparison.Ordinal))) return [Text(path, settings)];
        var grid = ConfigFile.Load<GridConfig>(path);
        return [.. grid.Runs()
            .Select(run => Text(Path.Combine(Path.GetDirectoryName(path)!, run.Config),
            [.. run.Settings, "run.directory=x"]))];
    }

    private static string Text(string path, IReadOnlyList<string> settings) => ConfigFile.ToYaml(
        File.ReadAllText(path).Contains("environment:", StringComparison.Ordinal)
            ? ConfigFile.Load<TrainConfig>(path, settings) : (object)ConfigFile.Load<MetaTrainConfig>(path, settings));

    [Fact]
    public void The_record_of_an_old_run_loads_too()
    {
        // As a run of an earlier version wrote it: every key, those of other methods and what is the preset's as null.
        var config = ConfigFile.Parse<MetaTrainConfig>("""
            run: {directory: runs/a, seed: 3, device: cpu, parallel: 0, checkpoint-seconds: 120}
            suite: games
            games:
              pool: [MinAtar/Breakout-v0]
              held-out: null
              agent-steps: 16000
              agent:
                {preset: minatar, network: null, initialization: null, environments: null, unroll: 7, reward-bound: 2,
                 optimizer: null, learning-rate: 0.001, schedule: null}
              assembly: null
            omniglot: null
            multi-cv: null
            method:
              {name: reptile, metric: energy, loss: true, stabilizer: true, last-step: true,
               fomaml-gradient: last-training, maml-inner-loss: false}
            meta:
              {steps: 2, batch: 2, optimizer: sgd, learning-rate: 0.1, schedule: linear, patience: 0, max-diverged: 0.5}
            evaluation: null
            """, "config.yaml");
        Assert.Equal(new ReptileOptions { IncludeLastStep = true }, config.Method);
        Assert.Equal(ActorCriticOptions.MinAtar with
        {
            RolloutLength = 7,
            RewardClip = 2,
            Optimizer = ActorCriticOptions.MinAtar.Optimizer with { LearningRate = 0.001 },
        }, config.Games!.Agent);
        Assert.Equal(new OptimizerOptions { LearningRate = 0.1, Schedule = Schedule.Linear }, config.Meta.Optimizer);
    }

    [Fact]
    public void The_record_of_every_stored_run_loads()
    {
        var folders = Directory.EnumerateFiles(Path.Combine(Repository.Root, "experiments"),
            RunDirectory.ConfigName, SearchOption.AllDirectories).Select(file => Path.GetDirectoryName(file)!).ToList();
        Assert.NotEmpty(folders);
        Assert.Empty(folders.Select(Refused).OfType<string>());

        static string? Refused(string folder)
        {
            try
            {
                _ = ConfigFile.IsMetaTrain(folder)
                    ? ConfigFile.LoadRun<MetaTrainConfig>(folder) : (object)ConfigFile.LoadRun<TrainConfig>(folder);
                return null;
            }
            catch (RlLeapException e) { return e.Message; }
        }
    }

    [Fact]
    public void Old_keys_can_be_set_on_new_files_and_new_ones_on_old()
    {
        var config = ConfigFile.Load<MetaTrainConfig>(Now("omniglot-leap.yaml"),
            "omniglot.ink-corners=false", "meta.learning-rate=3", "method.loss=false");
        Assert.Equal(CornerFill.Background, config.Omniglot!.Task.Augmentation!.Corners);
        Assert.Equal(3, config.Meta.Optimizer.LearningRate);
        Assert.False(((LeapOptions)config.Method).LossInPath);
        var old = ConfigFile.Load<MetaTrainConfig>(Path.Combine(Old, "multi-cv-cifar10.yaml"),
            "multi-cv.learner.gradient-steps=7", "meta.optimizer.momentum=0.5", "multi-cv.patience=0",
            "meta.patience=0");
        Assert.Equal((7, 0, null),
            (old.MultiCv!.Learner.GradientSteps, old.MultiCv.Learner.Epochs, old.MultiCv.Learner.Stopping));
        Assert.Equal((OptimizerKind.Adam, 0.01, 0.5),
            (old.Meta.Optimizer.Kind, old.Meta.Optimizer.LearningRate, old.Meta.Optimizer.Momentum));
    }

    [Fact]
    public void A_key_under_both_names_is_refused() => Assert.Contains(
        "b.yaml:2: key 'seed' is now 'run.seed', which b.yaml:3 has too",
        Assert.Throws<ConfigException>(() =>
            ConfigFile.Parse<TrainConfig>("environment: MinAtar/Breakout-v0\nseed: 1\nrun: {seed: 2}\n",
            "b.yaml")).Message, StringComparison.Ordinal);
}

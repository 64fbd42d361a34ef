// The configs that come with RlLeap can be read, say in their first lines what they show, and make the stored runs.
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class ShippedConfigTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "experiments");

    private static readonly string[] Files = [.. Directory.GetDirectories(Folder)
        .Concat(Directory.GetDirectories(Path.Combine(Folder, "transfer")))
        .SelectMany(experiment => Directory.GetFiles(experiment, "*.yaml")).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Names => [.. Files.Select(file => Path.GetRelativePath(Folder, file))];

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryConfigIsReadWrittenAndReadAgain(string name)
    {
        var path = Path.Combine(Folder, name);
        Assert.StartsWith("# ", File.ReadLines(path).First());
        var kind = IsGrid(path) ? typeof(GridConfig)
            : File.ReadLines(path).Any(line => line.StartsWith("environment:", StringComparison.Ordinal))
            ? typeof(TrainConfig) : typeof(MetaTrainConfig);
        object config = kind == typeof(GridConfig) ? ConfigFile.Load<GridConfig>(path) : kind == typeof(MetaTrainConfig)
            ? ConfigFile.Load<MetaTrainConfig>(path) : ConfigFile.Load<TrainConfig>(path);
        var written = ConfigFile.ToYaml(config);
        object again = kind == typeof(GridConfig)
            ? ConfigFile.Parse<GridConfig>(written, name) : kind == typeof(MetaTrainConfig)
            ? ConfigFile.Parse<MetaTrainConfig>(written, name) : ConfigFile.Parse<TrainConfig>(written, name);
        Assert.Equal(written, ConfigFile.ToYaml(again));
    }

    private static bool IsGrid(string path) => File.ReadLines(path).Any(line =>
        line.StartsWith("axes:", StringComparison.Ordinal) || line.StartsWith("search:", StringComparison.Ordinal));

    [Fact]
    public void EveryRunOfEveryGridHasAConfigThatCanBeRead()
    {
        foreach (var file in Files.Where(IsGrid))
        {
            var grid = ConfigFile.Load<GridConfig>(file);
            foreach (var run in grid.Runs())
            {
                var path = Path.Combine(Path.GetDirectoryName(file)!, run.Config);
                if (grid.Command == "train") ConfigFile.Load<TrainConfig>(path, run.Settings);
                else ConfigFile.Load<MetaTrainConfig>(path, [.. run.Settings, "run.directory=x"]);
            }
        }
    }

    // Stored runs for which a page has a command of their own.
    private static readonly string[] WithoutGrid =
    [
        "few-shot/results/", "minatar/results/quick/", "multi-cv/results/hat/", "transfer/",
        "omniglot/results/alphabets/name-leap/alphabets-5/seed-2",
        "omniglot/results/alphabets/name-leap/alphabets-5/seed-3",
        "omniglot/results/long-120/", "omniglot/results/long-200/", "omniglot/results/loss-left-out/",
        "omniglot/results/warpgrad/loss-left-out/",
    ];

    [Fact]
    public void EveryStoredMetaTrainingIsOneThatAGridMakes()
    {
        var made = Files.Where(IsGrid).SelectMany(MetaTrainings).Select(WhatItComputes).ToHashSet();
        var stored = Directory.EnumerateFiles(Folder, RunDirectory.ConfigName, SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Folder, Path.GetDirectoryName(file)!))
            .Where(run => !WithoutGrid.Any(start => run.StartsWith(start, StringComparison.Ordinal))
                && ConfigFile.IsMetaTrain(Path.Combine(Folder, run))).ToList();
        Assert.NotEmpty(stored);
        List<string> others = [.. stored.Where(run =>
            !made.Contains(WhatItComputes(ConfigFile.LoadRun<MetaTrainConfig>(Path.Combine(Folder, run)))))];
        Assert.Empty(others);

        static IEnumerable<MetaTrainConfig> MetaTrainings(string file)
        {
            var grid = ConfigFile.Load<GridConfig>(file);
            return grid.Command != "meta-train" ? [] : grid.Runs().Select(run => ConfigFile.Load<MetaTrainConfig>(
                Path.Combine(Path.GetDirectoryName(file)!, run.Config), run.Settings));
        }

        // Not where, on how many cores, nor with how many checkpoints.
        static string WhatItComputes(MetaTrainConfig config) => ConfigFile.ToYaml(
            config with { Run = config.Run with { Directory = null, Parallel = 0, CheckpointSeconds = 1 } });
    }

    [Fact]
    public void ALeftOutGameIsNotPretrainedOn()
    {
        var grid = ConfigFile.Load<GridConfig>(Path.Combine(Folder, "minatar", "table.yaml"));
        foreach (var run in grid.Runs())
        {
            var suite = new GamesSuite(ConfigFile.Load<MetaTrainConfig>(Path.Combine(Folder, "minatar", run.Config),
                [.. run.Settings, "run.directory=x"]));
            Assert.Equal(4, suite.Pool.Count);
            Assert.DoesNotContain(Assert.Single(suite.HeldOut), suite.Pool.Select(task => task.Info.Id));
        }
        var odd = Assert.Throws<ConfigException>(() => ConfigFile.Load<MetaTrainConfig>(
            Path.Combine(Folder, "minatar", "breakout.yaml"), ["games.held-out=MinAtar/Pong-v0"])).Message;
        Assert.Contains("expected one of games.pool", odd, StringComparison.Ordinal);
    }

    [Fact]
    public void AHundredOfThemWithAMistakeEachGiveOneClearError()
    {
        var rng = new Rng(1).Split("malformed");
        var configs = Files.Select(File.ReadAllLines)
            .Where(lines => lines.Any(line => line.StartsWith("suite:", StringComparison.Ordinal))).ToList();
        for (var i = 0; i < 100; i++)
        {
            var lines = configs[rng.NextInt(configs.Count)];
            int[] keyed = [.. Enumerable.Range(0, lines.Length)
                .Where(n => System.Text.RegularExpressions.Regex.IsMatch(lines[n], "^ *[a-z-]+:"))];
            var at = keyed[rng.NextInt(keyed.Length)];
            var (key, value) = (lines[at][..lines[at].IndexOf(':')], lines[at][(lines[at].IndexOf(':') + 1)..]);
            string[] mistakes = [$"{key}x:{value}", $"{lines[at]}\n{lines[at]}", $"{key}: [[1]]", $"{key}: \"unclosed",
                $"{key} = {value}", $"\t{lines[at]}"];
            var bad =
                string.Join('\n', lines[..at].Append(mistakes[rng.NextInt(mistakes.Length)]).Concat(lines[(at + 1)..]));
            var message =
                Assert.Throws<ConfigException>(() => ConfigFile.Parse<MetaTrainConfig>(bad, "bad.yaml")).Message;
            Assert.Matches(@"^bad\.yaml:\d+: \S", message);
            Assert.Contains("expected", message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    [Fact]
    public void ThePapersAtariExperimentNamesItsGames()
    {
        var config = ConfigFile.Load<MetaTrainConfig>(Path.Combine(Folder, "atari", "leap.yaml"));
        var ids = config.Games!.Pool.Select(id => id.Split('?')[0]).ToList();
        var expected = RlLeap.Gymnasium.AleGames.LeapPool.Select(g => g.Id)
            .Except(["ALE/Breakout-v5", "ALE/SpaceInvaders-v5"]);
        Assert.Equal(expected.Order(StringComparer.Ordinal), ids.Order(StringComparer.Ordinal));
        Assert.Equal((100L, 16, 5_000_000L), (config.Meta.Steps, config.Meta.Batch, config.Games.AgentSteps));
        Assert.Contains("ALE/Alien-v5?preset=leap", config.Evaluation!.Tasks);
    }
}

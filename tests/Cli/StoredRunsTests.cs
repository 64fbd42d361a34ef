// The runs that the pages' figures come from are those that the grids beside them make.
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public class StoredRunsTests
{
    // Runs that a page has another command for than a grid as it stands.
    private static readonly string[] Single =
    [
        "few-shot/results/", "minatar/results/quick/", "multi-cv/results/hat/", "transfer/",
        "omniglot/results/alphabets/name-leap/alphabets-5/seed-2",
        "omniglot/results/alphabets/name-leap/alphabets-5/seed-3",
        "omniglot/results/long-120/", "omniglot/results/long-200/", "omniglot/results/loss-left-out/",
        "omniglot/results/warpgrad/loss-left-out/",
    ];

    private static readonly string Experiments = Path.Combine(Repository.Root, "experiments");

    [Fact]
    public void Every_stored_meta_training_is_one_that_a_grid_makes()
    {
        var made = Directory.EnumerateFiles(Experiments, "*.yaml", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) != RunDirectory.ConfigName && IsGrid(file)).SelectMany(Made)
            .ToHashSet();
        var stored = Directory.EnumerateFiles(Experiments, RunDirectory.ConfigName, SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Experiments, Path.GetDirectoryName(file)!))
            .Where(run => !Single.Any(single => run.StartsWith(single, Ordinal))
                && ConfigFile.IsMetaTrain(Path.Combine(Experiments, run))).ToList();
        Assert.NotEmpty(stored);
        var computed = stored.ToDictionary(run => run,
            run => What(ConfigFile.LoadRun<MetaTrainConfig>(Path.Combine(Experiments, run))));
        Assert.Empty(computed.Where(run => !made.Contains(run.Value)).Select(run => run.Key).ToList());
    }

    // Itself, or the one that it is laid over.
    private static bool IsGrid(string file) => File.ReadLines(file).Any(line => line.StartsWith("axes:", Ordinal)
        || line.StartsWith("base: ", Ordinal) && IsGrid(Path.Combine(Path.GetDirectoryName(file)!, line[6..].Trim())));

    private static IEnumerable<string> Made(string file)
    {
        var config = ConfigFile.Load<GridConfig>(file);
        return config.Command != "meta-train" ? [] : config.Runs().Select(run => What(
            ConfigFile.Load<MetaTrainConfig>(new Grid(config, file).ConfigOf(run), run.Settings)));
    }

    // What a run computes: not where, nor on how many cores.
    private static string What(MetaTrainConfig config) => ConfigFile.ToYaml(
        config with { Run = config.Run with { Directory = null, Parallel = 0, CheckpointSeconds = 1 } });

    private const StringComparison Ordinal = StringComparison.Ordinal;
}

// Episodes of agents that learned held-out games, before and after meta-training.
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Reports;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class FilmTests : IDisposable
{
    private const string Config = """
        run: {directory: DIRECTORY, seed: 3, parallel: 1}
        suite: games
        games: {pool: [MinAtar/Breakout-v0], agent-steps: 640, agent: {preset: minatar, environments: 4}}
        method: {name: leap}
        meta: {steps: 1, batch: 1}
        evaluation: {tasks: [MinAtar/Breakout-v0], seeds: 2, window: 5, points: 5}
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<Evaluation.Finished> Learn(string run, params string[] settings)
    {
        var config = ConfigFile.Parse<MetaTrainConfig>(Config, "films.yaml", settings);
        return HeldOutEvaluation.Run(config, Suite.Open(config), _folder[$"{run}/a"], config.Evaluation!,
            StartingPoint.None, CancellationToken.None);
    }

    [Fact]
    public void An_evaluation_films_the_first_seed_and_its_numbers_stay_the_same()
    {
        var filmed = Learn("filmed", "evaluation.episodes=true");
        var film = Assert.Single(RecordedEpisodes.Of(_folder["filmed/a"]));
        Assert.Equal(("Breakout learned from a random initialization", "image/gif"), (film.Name, film.Kind));
        Assert.StartsWith("GIF89a", System.Text.Encoding.ASCII.GetString(File.ReadAllBytes(film.Path)),
            StringComparison.Ordinal);
        Assert.Equal(Learn("plain").Select(f => f.Curve.Values), filmed.Select(f => f.Curve.Values));
        Assert.Empty(RecordedEpisodes.Of(_folder["plain/a"]));
        // Kept with the curve: another evaluation that finds it has it too.
        Directory.Delete(_folder["filmed/a/episodes"], recursive: true);
        Learn("filmed", "evaluation.episodes=true");
        Assert.Single(RecordedEpisodes.Of(_folder["filmed/a"]));
    }
}

// Held-out learning: what a learning process that diverges leaves.
using RlLeap.Environments;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using RlLeap.Tests.Environments;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class EvaluationTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    static EvaluationTests() => Registry.Register("test/Exploding", rng => new Exploding(rng));

    private const string Config = """
        run: {directory: DIRECTORY, seed: 3, parallel: 1}
        suite: games
        games: {pool: [test/Exploding], agent-steps: 2000, agent: {environments: 4}}
        method: {name: leap, metric: energy}
        meta: {steps: 1, batch: 1}
        evaluation: {tasks: [test/Exploding], seeds: 12, window: 5, points: 20}
        """;

    private IReadOnlyList<Evaluation.Finished> Learn(params string[] settings)
    {
        var config = ConfigFile.Parse<MetaTrainConfig>(Config, "exploding.yaml", settings);
        return HeldOutEvaluation.Run(config, Suite.Open(config), _folder["runs/a"], config.Evaluation!,
            StartingPoint.None, CancellationToken.None);
    }

    [Fact]
    public void A_learning_process_that_diverges_stays_at_its_last_value_and_is_counted()
    {
        var finished = Learn();
        var diverged = finished.Where(f => f.Curve.Diverged is not null).ToList();
        Assert.InRange(diverged.Count, 1, 6);
        Assert.All(finished, f => Assert.All(f.Curve.Values, value => Assert.True(double.IsFinite(value))));
        Assert.Single(finished.Select(f => f.Curve.Steps[^1]).Distinct());
        Assert.All(diverged, f => Assert.Equal(f.Curve.Values[^1], f.Curve.Values[^2]));
        Assert.All(diverged, f => Assert.Empty(f.Scores));
        Assert.Equal(finished.Select(f => f.Curve.Values), Learn().Select(f => f.Curve.Values)); // from the files
        var result = new Result("evaluate", "a", [.. finished.Select(f => f.Curve)], []);
        var tasks = ReportTables.Of(Report.Of([("a", result)], new Rng(1), 100))
            .First(table => table.Title == "Tasks");
        Assert.Equal($"12 ({diverged.Count} diverged)", tasks.Rows[0][tasks.Columns.ToList().IndexOf("seeds")]);
    }

    [Fact]
    public void One_that_diverges_before_its_first_point_is_an_error() =>
        Assert.Contains("test/Exploding", Assert.Throws<DivergenceException>(() =>
            Learn("games.agent.learning-rate=1e30", "games.agent.optimizer=sgd", "games.agent.max-gradient-norm=0",
                "evaluation.seeds=1")).Message, StringComparison.Ordinal);

    [Fact]
    public void More_than_the_share_that_may_diverge_end_the_evaluation() =>
        Assert.Contains("held-out learning processes from none diverged (meta.max-diverged allows 0",
            Assert.Throws<RlLeapException>(() => Learn("meta.max-diverged=0")).Message, StringComparison.Ordinal);

    /// <summary>After 200 steps one copy in twelve pays more than a loss can hold.</summary>
    private sealed class Exploding(Rng rng) : Counter(rng)
    {
        private readonly bool _explodes = rng.NextDouble() < 0.085;
        private int _steps;

        public override TimeStep Step(int action)
        {
            var step = base.Step(action);
            return _explodes && _steps++ > 200 ? step with { Reward = float.MaxValue } : step;
        }
    }
}

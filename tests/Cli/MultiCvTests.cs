// Multi-CV through the program, on small sets that the tests write in their original formats.
using System.Text.Json;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Statistics;
using RlLeap.Data;
using RlLeap.Tests.Data;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class MultiCvTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private const string Config = """
        run: {directory: DIRECTORY, seed: 3, parallel: 1}
        suite: multi-cv
        multi-cv:
          {sets: [mnist, fashion-mnist], held-out: mnist, allow-partial: true, train-images: 24, batch: 8,
           learning-rate: 0.05, validation-images: 6, look-every: 2, patience: 2, evaluation-steps: 6}
        method: {name: leap, metric: energy}
        meta: {steps: 2, batch: 2, optimizer: adam, learning-rate: 0.01}
        evaluation: {seeds: 1, against: []}
        """;

    private Dictionary<string, string> Data()
    {
        SampleFiles.MnistFolder(_folder["data/mnist"], train: 40, test: 10);
        SampleFiles.MnistFolder(_folder["data/fashion-mnist"], train: 60, test: 12);
        return new() { ["RLLEAP_DATA"] = _folder["data"], ["RLLEAP_CACHE"] = _folder["cache"] };
    }

    private static MetaTrainConfig Parse(params string[] settings) =>
        ConfigFile.Parse<MetaTrainConfig>(Config, "multi-cv.yaml", settings);

    [Fact]
    public void All_sets_but_the_held_out_one_are_the_pool_and_each_has_epochs_of_its_own()
    {
        Data();
        var suite = new MultiCvSuite(Parse("multi-cv.held-out=fashion-mnist", "multi-cv.train-images=40"),
            DataLocation.Folder(_folder["data"]));
        Assert.Equal(["multi-cv/mnist"], suite.Pool.Select(task => task.Info.Id));
        Assert.Equal(["multi-cv/fashion-mnist"], suite.HeldOut);
        // 40 images, 15 % of which validate: 34; of 60, 51, of which 40 are used.
        Assert.Equal([5, 5], [suite.Learner.For(suite.Pool[0].Info).GradientSteps,
            suite.Learner.For(suite.Find("fashion-mnist").Info).GradientSteps]);
        Assert.Equal(6, suite.EvaluationLearner.For(suite.Find("fashion-mnist").Info).GradientSteps);
        Assert.Equal((2, 2), (suite.Learner.Stopping!.Every, suite.Learner.Stopping.Patience));
    }

    [Fact]
    public void The_scores_are_the_columns_of_the_papers_table()
    {
        Data();
        var suite = new MultiCvSuite(Parse("multi-cv.patience=0"), DataLocation.Folder(_folder["data"]));
        using var learner = new Learner(suite.Find(suite.HeldOut[0]), suite.Network, suite.EvaluationLearner,
            new Rng(1));
        var recorder = suite.Record();
        var errors = new List<double>();
        while (!learner.IsDone)
        {
            var step = learner.TrainStep();
            recorder.Add(step, learner.Count);
            errors.Add(step.Metrics["error"]);
        }
        var scores = suite.Scores(learner, recorder);
        Assert.Equal(6, scores["gradient steps"]);
        Assert.Equal(100 * (errors.Sum() - (errors[0] + errors[^1]) / 2) / 5,
            scores["area under training error, 0-100"], 9);
        // Ten test and 24 training images: errors come in steps of 10 and of 100/24.
        Assert.Equal(0, scores["test error, %"] / 10 % 1, 6);
        Assert.Equal(Math.Round(scores["training error, %"] * 0.24), scores["training error, %"] * 0.24, 6);
    }

    [Theory]
    [InlineData("one of sets", "multi-cv.held-out=svhn")]
    [InlineData("names among", "multi-cv.sets=[mnist, imagenet]")]
    [InlineData("each set once", "multi-cv.sets=[mnist, mnist]")]
    [InlineData("cannot stop early", "method.name=maml")]
    [InlineData("not looked at", "multi-cv.patience=0", "meta.patience=3")]
    public void What_cannot_be_is_refused_with_its_key(string expected, params string[] settings) =>
        Assert.Contains(expected, Assert.Throws<ConfigException>(() => Parse(settings)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void One_grid_runs_all_five_methods_and_their_report_shows_the_table()
    {
        var data = Data();
        _folder.Write("base.yaml", Config.Replace("DIRECTORY", "unused"));
        var grid = _folder.Write("grid.yaml", $"config: base.yaml\ndirectory: {_folder["grid"]}\naxes:\n  method.name: "
            + "[none, finetuning, progressive, hat, leap]\n");
        var (code, output, error) = ProgramProcess.Wait(ProgramProcess.StartWith(data, "grid", grid));
        Assert.True(code == 0,
            output + error + string.Join('\n', Directory.GetFiles(_folder["grid"], "*.log").Select(File.ReadAllText)));
        var results = Directory.GetDirectories(_folder["grid"]).Where(RunDirectory.IsComplete)
            .Order(StringComparer.Ordinal)
            .Select(run => (Path.GetFileName(run), Result.Load(Path.Combine(run, RunDirectory.ResultName)))).ToList();
        Assert.Equal(5, results.Count);
        var report = Report.Of(results, new Rng(0), 200, pool: true);
        Assert.Equal(["finetuning", "hat", "leap", "none", "progressive"], report.Scores
            .Where(s => s.Quantity == "test error, %").Select(s => s.Method).Order(StringComparer.Ordinal));
        Assert.Contains(ReportTables.Of(report), table => table.Title == "Scores" && table.Rows.Count == 5);
    }

    [Fact]
    public void Meta_training_ends_when_the_mean_validation_error_no_longer_falls_also_after_a_kill()
    {
        var data = Data();
        string[] Arguments(string run) =>
            ["meta-train", _folder.Write(run + ".yaml", Config.Replace("DIRECTORY", _folder[$"{run}/run"])), "--set",
                "meta.steps=60", "--set", "meta.patience=4", "--set", "evaluation.tasks=[mnist]"];
        var (code, _, error) = ProgramProcess.Wait(ProgramProcess.StartWith(data, Arguments("whole")));
        Assert.True(code == 0, error);
        var looks = JsonLines.Read(_folder["whole/run/metrics.jsonl"]).Where(row => row.Series == "meta")
            .Select(row => row.Values.First(v => v.Column == "validation/error").Value).ToList();
        Assert.InRange(looks.Count, 5, 59);
        Assert.Equal(looks.Count - 5, looks.IndexOf(looks.Min())); // four looks follow the lowest one

        var process = ProgramProcess.StartWith(data, Arguments("killed"));
        while (!Directory.Exists(_folder["killed/run/checkpoints"]) && !process.HasExited) Thread.Sleep(2);
        ProgramProcess.Signal(process, "KILL");
        ProgramProcess.Wait(process);
        if (!RunDirectory.IsComplete(_folder["killed/run"])) Assert.Equal(0, ProgramProcess.Wait(
            ProgramProcess.StartWith(data, "meta-train", "--resume", _folder["killed/run"])).ExitCode);
        Assert.Equal(File.ReadAllText(_folder["whole/run/metrics.jsonl"]),
            File.ReadAllText(_folder["killed/run/metrics.jsonl"]));
    }

    [Fact]
    public void The_papers_numbers_stand_beside_ours_where_they_are_about_the_same()
    {
        Assert.Equal(21.2, Published.Of("multi-cv/cifar10", "leap", "test error, %"));
        Assert.Equal(58.4, Published.Of("multi-cv/cifar100", "hat", "area under training error, 0-100"));
        Assert.Null(Published.Of("multi-cv/mnist", "leap", "test error, %"));
        var result = new Result("meta-train", "a", [new Curve("multi-cv/gtsrb", "leap", 0, [0, 1], [1, 0])], [])
        { Scores = [new Score("multi-cv/gtsrb", "leap", 0, "test error, %", 50)] };
        var other = result with
        {
            Curves = [result.Curves[0] with { Values = [1, 0.5] }],
            Scores = [result.Scores![0] with { Value = 30 }]
        };
        var score = Report.Of([("a", result), ("b", other), ("c", other)], new Rng(0), 200, pool: true).Scores.Single();
        Assert.Equal((2, 40, 2.9), (score.Seeds, score.Mean.Value, score.Published)); // c is b's own curve, shared
        Assert.Contains("(2.9)", JsonSerializer.Serialize(ReportTables.Of(Report.Of([("a", result)], new Rng(0),
            200)).First(t => t.Title == "Scores").Rows), StringComparison.Ordinal);
    }
}

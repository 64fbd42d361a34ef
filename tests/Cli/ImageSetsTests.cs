// Image sets as tasks: what is remembered of sets that were learned one after another, and how one that was held out is
// learned.
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Statistics;
using RlLeap.Tests.Data;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class ImageSetsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Two sets of random images, the second held out.
    private string Config(string method)
    {
        SampleFiles.MnistFolder(_folder["data/mnist"], train: 40, test: 10);
        SampleFiles.MnistFolder(_folder["data/fashion-mnist"], train: 40, test: 10);
        return $$"""
            run: {directory: {{_folder["run"]}}, seed: 1, parallel: 1}
            suite: image-sets
            image-sets:
              {sets: [mnist], held-out: [fashion-mnist], allow-partial: true, train-images: 40, test-images: 10,
               batch-size: 8, filters: 4, learner: {gradient-steps: 4, optimizer: {learning-rate: 0.1} },
               evaluation-steps: 3}
            method: {name: {{method}}}
            meta: {steps: 1, batch: 1}
            evaluation: {seeds: 1, against: [none], roles: {body: frozen} }
            """;
    }

    [Fact]
    public void AHeldOutSetIsLearnedWithTheRolesOfTheEvaluationAndRandomParametersWithout()
    {
        var config = ConfigFile.Parse<MetaTrainConfig>(Config("finetuning"), "sets.yaml", []);
        var location = RlLeap.Data.DataLocation.Folder(_folder["data"]);
        var suite = new ImageSetsSuite(config, location);
        Assert.Equal(config.Evaluation!.Roles, suite.EvaluationLearner.Roles);
        Assert.NotEmpty(suite.EvaluationLearner.Roles!);
        var open = ConfigFile.Parse<MetaTrainConfig>(Config("finetuning"), "sets.yaml", ["evaluation.roles=null"]);
        Assert.Null(new ImageSetsSuite(open, location).EvaluationLearner.Roles);
    }

    // Runs side by side share what was learned from random parameters, where it is the same.
    [Fact]
    public void RandomInitializationIsLearnedAgainWhereThereAreMoreImages()
    {
        var environment = new Dictionary<string, string> { ["RLLEAP_DATA"] = _folder["data"] };
        var config = _folder.Write("sets.yaml", Config("finetuning"));
        foreach (var images in new[] { 10, 40 })
        {
            string[] settings = [$"run.directory={_folder[$"runs/{images}"]}", $"image-sets.held-out-images={images}"];
            var (code, _, error) = ProgramProcess.Wait(ProgramProcess.StartWith(environment,
                ["meta-train", config, .. settings.SelectMany(setting => new[] { "--set", setting })]));
            Assert.True(code == 0, error);
        }
        Assert.Equal(2, Directory.GetFiles(_folder["runs/.random-initialization"], "*.json").Length);
    }

    [Theory]
    [InlineData("finetuning")]
    [InlineData("ewc")]
    [InlineData("domain-adversarial")]
    public void SetsAreLearnedThroughTheProgram(string method)
    {
        var config = _folder.Write("sets.yaml", Config(method));
        var environment = new Dictionary<string, string>
        {
            ["RLLEAP_DATA"] = _folder["data"], ["RLLEAP_CACHE"] = _folder["cache"],
        };
        var (code, output, error) = ProgramProcess.Wait(ProgramProcess.StartWith(environment, "meta-train", config));
        Assert.True(code == 0, output + error);
        var result = Result.Load(_folder["run/result.json"]);
        Assert.Contains(result.Curves, curve => curve.Task == "images/fashion-mnist" && curve.Method == method);
        Assert.True(File.Exists(_folder["run/report/report.html"]));
        var said = output + error + File.ReadAllText(_folder["run/run.log"]);
        Assert.DoesNotContain("NaN", said, StringComparison.Ordinal);
    }

    [Fact]
    public void AverageBackwardTransferAndForgettingAreThoseOfTheAccuracyMatrix()
    {
        // Three tasks, learned at steps 1, 2 and 3; rows are tasks, columns the steps after which they were tested.
        var memory = new Remembered([[1, 2, 3], [2, 3], [3]], [[90, 95, 60], [80, 70], [50]]);
        Assert.Equal((60 + 70 + 50) / 3.0, memory.Scores[Remembered.Average], 1e-12);
        Assert.Equal((90 + 80 + 50) / 3.0, memory.Scores[Remembered.Learned], 1e-12);
        Assert.Equal(((60 - 90) + (70 - 80)) / 2.0, memory.Scores[Remembered.BackwardTransfer], 1e-12);
        Assert.Equal(((95 - 60) + (80 - 70)) / 2.0, memory.Scores[Remembered.Forgetting], 1e-12);
        Assert.Equal((95 + 80) / 2.0, memory.AverageAt(2), 1e-12);
    }

    [Fact]
    public void TasksThatWereLearnedTogetherHaveNothingToForget()
    {
        var memory = new Remembered([[1, 2], [1, 2]], [[50, 60], [70, 90]]);
        Assert.Equal(75, memory.Scores[Remembered.Average]);
        Assert.DoesNotContain(Remembered.Forgetting, memory.Scores.Keys);
    }
}

// Few-shot runs through the program, on a folder of images that the test draws.
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using RlLeap.Data;
using RlLeap.Tests.Data;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class FewShotRunTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private void Draw() => SampleFiles.ClassFolder(_folder["images"], 0, 12, images: 8);

    private string Config(string method = "prototypical") => _folder.Write("config.yaml", $$"""
        run: {directory: {{_folder["run"]}}, seed: 2, parallel: 1}
        suite: few-shot
        few-shot:
          data: {{_folder["images"]}}
          split: {validation: 3, test: 4}
          train: {way: 4, shot: 1, query: 3}
          validation: {way: 3, shot: 1, query: 3}
          test: [{way: 4, shot: 1, query: 3}]
          validation-episodes: 5
          test-episodes: 20
        method: {name: {{method}}}
        meta: {steps: 4, batch: 5, optimizer: {kind: adam, learning-rate: 0.003} }
        """);

    [Fact]
    public void Prototypical_networks_learn_a_folder_of_images_and_are_tested_at_another_way_and_shot()
    {
        Draw();
        var config = Config();
        var output = ProgramProcess.Succeed("meta-train", config);
        Assert.Contains("images, 4-way 1-shot", output);
        foreach (var figure in new[] { "episodes.png", "episodes.svg", "embedding.png", "report.html" })
            Assert.True(File.Exists(_folder[$"run/report/{figure}"]), figure);
        var result = Result.Load(_folder["run/result.json"]);
        var score = Assert.Single(result.Episodes!);
        Assert.Equal(("images", "prototypical", 2L), (score.Data, score.Method, score.Seed));
        Assert.Equal((4, 1, 3, 20), (score.Way, score.Shot, score.Query, score.Count));
        Assert.True(score.Accuracy > 60, $"{score.Accuracy}"); // chance is 25
        Assert.InRange(score.HalfWidth, 0, 10);
        var picture = result.Embedding!;
        Assert.Equal((4, 4, 16), (picture.Classes.Count, picture.Support, picture.X.Count));
        var rows = JsonLines.Read(_folder["run/metrics.jsonl"]).Where(row => row.Series == "meta").ToList();
        Assert.Equal(4, rows.Count(row => row.Values.Any(v => v.Column == "validation/error")));

        string[] otherShape = ["--way", "3", "--shot", "4", "--query", "2", "--episodes", "10"];
        ProgramProcess.Succeed(["evaluate", _folder["run"], .. otherShape]);
        var path = _folder["run/evaluations/3-way-4-shot/result.json"];
        var other = Assert.Single(Result.Load(path).Episodes!);
        Assert.Equal((3, 4, 2, 10), (other.Way, other.Shot, other.Query, other.Count));
        // The same command again is the same result.
        ProgramProcess.Succeed("evaluate", _folder["run"], "--output", _folder["again"]);
        Assert.Equal(score, Assert.Single(Result.Load(_folder["again/result.json"]).Episodes!));
    }

    [Fact]
    public void A_report_shows_accuracy_beside_the_published_number_and_pools_seeds()
    {
        EpisodeScore Score(string method, long seed, double accuracy) =>
            new("omniglot", method, seed, 20, 1, 5, 600, accuracy, 0.3, Transductive: method == "maml");
        Result Run(string method, long seed, double accuracy) => new(
            "meta-train", method, [], [new MetaCurve("meta", "loss/mean", [0, 1], [2, 1])])
        {
            Method = method, Episodes = [Score(method, seed, accuracy)],
            Embedding = new EmbeddingPicture(["a", "b"], 2, [0, 1, 0, 1], [0, 1, 0.1, 0.9], [0, 1, 0, 1]),
        };
        var report = Report.Of(
            [("a", Run("prototypical", 1, 95)), ("b", Run("prototypical", 2, 96)), ("c", Run("maml", 1, 90))],
            new Rng(0), 200, pool: true);
        Assert.Equal(["prototypical", "maml"], report.Episodes.Select(e => e.Label));
        var prototypical = report.Episodes[0];
        Assert.Equal((95.5, 96.0, 2), (prototypical.Accuracy.Value, prototypical.Published, prototypical.Runs.Count));
        // Each run's episodes are its own, so that the variances of the two means add up.
        Assert.Equal(0.3 / Math.Sqrt(2), prototypical.Accuracy.High - 95.5, 9);
        var table = ReportTables.Of(report).Single(t => t.Title == "Test episodes");
        Assert.Equal(["method", "seeds", "omniglot, 20-way 1-shot"], table.Columns);
        Assert.Equal(["prototypical", "2", "95.50 [95.29, 95.71] (96.0)"], table.Rows[0]);
        Assert.Equal("maml, transductive", table.Rows[1][0]);
        ReportFiles.Write(report, _folder["report"]);
        Assert.Contains("Upright strokes", File.ReadAllText(_folder["report/report.html"]));

        var apart = Report.Of([("a", Run("maml", 1, 90)), ("b", Run("maml", 2, 91))], new Rng(0), 200);
        Assert.Equal(["maml (a)", "maml (b)"], apart.Embeddings.Select(e => e.Label));
    }

    [Fact]
    public void A_killed_run_goes_on_to_the_same_result()
    {
        Draw();
        ProgramProcess.Succeed("meta-train", Config(), "--set", $"run.directory={_folder["whole"]}");
        var process = ProgramProcess.Start("meta-train", Config());
        while (!Directory.Exists(_folder["run/checkpoints"]) && !process.HasExited) Thread.Sleep(2);
        ProgramProcess.Signal(process, "KILL");
        ProgramProcess.Wait(process);
        if (!RunDirectory.IsComplete(_folder["run"])) ProgramProcess.Succeed("meta-train", "--resume", _folder["run"]);
        Assert.Equal(File.ReadAllText(_folder["whole/metrics.jsonl"]), File.ReadAllText(_folder["run/metrics.jsonl"]));
        var (whole, resumed) = (Result.Load(_folder["whole/result.json"]), Result.Load(_folder["run/result.json"]));
        Assert.Equal(whole.Episodes, resumed.Episodes);
    }

    [Fact]
    public void Patience_ends_meta_training_where_the_validation_error_stays()
    {
        Draw();
        // A rate of next to nothing: the error of the second validation is that of the first.
        string[] settings = ["--set", "meta.steps=50", "--set", "meta.optimizer.learning-rate=1e-12", "--set",
            "meta.patience=2", "--set", "few-shot.validation.way=3", "--set", "few-shot.shared-head=false", "--set",
            "few-shot.validation-every=2"];
        ProgramProcess.Succeed(["meta-train", Config("fomaml"), .. settings]);
        Assert.Equal(6, JsonLines.Read(_folder["run/metrics.jsonl"]).Count(row => row.Series == "meta"));
    }

    [Theory]
    [InlineData("maml", "method.outer=validation")]
    [InlineData("fomaml", "method.gradient=validation")]
    [InlineData("reptile", "method.include-last-step=true")]
    [InlineData("leap", "method.metric=length")]
    [InlineData("none", "meta.steps=1")]
    public void Methods_that_train_on_the_support_images_learn_the_same_episodes(string method, string setting)
    {
        Draw();
        string[] settings = ["--set", "few-shot.learner.gradient-steps=2", "--set", "few-shot.validation=null", "--set",
            "few-shot.split={validation: 4, test: 4}", "--set", "few-shot.validation-every=3", "--set",
            "few-shot.support-batch=3", "--set", "few-shot.strided=true"];
        ProgramProcess.Succeed(["meta-train", Config(method), "--set", setting, .. settings]);
        var validated = JsonLines.Read(_folder["run/metrics.jsonl"]).Where(row => row.Series == "meta"
            && row.Values.Any(v => v.Column == "validation/error" && v.Value is >= 0 and <= 1)).Select(row => row.Step);
        if (method != "none") Assert.Equal([2, 3], validated);
        var score = Assert.Single(Result.Load(_folder["run/result.json"]).Episodes!);
        Assert.Equal((method, 20), (score.Method, score.Count));
        var (code, _, error) = ProgramProcess.Run("evaluate", _folder["run"], "--way", "3", "--shot", "1");
        Assert.Equal(1, code);
        Assert.Contains($"{method} has meta-learned a linear head of 4 classes, which cannot tell 3 apart", error);
    }

    [Theory]
    [InlineData("a section, because suite is few-shot", "few-shot", "suite: few-shot")]
    [InlineData("this one compares the images of episodes", "method.name", "suite: omniglot\nomniglot: {}")]
    [InlineData("nothing, because a few-shot run is tested on few-shot.test", "evaluation",
        "suite: few-shot\nfew-shot: {data: omniglot}\nevaluation: {seeds: 2}")]
    [InlineData("at least 2", "few-shot.train.way", "suite: few-shot\nfew-shot: {data: omniglot, train: {way: 1}}")]
    [InlineData("missing key 'data'", "few-shot", "suite: few-shot\nfew-shot: {}")]
    public void What_cannot_be_is_refused_with_its_key(string expected, string key, string config)
    {
        config += "\nmethod: {name: prototypical}\nmeta: {steps: 1, batch: 1}";
        var message = Assert.Throws<ConfigException>(
            () => ConfigFile.Parse<MetaTrainConfig>(config, "few-shot.yaml")).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains(key, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("images has 5 train classes; episodes of 9-way 1-shot need 9", "few-shot.train.way=9")]
    [InlineData("has 8 images; 6 support and 3 query images need 9", "few-shot.train.shot=6")]
    [InlineData("images has 3 validation classes; episodes of 4-way 1-shot need 4", "few-shot.validation.way=4")]
    [InlineData("The splits of images overlap: the class class01 is named to train on and to test on",
        "few-shot.split={train-names: [class01], test-names: [class01]}")]
    [InlineData("There is no few-shot data", "few-shot.data=nowhere")]
    [InlineData("few-shot.validation.way is 3, but the linear head that is meta-learned tells 4 classes apart",
        "method={name: maml}")]
    [InlineData("few-shot.test.0.way is 4, but the linear head that is meta-learned tells 3 classes apart",
        "method={name: reptile}", "few-shot.train.way=3")]
    [InlineData("false, because the network is one of your own", "few-shot.network=my/net", "few-shot.strided=true")]
    public void Data_that_do_not_suffice_are_refused_before_a_folder_is_made(string expected, params string[] settings)
    {
        Draw();
        string[] all = [.. settings.SelectMany(setting => new[] { "--set", setting })];
        var (code, _, error) = ProgramProcess.Run(["meta-train", Config(), .. all]);
        Assert.Equal(1, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Theory]
    [InlineData("cifar-fs", 64, 16, 20)]
    [InlineData("fc100", 60, 20, 20)]
    public void The_splits_of_Cifar100_hold_every_class_once(string config, int train, int validation, int test)
    {
        DrawCifar100();
        var section = ConfigFile.Load<MetaTrainConfig>(Path.Combine(Repository.Root, "experiments", "few-shot",
            config + ".yaml")).FewShot!;
        var names = FewShotData.Load(section.Data, null, DataLocation.Folder(_folder["data"])).Classes
            .Select(c => c.Name).ToList();
        var split = ClassSplit.Of("cifar100", names, new Rng(1), section.Split);
        Assert.Equal((train, validation, test), (split.Train.Count, split.Validation.Count, split.Test.Count));
        Assert.Equal(Enumerable.Range(0, 100), split.Train.Concat(split.Validation).Concat(split.Test).Order());
        Assert.Equal(["apple", "oak_tree", "worm"], new[] { 0, 52, 99 }.Select(number => names[number]));
    }

    [Fact]
    public void Meta_transfer_learns_on_FC100_from_its_pretraining()
    {
        DrawCifar100();
        var data = new Dictionary<string, string> { ["RLLEAP_DATA"] = _folder["data"] };
        foreach (var name in new[] { "fc100-pretraining", "fc100" })
        {
            string[] from = name == "fc100" ? ["from=" + _folder["fc100-pretraining"]] : [];
            string[] small = ["run.directory=" + _folder[name], "meta.steps=1", "meta.batch=2",
                "few-shot.test-episodes=2", "few-shot.validation-episodes=2", "few-shot.filters=8",
                "few-shot.train={way: 5, shot: 1, query: 2}", "few-shot.test=[{way: 5, shot: 1, query: 2}]",
                "few-shot.validation={way: 5, shot: 1, query: 2}", .. from];
            var (code, _, error) = ProgramProcess.Wait(ProgramProcess.StartWith(data, ["meta-train",
                Path.Combine(Repository.Root, "experiments", "transfer", "meta-transfer", name + ".yaml"),
                .. small.SelectMany(setting => new[] { "--set", setting })]));
            Assert.True(code == 0, error);
        }
        Assert.Single(Result.Load(_folder["fc100/result.json"]).Episodes!);
    }

    // Three images of each class in one file, one in the other.
    private void DrawCifar100()
    {
        foreach (var (file, images) in new[] { ("train", 3), ("test", 1) })
        {
            var bytes = SampleFiles.Bytes(images * 100 * 3074, 5);
            for (var i = 0; i < images * 100; i++) (bytes[i * 3074], bytes[i * 3074 + 1]) = (0, (byte)(i % 100));
            Directory.CreateDirectory(_folder["data/cifar-100-binary"]);
            File.WriteAllBytes(_folder[$"data/cifar-100-binary/{file}.bin"], bytes);
        }
    }
}

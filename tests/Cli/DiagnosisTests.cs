// The diagnosis of networks in runs: what is recorded, when a run warns, and what a report shows.
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class DiagnosisTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static List<Row> Rows(string run, string series) =>
        [.. JsonLines.Read(Path.Combine(run, "metrics.jsonl")).Where(row => row.Series == series)];

    [Theory]
    [InlineData("false", "0.04", true)] // such a rate kills most units
    [InlineData("true", "0.003", false)]
    public void AnAgentRecordsItsNetworksStateAndWarnsWhenALayerIsDormant(string layerNorm, string rate, bool warns)
    {
        var (code, output, error) = ProgramProcess.Run("train", "MinAtar/SpaceInvaders-v1", "--agent-steps", "24000",
            "--directory", _folder["agent"], "--set", "record.every=4000", "--set", "record.evaluation-episodes=0",
            "--set", "agent.learning-rate=" + rate, "--set", "agent.layer-norm=" + layerNorm);
        Assert.True(code == 0, error + output);
        var rows = Rows(_folder["agent"], "diagnosis");
        Assert.Equal([4000L, 8000, 12000, 16000, 20000, 24000], rows.Select(row => row.Step));
        string[] columns = ["conv1/dormant", "conv1/low_score", "dense/dormant", "dense/low_score", "rank",
            "conv1/relative_norm", "dense/relative_norm"];
        Assert.Equal(columns, rows[0].Values.Select(value => value.Column));
        Assert.All(rows.SelectMany(row => row.Values.Take(4)), value => Assert.InRange(value.Value, 0, 1));
        Assert.True(Directory.EnumerateFiles(_folder["agent/events/diagnosis"]).Any());
        var dormant = rows[^1].Values.First(value => value.Column == "dense/dormant").Value;
        Assert.True(dormant > 0.5 == warns, $"{dormant} of the dense layer is dormant");
        Assert.Equal(warns,
            (error + output).Contains("of the units of layer dense are dormant", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("finetuning")]
    [InlineData("hat")]
    [InlineData("progressive")]
    public void MethodsThatGrowOneStateAreDiagnosedToo(string method)
    {
        MetaTrain("grown", method, "{steps: 2, batch: 2}");
        foreach (var game in new[] { "Asterix", "Breakout" })
        {
            var rows = Rows(_folder["grown"], $"diagnosis/MinAtar/{game}-v0?planes=10");
            Assert.Equal([0L, 1], rows.Select(row => row.Step));
            foreach (var (begin, end) in new[] { ("start/", "/dormant"), ("end/", "/dormant"), ("start/", "rank") })
                Assert.All(rows, row => Assert.Contains(row.Values, value =>
                    value.Column.StartsWith(begin, StringComparison.Ordinal)
                    && value.Column.EndsWith(end, StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void AnEvaluationDiagnosesWhatItLearnedFrom()
    {
        MetaTrain("evaluated", "leap", "{steps: 1, batch: 1}");
        ProgramProcess.Succeed("evaluate", _folder["evaluated"], "--tasks", "MinAtar/SpaceInvaders-v0?planes=10",
            "--seeds", "2", "--agent-steps", "8000", "--against", "none", "--output", _folder["output"]);
        var result = Result.Load(_folder["output/result.json"]);
        var diagnoses = Report.Of([("evaluated", result)], new Rng(0), 50).Diagnoses;
        Assert.Equal(["leap", "none"], diagnoses.Where(d => d.Task.Contains("Space")).Select(d => d.From));
    }

    // Two games, eight thousand steps each.
    private void MetaTrain(string folder, string method, string meta) =>
        ProgramProcess.Succeed("meta-train", _folder.Write(folder + ".yaml", $$"""
            run: {directory: {{_folder[folder]}}, seed: 3}
            suite: games
            games:
              pool: [MinAtar/Asterix-v0?planes=10, MinAtar/Breakout-v0?planes=10]
              agent-steps: 8000
              agent: {preset: minatar}
            method: {name: {{method}}}
            meta: {{meta}}
            """));

    [Fact]
    public void AMetaTrainingRecordsTheStateOfTheInitializationOnEveryTask()
    {
        var config = _folder.Write("tiny.yaml", $"""
            run: {"{"}directory: {_folder["run"]}, seed: 3, parallel: 2{"}"}
            suite: games
            games:
              pool: [MinAtar/Asterix-v0?planes=10, MinAtar/Breakout-v0?planes=10]
              agent-steps: 8000
              agent: {"{"}preset: minatar, layer-norm: true{"}"}
            method: {"{"}name: leap, metric: energy, loss: false{"}"}
            meta: {"{"}steps: 2, batch: 2, learning-rate: 1{"}"}
            evaluation: {"{"}tasks: ["MinAtar/SpaceInvaders-v0?planes=10"], seeds: 2, agent-steps: 8000, points: 10{"}"}
            """);
        ProgramProcess.Succeed("meta-train", config);
        foreach (var game in new[] { "Asterix", "Breakout" })
        {
            var rows = Rows(_folder["run"], $"diagnosis/MinAtar/{game}-v0?planes=10");
            Assert.Equal([0L, 1], rows.Select(row => row.Step));
            double At(int row, string column) => rows[row].Values.First(value => value.Column == column).Value;
            // A fresh orthogonal encoder: weights of their own norm, hardly a dormant unit, many directions.
            Assert.Equal(1, At(0, "start/dense/relative_norm"), 1e-3);
            Assert.InRange(At(0, "start/dense/dormant"), 0, 0.3);
            Assert.InRange(At(0, "start/rank"), 20, 128);
            Assert.NotEqual(1, At(1, "start/dense/relative_norm"), 1e-4);
            Assert.Contains(rows[0].Values, value => value.Column == "end/dense/dormant");
            var task = Rows(_folder["run"], $"task/MinAtar/{game}-v0?planes=10")[0];
            Assert.DoesNotContain(task.Values, value => value.Column.StartsWith("start/", StringComparison.Ordinal));
        }
        foreach (var from in new[] { "leap", "none" })
        {
            var rows = Rows(_folder["run"], $"diagnosis/MinAtar/SpaceInvaders-v0?planes=10 from {from}");
            Assert.Equal([0L, 1], rows.Select(row => row.Step)); // the seeds
        }

        var report = Report.Of([("run", Result.Load(_folder["run/result.json"]))], new Rng(0), 50);
        Assert.Equal(["meta-step 1", "meta-step 1", "leap", "none"], report.Diagnoses.Select(d => d.From));
        Assert.DoesNotContain(report.Meta, meta => meta.Task.StartsWith("diagnosis", StringComparison.Ordinal));
        Assert.Equal(4,
            ReportTables.Of(report).Single(t => t.Title.StartsWith("State", StringComparison.Ordinal)).Rows.Count);
    }

    [Fact]
    public void AReportShowsTheWorstLayerAndSaysWhatHelps()
    {
        static MetaCurve Of(string quantity, double first, double last) =>
            new("diagnosis/a game", "start/" + quantity, [0, 1], [first, last]);
        var result = new Result("meta-train", "a", [new Curve("a game", "leap", 0, [0, 1], [1, 2])],
            [Of("conv1/dormant", 0, 0.1), Of("dense/dormant", 0, 0.75), Of("dense/low_score", 0, 0.9),
                Of("rank", 80, 8)]);
        var report = Report.Of([("a", result)], new Rng(0), 50);
        var diagnosis = Assert.Single(report.Diagnoses);
        Assert.Equal(new DiagnosisReport("a", "a game", "meta-step 1", "dense", 0.75, 8), diagnosis);
        var table = ReportTables.Of(report).Single(t => t.Title.StartsWith("State", StringComparison.Ordinal));
        Assert.Equal(["a game", "a, meta-step 1", "dense", "75 %", "8"], table.Rows.Single());
        Assert.Contains("layer-norm: true", table.Caption);
    }
}

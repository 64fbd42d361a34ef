// Rng: golden streams of an independent implementation, independence, saving, and the rule that nothing else draws.
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace RlLeap.Tests.Core;

public sealed class RngTests
{
    [Fact]
    public void StreamsAgreeWithAnIndependentImplementation()
    {
        using var file =
            JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Core", "Golden", "rng.json")));
        var cases = file.RootElement.GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var golden in cases)
        {
            Rng Node() =>
                golden.GetProperty("path").EnumerateArray().Aggregate(new Rng(golden.GetProperty("seed").GetInt64()),
                (rng, step) => rng.Split(step.GetProperty("name").GetString()!, step.GetProperty("index").GetInt64()));
            var (words, doubles, integers, normals) = (Node(), Node(), Node(), Node());
            Assert.All(golden.GetProperty("u64").EnumerateArray(),
                w => Assert.Equal(ulong.Parse(w.GetString()!), words.NextUInt64()));
            Assert.All(golden.GetProperty("double").EnumerateArray(),
                d => Assert.Equal(d.GetDouble(), doubles.NextDouble()));
            Assert.All(golden.GetProperty("ints").EnumerateArray().Select((value, i) => (value, i)), p =>
                Assert.Equal(p.value.GetInt32(), integers.NextInt(new[] { 2, 6, 10, 1000, 3 << 29 }[p.i % 5])));
            Assert.All(golden.GetProperty("normal").EnumerateArray(),
                n => Assert.Equal(n.GetDouble(), normals.NextNormal(), 14));
        }
    }

    [Fact]
    public void SplitsDependNeitherOnDrawsNorOnTheOrderOfSplits()
    {
        var first = new Rng(7);
        var second = new Rng(7);
        var early = first.Split("a");
        for (var i = 0; i < 100; i++) second.NextUInt64();
        second.Split("b");
        Assert.Equal(early.NextUInt64(), second.Split("a").NextUInt64());
    }

    [Fact]
    public void SplitsOfOneParentAreIndependentUnderAChiSquareTest()
    {
        // Pairs of 4-bit values from neighbouring streams, at the same position: 256 cells, expected 4,096 each.
        var root = new Rng(20);
        var cells = new long[256];
        const int streams = 1024, draws = 1024;
        for (var s = 0; s < streams; s++)
        {
            var (a, b) = (root.Split("stream", s), root.Split("stream", s + 1));
            for (var i = 0; i < draws; i++) cells[(a.NextUInt64() >> 60 << 4) | (b.NextUInt64() >> 60)]++;
        }
        const double expected = streams * (double)draws / 256;
        var chi = cells.Sum(c => (c - expected) * (c - expected) / expected);
        // 255 degrees of freedom: mean 255, standard deviation 22.6; beyond 4 sigma either way is a defect
        Assert.InRange(chi, 160, 360);
    }

    [Fact]
    public void IntegersAreUniform()
    {
        var rng = new Rng(3);
        var cells = new int[7];
        for (var i = 0; i < 70_000; i++) cells[rng.NextInt(7)]++;
        // 6 degrees of freedom, p = 0.0005
        Assert.InRange(cells.Sum(c => (c - 10_000.0) * (c - 10_000.0) / 10_000), 0, 24);
    }

    [Fact]
    public void NormalDeviatesHaveTheMomentsOfTheNormalDistribution()
    {
        var rng = new Rng(4);
        var x = Enumerable.Range(0, 200_000).Select(_ => rng.NextNormal()).ToArray();
        Assert.Equal(0, x.Average(), 0.01);
        Assert.Equal(1, x.Average(v => v * v), 0.015);
        Assert.Equal(3, x.Average(v => v * v * v * v), 0.1);
    }

    [Fact]
    public void ASavedStreamGoesOnWhereItWasAndSplitsAsBefore()
    {
        var rng = new Rng(5).Split("x", 2);
        rng.NextUInt64();
        var copy = Rng.FromState(rng.SaveState());
        Assert.Equal(rng.NextUInt64(), copy.NextUInt64());
        Assert.Equal(rng.Split("child").NextUInt64(), copy.Split("child").NextUInt64());
        Assert.Throws<RlLeapException>(() => Rng.FromState(new byte[64]));
        Assert.Throws<RlLeapException>(() => Rng.FromState(new byte[5]));
    }

    [Fact]
    public void PermutationsHoldEveryIndexOnce() =>
        Assert.Equal(Enumerable.Range(0, 100), new Rng(6).Permutation(100).Order());

    [Fact]
    public void NothingElseInTheSourcesDraws()
    {
        // torch's generators are wrapped, not used; the module adapter seeds torch's own from Rng, under a lock.
        var allowed = new Regex(@"^src/(Torch/|Core/(Rng|ModuleNetwork)\.cs)");
        var forbidden = new Regex(
            @"\bnew (System\.)?Random\(|Random\.Shared|RandomNumberGenerator|\bmanual_seed\("
            + @"|torch\.(rand|randn|randint|randperm|normal)\(|[^.\w](rand|randn|randint|randperm)\(|Guid\.NewGuid");
        var root = Repository.Root;
        var found = new[] { "src", "experiments" }.SelectMany(room =>
            Directory.EnumerateFiles(Path.Combine(root, room), "*.cs", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(root, path))
            .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/") && !allowed.IsMatch(path))
            .SelectMany(path => File.ReadLines(Path.Combine(root, path)).Select((line, i) => (path, i, line)))
            .Where(l => !l.line.TrimStart().StartsWith("//", StringComparison.Ordinal)
                && forbidden.IsMatch(Regex.Replace(l.line, "\"[^\"]*\"", "\"\"")))
            .Select(l => $"{l.path}:{l.i + 1}: {l.line.Trim()}").ToList();
        Assert.True(found.Count == 0, "Draw from RlLeap.Rng instead:\n" + string.Join("\n", found));
    }
}

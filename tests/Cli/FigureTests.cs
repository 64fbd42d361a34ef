// Figures: files, sizes, names, colours, missing values.
using System.Buffers.Binary;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public class FigureTests
{
    private static Report Of(int tasks, int seeds, Func<string, int, double> value, params string[] methods)
    {
        long[] steps = [.. Enumerable.Range(1, 50).Select(s => s * 1000L)];
        List<Curve> curves =
        [
            .. from task in Enumerable.Range(0, tasks)
               from method in methods
               from seed in Enumerable.Range(0, seeds)
               let values = steps.Select((_, i) => value(method, i) + seed).ToArray()
               select new Curve($"MinAtar/Game{task}-v0?planes=10", method, seed, steps, values),
        ];
        MetaCurve[] meta =
        [
            new("task/MinAtar/Asterix-v0", "path/length", [0, 1, 2], [3, double.NaN, 1.5]),
            new("meta", "path/length", [0, 1, 2], [3, 2, 1.5]),
            new("meta", "meta/gradient_norm", [0, 1, 2], [double.NaN, double.NaN, double.NaN]),
        ];
        return Report.Of([("run", new Result("evaluate", "run", curves, meta))], new Rng(0), 200);
    }

    private static string Svg(Report report, string figure)
    {
        using var temp = new TempFolder();
        FigureFiles.Write(report, temp.Root);
        return File.ReadAllText(temp[figure + ".svg"]);
    }

    [Theory]
    [InlineData(1, 252)]
    [InlineData(5, 504)]
    [InlineData(12, 504)]
    public void Figures_are_as_wide_as_a_column_or_a_page_and_say_what_they_show(int tasks, int points)
    {
        using var temp = new TempFolder();
        temp.Write("overall.png", "of an earlier report");
        var report = Of(tasks, 3, (_, i) => i, "leap", "my own <method>", "none");
        var widths = FigureFiles.Write(report, temp.Root);
        string[] together = tasks == 1 ? [] : ["aggregates", "profiles", "improvement"];
        Assert.Equal([.. together, "curves", "area", "meta"], widths.Keys);
        var files = widths.Keys.SelectMany(name => FigureFiles.Kinds.Select(kind => name + kind))
            .Order(StringComparer.Ordinal);
        Assert.Equal(files, Directory.GetFiles(temp.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(points, widths["curves"].Width);
        var png = File.ReadAllBytes(temp["curves.png"]);
        Assert.Equal(points * 240 / 72, BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)));
        var svg = File.ReadAllText(temp["curves.svg"]);
        Assert.Contains($"width=\"{points}pt\"", svg, StringComparison.Ordinal);
        string[] texts = ["leap", "my own &lt;method&gt;", "none", "Game0", "agent steps", "episodic return", "20k"];
        Assert.All(texts, text => Assert.Contains(text, svg, StringComparison.Ordinal));
        Assert.StartsWith("%PDF", File.ReadAllText(temp["curves.pdf"]), StringComparison.Ordinal);
        System.Xml.Linq.XDocument.Parse(svg);
    }

    [Fact]
    public void Equal_reports_are_equal_files()
    {
        using var a = new TempFolder();
        using var b = new TempFolder();
        foreach (var folder in new[] { a, b })
            FigureFiles.Write(Of(3, 3, (_, i) => i % 7, "leap", "none"), folder.Root);
        Assert.All(Directory.GetFiles(a.Root), path =>
            Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(b[Path.GetFileName(path)])));
    }

    [Fact]
    public void A_missing_value_is_a_gap()
    {
        var report = Of(2, 2, (method, i) => method == "none" || i is > 9 and < 20 ? double.NaN : i, "leap", "none");
        var svg = Svg(report, "curves");
        Assert.DoesNotContain("nan", svg, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("inf", svg, StringComparison.OrdinalIgnoreCase);
        // Lines of leap: two pieces a task, and one in the legend.
        Assert.Equal(5, svg.Split("stroke=\"#0072B2\"").Length - 1);
        Assert.DoesNotContain("nan", Svg(report, "area"), StringComparison.OrdinalIgnoreCase);
        // A quantity that never has a value has no panel.
        Assert.DoesNotContain("norm of the meta-gradient", Svg(report, "meta"), StringComparison.Ordinal);
    }

    [Fact]
    public void One_seed_is_a_line_without_a_band()
    {
        int Bands(int seeds) =>
            Svg(Of(2, seeds, (_, i) => i, "leap", "none"), "curves").Split("fill-opacity").Length - 1;
        Assert.Equal((0, 4), (Bands(1), Bands(3)));
    }

    [Fact]
    public void Many_methods_and_constant_or_extreme_values_can_be_drawn()
    {
        string[] names = [.. Enumerable.Range(0, 30).Select(i => $"none (a rather long name of a run, number {i})")];
        Assert.Contains("number 29", Svg(Of(1, 2, (_, _) => 0, names), "area"), StringComparison.Ordinal);
        Svg(Of(26, 2, (_, i) => 1e12 * i, "leap"), "curves");
        Svg(Of(1, 2, (_, i) => 1e-9 * i - 5, "leap"), "curves");
    }

    [Fact]
    public void A_method_has_one_look_and_no_other_method_has_it()
    {
        string[] names = ["leap", "none", "none (a)", "none (b)", "reptile (b)",
            .. Enumerable.Range(0, 60).Select(i => $"own {i}")];
        var palette = new Palette(names);
        Assert.Equal(names.Length, names.Select(name => palette[name].Color.ToHex()).Distinct().Count());
        Assert.Equal(palette["leap"], new Palette(["x", "y", "leap"])["leap"]);
        Assert.Equal(palette["none (a)"], palette["a"]); // a run's name, where one method is that run's
        Assert.False(palette.Knows("b")); // two are
        // Runs that are not pooled are called by their names in the meta figure, by method and run in the others.
        static Result Run(double x) =>
            new("meta-train", "r", [new("t", "leap", 0, [0, 1], [x, x])], [new("meta", "path/length", [0, 1], [x, x])])
            { Method = "leap" };
        var report = Report.Of([("a", Run(1)), ("b", Run(2))], new Rng(0), 200);
        var looks = FigureFiles.PaletteOf(report);
        Assert.Equal((looks["leap (a)"], looks["leap (b)"]), (looks["a"], looks["b"]));
        Assert.NotEqual(looks["a"], looks["b"]);
    }

    [Fact]
    public void Numbers_at_an_axis_are_round_inside_it_and_do_not_touch()
    {
        var rng = new Rng(1);
        for (var i = 0; i < 2000; i++)
        {
            var low = (rng.NextDouble() - 0.5) * Math.Pow(10, rng.NextInt(16) - 6);
            var high = low + rng.NextDouble() * Math.Pow(10, rng.NextInt(16) - 6);
            var width = 60 + 300 * (float)rng.NextDouble();
            var axis = AxisTicks.Across(low, high, width, integer: i % 2 == 0);
            Assert.InRange(axis.At.Count, 0, 6);
            Assert.Equal(axis.Texts.Count, axis.Texts.Distinct().Count());
            var scale = width / (axis.High - axis.Low);
            for (var k = 0; k < axis.At.Count; k++)
            {
                Assert.InRange((axis.At[k] - axis.Low) * scale, -0.001, width + 0.001);
                if (k == 0) continue;
                var half = (FigureStyle.WidthOf(axis.Texts[k], 8) + FigureStyle.WidthOf(axis.Texts[k - 1], 8)) / 2;
                Assert.True((axis.At[k] - axis.At[k - 1]) * scale > half, $"{axis.Texts[k - 1]} {axis.Texts[k]}");
            }
        }
        Assert.Equal(["0", "500k", "1M", "1.5M"], AxisTicks.Round(0, 1_600_000, 4).Texts);
        Assert.Equal(["−0.4", "−0.2", "0.0"], AxisTicks.Round(-0.5, 0.1, 3).Texts);
        Assert.Equal(["1", "", "", "100"], AxisTicks.Given(0, 110, [1, 2, 3, 100], 100).Texts);
    }

    [Fact]
    public void Tasks_have_short_names_that_tell_them_apart()
    {
        string[] tasks =
            ["MinAtar/SpaceInvaders-v1?planes=10", "ALE/Tetris-v5?preset=leap", "ALE/Tetris-v5?preset=a",
             "omniglot/Old_(Cyrillic)"];
        Assert.Equal(["Space Invaders", "Tetris (preset=leap)", "Tetris (preset=a)", "Old (Cyrillic)"],
            FigureFiles.NamesOf(tasks).Values);
    }
}

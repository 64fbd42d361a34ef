// Grids: which runs there are, which are executed, and what a failure or a stop leaves.
using RlLeap.Cli.Config;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public class GridTests
{
    private static GridConfig Config(TempFolder temp, int parallel = 1) => ConfigFile.Parse<GridConfig>($"""
        config: base.yaml
        directory: {temp["grid"]}
        parallel: {parallel}
        set:
          device: cpu
        axes:
          method.name: [leap, reptile]
          seed: [0, 1, 2]
        """, "grid.yaml");

    private static (Grid, List<IReadOnlyList<string>>) Of(TempFolder temp, Func<string, int> outcome)
    {
        temp.Write("base.yaml", "");
        var started = new List<IReadOnlyList<string>>();
        return (new Grid(Config(temp), temp["grid.yaml"], (arguments, _, stop) =>
        {
            started.Add(arguments);
            var folder = arguments[1] == "--resume" ? arguments[2] : arguments[^1]["run.directory=".Length..];
            var code = outcome(Path.GetRelativePath(temp["grid"], folder));
            stop.ThrowIfCancellationRequested();
            using var run = RunDirectory.Holds(folder) ? RunDirectory.Resume(folder) : RunDirectory.Start(folder, "");
            if (code == 0) run.Complete(new("train", "a", [], []));
            return Task.FromResult(code);
        }), started);
    }

    [Fact]
    public void The_runs_are_all_combinations_with_readable_names()
    {
        using var temp = new TempFolder();
        var runs = Config(temp).Runs();
        Assert.Equal(["name-leap/seed-0", "name-leap/seed-1", "name-leap/seed-2", "name-reptile/seed-0",
            "name-reptile/seed-1", "name-reptile/seed-2"], runs.Select(r => r.Name));
        Assert.Equal(["device=cpu", "method.name=reptile", "seed=1"], runs[4].Settings);
    }

    [Fact]
    public void Combinations_can_be_left_out_and_the_config_can_follow_an_axis()
    {
        var config = ConfigFile.Parse<GridConfig>("""
            config: "omniglot-{method.name}.yaml"
            directory: grid
            axes:
              method.name: [leap, reptile]
              method.loss: [true, false]
              method.stabilizer: [true, false]
            except: [method.loss=false method.stabilizer=true, method.name=reptile method.loss=false]
            """, "grid.yaml");
        Assert.Equal(["loss-true/name-leap/stabilizer-true", "loss-true/name-leap/stabilizer-false",
            "loss-true/name-reptile/stabilizer-true", "loss-true/name-reptile/stabilizer-false",
            "loss-false/name-leap/stabilizer-false"], config.Runs().Select(r => r.Name));
        Assert.Equal(["omniglot-leap.yaml", "omniglot-leap.yaml", "omniglot-reptile.yaml", "omniglot-reptile.yaml",
            "omniglot-leap.yaml"], config.Runs().Select(r => r.Config));
    }

    [Fact]
    public void A_section_as_a_value_names_its_folder_by_its_words() =>
        Assert.Equal(["method-name-leap", "method-name-warp-initialization-name-leap"], ConfigFile.Parse<GridConfig>("""
            config: a.yaml
            directory: b
            axes: {method: ["{name: leap}", "{name: warp, initialization: {name: leap}}"]}
            """, "grid.yaml").Runs().Select(run => run.Name));

    [Fact]
    public void An_axis_can_be_set_by_its_key_dots_and_all()
    {
        using var temp = new TempFolder();
        var path = temp.Write("grid.yaml", "config: a.yaml\ndirectory: b\naxes: {run.seed: [1, 2, 3]}\n");
        var config = ConfigFile.Load<GridConfig>(path, "axes.run.seed=[4]", "set.meta.steps=2");
        Assert.Equal(["4"], config.Axes["run.seed"]);
        Assert.Equal("2", config.Set["meta.steps"]);
    }

    [Fact]
    public async Task What_is_complete_is_left_alone_and_what_was_begun_goes_on()
    {
        using var temp = new TempFolder();
        var (grid, started) = Of(temp, name => name == "name-leap/seed-1" ? 1 : 0);
        Assert.Equal(["name-leap/seed-1"], (await grid.Execute(default)).Select(r => r.Name));
        Assert.Equal(6, started.Count);
        Assert.Equal(["meta-train", temp["base.yaml"], "--set", "device=cpu", "--set", "method.name=leap", "--set",
            "seed=0", "--set", $"run.directory={temp["grid/name-leap/seed-0"]}"], started[0]);

        var (again, second) = Of(temp, _ => 0);
        Assert.Empty(await again.Execute(default));
        Assert.Equal([["meta-train", "--resume", temp["grid/name-leap/seed-1"]]], second);
    }

    [Fact]
    public async Task A_stop_starts_nothing_more()
    {
        using var temp = new TempFolder();
        using var source = new CancellationTokenSource();
        var (grid, started) = Of(temp, _ => { source.Cancel(); return 130; });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => grid.Execute(source.Token));
        Assert.Single(started);
    }

    [Theory]
    [InlineData("axes: {seed: [1, 1]}", "each value of seed once")]
    [InlineData("axes: {}", "at least one key")]
    [InlineData("axes: {seed: []}", "a list of at least 1")]
    [InlineData("axes: {a.seed: [1], b.seed: [1]}", "last words differ")]
    [InlineData("axes: {run.directory: [a]}", "left to the grid")]
    [InlineData("axes: {environment: [MinAtar/Breakout-v0, MinAtar-Breakout-v0]}",
        "2 runs would share environment-MinAtar-Breakout-v0")]
    [InlineData("axes: {seed: [1]}\nexcept: [seed=2]", "a value of axes, not seed=2")]
    [InlineData("axes: {seed: [1]}\nexcept: [rate]", "a value of axes, not rate")]
    [InlineData("axes: {seed: [1]}\nset: {}\ncommand: train\nparallel: 1\nexcept: [seed=1]", "less than all")]
    public void Grids_that_cannot_be_are_refused(string axes, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConfigException>(() => ConfigFile.Parse<GridConfig>(
            $"config: a\ndirectory: b\n{axes}\n", "grid.yaml")).Message, StringComparison.Ordinal);
}

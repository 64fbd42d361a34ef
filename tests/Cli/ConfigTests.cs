// Config files: what is read, what is refused and how it is said, and that a config written is the config read.
using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using Xunit;

namespace RlLeap.Tests.Cli;

public class ConfigTests
{
    public enum Metric { Energy, Length }

    public sealed record Agent : ICheckedConfig
    {
        [Range(0, double.PositiveInfinity, MinimumIsExclusive =
            true)]
        public required double LearningRate { get; init; }
        [Range(1, int.MaxValue)] public int Copies { get; init; } = 16;
        [Range(1, int.MaxValue)] public int RolloutSteps { get; init; } = 5;
        [Range(0, 1)] public double Discount { get; init; } = 0.99;
        public IEnumerable<(string, string)> Check()
        {
            if (Copies * RolloutSteps > 10_000) yield return ("copies", "copies x rollout-steps of at most 10000");
        }
    }

    public sealed record Sample
    {
        public required string Name { get; init; }
        [AllowedValues("cpu", "cuda")] public string Device { get; init; } = "cpu";
        [Range(1, int.MaxValue)] public long AgentSteps { get; init; } = 1_000_000;
        public Metric PathMetric { get; init; } = Metric.Energy;
        public bool UseNorm { get; init; }
        [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)] public double? Clip { get; init; }
        [MinLength(1)] public required IReadOnlyList<string> Tasks { get; init; }
        public IReadOnlyList<int> Seeds { get; init; } = [0];
        public required Agent Agent { get; init; }
        public IReadOnlyList<Agent> Others { get; init; } = [];
        public IReadOnlyDictionary<string, Agent> PerGame { get; init; } = new Dictionary<string, Agent>();
        public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
    }

    private const string Good = """
        # a comment
        name: a sample
        device: cuda
        agent-steps: 5e6
        path-metric: length
        use-norm: true
        clip: 0.5
        tasks: [MinAtar/Breakout-v0, MinAtar/Asterix-v0]
        seeds: [1, 2, 3]
        agent:
          learning-rate: 7e-4
          copies: 32
        others:
          - learning-rate: 1
            discount: 0.5
          - learning-rate: 2
        per-game:
          Alien:
            learning-rate: 0.1
        options:
          mode: "null"
          frame: 4

        """;

    [Fact]
    public void A_config_is_read_with_defaults_for_what_it_leaves_out()
    {
        var config = ConfigFile.Parse<Sample>(Good, "good.yaml");
        Assert.Equal(("a sample", "cuda", 5_000_000L, Metric.Length, true, 0.5),
            (config.Name, config.Device, config.AgentSteps, config.PathMetric, config.UseNorm, config.Clip));
        Assert.Equal(["MinAtar/Breakout-v0", "MinAtar/Asterix-v0"], config.Tasks);
        Assert.Equal([1, 2, 3], config.Seeds);
        Assert.Equal(new Agent { LearningRate = 7e-4, Copies = 32 }, config.Agent);
        Assert.Equal([new Agent { LearningRate = 1, Discount = 0.5 }, new Agent { LearningRate = 2 }], config.Others);
        Assert.Equal(0.1, config.PerGame["Alien"].LearningRate);
        Assert.Equal(["4", "null"], [config.Options["frame"], config.Options["mode"]]);
    }

    [Theory]
    [InlineData("plain"), InlineData("null"), InlineData("true"), InlineData("1e5"), InlineData("- a: b"),
        InlineData("quo\"te \\ # x"), InlineData("ALE/Alien-v5"), InlineData("two\nlines"), InlineData("~"),
        InlineData("é: ü")]
    public void A_config_written_reads_back_equal(string name)
    {
        var config = ConfigFile.Parse<Sample>(Good, "good.yaml") with
        {
            Name = name,
            Tasks = [name, "b"],
            Clip = null,
            Options = new Dictionary<string, string> { [name] = name }
        };
        foreach (var documented in new[] { false, true })
        {
            var text = ConfigFile.ToYaml(config, documented);
            var again = ConfigFile.Parse<Sample>(text, "written.yaml");
            Assert.Equal(name, again.Name);
            Assert.Equal(name, again.Options[name]);
            Assert.Equal(ConfigFile.ToYaml(config), ConfigFile.ToYaml(again));
        }
    }

    [Fact]
    public void Overrides_go_through_the_same_checks()
    {
        var config = ConfigFile.Parse<Sample>(Good, "good.yaml", "agent.copies=4", "tasks=[x]", "clip=null",
            "path-metric=energy", "others=[]", "per-game.Pong.learning-rate=3");
        Assert.Equal(4, config.Agent.Copies);
        Assert.Equal(["x"], config.Tasks);
        Assert.Null(config.Clip);
        Assert.Equal(3, config.PerGame["Pong"].LearningRate);
        Assert.Contains("unknown key 'copie' in section 'agent'; expected 'copies'?", Refused(Good, "agent.copie=4"),
            StringComparison.Ordinal);
        Assert.StartsWith("--set agent.copies=0: key 'agent.copies': found '0'; expected a whole number, at least 1",
            Refused(Good, "agent.copies=0"), StringComparison.Ordinal);
        Assert.StartsWith("--set nonsense: expected key=value", Refused(Good, "nonsense"), StringComparison.Ordinal);
        Assert.StartsWith("--set new.key=1: unknown key 'new'", Refused(Good, "new.key=1"), StringComparison.Ordinal);
    }

    [Fact]
    public void Short_words_that_have_nothing_in_common_are_not_taken_for_one_another()
    {
        Assert.Contains("unknown key 'run'; expected one of command, config,", Assert.Throws<ConfigException>(
            () => ConfigFile.Parse<GridConfig>("run: {seed: 1}", "bad.yaml")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("grid", "suite: omniglot", "a config of meta-train; what is asked for needs one of grid.")]
    [InlineData("meta-train", "command: train\nconfig: a.yaml", "a config of grid; what is asked for needs one of ")]
    [InlineData("train", "suite: games", "Run it by: ./rlleap meta-train ")]
    [InlineData("grid", "environment: MinAtar/Breakout-v1", "Run it by: ./rlleap train --config ")]
    public void A_file_of_another_command_is_refused_with_the_command_that_runs_it(string asked, string text,
        string said)
    {
        using var folder = new TempFolder();
        var path = folder.Write("other.yaml", text);
        var error = Assert.Throws<ConfigException>(() =>
        {
            if (asked == "grid") ConfigFile.Load<GridConfig>(path);
            else if (asked == "train") ConfigFile.Load<TrainConfig>(path);
            else ConfigFile.Load<MetaTrainConfig>(path);
        });
        Assert.StartsWith($"{path}: this is a config of ", error.Message, StringComparison.Ordinal);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("copies: 32", "copeis: 32", "bad.yaml:12: unknown key 'copeis' in section 'agent'; expected 'copies'?")]
    [InlineData("copies: 32", "copies: many",
        "bad.yaml:12: key 'agent.copies': found 'many'; expected a whole number, at least 1")]
    [InlineData("copies: 32", "copies: 2.5", "bad.yaml:12: key 'agent.copies': found '2.5'; expected a whole number")]
    [InlineData("copies: 32", "copies: 3000000000",
        "bad.yaml:12: key 'agent.copies': found '3000000000'; expected a whole number")]
    [InlineData("copies: 32", "copies: \"32\"",
        "bad.yaml:12: key 'agent.copies': found the text \"32\"; expected a whole number")]
    [InlineData("copies: 32", "copies: 9999",
        "bad.yaml:12: key 'agent.copies': expected copies x rollout-steps of at most 10000")]
    [InlineData("copies: 32", "learning-rate: 1", "bad.yaml:12: duplicate key")]
    [InlineData("  learning-rate: 7e-4\n", "",
        "bad.yaml:11: missing key 'learning-rate' in section 'agent'; expected a number, greater than 0")]
    [InlineData("learning-rate: 7e-4", "learning-rate: .nan",
        "bad.yaml:11: key 'agent.learning-rate': found '.nan'; expected a number")]
    [InlineData("use-norm: true", "use-norm: yes", "bad.yaml:6: key 'use-norm': found 'yes'; expected true or false")]
    [InlineData("path-metric: length", "path-metric: Length",
        "bad.yaml:5: key 'path-metric': found 'Length'; expected one of energy, length")]
    [InlineData("device: cuda", "device: gpu",
        "bad.yaml:3: key 'device': found 'gpu'; expected a text (one of cpu, cuda)")]
    [InlineData("seeds: [1, 2, 3]", "seeds: [1, x]", "bad.yaml:9: key 'seeds[1]': found 'x'; expected a whole number")]
    [InlineData("tasks: [MinAtar/Breakout-v0, MinAtar/Asterix-v0]", "tasks: []",
        "bad.yaml:8: key 'tasks': found a list; expected a list of at least 1")]
    [InlineData("seeds: [1, 2, 3]", "seeds: [1, 2", "bad.yaml:9: not YAML")]
    [InlineData("  copies: 32", "\tcopies: 32", "bad.yaml:12: a tab in the indentation; expected spaces")]
    [InlineData("name: a sample", "name:", "bad.yaml:2: key 'name': found nothing; expected a text")]
    public void What_is_wrong_is_said_with_file_line_key_and_what_was_expected(string good, string bad,
        string expected) =>
        Assert.StartsWith(expected, Refused(Good.Replace(good, bad, StringComparison.Ordinal)),
            StringComparison.Ordinal);

    [Fact]
    public void A_hundred_malformed_configs_each_give_one_clear_error()
    {
        var rng = new Rng(1).Split("malformed");
        var lines = Good.Split('\n').Where(l => l.Contains(':')).ToArray();
        for (var i = 0; i < 100; i++)
        {
            var at = rng.NextInt(lines.Length);
            var (key, value) = (lines[at][..lines[at].IndexOf(':')], lines[at][(lines[at].IndexOf(':') + 1)..]);
            var free = lines[at].StartsWith("    Alien", StringComparison.Ordinal) || at >= lines.Length - 2
                || key.Trim() == "Alien"; // dictionaries take any key
            var bad = rng.NextInt(6) switch
            {
                0 when !free => $"{key}{(char)('b' + rng.NextInt(20))}q:{value}",      // a key nobody knows
                1 => $"{lines[at]}\n{Regex.Replace(lines[at], "- ", "  ")}",           // twice
                2 when !free => $"{key}: {{a: {{b: 1}}}}",
                // a section where none belongs, or with other keys
                3 => $"{key}: [[1]]",                                                  // lists in a list
                4 => $"{key}: \"unclosed",
                _ => $"{key} = {value}",                                               // not a key and a value
            };
            var text = string.Join('\n', lines[..at].Append(bad).Concat(lines[(at + 1)..]));
            var message = Refused(text);
            Assert.Matches(@"^bad\.yaml:\d+: \S", message);
            Assert.Contains("expected", message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    [Theory]
    [InlineData("", "bad.yaml:1: missing key 'name'"), InlineData("- a\n- b", "bad.yaml:1: found a list"),
        InlineData("just words", "bad.yaml:1: found 'just words'"),
        InlineData("a: 1\n---\nb: 2", "bad.yaml:3: a second document")]
    public void A_file_that_is_not_a_config_is_refused(string text, string expected) =>
        Assert.StartsWith(expected, Refused(text), StringComparison.Ordinal);

    [Theory]
    [InlineData("minatar-quick.yaml", "there is "), InlineData("/elsewhere/minatar/quick.yaml", "there is ")]
    [InlineData("minatar/quik.yaml", "Did you mean minatar/quick.yaml"),
        InlineData("xyz", "configs that come with RlLeap are in ")]
    public void A_config_that_comes_with_the_program_is_found_from_anywhere(string asked, string expected)
    {
        var message = Assert.Throws<ConfigException>(() => ConfigFile.Load<Sample>(asked)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        if (message.Contains("there is ", StringComparison.Ordinal))
            Assert.True(File.Exists(message.Split("there is ")[1]), message);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named() =>
        Assert.StartsWith("/no/such.yaml: no such file",
            Assert.Throws<ConfigException>(() => ConfigFile.Load<Sample>("/no/such.yaml")).Message,
            StringComparison.Ordinal);

    private static string Refused(string text, params string[] overrides) =>
        Assert.Throws<ConfigException>(() => ConfigFile.Parse<Sample>(text, "bad.yaml", overrides)).Message;
}

// The keys of configs are the properties of the records that the library uses: every one can be set, is documented,
// and survives writing.
using System.Collections;
using System.Reflection;
using RlLeap.Agents;
using RlLeap.Cli.Commands;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.MetaLearning;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class ConfigKeyTests
{
    // A config that has every section.
    private const string Train = "environment: MinAtar/Breakout-v0\n";
    private const string Meta = """
        suite: omniglot
        games: {pool: [MinAtar/Breakout-v0, MinAtar/Freeway-v0], agent-steps: 1000}
        omniglot: {learner: {stopping: {}}}
        multi-cv: {sets: [mnist, gtsrb], held-out: mnist}
        few-shot: {data: omniglot}
        meta: {steps: 1, batch: 1}
        evaluation: {}
        """;

    public static TheoryData<string, string> Keys
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (path, _, _) in Walk(ConfigFile.Parse<TrainConfig>(Train, "train"), ""))
                data.Add("train", path);
            foreach (var (path, _, _) in Walk(ConfigFile.Parse<MetaTrainConfig>(Meta, "meta"), ""))
                data.Add("meta-train", path);
            foreach (var method in Methods.BuiltIn)
                foreach (var (path, _, _) in Walk(Activator.CreateInstance(method.Value)!, "method."))
                    // MAML cannot stop early, and some methods only learn episodes, which have their own test.
                    data.Add(method.Value.IsAssignableTo(typeof(FewShotMethod))
                        ? $"meta-train method.name={method.Key} suite=few-shot evaluation=null"
                        : $"meta-train method.name={method.Key} omniglot.learner.stopping=null", path);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void Every_option_can_be_set_and_is_written_and_read_again(string command, string path)
    {
        Networks.Register(typeof(MyNetwork.TwoLayers).Assembly);
        var parts = command.Split(' ');
        object Parse(params string[] settings) => parts[0] == "train"
            ? ConfigFile.Parse<TrainConfig>(Train, "train", settings)
            : ConfigFile.Parse<MetaTrainConfig>(Meta, "meta", [.. parts[1..], .. settings]);
        var before = Walk(Parse(), "").Single(key => key.Path == path);
        var other = Other(path, before.Key, before.Value);
        if (other is null) return; // lists and dictionaries: of scalars, which are read as these are
        var after = Parse($"{path}={other}");
        Assert.Equal(other, ScalarText.Text(Walk(after, "").Single(key => key.Path == path).Value));
        var text = ConfigFile.ToYaml(after);
        object again = after is TrainConfig ? ConfigFile.Parse<TrainConfig>(text, "again")
            : ConfigFile.Parse<MetaTrainConfig>(text, "again");
        Assert.Equal(text, ConfigFile.ToYaml(again));
        Assert.Equal(Walk(after, "").Select(key => ConfigWriter.Line(key.Value)), Walk(again, "")
            .Select(key => ConfigWriter.Line(key.Value)));
    }

    [Fact]
    public void Every_key_of_every_record_is_documented()
    {
        foreach (var type in Records(typeof(TrainConfig)).Concat(Records(typeof(MetaTrainConfig)))
            .Concat(Records(typeof(GridConfig))).Concat(Methods.BuiltIn.Values).Distinct())
            foreach (var key in OptionKey.Of(type))
                Assert.True(key.Documentation.Length > 0, $"{type.Name}.{key.Property.Name} has no XML comment");
    }

    [Fact]
    public void Every_property_of_the_options_of_the_library_is_a_key()
    {
        // What a record has and no config can reach would be found nowhere else.
        var reached = Records(typeof(TrainConfig)).Concat(Records(typeof(MetaTrainConfig))).ToHashSet();
        Assert.Superset(new HashSet<Type> { typeof(ActorCriticOptions), typeof(OptimizerOptions),
            typeof(LearnerOptions), typeof(EarlyStopping), typeof(RlLeap.Data.OmniglotOptions),
            typeof(RlLeap.Data.AffineAugmentation) }, reached);
        foreach (var type in reached.Concat(Methods.BuiltIn.Values))
            Assert.Equal(type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.SetMethod is { IsPublic: true }).Select(p => Names.Kebab(p.Name))
                .Order(), OptionKey.Of(type).Select(key => key.Name).Order());
        foreach (var type in typeof(LeapOptions).Assembly.GetTypes()
            .Where(t => t.IsAssignableTo(typeof(MetaLearningMethod)) && !t.IsAbstract)) Assert.Contains(type,
            Methods.BuiltIn.Values);
    }

    [Fact]
    public void The_page_of_keys_is_what_the_program_prints() =>
        Assert.Equal(KeyReference.Markdown([]),
            File.ReadAllText(Path.Combine(Repository.Root, "docs", "config-keys.md")));

    [Fact]
    public void Train_and_meta_train_have_one_vocabulary()
    {
        var train = OptionKey.Of(typeof(TrainConfig)).Single(key => key.Name == "run").Property.PropertyType;
        var meta = OptionKey.Of(typeof(MetaTrainConfig)).Single(key => key.Name == "run").Property.PropertyType;
        Assert.True(train.IsAssignableFrom(meta));
        Assert.Equal(OptionKey.Of(typeof(TrainConfig)).Single(key => key.Name == "agent").Property.PropertyType,
            OptionKey.Of(typeof(GamesSection)).Single(key => key.Name == "agent").Property.PropertyType);
    }

    [Fact]
    public void Another_name_begins_a_section_anew_and_other_keys_are_laid_over_a_preset()
    {
        var config = ConfigFile.Parse<MetaTrainConfig>(Meta.Replace("multi-cv:",
            "method: {name: leap, metric: energy, loss-in-path: false}\nmulti-cv:"), "meta", "method.max-slope=100",
            "method.name=hat");
        Assert.Equal(new HatOptions { MaxSlope = 100 }, config.Method);
        var train = ConfigFile.Parse<TrainConfig>(Train
            + "agent: {preset: a2c, rollout-length: 9, optimizer: {learning-rate: 1e-3}}\n", "train");
        Assert.Equal(ActorCriticOptions.A2c with
        {
            RolloutLength = 9,
            Network = "auto",
            Optimizer = ActorCriticOptions.A2c.Optimizer with { LearningRate = 1e-3 },
        }, train.Agent);
        Assert.Equal("minatar", ConfigFile.Parse<TrainConfig>(Train, "train").Agent.Preset);
        foreach (var (steps, setting, expected) in new[]
        {
            ("20000", "", 48), ("300000", "", 187), ("1000000", "", 256), ("300000", "agent.environments=30", 100),
            ("300000", "agent.rollout-length=5", 5),
        })
            Assert.Equal(expected, ConfigFile.Parse<TrainConfig>("environment: Classic/CartPole-v1\n", "train",
                [$"agent-steps={steps}", .. setting.Split(' ', StringSplitOptions.RemoveEmptyEntries)])
                .Agent.RolloutLength);
        Assert.Contains("unknown key 'metric' in section 'method'", Refused("method: {name: hat, metric: energy}"),
            StringComparison.Ordinal);
        Assert.Contains("key 'method.name': expected one of none, leap, reptile", Refused("method: {name: laep}"),
            StringComparison.Ordinal);
        Assert.Contains("Did you mean leap", Refused("method: {name: laep}"), StringComparison.Ordinal);
        string Refused(string section) =>
            Assert.Throws<ConfigException>(() =>
            ConfigFile.Parse<MetaTrainConfig>(Meta + "\n" + section + "\n", "meta")).Message;
    }

    [Fact]
    public void A_config_can_name_a_base_that_its_keys_are_laid_over()
    {
        using var temp = new TempFolder();
        temp.Write("deep/base.yaml", Train + "agent-steps: 5\nagent:\n  discount: 0.5\n  lambda: 0.25\n");
        var path = temp.Write("own.yaml", "base: deep/base.yaml\nagent:\n  discount: 0.75\n");
        var config = ConfigFile.Load<TrainConfig>(path);
        Assert.Equal((5L, 0.75, 0.25), (config.AgentSteps, config.Agent.Discount, config.Agent.Lambda));
        temp.Write("deep/base.yaml", Train + "agent:\n  discount: 2\n  lambda: 3\n");
        Assert.StartsWith($"{temp["deep/base.yaml"].Replace("deep/", "deep/")}:4: key 'agent.lambda': found '3'",
            Assert.Throws<ConfigException>(() => ConfigFile.Load<TrainConfig>(path)).Message, StringComparison.Ordinal);
        temp.Write("deep/base.yaml", "base: ../own.yaml\n");
        Assert.Contains("its own base",
            Assert.Throws<ConfigException>(() => ConfigFile.Load<TrainConfig>(path)).Message, StringComparison.Ordinal);
        Assert.Contains("there is no file",
            Assert.Throws<ConfigException>(() =>
            ConfigFile.Load<TrainConfig>(temp.Write("other.yaml", "base: none.yaml\n"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_records_have_equal_texts_and_a_change_shows()
    {
        Assert.Equal("{name: leap, metric: energy, loss-in-path: true, stabilizer: true, include-last-step: false}",
            ConfigFile.ToLine(new LeapOptions { Metric = PathMetric.Energy }));
        Assert.Equal(ConfigFile.ToLine(ActorCriticOptions.Leap), ConfigFile.ToLine(ActorCriticOptions.Leap with { }));
        Assert.NotEqual(ConfigFile.ToLine(ActorCriticOptions.Leap),
            ConfigFile.ToLine(ActorCriticOptions.Leap with { Optimizer = new() }));
    }

    private static IEnumerable<(string Path, OptionKey Key, object? Value)> Walk(object record, string path)
    {
        foreach (var key in OptionKey.Of(record.GetType()))
        {
            var value = key.Property.GetValue(record);
            if (value is not null && OptionKey.IsSection(value.GetType()))
                foreach (var inner in Walk(value, $"{path}{key.Name}.")) yield return inner;
            else yield return ($"{path}{key.Name}", key, value);
        }
    }

    private static IEnumerable<Type> Records(Type type) => OptionKey.Of(type)
        .Select(key => Element(key.Property.PropertyType)).Where(OptionKey.IsSection)
        .SelectMany(Records).Prepend(type).Where(t => !t.IsAbstract).Distinct();

    private static Type Element(Type type) => type.IsGenericType ? type.GetGenericArguments()[^1] : type;

    // Another value that the key takes.
    private static string? Other(string path, OptionKey key, object? value)
    {
        var type = Nullable.GetUnderlyingType(key.Property.PropertyType) ?? key.Property.PropertyType;
        if (value is IEnumerable and not string || !ScalarText.Is(type)) return null;
        IEnumerable<string> candidates = type == typeof(bool) ? ["true", "false"] : type.IsEnum ? Enum.GetNames(type)
            .Select(Names.Kebab)
            : type != typeof(string) ? ["2", "3", "0.5", "0.25"] : path switch
            {
                "environment" or "games.held-out" => ["MinAtar/Freeway-v0"],
                "multi-cv.held-out" => ["gtsrb"],
                "run.device" => ["cuda"],
                "executor.time" => ["90"],
                "omniglot.network" or "multi-cv.network" or "few-shot.network" => ["my/two-layers"],
                _ when path.EndsWith("agent.network", StringComparison.Ordinal) => ["mlp"],
                _ when path.EndsWith("agent.preset", StringComparison.Ordinal) => ["a2c"],
                _ => ["a-text"],
            };
        return candidates.FirstOrDefault(text => text != ScalarText.Text(value)
            && ScalarText.Parse(type, text) is { } parsed && key.Allows(parsed));
    }
}

// Ids, options, and the errors for requests that cannot be met.
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class RegistryTests
{
    private static string Refused(string id) =>
        Assert.Throws<EnvironmentException>(() => Registry.Make(id, new Rng(0))).Message;

    [Fact]
    public void An_unknown_id_names_the_nearest()
    {
        var message = Refused("MinAtar/Braekout-v1");
        Assert.Contains("No environment is named MinAtar/Braekout-v1. Did you mean MinAtar/Breakout-v1", message);
        Assert.Contains("MinAtar/SpaceInvaders-v0", Refused("minatar/spaceinvaders-v0"));
        Assert.DoesNotContain("Did you mean", Refused("something else altogether"));
    }

    [Theory]
    [InlineData("MinAtar/Breakout-v1?sticky=2", "option sticky is '2', but it takes a number from 0 to 1")]
    [InlineData("MinAtar/Breakout-v1?sticky=NaN", "option sticky is 'NaN'")]
    [InlineData("MinAtar/Breakout-v1?sticky=", "option sticky is ''")]
    [InlineData("MinAtar/Breakout-v1?ramping=maybe", "option ramping is 'maybe', but it takes 1 or 0")]
    [InlineData("MinAtar/Breakout-v1?planes=3", "has 4 planes; planes=3 would cut some off")]
    [InlineData("MinAtar/Breakout-v1?planes=10&render=rgb84", "give one of the two")]
    [InlineData("MinAtar/Breakout-v1?render=big", "it takes one of rgb84")]
    [InlineData("MinAtar/Breakout-v1?time_limit=0", "it takes a whole number of at least 1")]
    [InlineData("MinAtar/Breakout-v1?stiky=0", "no option is named stiky. Did you mean sticky?")]
    [InlineData("MinAtar/Breakout-v1?sticky", "'sticky' is not an option")]
    [InlineData("MinAtar/Breakout-v1?sticky=0&sticky=1", "option sticky is given twice")]
    [InlineData("MinAtar/Breakout-v1?stack=0", "option stack is '0'")]
    [InlineData("MinAtar/Breakout-v1?pad=reset", "give stack as well")]
    public void A_bad_option_is_one_clear_error(string id, string expected)
    {
        var message = Refused(id);
        Assert.Contains(expected, message);
        Assert.StartsWith("MinAtar/Breakout-v1", message);
        Assert.Throws<EnvironmentException>(() => Registry.MakeVector(id, 2, new Rng(0)));
    }

    [Fact]
    public void What_was_made_before_an_error_is_given_back()
    {
        var disposed = 0;
        Registry.Register("test/Counted", rng => new Counted(rng, () => disposed++));
        Assert.Contains("padding to 3 planes",
            Assert.Throws<EnvironmentException>(() => Registry.Make("test/Counted?planes=3", new Rng(0))).Message);
        Assert.Equal(1, disposed);
        Assert.Throws<EnvironmentException>(() => new EnvironmentVector(4, i => i < 3
            ? Registry.Make("test/Counted", new Rng(i))
            : throw new EnvironmentException("no fourth")));
        Assert.Equal(4, disposed);
    }

    private sealed class Counted(Rng rng, Action disposed) : Counter(rng), IDisposable
    {
        void IDisposable.Dispose() => disposed();
    }

    [Fact]
    public void Counts_of_nothing_are_refused()
    {
        Assert.Contains("at least one environment", Assert.Throws<EnvironmentException>(
            () => Registry.MakeVector("MinAtar/Breakout-v1", 0, new Rng(0))).Message);
        Assert.Contains("at least one thread", Assert.Throws<EnvironmentException>(
            () => Registry.MakeVector("MinAtar/Breakout-v1", 1, new Rng(0), 0)).Message);
    }

    [Fact]
    public void The_spec_says_every_option_with_its_default()
    {
        var spec = Registry.Spec("MinAtar/Freeway-v1?ramping=0");
        Assert.Equal("MinAtar/Freeway-v1?ramping=0", spec.Id);
        Assert.Equal("0.1", spec.Options["sticky"]);
        Assert.Equal("0", spec.Options["ramping"]);
        Assert.Equal(["noop", "up", "down"], spec.ActionNames);
        Assert.Equal(Box.Bytes(1, 7, 10, 10), spec.Observation);
        Assert.Equal(7, spec.ChannelNames.Count);
        Assert.Equal(["", "", ""], Registry.Spec("MinAtar/Freeway-v1?planes=10").ChannelNames.Skip(7));
        using var vector = Registry.MakeVector("MinAtar/Freeway-v1?ramping=0", 2, new Rng(0));
        Assert.Equal(spec.Options, vector.Spec.Options);
        Assert.Equal(spec.Id, vector.Spec.Id);
    }

    [Fact]
    public void What_an_environment_says_of_its_options_is_what_the_spec_says()
    {
        // The environment itself resolves an empty default, as ALE's presets do.
        Registry.Register(new EnvironmentEntry("test/Preset", "", (rng, _) => new Preset(rng))
        {
            Options = [new("speed", "", "a preset's unless given"), new("size", "3", "")],
        });
        var options = Registry.Spec("test/Preset?clip=2").Options;
        Assert.Equal(["clip=2", "size=3", "speed=4"], options.Select(option => $"{option.Key}={option.Value}").Order());
    }

    private sealed class Preset(Rng rng) : Counter(rng)
    {
        public override EnvironmentSpec Spec { get; } = new("test/Preset", Box.Floats(2), new Discrete(3))
        {
            Options = new Dictionary<string, string> { ["speed"] = "4" },
        };
    }

    [Fact]
    public void One_line_registers_an_environment_with_all_wrappers()
    {
        Registry.Register("test/OneLine", rng => new Counter(rng));
        using var vector = Registry.MakeVector("test/OneLine?stack=2&clip=2", 3, new Rng(0));
        vector.Reset();
        Assert.Equal([3, 4], vector.Observations.Shape);
        Assert.Equal("test/OneLine?stack=2&clip=2", vector.Spec.Id);
        Assert.Equal("2", vector.Spec.Options["clip"]);
        Assert.Contains(Registry.List(), entry => entry.Id == "test/OneLine");
        Assert.Contains("already registered", Assert.Throws<EnvironmentException>(
            () => Registry.Register("test/OneLine", rng => new Counter(rng))).Message);
        Assert.Contains("cannot be an environment's id",
            Assert.Throws<EnvironmentException>(() => Registry.Register("a?b", rng => new Counter(rng))).Message);
    }

    [Theory]
    [InlineData("CartPole-v1", "Did you mean Classic/CartPole-v1?")]
    [InlineData("cartpole", "Did you mean Classic/CartPole-v1?")]
    [InlineData("Breakout", "MinAtar/Breakout-v0 or MinAtar/Breakout-v1")]
    [InlineData("MinAtar/Pendulum-v1", "Did you mean Classic/Pendulum-v1?")]
    public void Names_without_their_family_are_found_in_all(string id, string expected) =>
        Assert.Contains(expected, Refused(id));

    [Fact]
    public void A_back_end_answers_for_all_ids_with_its_prefix()
    {
        Registry.Register(new CounterFamily());
        using var environment = Registry.Make("count:4?time_limit=2", new Rng(0));
        environment.Reset();
        environment.Step(0);
        Assert.Equal(StepType.Truncated, environment.Step(0).StepType);
        Assert.Equal("anything", Registry.Spec("count:4?colour=anything").Options["colour"]);
        Assert.Contains("No environment is named count:x", Refused("count:x"));
    }

    [Fact]
    public void Actions_of_an_unknown_kind_are_refused_by_name() =>
        Assert.Contains("gym:Chat-v0: its actions are Text(80), but RlLeap takes Discrete",
            EnvironmentException.UnknownActions("gym:Chat-v0", "Text(80)").Message);

    private sealed class CounterFamily : IEnvironmentFamily
    {
        public string Prefix => "count:";
        public string Summary => "counts";
        public IEnumerable<string> KnownIds() => ["count:4"];
        public EnvironmentEntry? Find(string id) => int.TryParse(id[6..], out var length)
            ? new EnvironmentEntry(id, Summary, (rng, _) => new Counter(rng, length)) { TakesAnyOption = true }
            : null;
    }
}

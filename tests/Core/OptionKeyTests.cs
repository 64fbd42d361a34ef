// Option records seen as keys: names, bounds and documentation at the property, and the one reader of scalars.
using RlLeap.Agents;
using RlLeap.MetaLearning;
using Xunit;

namespace RlLeap.Tests.Core;

public sealed class OptionKeyTests
{
    private enum Word { FirstOne, Other }

    [Theory]
    [InlineData(typeof(int), "5e6", 5_000_000), InlineData(typeof(int), "1_000", 1000),
        InlineData(typeof(int), "-3", -3)]
    [InlineData(typeof(int), "2.5", null), InlineData(typeof(int), "3000000000", null),
        InlineData(typeof(int), "", null)]
    [InlineData(typeof(long), "3e9", 3_000_000_000L), InlineData(typeof(long), "1e19", null),
        InlineData(typeof(long), "1e400", null)]
    [InlineData(typeof(double), "1e-3", 1e-3), InlineData(typeof(double), "nan", null),
        InlineData(typeof(double), "1e999", null)]
    [InlineData(typeof(double?), "2", 2.0), InlineData(typeof(bool), "on", true), InlineData(typeof(bool), "0", false)]
    [InlineData(typeof(bool), "yes", null), InlineData(typeof(Word), "first-one", Word.FirstOne),
        InlineData(typeof(Word), "FirstOne", null)]
    [InlineData(typeof(string), " a ", " a "), InlineData(typeof(float), "1e39", null)]
    public void Scalars_are_read_in_one_way(Type type, string text, object? expected) =>
        Assert.Equal(expected, ScalarText.Parse(type, text));

    [Fact]
    public void A_key_has_its_name_bounds_and_documentation_from_its_property()
    {
        var rate = OptionKey.Of(typeof(OptimizerOptions)).Single(key => key.Name == "beta1");
        Assert.Equal(", at least 0 and less than 1", rate.Bounds);
        Assert.True(rate.Allows(0.0) && !rate.Allows(1.0));
        Assert.Equal("Adam's first decay.", rate.Documentation);
        Assert.Equal($" (one of auto, {string.Join(", ", ActorCriticOptions.Presets.Keys)})",
            OptionKey.Of(typeof(ActorCriticOptions)).Single(key => key.Name == "preset").Bounds);
        Assert.DoesNotContain(OptionKey.Of(typeof(LeapOptions)), key =>
            key.Name == "name"); // what cannot be set is no key
    }

    [Fact]
    public void Records_are_checked_with_the_records_in_them()
    {
        OptionKey.Check(new ActorCriticOptions());
        Refused("The option discount is 1.5; it must be a number, at least 0 and at most 1.",
            new ActorCriticOptions { Discount = 1.5 });
        Refused("The option optimizer.beta1 is 1;", new ActorCriticOptions { Optimizer = new() { Beta1 = 1 } });
        Refused("The option reward-clip is Infinity;", new ActorCriticOptions { RewardClip = double.PositiveInfinity });
        Refused("greater than 1", new HatOptions { MaxSlope = 1 });

        static void Refused(string expected, object options) =>
            Assert.Contains(expected, Assert.Throws<RlLeapException>(() => OptionKey.Check(options)).Message,
                StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("minatar", 4, 10, 10, "minatar"), InlineData("a2c", 3, 84, 84, "nature2015"),
        InlineData("a2c", 4, 10, 10, "auto"), InlineData("leap", 1, 36, 35, "auto")]
    public void A_presets_network_is_for_the_observations_it_was_made_for(string preset, long c, long h, long w,
        string network)
    {
        Assert.Equal(network, ActorCriticOptions.Presets[preset].NetworkFor([c, h, w]));
        Assert.All(ActorCriticOptions.Presets, named => Assert.Equal(named.Key, named.Value.Preset));
    }
}

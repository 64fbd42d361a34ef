using RlLeap.Agents;
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Agents;

public class ActionDistributionTests
{
    private static ActionDistribution Of(Space space, GaussianOptions? gaussian = null) =>
        new(new EnvironmentSpec("my/Env", Box.Floats(1), space), gaussian);

    private static readonly Dict Mixed = new(("legs", new MultiDiscrete(3, 2)), ("lamps", new MultiBinary(2)),
        ("arm", Dict.Tuple(Box.Between([-1, 0], [1, 10]), new Discrete(2))));

    [Fact]
    public void Parts_of_a_mixed_space_are_counted()
    {
        var distribution = Of(Mixed);
        Assert.Equal((7, 11, 2), (distribution.ActionSize, distribution.OutputSize, distribution.DeviationSize));
        Assert.Equal(["legs", "lamps", "arm.0", "arm.1"], Mixed.Parts.Select(part => part.Name));
        Assert.Equal([0, 2, 4, 6], Mixed.Parts.Select(part => part.Start));
    }

    [Fact]
    public void Draws_have_the_frequencies_that_the_outputs_say()
    {
        const int Count = 20_000;
        var distribution = Of(Mixed);
        // log 1:2:1; 1:3; sigmoid(0), sigmoid(log 4); means 0.5 and 2; 9:1
        float[] row = [0, MathF.Log(2), 0, 0, MathF.Log(3), 0, MathF.Log(4), 0.5f, 2, MathF.Log(9), 0];
        float[] log = [MathF.Log(0.5f), 0];
        var actions = new float[Count * distribution.ActionSize];
        distribution.Sample(Repeat(row, Count), Repeat(log, Count), new Rng(3), actions);
        double Mean(int number, Func<double, double> of) =>
            Enumerable.Range(0, Count).Average(i => of(actions[i * distribution.ActionSize + number]));
        Assert.Equal(0.5, Mean(0, x => x == 1 ? 1 : 0), 0.02);
        Assert.Equal(0.75, Mean(1, x => x), 0.02);
        Assert.Equal(0.5, Mean(2, x => x), 0.02);
        Assert.Equal(0.8, Mean(3, x => x), 0.02);
        Assert.Equal((0.5, 2), (Math.Round(Mean(4, x => x), 1), Math.Round(Mean(5, x => x), 1)));
        Assert.Equal(0.25, Mean(4, x => (x - 0.5) * (x - 0.5)), 0.02);
        Assert.Equal(0.1, Mean(6, x => x), 0.02);

        var mode = new float[distribution.ActionSize];
        distribution.Mode(row, mode);
        Assert.Equal([1, 1, 0, 1, 0.5f, 2, 0], mode);
    }

    [Theory]
    [InlineData(false, false, 3, 3)] // the Box's own units
    [InlineData(false, false, 20, 10)] // clipped
    [InlineData(true, false, 0.5, 7.5)] // -1 to 1 are its bounds
    [InlineData(true, false, -3, 0)]
    [InlineData(false, true, 0, 5)] // through tanh
    [InlineData(false, true, 100, 10)]
    public void The_environment_gets_values_within_its_bounds(bool rescale, bool squash, float drawn, float expected)
    {
        var sent = new float[1];
        Of(Box.Between(0, 10, 1), new() { Rescale = rescale, Squash = squash }).ToEnvironment([drawn], sent);
        Assert.Equal(expected, sent[0], 1e-5f);
    }

    [Fact]
    public void Correlated_noise_keeps_its_variance()
    {
        var distribution = Of(Box.Between(-1, 1, 1), new() { NoiseCorrelation = 0.8 });
        var (rng, noise, action, drawn) = (new Rng(1), new float[1], new float[1], new List<double>());
        for (var t = 0; t < 50_000; t++)
        {
            distribution.Sample([0], [0], rng, action, noise);
            drawn.Add(action[0]);
        }
        Assert.Equal(1, drawn.Skip(100).Average(x => x * x), 0.05);
        Assert.Equal(0.8, drawn.Zip(drawn.Skip(1)).Average(pair => pair.First * pair.Second), 0.05);
    }

    [Fact]
    public void Boxes_without_a_choice_or_an_end_are_refused_by_element()
    {
        var unbounded = Assert.Throws<EnvironmentException>(
            () => Of(Box.Between([-1, 0], [1, double.PositiveInfinity])));
        Assert.Contains("my/Env: element 1 of its action", unbounded.Message);
        Assert.Contains("from 0 to Infinity", unbounded.Message);
        Assert.Contains("from 2 to 2", Assert.Throws<EnvironmentException>(() => Of(Box.Between(2, 2, 1))).Message);
    }

    private static float[] Repeat(float[] row, int count) =>
        [.. Enumerable.Range(0, count).SelectMany(_ => row)];
}

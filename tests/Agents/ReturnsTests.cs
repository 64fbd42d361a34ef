// Returns and advantages against brute force, and against each other where they must agree.
using RlLeap.Agents;
using Xunit;

namespace RlLeap.Tests.Agents;

public class ReturnsTests
{
    private const int T = 7, N = 3;

    [Fact]
    public void N_step_returns_are_the_discounted_sums_written_out()
    {
        var (rewards, discounts, _, bootstrap) = Random(1);
        var returns = new float[T * N];
        Returns.NStep(rewards, discounts, bootstrap, returns);
        for (var t = 0; t < T; t++)
            for (var i = 0; i < N; i++)
            {
                double sum = 0, weight = 1;
                for (var s = t; s < T; s++)
                {
                    sum += weight * rewards[s * N + i];
                    weight *= discounts[s * N + i];
                }
                Assert.Equal(sum + weight * bootstrap[i], returns[t * N + i], 1e-5);
            }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(0.95)]
    [InlineData(1.0)]
    public void Advantages_are_the_weighted_sums_of_one_step_errors_written_out(double lambda)
    {
        var (rewards, discounts, values, bootstrap) = Random(2);
        var advantages = new float[T * N];
        Returns.Gae(rewards, discounts, values, bootstrap, lambda, advantages);
        for (var t = 0; t < T; t++)
            for (var i = 0; i < N; i++)
            {
                double sum = 0, weight = 1;
                for (var s = t; s < T; s++)
                {
                    var next = s == T - 1 ? bootstrap[i] : values[(s + 1) * N + i];
                    sum += weight * (rewards[s * N + i] + (double)discounts[s * N + i] * next - values[s * N + i]);
                    weight *= discounts[s * N + i] * lambda;
                }
                Assert.Equal(sum, advantages[t * N + i], 1e-5);
            }
    }

    [Fact]
    public void With_lambda_one_advantages_are_n_step_returns_less_values()
    {
        var (rewards, discounts, values, bootstrap) = Random(3);
        var (returns, advantages) = (new float[T * N], new float[T * N]);
        Returns.NStep(rewards, discounts, bootstrap, returns);
        Returns.Gae(rewards, discounts, values, bootstrap, 1, advantages);
        for (var k = 0; k < T * N; k++) Assert.Equal(returns[k] - values[k], advantages[k], 1e-5);
    }

    [Fact]
    public void With_lambda_zero_advantages_are_one_step_errors_and_nothing_crosses_an_end()
    {
        float[] rewards = [1, 2, 4], discounts = [0.5f, 0, 0.5f], values = [10, 20, 30], bootstrap = [8],
            advantages = new float[3], returns = new float[3];
        Returns.Gae(rewards, discounts, values, bootstrap, 0, advantages);
        Assert.Equal([1 + 0.5f * 20 - 10, 2 - 20, 4 + 0.5f * 8 - 30], advantages);
        Returns.NStep(rewards, discounts, bootstrap, returns);
        Assert.Equal([1 + 0.5f * 2, 2, 4 + 0.5f * 8], returns);
    }

    [Fact]
    public void Arrays_that_do_not_fit_together_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Returns.NStep(new float[6], new float[6], new float[4], new float[6]));
        Assert.Throws<ArgumentException>(() => Returns.NStep(new float[6], new float[5], new float[3], new float[6]));
        Assert.Throws<ArgumentException>(() =>
            Returns.Gae(new float[6], new float[6], new float[5], new float[3], 1, new float[6]));
    }

    private static (float[] Rewards, float[] Discounts, float[] Values, float[] Bootstrap) Random(long seed)
    {
        var rng = new Rng(seed);
        var (rewards, discounts, values, bootstrap) =
            (new float[T * N], new float[T * N], new float[T * N], new float[N]);
        rng.FillNormal(rewards);
        rng.FillNormal(values);
        rng.FillNormal(bootstrap);
        for (var k = 0; k < discounts.Length; k++) discounts[k] = rng.NextBool(0.2) ? 0 : 0.9f;
        return (rewards, discounts, values, bootstrap);
    }
}

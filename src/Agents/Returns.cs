namespace RlLeap.Agents;

/// <summary>What the future of a rollout is worth: pure functions over [T, N] arrays, t first.</summary>
/// <remarks>
/// A discount is gamma where an episode goes on and 0 where it ended, so that nothing is added up across episodes. They
/// run in managed code: a few hundred additions take less time than one tensor operation.
/// </remarks>
public static class Returns
{
    /// <summary>n-step returns: G_t = r_t + d_t G_{t+1}, G_T = V(o_T) (Mnih et al. 2016, 1602.01783, sec. 4).</summary>
    /// <param name="rewards">[T, N] rewards.</param>
    /// <param name="discounts">[T, N] discounts.</param>
    /// <param name="bootstrap">[N] values of the observations after the last step.</param>
    /// <param name="returns">[T, N] written.</param>
    /// <exception cref="ArgumentException">Lengths that do not fit together.</exception>
    public static void NStep(ReadOnlySpan<float> rewards, ReadOnlySpan<float> discounts, ReadOnlySpan<float> bootstrap,
        Span<float> returns)
    {
        var n = Width(rewards.Length, discounts.Length, bootstrap.Length, returns.Length);
        var next = bootstrap;
        for (var row = rewards.Length - n; row >= 0; row -= n)
        {
            for (var i = 0; i < n; i++) returns[row + i] = rewards[row + i] + discounts[row + i] * next[i];
            next = returns.Slice(row, n);
        }
    }

    /// <summary>
    /// Generalized advantage estimates: A_t = delta_t + d_t lambda A_{t+1}, delta_t = r_t + d_t V(o_{t+1}) - V(o_t),
    /// A_T = 0 (Schulman et al. 2016, arXiv 1506.02438, equation 16). With lambda 1 they are n-step returns less
    /// values.
    /// </summary>
    /// <param name="rewards">[T, N] rewards.</param>
    /// <param name="discounts">[T, N] discounts.</param>
    /// <param name="values">[T, N] values of the observations acted on.</param>
    /// <param name="bootstrap">[N] values of the observations after the last step.</param>
    /// <param name="lambda">0 (one-step) to 1 (n-step).</param>
    /// <param name="advantages">[T, N] written.</param>
    /// <exception cref="ArgumentException">Lengths that do not fit together.</exception>
    public static void Gae(ReadOnlySpan<float> rewards, ReadOnlySpan<float> discounts, ReadOnlySpan<float> values,
        ReadOnlySpan<float> bootstrap, double lambda, Span<float> advantages)
    {
        var n = Width(rewards.Length, discounts.Length, bootstrap.Length, advantages.Length);
        if (values.Length != rewards.Length)
            throw new ArgumentException($"{rewards.Length} rewards need as many values, not {values.Length}.");
        var decay = (float)lambda;
        var nextValue = bootstrap;
        ReadOnlySpan<float> nextAdvantage = default;
        for (var row = rewards.Length - n; row >= 0; row -= n)
        {
            for (var i = 0; i < n; i++)
            {
                var delta = rewards[row + i] + discounts[row + i] * nextValue[i] - values[row + i];
                advantages[row + i] = delta
                    + (nextAdvantage.IsEmpty ? 0 : discounts[row + i] * decay * nextAdvantage[i]);
            }
            nextValue = values.Slice(row, n);
            nextAdvantage = advantages.Slice(row, n);
        }
    }

    private static int Width(int rewards, int discounts, int bootstrap, int result)
    {
        if (bootstrap <= 0 || rewards % bootstrap != 0 || discounts != rewards || result != rewards)
            throw new ArgumentException($"[T, N] arrays of {rewards} rewards, {discounts} discounts and "
                + $"{result} results do not fit {bootstrap} bootstrap values.");
        return bootstrap;
    }
}

namespace RlLeap.Cli.Statistics;

/// <summary>Functions of a curve given as steps s[0..T-1] (increasing) and values v[0..T-1].</summary>
public static class LearningCurves
{
    /// <summary>Trailing mean: aᵢ is the mean of v over the last min(i + 1, window) points up to i.</summary>
    public static double[] MovingAverage(IReadOnlyList<double> values, int window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        var averages = new double[values.Count];
        for (var i = 0; i < averages.Length; i++)
        {
            // Summed anew for each point: a running sum would drift.
            var first = Math.Max(0, i - window + 1);
            var sum = 0.0;
            for (var j = first; j <= i; j++) sum += values[j];
            averages[i] = sum / (i - first + 1);
        }
        return averages;
    }

    /// <summary>
    /// The trailing mean where its window has filled: before, it is a mean of few points, of the short episodes that
    /// ended first. A curve of fewer points than the window has one, the mean of all.
    /// </summary>
    public static (IReadOnlyList<long> Steps, IReadOnlyList<double> Values) Filled(
        IReadOnlyList<long> steps, IReadOnlyList<double> values, int window)
    {
        RequireCurve(steps, values);
        var first = Math.Min(window, values.Count) - 1;
        return ([.. steps.Skip(first)], [.. MovingAverage(values, window).Skip(first)]);
    }

    /// <summary>[points]: mean over lines [line][point] at each point.</summary>
    public static double[] Mean(double[][] lines) => [.. lines[0].Select((_, i) => lines.Average(l => l[i]))];

    /// <summary>
    /// Area under the curve, per step: Σ (sᵢ₊₁ − sᵢ)(vᵢ + vᵢ₊₁)/2 over s_{T−1} − s₀, that is, the curve's mean height.
    /// The value itself where there is one point.
    /// </summary>
    public static double Area(IReadOnlyList<long> steps, IReadOnlyList<double> values)
    {
        RequireCurve(steps, values);
        return new LearningCurve([.. steps.Select(step => (double)step)], values).Area();
    }

    /// <summary>The same from a step on, so that curves that begin apart are compared over the same steps.</summary>
    public static double Area(IReadOnlyList<long> steps, IReadOnlyList<double> values, long from)
    {
        RequireCurve(steps, values);
        var first = steps.TakeWhile(step => step <= from).Count();
        if (first == 0) return Area(steps, values);
        // Where several points have the same step, the last one counts.
        var value = steps[first - 1] == from ? values[first - 1] : At(steps, values, [from])[0];
        return Area([from, .. steps.Skip(first)], [value, .. values.Skip(first)]);
    }

    /// <summary>Mean of the last <paramref name="points"/> values (or of all where there are fewer).</summary>
    public static double Final(IReadOnlyList<double> values, int points) =>
        values.Skip(values.Count - points).Average();

    /// <summary>The first step at which the curve has reached the threshold; null where it never does.</summary>
    public static long? StepsTo(IReadOnlyList<long> steps, IReadOnlyList<double> values, double threshold,
        bool higherIsBetter = true)
    {
        RequireCurve(steps, values);
        for (var i = 0; i < steps.Count; i++)
            if (higherIsBetter ? values[i] >= threshold : values[i] <= threshold) return steps[i];
        return null;
    }

    /// <summary>The curve at other steps: linear between its points, constant beyond its ends.</summary>
    public static double[] At(IReadOnlyList<long> steps, IReadOnlyList<double> values, IReadOnlyList<double> grid)
    {
        RequireCurve(steps, values);
        var result = new double[grid.Count];
        var right = 0;
        for (var i = 0; i < result.Length; i++)
        {
            if (i > 0 && grid[i] < grid[i - 1]) right = 0;
            while (right < steps.Count && steps[right] < grid[i]) right++;
            result[i] = right == 0 ? values[0] : right == steps.Count ? values[^1]
                : values[right - 1] + (values[right] - values[right - 1]) * (grid[i] - steps[right - 1]) / (steps[right]
                    - steps[right - 1]);
        }
        return result;
    }

    private static void RequireCurve(IReadOnlyList<long> steps, IReadOnlyList<double> values)
    {
        if (steps.Count == 0 || steps.Count != values.Count)
            throw new ArgumentException($"a curve needs as many steps as values and at least one; got "
                + $"{steps.Count} steps and {values.Count} values");
    }
}

namespace RlLeap;

/// <summary>One quantity of a learning process against experience: losses, errors or returns.</summary>
/// <param name="X">Where each value was taken (gradient steps, agent steps, frames), increasing.</param>
/// <param name="Y">The values.</param>
public sealed record LearningCurve(IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    /// <summary>A curve at 0, 1, 2, ...</summary>
    public static LearningCurve Of(IReadOnlyList<double> values) =>
        new([.. Enumerable.Range(0, values.Count).Select(i => (double)i)], values);

    /// <summary>
    /// Area under the curve by trapezoids over its own x, divided by the x-range: the mean height (divisor T-1 for unit
    /// spacing). A curve of one point has that height.
    /// </summary>
    public double Area() => Y.Count == 1 ? Y[0] : Trapezoids() / (X[^1] - X[0]);

    /// <summary>
    /// The same sum divided by the number of points times their mean spacing, as the authors of Leap compute it
    /// (divisor T instead of T-1; docs/fidelity.md).
    /// </summary>
    public double AreaAsAuthors() => Y.Count == 1 ? 0 : Area() * (Y.Count - 1) / Y.Count;

    private double Trapezoids()
    {
        if (X.Count != Y.Count || X.Count == 0)
            throw new ArgumentException($"A curve needs as many x as y and at least one; got {X.Count} and {Y.Count}.");
        double area = 0;
        for (var i = 1; i < Y.Count; i++) area += (X[i] - X[i - 1]) * (Y[i] + Y[i - 1]) / 2;
        return area;
    }
}

namespace RlLeap;

/// <summary>A loss or gradient that is not finite: the learning process has diverged at a known step.</summary>
public sealed class DivergenceException(string task, long step, string what, double value)
    : RlLeapException($"{task}: the {what} became {value} at gradient step {step}. Lower the learning rate or clip the "
        + "gradient; the last checkpoint is unharmed.")
{
    /// <summary>The task that diverged.</summary>
    public string Task { get; } = task;

    /// <summary>The gradient step at which it did.</summary>
    public long Step { get; } = step;
}

using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace RlLeap;

/// <summary>How one task is learned.</summary>
public sealed record LearnerOptions
{
    /// <summary>The update rule.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();
    /// <summary>Gradient steps in all, for schedules and for knowing when it is done.</summary>
    [Range(1, double.PositiveInfinity)]
    public long GradientSteps { get; init; } = 100;
    /// <summary>
    /// Passes over the task's own training data instead of <see cref="GradientSteps"/>; 0 for as many steps as that
    /// says.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    [Range(0, double.PositiveInfinity)]
    public long Epochs { get; init; }
    /// <summary>Ends learning before all gradient steps are made; null for never.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public EarlyStopping? Stopping { get; init; }

    /// <summary>
    /// Who moves which parameters, by patterns over their names: "conv*: frozen", "head: adapted"; body is the whole
    /// network, head all heads (docs/roles.md). null: as the network has it.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, ParameterRole>? Roles { get; init; }
    /// <summary>
    /// Factors on the learning rate of parameters, by the same patterns: "head: 10". null: 1 for all.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Range(0, double.PositiveInfinity)]
    public IReadOnlyDictionary<string, double>? Rates { get; init; }

    /// <summary>Roles and rates as one; null where the options have neither.</summary>
    [JsonIgnore]
    public ParameterRoles? ParameterRoles => Roles is null && Rates is null ? null : new ParameterRoles(Roles, Rates);

    /// <summary>These options for one task: epochs become the task's own number of gradient steps.</summary>
    /// <exception cref="RlLeapException">Epochs are asked for and the task has none.</exception>
    public LearnerOptions For(TaskInfo task) => Epochs == 0 ? this
        : task.StepsPerEpoch > 0 ? this with { GradientSteps = Epochs * task.StepsPerEpoch, Epochs = 0 }
        : throw new RlLeapException($"{task.Id} has no epochs. Say how long it is learned in gradient steps.");
}

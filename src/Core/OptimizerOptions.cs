using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace RlLeap;

/// <summary>Update rules by name.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent, with momentum if asked for.</summary>
    Sgd,
    /// <summary>RMSProp as PyTorch has it: epsilon outside the root, square average from zero.</summary>
    RmsProp,
    /// <summary>
    /// RMSProp as TensorFlow 1 and the OpenAI baselines have it: epsilon inside the root, square average from one.
    /// </summary>
    RmsPropBaselines,
    /// <summary>Adam.</summary>
    Adam,
}

/// <summary>How a rate moves over a training run of known length.</summary>
public enum Schedule
{
    /// <summary>Stays.</summary>
    Constant,
    /// <summary>To zero in a straight line.</summary>
    Linear,
    /// <summary>To zero along half a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983).</summary>
    Cosine,
}

/// <summary>An update rule with all it needs.</summary>
public sealed record OptimizerOptions
{
    /// <summary>Which rule.</summary>
    public OptimizerKind Kind { get; init; } = OptimizerKind.Sgd;
    /// <summary>Learning rate at the start.</summary>
    [Range(0, double.PositiveInfinity)]
    public double LearningRate { get; init; } = 0.1;
    /// <summary>How the rate moves.</summary>
    public Schedule Schedule { get; init; } = Schedule.Constant;
    /// <summary>Momentum of SGD and RMSProp.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Momentum { get; init; }
    /// <summary>L2 penalty added to the gradient (SGD, RMSProp in PyTorch's form, Adam).</summary>
    [Range(0, double.PositiveInfinity)]
    public double WeightDecay { get; init; }
    /// <summary>Decay of RMSProp's square average.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Alpha { get; init; } = 0.99;
    /// <summary>Epsilon of RMSProp and Adam.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Epsilon { get; init; } = 1e-8;
    /// <summary>Adam's first decay.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.9;
    /// <summary>Adam's second decay.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.999;
    /// <summary>Largest norm of the whole gradient; 0 for no clipping.</summary>
    [Range(0, double.PositiveInfinity)]
    public double MaxGradientNorm { get; init; }

    /// <summary>Part of the learning rate that linear and cosine schedules end at.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    [Range(0, 1)]
    public double ScheduleFloor { get; init; }

    /// <summary>The rate for update <paramref name="step"/> (from 0) of <paramref name="steps"/>.</summary>
    public double RateAt(long step, long steps)
    {
        var progress = steps > 0 ? Math.Min(1.0, (double)step / steps) : 0;
        var left = Schedule switch
        {
            Schedule.Linear => 1 - progress,
            Schedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * progress)),
            _ => 1,
        };
        return ScheduleFloor == 0 ? LearningRate * left : LearningRate * (ScheduleFloor + (1 - ScheduleFloor) * left);
    }
}

// The contract of meta-learners, on every method.
using RlLeap.MetaLearning;
using RlLeap.Testing;

namespace RlLeap.Tests.MetaLearning;

public sealed class NoPretrainingKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new NoPretrainingOptions();
}

public sealed class LeapKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new LeapOptions();
}

public sealed class LeapWithEnergyAndASharedHeadKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new LeapOptions { Metric = PathMetric.Energy };
    protected override Head Head => new("value", 1, Shared: true);
}

public sealed class ReptileKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new ReptileOptions();
}

public sealed class FirstOrderMamlKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new FirstOrderMamlOptions();
}

public sealed class FirstOrderMamlOnValidationKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new FirstOrderMamlOptions { Gradient = OuterBatch.Validation };
}

public sealed class MamlKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new MamlOptions();
    protected override LearnerOptions Learner => base.Learner with { GradientSteps = 3 };
}

public sealed class FinetuningKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new FinetuningOptions();
}

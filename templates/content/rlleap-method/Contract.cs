using RlLeap.MetaLearning;
using RlLeap.Testing;

/// <summary>Every rule that a method has to keep, as a test.</summary>
public sealed class Contract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new MyMethod();
}

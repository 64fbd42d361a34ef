using RlLeap.MetaLearning;
using Xunit;

namespace RlLeap.Testing;

/// <summary>What every meta-learner must keep, as tests on small sine-wave tasks.</summary>
/// <remarks>Derive a class and name the method.</remarks>
public abstract class MetaLearnerContract
{
    /// <summary>The method to test.</summary>
    protected abstract MetaLearningMethod Method { get; }

    /// <summary>How tasks are learned.</summary>
    protected virtual LearnerOptions Learner => new MethodProblem { Method = Method }.Learner;

    /// <summary>The head of all tasks. A private one is new for every task.</summary>
    protected virtual Head Head => new("value", 1);

    /// <summary>One case for each rule.</summary>
    public static TheoryData<string> Rules() => [.. MethodCheck.Rules];

    /// <summary>Checks one rule.</summary>
    [Theory]
    [MemberData(nameof(Rules), MemberType = typeof(MetaLearnerContract))]
    public void The_method_keeps_the_rule(string rule)
    {
        var finding = MethodCheck.Run(rule, new MethodProblem { Method = Method, Learner = Learner, Head = Head });
        if (finding is not null) Assert.Fail($"{finding.Rule}: {finding.What}. Likely cause: {finding.LikelyCause}");
    }
}

/// <summary>What every network must keep, as tests on random inputs.</summary>
/// <remarks>Derive a class and make the network.</remarks>
public abstract class NetworkContract
{
    /// <summary>Makes the network; called several times.</summary>
    protected abstract Network Create();

    /// <summary>One case for each rule.</summary>
    public static TheoryData<string> Rules() => [.. NetworkCheck.Rules];

    /// <summary>Checks one rule.</summary>
    [Theory]
    [MemberData(nameof(Rules), MemberType = typeof(NetworkContract))]
    public void The_network_keeps_the_rule(string rule)
    {
        var finding = NetworkCheck.Run(rule, Create);
        if (finding is not null) Assert.Fail($"{finding.Rule}: {finding.What}. Likely cause: {finding.LikelyCause}");
    }
}

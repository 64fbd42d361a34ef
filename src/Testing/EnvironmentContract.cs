using RlLeap.Environments;
using Xunit;

namespace RlLeap.Testing;

/// <summary>The rules of <see cref="IEnvironment"/> as tests of your environment.</summary>
/// <remarks>Derive a class and override one method.</remarks>
/// <example><code>
/// public sealed class MyEnvironmentContract : EnvironmentContract
/// {
///     protected override IEnvironment Open(Rng rng) => new MyEnvironment(rng);
/// }
/// </code></example>
public abstract class EnvironmentContract
{
    /// <summary>Makes the environment; called many times.</summary>
    /// <param name="rng">The only source of randomness.</param>
    protected abstract IEnvironment Open(Rng rng);

    /// <summary>How long each rule is played for, in agent steps. Several episodes should fit.</summary>
    protected virtual int Steps => 2000;

    /// <summary>One case for each rule.</summary>
    public static TheoryData<string> Rules() => [.. EnvironmentCheck.Rules];

    /// <summary>Plays and checks one rule.</summary>
    [Theory]
    [MemberData(nameof(Rules), MemberType = typeof(EnvironmentContract))]
    public void The_environment_keeps_the_rule(string rule)
    {
        var finding = EnvironmentCheck.Run(rule, Open, Steps);
        if (finding is not null) Assert.Fail($"{finding.Rule}: {finding.What}. Likely cause: {finding.LikelyCause}");
    }
}

using RlLeap;
using RlLeap.Environments;
using RlLeap.Testing;

/// <summary>Every rule that an environment has to keep, as a test.</summary>
public sealed class Contract : EnvironmentContract
{
    protected override IEnvironment Open(Rng rng) => new MyMaze(rng, length: 8);
}

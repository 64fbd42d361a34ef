using RlLeap;
using RlLeap.Testing;

/// <summary>Every rule that a network has to keep, as a test.</summary>
public sealed class Contract : NetworkContract
{
    protected override Network Create() => new MyNetwork([4, 10, 10]);
}

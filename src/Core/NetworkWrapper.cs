namespace RlLeap;

/// <summary>A network around another: it has the entries and layers of that; subclasses override the rest.</summary>
public abstract class NetworkWrapper(Network inner) : Network
{
    /// <summary>The wrapped network.</summary>
    protected Network Inner { get; } = inner;

    public override long[] InputShape => Inner.InputShape;
    public override long Features => Inner.Features;
    public override IReadOnlyList<ParameterInfo> Parameters => Inner.Parameters;
    public override IReadOnlyList<ParameterInfo> Buffers => Inner.Buffers;
    public override IReadOnlyList<long> HiddenUnits => Inner.HiddenUnits;
    public override bool IsFunctional => Inner.IsFunctional;
}

namespace RlLeap.Environments;

/// <summary>Uses the environment's picture, [3, size, size] bytes, as the observation.</summary>
public sealed class RenderedObservation : EnvironmentWrapper
{
    private readonly int _size;

    /// <param name="inner">An environment that can render itself.</param>
    /// <param name="size">Height and width.</param>
    public RenderedObservation(IEnvironment inner, int size = 84) : base(inner)
    {
        if (!inner.CanRender)
            throw new EnvironmentException($"{inner.Spec.Id}: it cannot draw itself (CanRender is false), " +
                "so its picture cannot be the observation.");
        _size = size;
        Spec = inner.Spec with { Observation = Box.Bytes(255, 3, size, size), ChannelNames = ["red", "green", "blue"] };
    }

    public override EnvironmentSpec Spec { get; }

    protected override TimeStep Change(TimeStep step)
    {
        var pixels = Inner.Render().Resize(_size, _size).Pixels;
        var planes = new byte[pixels.Length];
        var area = _size * _size;
        for (var i = 0; i < area; i++)
            for (var c = 0; c < 3; c++) planes[c * area + i] = pixels[3 * i + c];
        return step with { Observation = planes };
    }
}

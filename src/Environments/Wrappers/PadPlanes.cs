namespace RlLeap.Environments;

/// <summary>Adds planes of zeros after the last, so that games of different planes can share an encoder.</summary>
public sealed class PadPlanes : EnvironmentWrapper
{
    /// <param name="inner">An environment with [C, H, W] observations.</param>
    /// <param name="planes">The number of planes after padding, at least C.</param>
    public PadPlanes(IEnvironment inner, int planes) : base(inner)
    {
        var box = inner.Spec.Observation;
        if (box.Shape.Length != 3 || planes < box.Shape[0])
            throw new EnvironmentException(
                    $"{inner.Spec.Id}: padding to {planes} planes needs a [C, H, W] observation with C of at most " +
                    $"{planes}; it shows {box}.");
        Spec = inner.Spec with
        {
            Observation = new Box(box.Element, [planes, .. box.Shape[1..]],
                Math.Min(0, box.Low), Math.Max(0, box.High)),
            ChannelNames = Names(inner.Spec.ChannelNames, planes),
        };
    }

    /// <summary>The planes' names, padded with "" to <paramref name="planes"/>; empty if none are known.</summary>
    internal static IReadOnlyList<string> Names(IReadOnlyList<string> known, int planes) =>
        known.Count == 0 ? known : [.. known, .. Enumerable.Repeat("", planes - known.Count)];

    public override EnvironmentSpec Spec { get; }

    protected override TimeStep Change(TimeStep step)
    {
        var padded = Observation.Zeros(Spec.Observation);
        step.Observation.CopyTo(padded, 0);
        return step with { Observation = padded };
    }
}

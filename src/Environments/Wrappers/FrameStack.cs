namespace RlLeap.Environments;

/// <summary>What a stack holds in place of the frames before an episode's first.</summary>
public enum StackPadding
{
    /// <summary>Zeros, as in ALE's vector environment and in Stable-Baselines3.</summary>
    Zero,

    /// <summary>The first observation, repeated, as in gymnasium (by default) and in EnvPool.</summary>
    Reset,
}

/// <summary>
/// Shows the last <c>count</c> observations, oldest first. [C, H, W] becomes [count*C, H, W], [H, W] becomes
/// [count, H, W], and [n] becomes [count*n].
/// </summary>
public sealed class FrameStack : EnvironmentWrapper
{
    private readonly int _count;
    private readonly StackPadding _padding;
    private readonly Queue<Observation> _frames = new();

    /// <param name="inner">The environment.</param>
    /// <param name="count">How many observations are shown.</param>
    /// <param name="padding">What comes before an episode's first observation.</param>
    public FrameStack(IEnvironment inner, int count, StackPadding padding = StackPadding.Zero) : base(inner)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        (_count, _padding) = (count, padding);
        var box = inner.Spec.Observation;
        var shape = box.Shape.Length == 2 ? [1, .. box.Shape] : box.Shape;
        // The inner bounds may exclude zero, but the padding is zeros.
        var (low, high) = padding == StackPadding.Zero
            ? (Math.Min(0, box.Low), Math.Max(0, box.High))
            : (box.Low, box.High);
        Spec = inner.Spec with
        {
            Observation = new Box(box.Element, [count * shape[0], .. shape[1..]], low, high),
            ChannelNames = [.. Enumerable.Range(0, count).SelectMany(_ => inner.Spec.ChannelNames)],
        };
    }

    public override EnvironmentSpec Spec { get; }

    public override TimeStep Reset()
    {
        var first = Inner.Reset();
        var padding = _padding == StackPadding.Reset ? first.Observation.Copy() : Blank();
        _frames.Clear();
        for (var i = 1; i < _count; i++) _frames.Enqueue(padding);
        return Show(first);
    }

    public override TimeStep Step(int action) => ShowNext(Inner.Step(action));
    public override TimeStep Step(ReadOnlySpan<float> action) => ShowNext(Inner.Step(action));

    private TimeStep ShowNext(TimeStep next)
    {
        _frames.Dequeue();
        return Show(next);
    }

    private TimeStep Show(TimeStep step)
    {
        // Both are copies, so an environment that reuses its array cannot change frames that were kept or returned.
        _frames.Enqueue(step.Observation.Copy());
        var (all, start) = (Observation.Zeros(Spec.Observation), 0);
        foreach (var frame in _frames)
        {
            frame.CopyTo(all, start);
            start += frame.Length;
        }
        return step with { Observation = all };
    }

    private Observation Blank() => Observation.Zeros(Inner.Spec.Observation);

    protected override void Save(BinaryWriter writer)
    {
        writer.Write(_frames.Count);
        foreach (var frame in _frames) writer.Write(frame.Memory);
    }

    protected override void Load(BinaryReader reader)
    {
        _frames.Clear();
        var count = reader.ReadInt32();
        if (count < 0 || count > _count) throw new EndOfStreamException();
        for (var i = 0; i < count; i++)
        {
            var frame = Blank();
            reader.BaseStream.ReadExactly(frame.Memory);
            _frames.Enqueue(frame);
        }
    }
}

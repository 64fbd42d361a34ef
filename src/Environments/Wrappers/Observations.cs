namespace RlLeap.Environments;

/// <summary>What the frames before an episode's first are taken to be.</summary>
public enum StackPadding
{
    /// <summary>Zeros (ALE's vector environment, Stable-Baselines3).</summary>
    Zero,

    /// <summary>The first observation again (gymnasium's default, EnvPool).</summary>
    Reset,
}

/// <summary>Shows the last <c>count</c> observations, oldest first: [C, H, W] becomes [count*C, H, W], [H, W] becomes [count, H, W], [n] becomes [count*n].</summary>
public sealed class FrameStack : EnvironmentWrapper
{
    private readonly int _count;
    private readonly StackPadding _padding;
    private readonly Queue<Observation> _frames = new();

    /// <param name="inner">The environment.</param>
    /// <param name="count">How many observations are shown.</param>
    /// <param name="padding">What precedes an episode's first.</param>
    public FrameStack(IEnvironment inner, int count, StackPadding padding = StackPadding.Zero) : base(inner)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        (_count, _padding) = (count, padding);
        var box = inner.Spec.Observation;
        var shape = box.Shape.Length == 2 ? [1, .. box.Shape] : box.Shape;
        // Zero padding shows zeros, whatever the inner bounds are.
        var (low, high) = padding == StackPadding.Zero ? (Math.Min(0, box.Low), Math.Max(0, box.High)) : (box.Low, box.High);
        Spec = inner.Spec with
        {
            Observation = new Box(box.Element, [count * shape[0], .. shape[1..]], low, high),
            ChannelNames = [.. Enumerable.Range(0, count).SelectMany(_ => inner.Spec.ChannelNames)],
        };
    }

    /// <inheritdoc/>
    public override EnvironmentSpec Spec { get; }

    /// <inheritdoc/>
    public override TimeStep Reset()
    {
        var first = Inner.Reset();
        var padding = _padding == StackPadding.Reset ? first.Observation.Copy() : Blank();
        _frames.Clear();
        for (var i = 1; i < _count; i++) _frames.Enqueue(padding);
        return Show(first);
    }

    /// <inheritdoc/>
    public override TimeStep Step(int action)
    {
        var next = Inner.Step(action);
        _frames.Dequeue();
        return Show(next);
    }

    private TimeStep Show(TimeStep step)
    {
        // Copies on both sides: an environment that reuses its array cannot reach into frames already kept or shown.
        _frames.Enqueue(step.Observation.Copy());
        var all = Spec.Observation.Element == ElementType.Byte ? (Observation)new byte[Spec.Observation.Length] : new float[Spec.Observation.Length];
        var offset = 0;
        foreach (var frame in _frames)
        {
            if (all.Element == ElementType.Byte) frame.Bytes.CopyTo(all.Bytes, offset);
            else frame.Floats.CopyTo(all.Floats, offset);
            offset += frame.Length;
        }
        return step with { Observation = all };
    }

    private Observation Blank() => Inner.Spec.Observation.Element == ElementType.Byte ? new byte[Inner.Spec.Observation.Length] : new float[Inner.Spec.Observation.Length];

    /// <inheritdoc/>
    protected override void Save(BinaryWriter writer)
    {
        writer.Write(_frames.Count);
        foreach (var frame in _frames)
        {
            if (frame.Element == ElementType.Byte) writer.Write(frame.Bytes);
            else foreach (var value in frame.Floats) writer.Write(value);
        }
    }

    /// <inheritdoc/>
    protected override void Load(BinaryReader reader)
    {
        _frames.Clear();
        var count = reader.ReadInt32();
        if (count < 0 || count > _count) throw new EndOfStreamException();
        for (var i = 0; i < count; i++)
        {
            var frame = Blank();
            if (frame.Element == ElementType.Byte) reader.BaseStream.ReadExactly(frame.Bytes);
            else for (var j = 0; j < frame.Length; j++) frame.Floats[j] = reader.ReadSingle();
            _frames.Enqueue(frame);
        }
    }
}

/// <summary>Adds planes of zeros behind the last, so that games with different numbers of planes share one encoder.</summary>
public sealed class PadPlanes : EnvironmentWrapper
{
    /// <param name="inner">An environment that shows [C, H, W].</param>
    /// <param name="planes">How many planes are shown, at least C.</param>
    public PadPlanes(IEnvironment inner, int planes) : base(inner)
    {
        var box = inner.Spec.Observation;
        if (box.Shape.Length != 3 || planes < box.Shape[0])
            throw new EnvironmentException($"{inner.Spec.Id}: padding to {planes} planes needs a [C, H, W] observation with C of at most {planes}; it shows {box}.");
        Spec = inner.Spec with
        {
            Observation = new Box(box.Element, [planes, .. box.Shape[1..]], Math.Min(0, box.Low), Math.Max(0, box.High)),
            ChannelNames = Names(inner.Spec.ChannelNames, planes),
        };
    }

    /// <summary>The names of planes, followed by empty ones up to <paramref name="planes"/>; none where none are known.</summary>
    internal static IReadOnlyList<string> Names(IReadOnlyList<string> known, int planes) =>
        known.Count == 0 ? known : [.. known, .. Enumerable.Repeat("", planes - known.Count)];

    /// <inheritdoc/>
    public override EnvironmentSpec Spec { get; }

    /// <inheritdoc/>
    public override TimeStep Reset() => Pad(Inner.Reset());

    /// <inheritdoc/>
    public override TimeStep Step(int action) => Pad(Inner.Step(action));

    private TimeStep Pad(TimeStep step)
    {
        if (step.Observation.Element == ElementType.Byte)
        {
            var bytes = new byte[Spec.Observation.Length];
            step.Observation.Bytes.CopyTo(bytes, 0);
            return step with { Observation = bytes };
        }
        var floats = new float[Spec.Observation.Length];
        step.Observation.Floats.CopyTo(floats, 0);
        return step with { Observation = floats };
    }
}

/// <summary>Shows the environment's picture as [3, size, size] bytes instead of its own observation.</summary>
public sealed class RenderedObservation : EnvironmentWrapper
{
    private readonly int _size;

    /// <param name="inner">An environment that can draw itself.</param>
    /// <param name="size">Height and width.</param>
    public RenderedObservation(IEnvironment inner, int size = 84) : base(inner)
    {
        if (!inner.CanRender) throw new EnvironmentException($"{inner.Spec.Id}: it cannot draw itself (CanRender is false), so its picture cannot be the observation.");
        _size = size;
        Spec = inner.Spec with { Observation = Box.Bytes(255, 3, size, size), ChannelNames = ["red", "green", "blue"] };
    }

    /// <inheritdoc/>
    public override EnvironmentSpec Spec { get; }

    /// <inheritdoc/>
    public override TimeStep Reset() => Draw(Inner.Reset());

    /// <inheritdoc/>
    public override TimeStep Step(int action) => Draw(Inner.Step(action));

    private TimeStep Draw(TimeStep step)
    {
        var pixels = Inner.Render().Resize(_size, _size).Pixels;
        var planes = new byte[pixels.Length];
        var area = _size * _size;
        for (var i = 0; i < area; i++)
            for (var c = 0; c < 3; c++) planes[c * area + i] = pixels[3 * i + c];
        return step with { Observation = planes };
    }
}

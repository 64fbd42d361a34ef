using System.Numerics;
using System.Runtime.InteropServices;

namespace RlLeap.Gymnasium;

/// <summary>How rows in Python's memory become rows of ours: bytes, or float32; images as planes.</summary>
/// <remarks>
/// Python's images are [H, W, C], RlLeap's [C, H, W]. Taken for images are:
/// three axes whose last is the shortest, or all of which are equal, or, of bytes, whose last has 1, 3 or 4 elements;
/// four axes whose last has 1, 3 or 4 elements: S frames, which become S*C planes, the last frame's last;
/// two axes of at least 36 with values from 0 to 1 or to 255, which become one plane.
/// </remarks>
internal sealed unsafe class ObservationReader
{
    private const int LeastOfImage = 36; // as AgentNetworks knows images: smaller matrices may be boards or tables

    private static readonly string[] Gray = ["gray"], Colours = ["red", "green", "blue", "alpha"];

    private readonly ElementType _element;
    private readonly long _images, _pixels; // images a row, pixels an image
    private readonly int _channels; // above 1: images of [pixels, channels] that become planes
    private float[] _narrowed = []; // float32 of a wider row that becomes planes

    /// <param name="element">What our rows are made of.</param>
    /// <param name="shape">One row in Python.</param>
    /// <param name="low">The space's least value.</param>
    /// <param name="high">The space's largest value.</param>
    /// <param name="planes">Whether images become planes.</param>
    public ObservationReader(ElementType element, long[] shape, double low, double high, bool planes)
    {
        _element = element;
        (Shape, _images, _channels) = (shape, 1, 1);
        RowLength = checked((int)shape.Aggregate(1L, (product, size) => product * size));
        if (!planes) return;
        switch (shape)
        {
            case [var h, var w, var c] when c < Math.Min(h, w) || (c == h && c == w) || (element == ElementType.Byte
                && c is 1 or 3 or 4):
                Shape = [c, h, w];
                break;
            case [var s, var h, var w, (1 or 3 or 4) and var c]:
                (Shape, _images) = ([s * c, h, w], s);
                break;
            case [>= LeastOfImage, >= LeastOfImage] when low == 0 && high is 1 or 255:
                Shape = [1, .. shape];
                break;
            default:
                return;
        }
        _pixels = Shape[1] * Shape[2];
        _channels = (int)(Shape[0] / _images);
        if (element != ElementType.Byte || high != 255) return;
        if (_channels is 1 or 3 or 4)
            ChannelNames = [.. Enumerable.Repeat(_channels == 1 ? Gray : Colours[.._channels], (int)_images)
                .SelectMany(names => names)];
    }

    /// <summary>One row of ours.</summary>
    public long[] Shape { get; }

    /// <summary>Names of planes that are known to be colours.</summary>
    public IReadOnlyList<string> ChannelNames { get; } = [];

    /// <summary>Elements a row.</summary>
    public int RowLength { get; }

    /// <summary>The size of an element of ours, in bytes.</summary>
    public int ItemSize => _element == ElementType.Byte ? 1 : sizeof(float);

    /// <summary>Writes <paramref name="rows"/> rows to <paramref name="target"/>: the one copy that an observation
    /// makes on our side.</summary>
    /// <param name="source">Where Python has them.</param>
    /// <param name="itemSize">The size of an element there, in bytes: 1 (bytes), 4 (float32) or 8 (float64).</param>
    /// <param name="target">Memory of as many rows of ours.</param>
    /// <param name="rows">How many.</param>
    public void Read(byte* source, int itemSize, Span<byte> target, int rows)
    {
        fixed (byte* to = target)
        {
            var length = (long)rows * RowLength;
            if (itemSize == ItemSize)
            {
                if (_channels == 1) Buffer.MemoryCopy(source, to, target.Length, length * itemSize);
                else if (itemSize == 1) ImageLayout.ToPlanes(source, to, rows * _images, _pixels, _channels);
                else ImageLayout.ToPlanes((float*)source, (float*)to, rows * _images, _pixels, _channels);
                return;
            }
            if (_channels == 1)
            {
                Narrow(new ReadOnlySpan<double>(source, (int)length), new Span<float>(to, (int)length));
                return;
            }
            if (_narrowed.Length < length) _narrowed = new float[length];
            Narrow(new ReadOnlySpan<double>(source, (int)length), _narrowed);
            fixed (float* from = _narrowed) ImageLayout.ToPlanes(from, (float*)to, rows * _images, _pixels, _channels);
        }
    }

    /// <summary>The element at <paramref name="source"/> that became element <paramref name="index"/> of a row of
    /// ours.</summary>
    public double Original(byte* source, int itemSize, int index)
    {
        if (_channels > 1)
        {
            var (image, rest) = Math.DivRem(index, _pixels * _channels);
            var (channel, pixel) = Math.DivRem(rest, _pixels);
            index = (int)(image * _pixels * _channels + pixel * _channels + channel);
        }
        return itemSize switch { 1 => source[index], 4 => ((float*)source)[index], _ => ((double*)source)[index] };
    }

    private static void Narrow(ReadOnlySpan<double> from, Span<float> to)
    {
        var wide = MemoryMarshal.Cast<double, Vector<double>>(from);
        ref var start = ref MemoryMarshal.GetReference(to);
        var i = 0;
        for (; i + 1 < wide.Length; i += 2)
            Vector.Narrow(wide[i], wide[i + 1]).StoreUnsafe(ref start, (nuint)(i * Vector<double>.Count));
        for (var k = i * Vector<double>.Count; k < from.Length; k++) to[k] = (float)from[k];
    }
}

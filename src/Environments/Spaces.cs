namespace RlLeap.Environments;

/// <summary>The number type of an observation's elements.</summary>
public enum ElementType : byte
{
    /// <summary>Unsigned bytes, for pixels and for planes of 0 and 1.</summary>
    Byte,

    /// <summary>32-bit floats, for everything else.</summary>
    Float32,
}

/// <summary>A set of possible observations or actions.</summary>
public abstract record Space;

/// <summary>The whole numbers 0 .. <paramref name="Count"/>-1.</summary>
public sealed record Discrete(int Count) : Space
{
    /// <summary>How many values there are, at least one.</summary>
    public int Count { get; } = Count > 0
        ? Count
        : throw new EnvironmentException($"A Discrete space needs at least one value; it was given {Count}.");

    /// <inheritdoc/>
    public override string ToString() => $"Discrete({Count})";
}

/// <summary>
/// Arrays of one shape with every element from <paramref name="Low"/> to <paramref name="High"/>.
/// </summary>
/// <param name="Element">The number type.</param>
/// <param name="Shape">The size of each dimension. Planes and images have the channel first: [C, H, W].</param>
/// <param name="Low">The smallest value of an element. May be negative infinity.</param>
/// <param name="High">The largest value of an element. May be positive infinity.</param>
public sealed record Box(ElementType Element, long[] Shape, double Low, double High) : Space
{
    /// <summary>The size of each dimension.</summary>
    public long[] Shape { get; } = Shape.All(size => size > 0) && Low <= High
        ? [.. Shape]
        : throw new EnvironmentException(
            $"A Box needs sizes above zero and low <= high; it was given [{string.Join(", ", Shape)}] " +
            $"between {Low} and {High}.");

    /// <summary>How many elements one observation has.</summary>
    public int Length { get; } = checked((int)Shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>
    /// The factor that brings these values to 0..1 for a network. It is 1/255 for images, as bytes or as floats [C, H,
    /// W] from 0 to 255. It is 1 for planes of 0 and 1 and for other floats, which are not changed.
    /// </summary>
    public double UnitScale => Element == ElementType.Byte || (Shape.Length == 3 && Low == 0 && High == 255)
        ? 1 / Math.Max(1, High)
        : 1;

    /// <summary>A box of bytes from 0 to <paramref name="high"/>.</summary>
    public static Box Bytes(byte high, params long[] shape) => new(ElementType.Byte, shape, 0, high);

    /// <summary>A box of floats without bounds.</summary>
    public static Box Floats(params long[] shape) =>
        new(ElementType.Float32, shape, double.NegativeInfinity, double.PositiveInfinity);

    /// <summary>Whether number type, shape and bounds are equal.</summary>
    public bool Equals(Box? other) =>
        other is not null && Element == other.Element && Low.Equals(other.Low) && High.Equals(other.High)
            && Shape.AsSpan().SequenceEqual(other.Shape);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Element, Length, Low, High);

    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"Box({Element}, [{string.Join(", ", Shape)}], {Low}..{High})");
}

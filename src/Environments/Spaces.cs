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
/// <remarks>
/// A value is a row of <see cref="Length"/> numbers: one for a Discrete, one for each element of a Box, and those of
/// all parts, in order, for a Dict.
/// </remarks>
public abstract record Space
{
    /// <summary>How many numbers a value has.</summary>
    public abstract int Length { get; }

    /// <summary>The spaces that this one is made of, each with its name and where its numbers begin.</summary>
    public virtual IReadOnlyList<SpacePart> Parts => [new SpacePart("", this, 0)];
}

/// <summary>One of the simple spaces that a space is made of: a Discrete, MultiDiscrete, MultiBinary or Box.</summary>
/// <param name="Name">Its name, with dots between the names of nested parts. Empty if the space has only one
/// part.</param>
/// <param name="Space">The simple space.</param>
/// <param name="Start">Where its numbers begin in a value of the whole space.</param>
public sealed record SpacePart(string Name, Space Space, int Start);

/// <summary>The whole numbers 0 .. <paramref name="Count"/>-1.</summary>
public sealed record Discrete(int Count) : Space
{
    /// <summary>How many values there are, at least one.</summary>
    public int Count { get; } = Count > 0
        ? Count
        : throw new EnvironmentException($"A Discrete space needs at least one value; it was given {Count}.");

    /// <summary>1.</summary>
    public override int Length => 1;

    public override string ToString() => $"Discrete({Count})";
}

/// <summary>Arrays of one shape, elements from <paramref name="Low"/> to <paramref name="High"/>.</summary>
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
    public override int Length { get; } = checked((int)Shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>The smallest value of each element, or null if it is <see cref="Low"/> for all.</summary>
    public IReadOnlyList<double>? Lows { get; private init; }

    /// <summary>The largest value of each element, or null if it is <see cref="High"/> for all.</summary>
    public IReadOnlyList<double>? Highs { get; private init; }

    /// <summary>
    /// The images in a vector of floats that was made of a Dict or a Tuple: each with its name, its Box [C, H, W] with
    /// values from 0 to 1, and where its numbers begin. Empty for all other observations.
    /// </summary>
    public IReadOnlyList<SpacePart> Images { get; init; } = [];

    /// <summary>
    /// The factor that brings these values to 0..1 for a network. It is 1/255 for images, as bytes or as floats [C, H,
    /// W] from 0 to 255. It is 1 for planes of 0 and 1 and for other floats, which are not changed.
    /// </summary>
    public double UnitScale => Element == ElementType.Byte || (Shape.Length == 3 && Low == 0 && High == 255)
        ? 1 / Math.Max(1, High)
        : 1;

    /// <summary>A box of bytes from 0 to <paramref name="high"/>.</summary>
    public static Box Bytes(byte high, params long[] shape) => new(ElementType.Byte, shape, 0, high);

    /// <summary>A box of floats from <paramref name="low"/> to <paramref name="high"/>.</summary>
    public static Box Between(double low, double high, params long[] shape) =>
        new(ElementType.Float32, shape, low, high);

    /// <summary>A vector of floats with bounds of their own.</summary>
    /// <exception cref="EnvironmentException">The bounds are not as many, or a low one is above its high
    /// one.</exception>
    public static Box Between(IReadOnlyList<double> lows, IReadOnlyList<double> highs) =>
        Between(lows, highs, lows.Count);

    /// <summary>An array of floats, each element with bounds of its own, in row-major order.</summary>
    /// <exception cref="EnvironmentException">The bounds do not fit the shape or one another.</exception>
    public static Box Between(IReadOnlyList<double> lows, IReadOnlyList<double> highs, params long[] shape)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        if (count == 0 || lows.Count != count || highs.Count != count)
            throw new EnvironmentException(
                $"A Box of {count} elements needs as many bounds; it was given {lows.Count} and {highs.Count}.");
        for (var i = 0; i < lows.Count; i++)
            if (!(lows[i] <= highs[i]))
                throw new EnvironmentException(FormattableString.Invariant(
                    $"Element {i} of a Box needs low <= high; it was given {lows[i]} and {highs[i]}."));
        var box = new Box(ElementType.Float32, shape, lows.Min(), highs.Max());
        var same = lows.All(low => low.Equals(lows[0])) && highs.All(high => high.Equals(highs[0]));
        return same ? box : box with { Lows = [.. lows], Highs = [.. highs] };
    }

    /// <summary>The bounds of one element.</summary>
    public (double Low, double High) BoundsOf(int element) => (Lows?[element] ?? Low, Highs?[element] ?? High);

    /// <summary>A box of floats without bounds.</summary>
    public static Box Floats(params long[] shape) =>
        new(ElementType.Float32, shape, double.NegativeInfinity, double.PositiveInfinity);

    /// <summary>Whether number type, shape and bounds are equal.</summary>
    public bool Equals(Box? other) =>
        other is not null && Element == other.Element && Low.Equals(other.Low) && High.Equals(other.High)
            && Shape.AsSpan().SequenceEqual(other.Shape) && Same(Lows, other.Lows) && Same(Highs, other.Highs)
            && Images.SequenceEqual(other.Images);

    private static bool Same(IReadOnlyList<double>? a, IReadOnlyList<double>? b) =>
        a is null || b is null ? a is null && b is null : a.SequenceEqual(b);

    public override int GetHashCode() => HashCode.Combine(Element, Length, Low, High);

    public override string ToString() =>
        FormattableString.Invariant($"Box({Element}, [{string.Join(", ", Shape)}], {Low}..{High})");
}

/// <summary>Several whole numbers at once, each 0 .. its count - 1.</summary>
/// <param name="Counts">How many values each number has.</param>
public sealed record MultiDiscrete(params int[] Counts) : Space
{
    /// <summary>How many values each number has, at least one.</summary>
    public int[] Counts { get; } = Counts.Length > 0 && Counts.All(count => count > 0)
        ? [.. Counts]
        : throw new EnvironmentException(
            $"A MultiDiscrete space needs numbers of at least one value; it was given [{string.Join(", ", Counts)}].");

    public override int Length => Counts.Length;

    /// <summary>Whether the counts are equal.</summary>
    public bool Equals(MultiDiscrete? other) => other is not null && Counts.AsSpan().SequenceEqual(other.Counts);

    public override int GetHashCode() => Counts.Aggregate(Counts.Length, HashCode.Combine);
    public override string ToString() => $"MultiDiscrete([{string.Join(", ", Counts)}])";
}

/// <summary>Several switches at once, each 0 or 1.</summary>
/// <param name="Switches">How many there are.</param>
public sealed record MultiBinary(int Switches) : Space
{
    /// <summary>How many there are, at least one.</summary>
    public int Switches { get; } = Switches > 0
        ? Switches
        : throw new EnvironmentException($"A MultiBinary space needs at least one switch; it was given {Switches}.");

    public override int Length => Switches;
    public override string ToString() => $"MultiBinary({Switches})";
}

/// <summary>Named values of other spaces together. gymnasium's Tuple is one with the names 0, 1, 2, ...</summary>
public sealed record Dict : Space
{
    /// <param name="entries">The name and the space of each entry. A value has their numbers in this order.</param>
    /// <exception cref="EnvironmentException">There is no entry, or a name occurs twice.</exception>
    public Dict(params IReadOnlyList<(string Name, Space Space)> entries)
    {
        if (entries.Count == 0) throw new EnvironmentException("A Dict space needs at least one entry.");
        if (entries.GroupBy(entry => entry.Name).FirstOrDefault(same => same.Count() > 1) is { Key: { } twice })
            throw new EnvironmentException($"A Dict space has two entries named {twice}.");
        Entries = [.. entries];
        var (parts, start) = (new List<SpacePart>(), 0);
        foreach (var (name, space) in entries)
        {
            parts.AddRange(space.Parts.Select(part => new SpacePart(
                part.Name.Length == 0 ? name : $"{name}.{part.Name}", part.Space, start + part.Start)));
            start += space.Length;
        }
        (Parts, Length) = (parts, start);
    }

    /// <summary>The name and the space of each entry.</summary>
    public IReadOnlyList<(string Name, Space Space)> Entries { get; }

    /// <summary>A space of several values in a row.</summary>
    public static Dict Tuple(params Space[] spaces) => new([.. spaces.Select((space, i) => ($"{i}", space))]);

    public override int Length { get; }
    public override IReadOnlyList<SpacePart> Parts { get; }

    /// <summary>Whether names and spaces are equal, in the same order.</summary>
    public bool Equals(Dict? other) => other is not null && Entries.SequenceEqual(other.Entries);

    public override int GetHashCode() => Entries.Aggregate(Entries.Count, HashCode.Combine);
    public override string ToString() => $"Dict({string.Join(", ", Entries.Select(e => $"{e.Name}: {e.Space}"))})";
}

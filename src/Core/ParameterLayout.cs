namespace RlLeap;

/// <summary>One named tensor of a parameter vector.</summary>
/// <param name="Name">Dotted name, unique in its layout ("encoder.0.weight").</param>
/// <param name="Shape">Logical shape, as PyTorch has it ([O, I, kH, kW] for a convolution).</param>
/// <param name="Shared">Whether it belongs to the part that is meta-learned and shared between tasks (the encoder) or
/// to one task (a head).</param>
/// <param name="ChannelsLast">Rank 4 only: lie in memory as O, kH, kW, I, which some convolutions run faster on. Shape
/// and files do not change.</param>
/// <param name="InputsFirst">Rank 2 only: lie in memory as I, O, which products with few rows run faster on. Shape and
/// files do not change.</param>
public sealed record ParameterInfo(string Name, long[] Shape, bool Shared = true, bool ChannelsLast = false,
    bool InputsFirst = false)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>What may move it.</summary>
    public ParameterRole Role { get; init; }

    /// <summary>Factor on the learning rate with which a task moves it; at least 0.</summary>
    public double Rate { get; init; } = 1;

    /// <summary>"name [2, 3]", for messages.</summary>
    public override string ToString() => $"{Name} [{string.Join(", ", Shape)}]";
}

/// <summary>Which tensors a vector holds, and where: the shared ones first, each group in the order given.</summary>
public sealed class ParameterLayout
{
    private readonly Dictionary<string, int> _index = [];

    /// <summary>Lays out <paramref name="entries"/>; shared entries come first.</summary>
    /// <exception cref="ArgumentException">A name occurs twice, a size is not positive, or an entry has not the rank
    /// that its order in memory asks for.</exception>
    public ParameterLayout(IEnumerable<ParameterInfo> entries)
    {
        var list = entries.ToList();
        Entries = [.. list.Where(e => e.Shared), .. list.Where(e => !e.Shared)];
        var offsets = new long[Entries.Count];
        for (var i = 0; i < Entries.Count; i++)
        {
            var entry = Entries[i];
            if (!_index.TryAdd(entry.Name, i))
                throw new ArgumentException($"Two parameters are called {entry.Name}.", nameof(entries));
            if (entry.Shape.Any(size => size <= 0))
                throw new ArgumentException($"Parameter {entry} has a size that is not positive.", nameof(entries));
            if (entry.ChannelsLast && entry.Shape.Length != 4)
                throw new ArgumentException($"Parameter {entry} cannot be channels-last: its rank is not 4.",
                    nameof(entries));
            if (entry.InputsFirst && entry.Shape.Length != 2)
                throw new ArgumentException($"Parameter {entry} cannot lie inputs first: its rank is not 2.",
                    nameof(entries));
            offsets[i] = Count;
            Count += entry.Count;
            if (entry.Shared) (SharedCount, SharedEntries) = (Count, i + 1);
        }
        Offsets = offsets;
    }

    /// <summary>The tensors, shared ones first.</summary>
    public IReadOnlyList<ParameterInfo> Entries { get; }

    /// <summary>Where each entry starts in the flat vector.</summary>
    public IReadOnlyList<long> Offsets { get; }

    /// <summary>Elements in all.</summary>
    public long Count { get; }

    /// <summary>Elements of the shared part, which lies first.</summary>
    public long SharedCount { get; }

    /// <summary>Number of shared entries.</summary>
    public int SharedEntries { get; }

    /// <summary>Position of the entry called <paramref name="name"/>.</summary>
    /// <exception cref="KeyNotFoundException">No such entry; lists the names there are.</exception>
    public int IndexOf(string name) => _index.TryGetValue(name, out var i) ? i
        : throw new KeyNotFoundException(
            $"There is no parameter {name}; there are {string.Join(", ", Entries.Select(e => e.Name))}.");

    /// <summary>Whether there is an entry of this name.</summary>
    public bool Contains(string name) => _index.ContainsKey(name);

    /// <summary>Runs of neighbouring entries that move at one rate. Entries of rate 0 are in none.</summary>
    /// <param name="rate">The rate of an entry; null for the <see cref="ParameterInfo.Rate"/> of adapted entries, and 0
    /// for others.</param>
    public IReadOnlyList<ParameterGroup> Groups(Func<ParameterInfo, double>? rate = null)
    {
        rate ??= entry => entry.Role == ParameterRole.Adapted ? entry.Rate : 0;
        var groups = new List<ParameterGroup>();
        for (var i = 0; i < Entries.Count; i++)
        {
            var (own, count) = (rate(Entries[i]), Entries[i].Count);
            if (own == 0) continue;
            if (groups.Count > 0 && groups[^1] is var last && last.Rate == own && last.Start + last.Count == Offsets[i])
                groups[^1] = last with { Count = last.Count + count };
            else groups.Add(new ParameterGroup(Offsets[i], count, own));
        }
        return groups;
    }

    /// <summary>Null when the shared parts agree in names, shapes, order; else the first difference in words.</summary>
    public string? SharedDifference(ParameterLayout other)
    {
        for (var i = 0; i < Math.Max(SharedEntries, other.SharedEntries); i++)
        {
            var mine = i < SharedEntries ? Entries[i] : null;
            var theirs = i < other.SharedEntries ? other.Entries[i] : null;
            if (mine is null || theirs is null || mine.Name != theirs.Name || !mine.Shape.AsSpan().SequenceEqual(
                theirs.Shape) || (mine.ChannelsLast, mine.InputsFirst) != (theirs.ChannelsLast, theirs.InputsFirst))
                return $"{mine?.ToString() ?? "nothing"} against {theirs?.ToString() ?? "nothing"}";
        }
        return null;
    }
}
